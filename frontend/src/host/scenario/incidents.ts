// What happened before a scenario began, in the words and shapes of the engine's own story.

import type { Entry, Evidence, IncidentView, NoticeView } from "../../generated/api";
import type { SimPool } from "./cast";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const id = (n: number) => `000000${n}-0000-4000-a000-000000000000`;

interface Told {
  at: number;
  from: string;
  to: string;
  cause: string;
  reason: string;
  evidence?: Evidence[];
}

/** Lines with their times, counted from the first as the host does it. */
function story(began: number, lines: readonly Told[]): Entry[] {
  return lines.map(({ at, evidence = [], ...rest }) => ({ atMs: began + at, afterMs: at - (lines[0]?.at ?? 0), ...rest, evidence }));
}

function silent(about: string, ageMs: number, others: readonly string[]): Evidence[] {
  return [
    ...others.map((vantage, i): Evidence => ({ vantage, about, fact: `silent for ${Math.round(ageMs / 1_000)} s`, ageMs: 250 + i * 180 })),
    { vantage: about, about, fact: "signed heartbeat, HAProxy serves", ageMs },
    { vantage: "this console", about, fact: "newest heartbeat on its own path", ageMs: ageMs + 2 },
    { vantage: "this console", about, fact: "port is silent", ageMs: ageMs % 1_000 },
  ];
}

const phases = (began: number, steps: readonly [string, number][]): IncidentView["phases"] =>
  steps.map(([name, at], i) => ({ name, atMs: began + at, ...(steps[i + 1] ? { tookMs: (steps[i + 1]?.[1] ?? at) - at } : {}) }));

/** A silent member, a move that was read back. */
export function automatic(n: number, pool: SimPool, began: number, from: string, to: string, others: string[], epoch: number): IncidentView {
  const why = `${from} is confirmed down; ${to} is ready`;
  return {
    id: id(n), pool: pool.id, poolName: pool.name, cause: "down", from, to, epoch, beganMs: began, endedMs: began + 1_976, outcome: "moved",
    evidence: silent(from, 10_390, others),
    phases: phases(began, [["confirming", 0], ["decided", 388], ["sent", 402], ["accepted", 1_076], ["verified", 1_976]]),
    entries: story(began, [
      { at: 0, from: "SUSPECT", to: "CONFIRM", cause: "active-silent", reason: `${from} has been silent for 10 s`, evidence: silent(from, 10_002, others) },
      { at: 388, from: "CONFIRM", to: "CLAIM", cause: "confirmed", reason: why, evidence: silent(from, 10_390, others) },
      { at: 402, from: "CLAIM", to: "WRITE", cause: "guards-hold", reason: why, evidence: silent(from, 10_404, others) },
      { at: 1_070, from: "WRITE", to: "WRITE", cause: "claim-won", reason: `epoch ${epoch}: the provider accepted it`, evidence: [] },
      { at: 1_076, from: "WRITE", to: "VERIFY", cause: "accepted", reason: why, evidence: silent(from, 11_078, others) },
      { at: 1_976, from: "VERIFY", to: "HOLD", cause: "read-back", reason: `epoch ${epoch} is read back`, evidence: [{ vantage: "this console", about: to, fact: "port answers", ageMs: 310 }] },
    ]),
  };
}

function held(n: number, pool: SimPool, began: number, about: string, reason: string, to: "ASK" | "NO_TARGET"): IncidentView {
  const heard = 41_000;
  return {
    id: id(n), pool: pool.id, poolName: pool.name, cause: "", beganMs: began, endedMs: began + heard, outcome: "recovered",
    evidence: silent(about, 12_000, []), phases: phases(began, [["confirming", 0], ["held", 2_000]]),
    entries: story(began, [
      { at: 0, from: "SUSPECT", to: "CONFIRM", cause: "active-silent", reason: `${about} has been silent for 10 s`, evidence: silent(about, 10_040, []) },
      { at: 2_000, from: "CONFIRM", to, cause: to === "ASK" ? "window-over" : "nobody-ready", reason, evidence: silent(about, 12_040, []) },
      { at: heard, from: to, to: "ROUTE", cause: "active-up", reason: `${about} is up: somebody hears it`, evidence: [] },
      { at: heard, from: "ROUTE", to: "STEADY", cause: "active-up", reason: `${about} is up`, evidence: [] },
    ]),
  };
}

function byHand(n: number, pool: SimPool, began: number, from: string, to: string): IncidentView {
  const reason = `ops-laptop moved traffic to ${to}`;
  return {
    id: id(n), pool: pool.id, poolName: pool.name, cause: "manual", from, to, epoch: 41, beganMs: began, endedMs: began + 2_240, outcome: "moved", evidence: [],
    phases: phases(began, [["decided", 0], ["sent", 120], ["accepted", 940], ["verified", 2_240]]),
    entries: story(began, [
      { at: 0, from: "STEADY", to: "CLAIM", cause: "operator-move", reason }, { at: 120, from: "CLAIM", to: "WRITE", cause: "guards-hold", reason },
      { at: 940, from: "WRITE", to: "VERIFY", cause: "accepted", reason }, { at: 2_240, from: "VERIFY", to: "HOLD", cause: "read-back", reason: "epoch 41 is read back" },
    ]),
  };
}

/** Everything that the list can show, newest first. */
export function past(pools: readonly SimPool[], nowMs: number): IncidentView[] {
  const edge = pools.find((pool) => pool.name === "production-edge");
  const stage = pools.find((pool) => pool.name === "staging-edge");
  if (!edge || !stage) return [];
  return [
    automatic(42, edge, nowMs - 33 * MINUTE_MS - 10_000, "edge-fra-1", "edge-ams-2", ["edge-ams-2", "edge-waw-3"], edge.epoch),
    {
      ...held(41, stage, nowMs - 5 * HOUR_MS, "edge-stg-1", "not-armed: automatic failover is not armed; there is no standby", "ASK"),
      heldReason: "not-armed: automatic failover is not armed; there is no standby", outcome: "held",
    },
    byHand(40, edge, nowMs - DAY_MS - 2 * HOUR_MS, "edge-ams-2", "edge-fra-1"),
    held(39, edge, nowMs - DAY_MS - 6 * HOUR_MS, "edge-ams-2", "one-voice: 1 of 2 needed voices say that it is silent; would promote edge-fra-1", "ASK"),
    {
      id: id(38), pool: edge.id, poolName: edge.name, cause: "service-down", from: "edge-waw-3", to: "edge-ams-2", epoch: 40,
      beganMs: nowMs - 12 * DAY_MS, endedMs: nowMs - 12 * DAY_MS, outcome: "moved-by-other", phases: [], entries: [], evidence: [],
    },
  ];
}

/** What people were told about it, newest first. */
export function told(pools: readonly SimPool[], nowMs: number): NoticeView[] {
  const edge = pools.find((pool) => pool.name === "production-edge");
  const stage = pools.find((pool) => pool.name === "staging-edge");
  if (!edge || !stage) return [];
  return [
    { topic: "moved", pool: edge.id, incident: id(42), text: "traffic moved to edge-ams-2: edge-fra-1 is confirmed down; edge-ams-2 is ready", atMs: nowMs - 33 * MINUTE_MS },
    { topic: "ask", pool: stage.id, incident: id(41), text: "edge-stg-1 seems lost and a person must decide: automatic failover is not armed", atMs: nowMs - 5 * HOUR_MS },
    { topic: "moved", pool: edge.id, incident: id(40), text: "traffic moved to edge-fra-1: ops-laptop moved traffic to edge-fra-1", atMs: nowMs - DAY_MS - 2 * HOUR_MS },
  ];
}
