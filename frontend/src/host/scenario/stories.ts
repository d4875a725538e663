// What happens in a scenario by itself: a failover as the evaluator goes through it, and a move by hand.

import type { IncidentView } from "../../generated/api";
import type { SimMember, SimPool } from "./cast";
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
  const incident: IncidentView = {
    id: "00000000-0000-4000-a000-000000000043", pool: pool.id, poolName: pool.name, cause: `${from.name} was silent for ${pool.delayS} s`, from: from.name,
    beganMs: 0, phases: [], entries: [], evidence: [], outcome: "open",
  };
  const reach = (name: string) => {
    const last = incident.phases[incident.phases.length - 1];
    if (last) last.tookMs = Date.now() - last.atMs;
    incident.phases = [...incident.phases, { name, atMs: Date.now() }];
    world.tell({ kind: "incident", value: structuredClone(incident) });
  };
  later(afterMs, () => (from.silentSinceMonoMs = performance.now()));
  later(afterMs + 3_200, () => {
    incident.beganMs = Date.now() - 3_200;
    from.health = { kind: "degraded", reason: "late: newest life 3.2 s old" };
    pool.incidentId = incident.id;
    world.incidents = [incident, ...world.incidents];
    enter(world, pool, "SUSPECT", `${from.name} is late`);
    reach("suspect");
  });
  later(afterMs + pool.delayS * 1_000, () => {
    from.health = { kind: "down", reason: `silent for ${pool.delayS} s` };
    from.sessions = 0;
    enter(world, pool, "CONFIRM", `asks the others about ${from.name}`);
    reach("confirmed");
  });
  later(afterMs + pool.delayS * 1_000 + 400, () => {
    enter(world, pool, "CLAIM", "makes sure of everything once more before writing");
    reach("decided");
    writeRecord(world, pool, to, () => {
      incident.to = to.name;
      incident.epoch = pool.epoch;
      incident.outcome = "moved";
      incident.endedMs = Date.now();
      delete pool.incidentId;
      reach("read-back");
      world.notice({ topic: "moved", pool: pool.id, incident: incident.id, text: `${from.name} was silent for ${pool.delayS} s. Clients follow within 60 s` });
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
