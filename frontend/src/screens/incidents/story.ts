// An incident as its page tells it: five phases, a timeline, and why it moved or did not. Pure; the host's entries in,
// sentences out. What the host did not measure is said to be not measured.

import type { Entry, IncidentView } from "../../generated/api";
import { seconds, sentence, took } from "../../lib/format";
import type { GlyphName } from "../../live/posture";
import { stopsOf, wayOf, wouldPromote } from "./causes";

/** What of the pool's settings the story leans on; they are those of today. */
export interface Setting {
  delayS: number | undefined;
  ttlS: number | undefined;
}

export interface Stage {
  name: string;
  /** Its length as it is shown; a dash where there is none. */
  length: string;
  words: string;
  tone: "down" | "unknown" | "active" | "ready";
}

export interface Line {
  atMs: number;
  glyph: GlyphName;
  title: string;
  detail: string;
  /** Shown among the key events; the rest only under Everything. */
  key: boolean;
  /** The machine's own words: its way and the rule that took it. Under Everything. */
  rule: string;
  evidence: readonly { vantage: string; fact: string; ageMs: number }[];
}

export interface Reason {
  held: "yes" | "no" | "unknown";
  title: string;
  detail: string;
  place?: string;
}

const DASH = "–";

/** A phase's length: seconds with one decimal, as they are compared. */
function length(ms: number): string {
  return ms < 50 ? took(ms) : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : took(ms);
}

/** Whom it is about: who was active, or whom the first evidence names. */
export function aboutOf(one: IncidentView): string | undefined {
  return one.from ?? one.entries.flatMap((entry) => entry.evidence)[0]?.about ?? one.evidence[0]?.about;
}

/** When a phase was reached, by any of its names. */
function reached(one: IncidentView, ...names: string[]): number | undefined {
  return one.phases.find((phase) => names.includes(phase.name))?.atMs;
}

/** When the member was heard last, by the oldest line that knows it. */
export function lastHeardMs(one: IncidentView): number | undefined {
  for (const entry of one.entries) {
    const life = entry.evidence.find((piece) => piece.vantage === piece.about || piece.fact.includes("heartbeat"));
    if (life && entry.atMs !== undefined) return entry.atMs - life.ageMs;
  }
  return undefined;
}

/** When the record was written; none when nothing was, or when that is not known here. */
export function movedAtMs(one: IncidentView): number | undefined {
  return one.to === undefined ? undefined : reached(one, "accepted", "verified", "read-back");
}

/** How long after the last heartbeat, or after its beginning, the record was written; none when nothing was. */
export function movedAfterMs(one: IncidentView): { ms: number; since: "last heartbeat" | "beginning" } | undefined {
  const written = movedAtMs(one);
  if (written === undefined) return undefined;
  const heard = wayOf(one) === "automatic" ? lastHeardMs(one) : undefined;
  return heard === undefined ? { ms: Math.max(0, written - one.beganMs), since: "beginning" } : { ms: Math.max(0, written - heard), since: "last heartbeat" };
}

/** Silence, Decision, DNS change, Verified, Clients follow. */
export function stagesOf(one: IncidentView, { delayS, ttlS }: Setting): Stage[] {
  const confirming = reached(one, "confirming", "confirmed");
  const decided = reached(one, "decided");
  const accepted = reached(one, "accepted");
  const verified = reached(one, "verified", "read-back");
  const held = reached(one, "held");
  const heard = lastHeardMs(one);
  const byHand = wayOf(one) === "manual";
  const said = one.cause === "service-down";
  const between = (from: number | undefined, to: number | undefined) => (from === undefined || to === undefined ? DASH : length(Math.max(0, to - from)));
  const open = one.endedMs === undefined;
  const none = open ? "not reached yet" : "not reached";
  const decideEnd = decided ?? held;
  return [
    {
      name: "Silence", tone: "down", length: byHand ? DASH : between(heard, confirming ?? decided),
      words: byHand ? "moved by hand" : said ? "it said so itself" : heard === undefined || confirming === undefined ? "not measured here" : delayS === undefined ? "before it was asked about" : `the failover delay is ${seconds(delayS)}`,
    },
    {
      name: "Decision", tone: "unknown", length: byHand && confirming === undefined ? DASH : between(confirming, decideEnd),
      words: decided !== undefined ? (byHand ? "a person decided" : "every safety check passed") : held !== undefined ? "a check did not pass" : none,
    },
    {
      name: "DNS change", tone: "active", length: between(decided, accepted),
      words: accepted !== undefined ? "the provider accepted it" : one.outcome === "failed" ? "the provider refused" : one.to !== undefined ? "not measured here" : none,
    },
    {
      name: "Verified", tone: "active", length: between(accepted, verified),
      words: verified !== undefined ? "read back at the name servers" : one.outcome === "moved-unverified" ? "not read back" : one.to !== undefined ? "not measured here" : none,
    },
    {
      name: "Clients follow", tone: "ready", length: one.to === undefined || ttlS === undefined ? DASH : `≤ ${seconds(ttlS)}`,
      words: one.to === undefined ? none : ttlS === undefined ? "within the TTL" : `the TTL is ${seconds(ttlS)}`,
    },
  ];
}

const STEP: Record<string, { glyph: GlyphName; title: (one: IncidentView, entry: Entry) => string }> = {
  SUSPECT: { glyph: "degraded", title: (_, entry) => sentence(entry.reason) },
  CONFIRM: { glyph: "down", title: (_, entry) => sentence(entry.reason) },
  REVIVE: { glyph: "working", title: () => "Its agent is being revived" },
  CLAIM: { glyph: "ready", title: (one) => (one.to ? `${one.to} chosen as the new active member` : "A move was decided") },
  WRITE: { glyph: "ready", title: () => "All guards held, the request goes out" },
  UNKNOWN: { glyph: "unknown", title: () => "It is not known whether the write landed" },
  VERIFY: { glyph: "active", title: () => "DNS changed" },
  HOLD: { glyph: "ready", title: () => "The name servers answer with the new address" },
  ASK: { glyph: "degraded", title: () => "Nothing moved, a person must decide" },
  NO_TARGET: { glyph: "down", title: () => "Nobody could take over" },
  LOCKED: { glyph: "degraded", title: () => "Automation waits for a person" },
  FAILED: { glyph: "down", title: () => "The provider refused" },
  ADOPT: { glyph: "active", title: () => "Another console decided" },
  DRIFT: { glyph: "degraded", title: () => "The record was changed by somebody else" },
  STEADY: { glyph: "ready", title: (_, entry) => sentence(entry.reason) },
  PAUSED: { glyph: "maint", title: () => "The pool was paused" },
  BLIND: { glyph: "unknown", title: () => "This console could not see" },
};

/** Oldest first: the last heartbeat, then what the machine said. Lines that take no way are only for Everything. */
export function timelineOf(one: IncidentView): Line[] {
  const lines: Line[] = [];
  const heard = wayOf(one) === "automatic" ? lastHeardMs(one) : undefined;
  if (heard !== undefined) {
    const from = aboutOf(one) ?? "the active member";
    const life = one.entries.flatMap((entry) => entry.evidence).find((piece) => piece.vantage === piece.about);
    lines.push({ atMs: heard, glyph: "dot", title: `Last heartbeat from ${from}`, detail: life ? sentence(life.fact) : "", key: true, rule: "", evidence: [] });
  }
  const told = new Set<string>();
  for (const entry of one.entries) {
    const step = entry.from === entry.to ? undefined : STEP[entry.to];
    const title = step ? step.title(one, entry) : sentence(entry.reason);
    // A reason that goes through several steps is told at the first.
    const said = sentence(entry.reason);
    lines.push({
      atMs: entry.atMs ?? one.beganMs + entry.afterMs, glyph: step?.glyph ?? "dot", title, detail: said === title || told.has(said) ? "" : said, key: step !== undefined,
      rule: [entry.from === entry.to ? `stays ${entry.to}` : `${entry.from} to ${entry.to}`, entry.cause].filter(Boolean).join(", rule "),
      evidence: entry.evidence.map(({ vantage, fact, ageMs }) => ({ vantage, fact, ageMs })),
    });
    told.add(said);
  }
  return lines;
}

/** Who else said that it was silent, by the evidence at the decision. */
function voices(one: IncidentView): string[] {
  const decided = one.entries.find((entry) => entry.to === "CLAIM" || entry.to === "ASK" || entry.to === "NO_TARGET");
  const pieces = decided && decided.evidence.length > 0 ? decided.evidence : one.evidence;
  const heard = pieces.filter((piece) => piece.vantage !== piece.about && piece.vantage !== "this console" && /^silent for /.test(piece.fact) && !piece.fact.includes("may not testify"));
  return [...new Set(heard.map((piece) => piece.vantage))];
}

const list = (names: readonly string[]) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`);

function silence(one: IncidentView, delayS: number | undefined): Reason {
  if (one.cause === "service-down") {
    return { held: "yes", title: "The active member said that its service is down", detail: factOf(one) ?? "It was heard the whole time" };
  }
  const heard = lastHeardMs(one);
  const until = reached(one, "confirming", "confirmed", "decided", "held");
  const title = one.cause === "agent-lost" ? "The agent stayed silent after reviving it" : "The active member was silent for longer than your delay";
  if (heard === undefined || until === undefined) return { held: "unknown", title, detail: "The length is not measured here" };
  const against = delayS === undefined ? "" : ` against a setting of ${seconds(delayS)}`;
  const last = factOf(one);
  return { held: "yes", title, detail: `${took(until - heard)}${against}.${last ? ` Its last report: ${last}` : ""}` };
}

function factOf(one: IncidentView): string | undefined {
  const own = one.entries.flatMap((entry) => entry.evidence).find((piece) => piece.vantage === piece.about);
  return own?.fact.replace(/^signed heartbeat, /, "");
}

/** Why it moved: the rule's inputs as sentences. */
export function whyMoved(one: IncidentView, { delayS }: Setting): Reason[] {
  const wrote = one.entries.some((entry) => entry.to === "WRITE" || entry.to === "VERIFY");
  const record: Reason = wrote
    ? { held: "yes", title: "DNS still pointed at the old member", detail: `The record was read before the write, and the write replaced exactly what was read${one.epoch === undefined ? "" : `. It is epoch ${one.epoch}`}` }
    : { held: "unknown", title: "DNS still pointed at the old member", detail: "The console that moved it has read it; its readings are not here" };
  if (one.outcome === "moved-by-other") {
    return [{ held: "yes", title: "Another console moved it", detail: "Its story is on that console. This one followed the record" }, record];
  }
  if (wayOf(one) === "manual") {
    const decided = one.entries.find((entry) => entry.to === "CLAIM");
    return [{ held: "yes", title: "A person asked for it", detail: decided ? sentence(decided.reason) : "By hand" }, record];
  }
  const others = voices(one);
  const own: Reason = others.length > 0
    ? { held: "yes", title: "The fault was not this computer", detail: `${list(others)} did not hear it either` }
    : one.cause === "service-down" ? { held: "yes", title: "The fault was not this computer", detail: "The member was heard and said it itself" }
    : { held: "unknown", title: "The fault was not this computer", detail: "No other member's word is kept with this incident" };
  const decided = one.entries.find((entry) => entry.to === "CLAIM");
  return [
    silence(one, delayS), own,
    { held: one.to ? "yes" : "unknown", title: "A standby could take over", detail: decided ? sentence(decided.reason) : `${one.to ?? "It"} was ready` },
    record,
  ];
}

/** Why it did not move: what stopped it and what to change. */
export function whyNot(one: IncidentView, setting: Setting): Reason[] {
  const reason = one.heldReason ?? [...one.entries].reverse().find((entry) => ["ASK", "NO_TARGET", "LOCKED", "FAILED"].includes(entry.to))?.reason;
  const stops = reason ? stopsOf(reason).map((stop): Reason => ({ held: "no", title: stop.what, detail: stop.remedy, ...(stop.place ? { place: stop.place.replace(":pool", one.poolName) } : {}) })) : [];
  const next = reason ? wouldPromote(reason) : undefined;
  const ready: Reason[] = next ? [{ held: "yes", title: "A standby could take over", detail: `${next} was ready` }] : [];
  if (one.outcome === "recovered") {
    const back = [...one.entries].reverse().find((entry) => ["ROUTE", "STEADY"].includes(entry.to));
    return [...stops, ...ready, { held: "no", title: "It recovered by itself", detail: back ? sentence(back.reason) : "It was heard again before anything had to move" }];
  }
  const confirmed = reached(one, "confirming", "confirmed") !== undefined ? [silence(one, setting.delayS)] : [];
  return [...confirmed, ...stops, ...ready];
}

export function reasonsOf(one: IncidentView, setting: Setting): { title: string; list: Reason[] } {
  if (one.to !== undefined) return { title: "Why it moved", list: whyMoved(one, setting) };
  return { title: one.endedMs === undefined ? "Why it has not moved" : "Why it did not move", list: whyNot(one, setting) };
}
