// What the scenario host does when it is told to: a plan first, then the same plan done.

import type { Change, MoveView, Outcome, Plan, PoolView } from "../../generated/api";
import { HostError } from "../host";
import type { SimMember, SimPool } from "./cast";
import { memberOf, poolOf } from "./reads";
import type { Play } from "./scenario-host";
import { writeRecord } from "./stories";
import { rehearsal, type World } from "./world";

async function outcome<T>(change: Change, plan: Plan, act: () => T | Promise<T>): Promise<Outcome<T>> {
  return change.dryRun ? { kind: "planned", plan } : { kind: "done", plan, result: await act() };
}

const simple = (summary: string, object: string, action: string): Plan => ({ summary, steps: [{ object, action }], warnings: [] });

export function changes(world: World): Play {
  const setPool = (change: Change, ref: string, action: string, apply: (pool: SimPool) => void): Promise<Outcome<PoolView>> => {
    const pool = poolOf(world, ref);
    return outcome(change, simple(`${action}: ${pool.name}`, pool.name, action), () => {
      apply(pool);
      world.changed(pool);
      return world.poolView(pool);
    });
  };
  const move = (change: Change, pool: SimPool, to: SimMember | undefined): Promise<Outcome<MoveView>> => {
    const from = pool.members.find((one) => one.id === pool.activeId);
    if (!to || !pool.hostname) throw refused("No standby is ready", `${pool.name} has nobody to move to`);
    if (to.id === pool.activeId) throw refused(`${to.name} is active already`, "");
    const plan: Plan = {
      summary: `move ${pool.hostname} to ${to.name}`, warnings: [],
      steps: [{ object: `${pool.hostname}. 60 A`, action: "write", ...(from ? { from: from.address } : {}), to: to.address }],
    };
    return outcome(change, plan, () => new Promise((resolve) => {
      writeRecord(world, pool, to, () => {
        world.audit = [{ id: crypto.randomUUID(), atMs: Date.now(), by: "ops on ops-laptop", command: "member_activate", request: { member: to.name } }, ...world.audit];
        resolve({ pool: pool.id, epoch: pool.epoch, ...(from ? { from: from.name } : {}), to: to.name, outcome: "verified", phases: [], evidence: [] });
      });
    }));
  };
  return {
    member_activate: ({ change, pool, member }) => move(change, poolOf(world, pool), memberOf(world, member).member),
    pool_cutover: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      const ready = sim.members.filter((one) => one.id !== sim.activeId && one.health.kind === "ready");
      return move(change, sim, ready.sort((a, b) => a.priority - b.priority)[0]);
    },
    pool_rehearse: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      return outcome(change, simple(`rehearse ${sim.name}`, sim.name, "check everything that a failover needs"), () => {
        sim.rehearsedAgoMs = 0;
        return rehearsal(sim, 0);
      });
    },
    pool_arm: ({ change, pool }) => setPool(change, pool, "turn automatic failover on", (sim) => (sim.armed = true)),
    pool_disarm: ({ change, pool }) => setPool(change, pool, "turn automatic failover off", (sim) => (sim.armed = false)),
    pool_pause: ({ change, pool, forMs, why }) =>
      setPool(change, pool, "pause for everyone", (sim) => (sim.pause = { untilMonoMs: performance.now() + forMs, why })),
    pool_acknowledge: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      return outcome(change, simple(`acknowledge the automatic moves of ${sim.name}`, sim.name, "let automation go on"), () => {
        Object.assign(sim, { state: "ROUTE", reason: "a person has seen the automatic moves", stateSinceMonoMs: performance.now() });
        world.changed(sim);
        return world.status(sim);
      });
    },
    pool_resume: ({ change, pool }) => setPool(change, pool, "end the pause", (sim) => delete sim.pause),
    watch_pause: ({ change, forMs }) => outcome(change, simple("pause this computer's watch", "this computer", "pause the watch"), () => {
      world.watch = { kind: "paused", sinceMs: Date.now(), ...(forMs === undefined ? {} : { remainingMs: forMs }) };
      world.tell({ kind: "host", value: world.host() });
      return world.host();
    }),
    watch_resume: ({ change }) => outcome(change, simple("resume this computer's watch", "this computer", "resume the watch"), () => {
      world.watch = { kind: "on" };
      world.tell({ kind: "host", value: world.host() });
      return world.host();
    }),
  };
}

function refused(message: string, detail: string): HostError {
  return new HostError({ code: "refused", message, detail, retry: { kind: "never" } });
}
