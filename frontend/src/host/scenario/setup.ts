// What the scenario host does while somebody sets up: profile, vault, pools, enrolment. DNS is in setup-dns.ts.

import type { Change, InvitationView, MemberView, Outcome, Plan, Progress, SettingsPatch } from "../../generated/api";
import { HostError } from "../host";
import type { SimMember, SimPool } from "./cast";
import { poolOf } from "./reads";
import type { Play } from "./scenario-host";
import { setupDns } from "./setup-dns";
import type { World } from "./world";

const DAY_MS = 86_400_000;
/** The steps of an enrolment with how long each takes here; what fails, fails in the words of the engine. */
const STEPS: readonly [step: string, words: string, tookMs: number][] = [
  ["relay-answers", "the agent's relay answers", 1_400],
  ["secret-accepted", "the secret is accepted by both sides", 600],
  ["source-allowed", "the source address is allowed", 80],
  ["hostname-equal", "the hostname is the enrolled one", 80],
  ["service-started", "the agent has stored everything and starts its service", 2_400],
  ["first-heartbeat", "the first heartbeat arrives", 1_100],
];
/** Addresses and names that fail, so that every failure can be looked at. */
const SILENT = "192.0.2.254";
const ENROLLED = "192.0.2.253";
const OTHER_NAME = "alias";
const WRONG_SECRET = "typo";
const MUTE = "mute";

export function planned(summary: string, steps: Plan["steps"] = [], warnings: string[] = []): Plan {
  return { summary, steps, warnings };
}

export async function told<T>(change: Change, plan: Plan, act: () => T | Promise<T>): Promise<Outcome<T>> {
  return change.dryRun ? { kind: "planned", plan } : { kind: "done", plan, result: await act() };
}

export function refusal(code: "refused" | "invalid" | "conflict" | "unauthorized" | "forbidden" | "unreachable" | "vault-locked", message: string, detail = ""): HostError {
  return new HostError({ code, message, detail, retry: code === "unreachable" ? { kind: "now" } : { kind: "never" } });
}

const wait = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

export function setup(world: World): Play {
  const invited = new Map<string, { view: InvitationView; request: { template: SimMember["template"]; priority: number; address?: string } }>();
  world.invitations = () => [...invited.values()].map((one) => one.view);
  return {
    ...setupDns(world),
    profile_init: ({ change, name, vault, secret }) => {
      if (world.profile === "ready") throw refusal("conflict", "this profile is made already");
      if (name === "") throw refusal("invalid", "a console's name has 1 to 64 bytes");
      const plan = planned(`make a profile called ${name} and a fleet of its own`, [
        { object: "vault", action: vault }, { object: "console key", action: "made here, kept in the vault" }, { object: "roster 1", action: "signed by this console as its owner" },
      ]);
      return told(change, plan, () => {
        if (vault === "file" && !secret) throw refusal("invalid", "a vault in a file needs a passphrase");
        Object.assign(world, { profile: "ready", consoleName: name, vault: { choice: vault, state: "open", words: "" } });
        return { console: "00000000-0000-4000-9000-000000000001", name, card: `sctl-card-1:${name}`, fingerprint: "SHA256:Qm4xT7uKp0vYw3s9" };
      });
    },
    vault_unlock: ({ change, secret }) => told(change, planned("unlock the vault of this host"), () => {
      if (secret === "wrong") throw refusal("vault-locked", "the passphrase does not open this vault");
      world.vault = { ...world.vault, state: "open", words: "" };
      world.tell({ kind: "host", value: world.host() });
      return world.vault;
    }),
    fleet_join: ({ change, file }) => {
      if (!file.includes("sctl")) throw refusal("invalid", "this is no pool file: it holds no signed roster");
      return told(change, planned("join the fleet of this file"), () => {
        world.pools = [...world.pools, newPool("production-edge")];
        return { fleet: "Qm4xT7uKp0vYw3s9", pools: ["production-edge"], missing: ["the DNS key of example.com"] };
      });
    },
    pool_create: ({ change, name, settings }) => {
      if (world.pools.some((one) => one.name === name)) throw refusal("conflict", `a pool called ${name} exists already`);
      return told(change, planned(`create the pool ${name}`, [{ object: "policy 1", action: "sign it" }]), () => {
        const pool = newPool(name, settings);
        world.pools = [...world.pools, pool];
        world.changed(pool);
        return world.poolView(pool);
      });
    },
    pool_update: ({ change, pool, name, settings }) => {
      const sim = poolOf(world, pool);
      const now = world.poolView(sim);
      const { probePort, preferred, ...plain } = settings;
      const steps = [
        ...(name !== undefined && name !== sim.name ? [{ object: "name", action: "rename", from: sim.name, to: name }] : []),
        ...Object.entries(plain).flatMap(([key, value]) => {
          const from = now.settings[key as keyof typeof plain];
          return from === value ? [] : [{ object: key, action: "set", from: String(from), to: String(value) }];
        }),
      ];
      return told(change, planned(`change the settings of ${sim.name}`, steps), () => {
        sim.name = name ?? sim.name;
        sim.settings = {
          ...sim.settings, ...plain,
          ...(probePort.kind === "keep" ? {} : { probePort: probePort.kind === "to" ? probePort.value : null }),
        };
        sim.delayS = plain.delayS ?? sim.delayS;
        sim.preset = plain.preset ?? sim.preset;
        if (preferred.kind === "clear") delete sim.preferred;
        if (preferred.kind === "to") sim.preferred = preferred.value;
        world.changed(sim);
        return world.poolView(sim);
      });
    },
    pool_remove: ({ change, pool }) => {
      const sim = poolOf(world, pool);
      if (sim.hostname) throw refusal("refused", `${sim.name} still manages a name: hand it back first (\`serversctl dns release\`)`);
      if (sim.members.length > 0) throw refusal("refused", `${sim.name} still has members: remove them first`);
      return told(change, planned(`remove the pool ${sim.name} from this console`), () => {
        world.pools = world.pools.filter((one) => one !== sim);
        world.tell({ kind: "pool-removed", value: sim.id });
        return { leftBehind: [] };
      });
    },
    member_update: ({ change, member, name, priority, sources, address }) => {
      const found = world.member(member);
      if (!found) throw refusal("invalid", `no member is called ${member}`);
      return told(change, planned(`change ${found.member.name}`, [{ object: "roster", action: "sign the next version" }]), () => {
        Object.assign(found.member, { ...(name ? { name } : {}), ...(priority === undefined ? {} : { priority }), ...(address ? { address } : {}) });
        void sources;
        world.changed(found.pool);
        return world.memberView(found.pool, found.member);
      });
    },
    member_invite: ({ change, pool, hostname, name, sources, address, template, priority }) => {
      const sim = poolOf(world, pool);
      const called = name ?? hostname;
      if (world.member(called)) throw refusal("conflict", `a member called ${called} exists already; remove it or choose another name`);
      if (sources.length === 0) throw refusal("invalid", "name at least one address that this VM's connections come from");
      const plan = planned(`invite ${hostname} into ${sim.name}`, [{ object: "secret", action: "make one, show it once, keep only what can check it for 24 hours" }]);
      return told(change, plan, () => {
        const view: InvitationView = {
          id: `1e${String(invited.size).padStart(6, "0")}`, member: crypto.randomUUID(), pool: sim.id, hostname, name: called, sources,
          expiresMs: Date.now() + DAY_MS,
        };
        invited.set(view.id, { view, request: { template, priority, ...(address ? { address } : {}) } });
        return {
          invitation: view, secret: "9f3c07ab51d2e8847760bb1e34ac95d20817fe6639ac41d5", command: `balctl-agent enrol --hostname ${hostname}`,
          fleetFingerprint: "Qm4xT7uK",
        };
      });
    },
    member_enrol: ({ change, invitation, address }, onProgress) => {
      const found = invited.get(invitation);
      if (!found) throw refusal("invalid", `no invitation is called ${invitation}`);
      const plan = planned(`call ${address} and enrol ${found.view.hostname}`, [{ object: "roster", action: "sign the next version with this member in it" }]);
      return told(change, plan, async () => {
        await play(found.view, address, onProgress ?? (() => undefined));
        invited.delete(invitation);
        return enrolled(world, found.view, found.request, address);
      });
    },
  };
}

/** Goes through the steps; ends where this address or name fails. */
async function play(view: InvitationView, address: string, onProgress: (line: Progress) => void): Promise<void> {
  const began = performance.now();
  const ip = address.replace(/:\d+$/, "");
  const line = (step: string, state: Progress["state"], words: string) => onProgress({ step, state, words, atMs: Math.round(performance.now() - began) });
  const failing: Record<string, HostError | undefined> = {
    "relay-answers": ip === SILENT
      ? refusal("unreachable", "the agent's relay does not answer; if SSH does, port 7443 is likely closed in a firewall or cloud security group", `connecting to ${ip}:7443: deadline has elapsed`)
      : ip === ENROLLED ? refusal("conflict", `the agent at ${ip}:7443 is enrolled already; run \`balctl-agent enrol\` there to enrol it anew`) : undefined,
    "secret-accepted": view.hostname.startsWith(WRONG_SECRET) ? refusal("unauthorized", `the secret given at ${ip} is not the one made for ${view.name}; paste the 48 characters that were shown for it, or make a new secret`) : undefined,
    "source-allowed": view.sources.some((one) => one === ip || one.includes("/")) ? undefined
      : refusal("forbidden", `source ${ip} is not among allowed ${view.sources.join(", ")} of ${view.name}`),
    "hostname-equal": view.hostname.startsWith(OTHER_NAME)
      ? refusal("forbidden", `agent says host7, enrolled as ${view.hostname}; set BALCTL_HOSTNAME=${view.hostname} on the member or accept host7`) : undefined,
    "first-heartbeat": view.hostname.startsWith(MUTE)
      ? refusal("unreachable", `${view.name} is enrolled, but no heartbeat arrived within 60 s; look at \`journalctl -u balctl-heartbeat.service\` there`) : undefined,
  };
  for (const [step, words, tookMs] of STEPS) {
    line(step, "running", words);
    await wait(ip === SILENT ? 100_000 : tookMs);
    const failed = failing[step];
    if (failed) {
      line(step, "failed", failed.message);
      throw failed;
    }
    line(step, "done", words);
  }
}

function enrolled(world: World, view: InvitationView, request: { template: SimMember["template"]; priority: number; address?: string }, address: string): MemberView {
  const pool = poolOf(world, view.pool);
  const edge = request.template === "haproxy-edge";
  const member: SimMember = {
    id: view.member, name: view.name, address: request.address ?? address.replace(/:\d+$/, ""), template: request.template, priority: request.priority,
    enrolledAgoMs: 0, cpuPercent: 3, memoryPercent: 27, sessions: 0, os: "Debian GNU/Linux 12 (bookworm)", health: { kind: "ready" },
    serversUp: edge ? 6 : 0, serversDown: 0,
  };
  pool.members = [...pool.members, member];
  world.changed(pool);
  return world.memberView(pool, member);
}

export function newPool(name: string, settings: Partial<SettingsPatch> = {}): SimPool {
  return {
    id: crypto.randomUUID(), name, preset: settings.preset ?? "haproxy", delayS: settings.delayS ?? 30, armed: false, epoch: 0, state: "ROUTE",
    stateSinceMonoMs: performance.now(), reason: "no managed hostname", members: [],
  };
}

/** Scenario `setup`: the fleet, and a pool that was just made. Scenario `locked`: everything waits behind the vault. */
export function begin(world: World, scenario: string): void {
  if (scenario === "fresh") world.profile = "missing";
  if (scenario === "setup") world.pools = [...world.pools, { ...newPool("new-edge"), id: "00000000-0000-4000-8000-000000009001" }];
  if (scenario === "locked") {
    world.vault = { choice: "file", state: "locked", words: "it opens with its passphrase" };
  }
  const edge = world.pool("production-edge");
  if (scenario === "third" && edge) {
    const active = edge.members.find((one) => one.id === edge.activeId);
    if (active) Object.assign(active, { health: { kind: "down", reason: "silent for 10 s" }, silentSinceMonoMs: performance.now(), sessions: 0 });
    Object.assign(edge, { state: "LOCKED", reason: "it would be the third automatic move within two hours", stateSinceMonoMs: performance.now() });
  }
  // Another fleet's marker stands at the name; nobody wrote into a record of ours.
  if (scenario === "foreign" && edge) Object.assign(edge, { drifted: "203.0.113.10" });
  if (scenario === "drift" && edge) {
    Object.assign(edge, { state: "DRIFT", reason: "the record was changed by others", drifted: "203.0.113.99" });
  }
}
