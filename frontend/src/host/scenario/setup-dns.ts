// The managed name in the scenarios: set, adopt, test, drift, hand back.

import type { DnsView, Rehearsal, TestReport } from "../../generated/api";
import type { SimPool } from "./cast";
import { poolOf } from "./reads";
import type { Play } from "./scenario-host";
import { planned, refusal, told } from "./setup";
import { rehearsal, type World } from "./world";

const ZONE = "example.com";
const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export function setupDns(world: World): Play {
  const label = (text: string) => (text.endsWith(`.${ZONE}`) ? text : `${text}.${ZONE}`);
  return {
    dns_show: ({ pool }) => dnsView(world, poolOf(world, pool)),
    dns_set: ({ change, pool, provider, label: wanted, ttlS }) => {
      const sim = poolOf(world, pool);
      if (sim.armed) throw refusal("refused", "automatic failover is on: turn it off before changing the name");
      const hostname = label(wanted);
      const other = world.pools.find((one) => one !== sim && one.hostname === hostname);
      if (other) throw refusal("refused", `${hostname} is managed by the pool ${other.name} already`);
      const plan = planned(`manage ${hostname} at ${provider}`, [
        { object: "policy", action: "sign the next version; the record itself is not touched before it is adopted" },
      ]);
      return told(change, plan, () => {
        Object.assign(sim, { hostname, provider, adopted: false, settings: { ...sim.settings, ...(ttlS === undefined ? {} : { ttlS }) } });
        delete sim.activeId;
        world.changed(sim);
        return dnsView(world, sim);
      });
    },
    dns_adopt: ({ change, pool, member, shown }) => {
      const sim = poolOf(world, pool);
      const before = recordOf(sim);
      if (shown !== undefined && shown !== before) throw refusal("refused", `the record is ${before} now, not ${shown} as it was shown: look again`);
      const target = sim.members.find((one) => (member === undefined ? one.address === before : one.id === member || one.name === member));
      if (!target) throw refusal("refused", `${before || "nothing"} is no member's address: name the member that should be active`);
      const plan = planned(`adopt ${sim.hostname} with ${target.name} active`, [
        { object: `${sim.hostname}`, action: "A", from: before || "nothing", to: target.address }, { object: `_sctl.${sim.hostname}`, action: "the first marker" },
      ], before === "" ? [] : ["old answers may live on for 3600 s"]);
      return told(change, plan, () => {
        Object.assign(sim, { adopted: true, activeId: target.id, epoch: sim.epoch + 1, state: "STEADY", reason: `${target.name} is up`, stateSinceMonoMs: performance.now() });
        delete sim.drifted;
        world.changed(sim);
        return dnsView(world, sim);
      });
    },
    dns_release: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      if (sim.armed) throw refusal("refused", "automatic failover is on: turn it off before giving the name back");
      const plan = planned(`hand ${sim.hostname} back as it stands`, [
        { object: `_sctl.${sim.hostname}`, action: "delete the marker" }, { object: "policy", action: "sign the next version without a name" },
      ]);
      return told(change, plan, () => {
        for (const key of ["hostname", "provider", "activeId", "adopted"] as const) delete sim[key];
        Object.assign(sim, { state: "ROUTE", reason: "no managed hostname" });
        world.changed(sim);
        return dnsView(world, sim);
      });
    },
    dns_test: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      return told(change, planned(`prove at _sctl-probe.${sim.hostname} that a move is a compare-and-set`), async () => {
        await wait(700);
        return claim();
      });
    },
    drift_resolve: ({ change, pool, way }) => {
      const sim = poolOf(world, pool);
      return told(change, planned(`${way === "adopt" ? "take the record over as it stands" : "put the record back"} for ${sim.name}`), async () => {
        await wait(900);
        if (way === "adopt") {
          const there = sim.members.find((one) => one.address === sim.drifted);
          if (!there) throw refusal("refused", `${sim.drifted} is no member's address: put the record back, or enrol that server first`);
          sim.activeId = there.id;
        }
        delete sim.drifted;
        Object.assign(sim, { state: "STEADY", reason: "the record is ours again", stateSinceMonoMs: performance.now() });
        world.changed(sim);
        return dnsView(world, sim);
      });
    },
    pool_rehearse: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      return told(change, planned(`rehearse the failover of ${sim.name}`), async () => {
        await wait(1_600);
        sim.rehearsal = rehearse(sim);
        sim.rehearsedAgoMs = 0;
        world.changed(sim);
        return sim.rehearsal;
      });
    },
  };
}

/** What stands at the name. */
const recordOf = (sim: SimPool): string => sim.drifted ?? sim.members.find((one) => one.id === sim.activeId)?.address ?? "";

function dnsView(world: World, sim: SimPool): DnsView {
  const { ttlS } = world.poolView(sim).settings;
  const base = { pool: sim.id, ttlS, epoch: sim.epoch };
  if (!sim.hostname) return { ...base, state: "unset", words: "no name is set for this pool" };
  const named = { ...base, hostname: sim.hostname, provider: sim.provider ?? "edge-dns", zone: ZONE };
  const a = recordOf(sim);
  if (sim.adopted === false) {
    return { ...named, state: "not-adopted", words: "the name is set, but its record has not been adopted", register: { a: a ? [a] : [], markers: [], ageMs: 120 } };
  }
  const marker = `v=sctl1 e=${sim.epoch} m=${sim.members.find((one) => one.id === sim.activeId)?.name ?? ""}`;
  return {
    ...named, target: a, register: { a: [a], markers: [marker], ageMs: 120 },
    ...(sim.drifted ? { state: "drift", words: "A and marker do not belong together" } : { state: "managed", words: `points at ${a} since epoch ${sim.epoch}` }),
  };
}

function claim(): TestReport {
  const names = ["the key may write", "a record can be created", "a wrong expectation is refused", "the same write twice is one", "it reads back", "it can be deleted"];
  return {
    passed: true, atMs: Date.now(), summary: "a move here is a compare-and-set",
    checks: names.map((name) => ({ name, outcome: "passed", words: "", tookMs: 0 })),
  };
}

/** The checks of the engine, in its words. */
function rehearse(sim: SimPool): Rehearsal {
  const base = rehearsal(sim, 0);
  const active = sim.members.find((one) => one.id === sim.activeId);
  const next = sim.members.find((one) => one.id !== sim.activeId && one.health.kind === "ready");
  const check = (name: string, good: boolean, words: string, tookMs: number) => ({ name, outcome: good ? "passed" as const : "failed" as const, words, tookMs });
  const checks = sim.hostname ? [
    check("a move is a compare-and-set", true, "a move here is a compare-and-set", 412),
    check("the record is ours", active !== undefined && !sim.drifted, active ? `epoch ${sim.epoch}, ${active.address} for 60 s` : "it has not been adopted yet", 38),
    check("the zone does not die with a member", true, "", 96),
    check("resolvers ask this zone", true, "every delegated server serves it", 184),
    check("traffic is on the active member", active !== undefined, active ? `${active.name} is up` : "nobody is active", 2),
    check("a standby is ready", next !== undefined, next ? `${next.name} is ready` : "the pool has only one member", 2),
    check("enough voters are heard", sim.members.length > 1, `${sim.members.length} of ${sim.members.length} voters heard, 2 needed`, 1),
  ] : [check("DNS provider", false, "no DNS name is set", 0)];
  return {
    ...base, green: checks.every((one) => one.outcome === "passed"), checks,
    survives: sim.members.length < 2 ? ["nothing: a pool needs two members"] : ["the active member"],
    vantages: sim.members.map((one) => `${one.name}: ${one.health.kind}`),
  };
}
