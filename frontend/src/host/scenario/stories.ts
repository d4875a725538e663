// What happens in a scenario by itself: a failover as the evaluator goes through it, and a move by hand.

import type { IncidentView } from "../../generated/api";
import type { SimMember, SimPool } from "./cast";
import { automatic } from "./incidents";
import type { World } from "./world";

type Later = (ms: number, work: () => void) => void;

const later: Later = (ms, work) => void setTimeout(work, ms);

export function enter(world: World, pool: SimPool, state: string, reason: string): void {
  pool.state = state;
  pool.reason = reason;
  pool.stateSinceMonoMs = performance.now();
  world.changed(pool);
}

/** The active member falls silent; the watch goes through its states and moves the record. */
export function playFailover(world: World, pool: SimPool, afterMs: number): void {
  const from = pool.members.find((one) => one.id === pool.activeId);
  const to = pool.members.find((one) => one.id !== pool.activeId && one.health.kind === "ready");
  if (!from || !to) return;
  const others = pool.members.filter((one) => one !== from).map((one) => one.name);
  let incident: IncidentView | undefined;
  /** The incident as far as its story has come. */
  const reach = (untilMs: number, outcome: IncidentView["outcome"]) => {
    const began = incident?.beganMs ?? Date.now();
    const { to: target, epoch, endedMs, ...whole } = automatic(43, pool, began, from.name, to.name, others, pool.epoch);
    const moved = outcome === "moved";
    incident = {
      ...whole, outcome, phases: whole.phases.filter((one) => one.atMs <= began + untilMs), entries: whole.entries.filter((one) => (one.atMs ?? 0) <= began + untilMs),
      ...(moved && target && epoch && endedMs ? { to: target, epoch, endedMs } : {}),
    };
    world.incidents = [incident, ...world.incidents.filter((one) => one.id !== whole.id)];
    world.tell({ kind: "incident", value: structuredClone(incident) });
  };
  later(afterMs, () => (from.silentSinceMonoMs = performance.now()));
  later(afterMs + 3_200, () => {
    from.health = { kind: "degraded", reason: "late: newest life 3.2 s old" };
    enter(world, pool, "SUSPECT", `${from.name} is late`);
  });
  later(afterMs + pool.delayS * 1_000, () => {
    from.health = { kind: "down", reason: `silent for ${pool.delayS} s` };
    from.sessions = 0;
    reach(0, "open");
    if (incident) pool.incidentId = incident.id;
    enter(world, pool, "CONFIRM", `asks the others about ${from.name}`);
  });
  later(afterMs + pool.delayS * 1_000 + 400, () => {
    enter(world, pool, "CLAIM", "makes sure of everything once more before writing");
    reach(402, "open");
    writeRecord(world, pool, to, () => {
      reach(9_999, "moved");
      delete pool.incidentId;
      world.notice({ topic: "moved", pool: pool.id, ...(incident ? { incident: incident.id } : {}), text: `traffic moved to ${to.name}: ${from.name} is confirmed down; ${to.name} is ready` });
    });
  });
}

/** Claims, writes and reads back; then `done`. */
export function writeRecord(world: World, pool: SimPool, to: SimMember, done: () => void): void {
  later(500, () => enter(world, pool, "WRITE", "writes the record"));
  later(1_200, () => {
    const sessions = pool.members.reduce((most, one) => Math.max(most, one.sessions), 0);
    for (const one of pool.members) one.sessions = one.id === to.id ? Math.max(sessions, 240) : 0;
    pool.activeId = to.id;
    pool.epoch += 1;
    enter(world, pool, "VERIFY", "reads the new record back");
  });
  later(2_100, () => {
    enter(world, pool, "HOLD", `${to.name} took over; hold-down for 5 min`);
    done();
    world.changed(pool);
  });
}
