// What the scenario host answers when it is only asked.

import { HostError } from "../host";
import type { SimPool } from "./cast";
import type { Play } from "./scenario-host";
import type { World } from "./world";

export function poolOf(world: World, ref: string): SimPool {
  const pool = world.pool(ref);
  if (pool) return pool;
  throw new HostError({ code: "not-found", message: `No pool is called ${ref}`, detail: "", retry: { kind: "never" } });
}

export function memberOf(world: World, ref: string) {
  const found = world.member(ref);
  if (found) return found;
  throw new HostError({ code: "not-found", message: `No member is called ${ref}`, detail: "", retry: { kind: "never" } });
}

export function reads(world: World): Play {
  const byName = () => [...world.pools].sort((a, b) => a.name.localeCompare(b.name));
  return {
    host_status: () => world.host(),
    pool_status: ({ pool }) => ({
      revision: world.revision, pools: (pool === undefined ? byName() : [poolOf(world, pool)]).map((one) => world.status(one)),
    }),
    pool_list: () => ({ pools: byName().map((pool) => world.poolView(pool)) }),
    pool_show: ({ pool }) => world.poolView(poolOf(world, pool)),
    pool_explain: ({ pool }) => {
      const status = world.status(poolOf(world, pool));
      return {
        pool: status.id, name: status.name, state: status.state, sinceMs: status.stateAgeMs, reason: status.reason,
        evidence: status.members.flatMap((member) => member.evidence), missing: status.armed ? [] : [{ what: "automatic failover is off", remedy: "rehearse, then arm" }],
        next: [{ what: "nothing, as long as this stays so" }], entries: world.incidents.flatMap((one) => (one.pool === status.id ? one.entries : [])),
      };
    },
    pool_what_if: ({ pool }) => {
      const status = world.status(poolOf(world, pool));
      const next = status.members.find((member) => member.ready.verdict === "yes");
      return {
        pool: status.id, supposed: "the active member dies", conclusion: next ? `DNS moves to ${next.name}` : "nothing moves: no standby is ready",
        ...(next && status.armed ? { target: next.name, writeAfterMs: 10_900 } : {}), entries: [],
      };
    },
    member_list: ({ pool }) => ({
      members: world.pools.filter((one) => pool === undefined || one.id === pool || one.name === pool)
        .flatMap((one) => one.members.map((member) => world.memberView(one, member))),
      invitations: world.invitations().filter((one) => pool === undefined || one.pool === pool),
    }),
    member_show: ({ member }) => {
      const found = memberOf(world, member);
      return world.memberView(found.pool, found.member);
    },
    dns_show: ({ pool }) => {
      const sim = poolOf(world, pool);
      const { register } = world.status(sim);
      const target = sim.members.find((one) => one.id === sim.activeId)?.name;
      return {
        pool: sim.id, ...(sim.hostname ? { hostname: sim.hostname, provider: "edge-dns", zone: "example.com" } : {}), ttlS: 60,
        state: sim.hostname ? "managed" : "unset", words: sim.hostname ? "the record is ours" : "no name is set", epoch: sim.epoch,
        ...(target ? { target } : {}), ...(register ? { register } : {}),
      };
    },
    incident_list: ({ pool, limit }) => ({
      incidents: world.incidents.filter((one) => pool === undefined || one.pool === pool || one.poolName === pool).slice(0, limit ?? 50).map((one) => ({ ...one, entries: [], evidence: [] })),
    }),
    incident_show: ({ incident }) => {
      const found = world.incidents.find((one) => one.id === incident || one.id.startsWith(incident));
      if (found) return found;
      throw new HostError({ code: "not-found", message: "No such incident", detail: "", retry: { kind: "never" } });
    },
    audit_list: ({ limit }) => ({ entries: world.audit.slice(0, limit ?? 50) }),
  };
}
