// The simulated world: what the host would say of it now. Deterministic in the clock, so that a test sees the same twice.

import type {
  Answer, AuditEntry, Beat, Event, EventBody, HostStatus, IncidentView, InvitationView, Light, MemberStatus, MemberView, NoticeView, PoolStatus, PoolView,
  Rehearsal, VaultView, WatchView,
} from "../../generated/api";
import type { SimMember, SimPool } from "./cast";
import { past } from "./incidents";

const MIB = 1_048_576;
export const CONSOLE_ID = "00000000-0000-4000-9000-000000000001";

export class World {
  pools: SimPool[];
  incidents: IncidentView[];
  audit: AuditEntry[] = [];
  watch: WatchView = { kind: "on" };
  profile: HostStatus["profile"] = "ready";
  vault: VaultView = { choice: "keychain", state: "open", words: "" };
  consoleName = "ops-laptop";
  invitations: () => InvitationView[] = () => [];
  revision = 1;
  #listeners = new Set<(event: Event) => void>();

  constructor(pools: SimPool[]) {
    this.pools = pools;
    const now = performance.now();
    for (const pool of pools) {
      pool.stateSinceMonoMs += now;
      for (const member of pool.members) if (member.silentAtStartMs !== undefined) member.silentSinceMonoMs = now - member.silentAtStartMs;
    }
    this.incidents = past(pools, Date.now());
    this.audit = deeds();
  }

  listen(onEvent: (event: Event) => void): () => void {
    this.#listeners.add(onEvent);
    return () => this.#listeners.delete(onEvent);
  }

  tell(body: EventBody): void {
    this.revision += 1;
    for (const listener of this.#listeners) listener({ revision: this.revision, body });
  }

  changed(pool: SimPool): void {
    this.tell({ kind: "pool", value: this.status(pool) });
  }

  notice(notice: Omit<NoticeView, "atMs">): void {
    this.tell({ kind: "notice", value: { ...notice, atMs: Date.now() } });
  }

  pool(ref: string): SimPool | undefined {
    return this.pools.find((pool) => pool.id === ref || pool.name === ref);
  }

  member(ref: string): { pool: SimPool; member: SimMember } | undefined {
    for (const pool of this.pools) {
      const member = pool.members.find((one) => one.id === ref || one.name === ref);
      if (member) return { pool, member };
    }
    return undefined;
  }

  host(): HostStatus {
    return {
      version: "1.0.0", profile: this.profile, console: CONSOLE_ID, name: this.profile === "ready" ? this.consoleName : "", fleet: "Qm4xT7uKp0vYw3s9", kind: "desktop", pid: 4711,
      upMs: performance.now(), watch: this.watch, vault: this.profile === "ready" ? this.vault : { state: "absent", words: "no vault is open" }, revision: this.revision,
    };
  }

  status(pool: SimPool): PoolStatus {
    const now = performance.now();
    const order = [...pool.members].sort((a, b) => Number(b.id === pool.activeId) - Number(a.id === pool.activeId) || a.priority - b.priority);
    const members = order.map((member) => this.memberStatus(pool, member));
    const ready = members.filter((one) => one.ready.verdict === "yes");
    const active = members.find((one) => one.id === pool.activeId);
    return {
      id: pool.id, name: pool.name, ...(pool.hostname ? { hostname: pool.hostname } : {}),
      traffic: traffic(active), standbys: standbys(pool, members, ready), wouldMove: wouldMove(pool, ready),
      state: pool.state, stateAgeMs: Math.max(0, now - pool.stateSinceMonoMs), reason: pool.reason, epoch: pool.epoch,
      ...(pool.activeId ? { active: pool.activeId } : {}), armed: pool.armed,
      ...(pool.pause ? { pause: { remainingMs: Math.max(0, pool.pause.untilMonoMs - now), by: "ops-laptop", why: pool.pause.why } } : {}),
      lease: { kind: "mine" },
      voters: { heard: members.filter((one) => one.ageMs !== undefined && one.ageMs < 3_000).length, needed: Math.floor(members.length / 2) + 1, total: members.length },
      members,
      ...(pool.hostname && active
        ? { register: { a: [active.address], markers: [`v=sctl1 e=${pool.epoch} m=${active.name}`], ageMs: 9_000 + (now % 20_000) } }
        : {}),
      ...(pool.incidentId ? { incident: pool.incidentId } : {}),
      ...(pool.blind ? { blind: pool.blind } : {}),
    };
  }

  memberStatus(pool: SimPool, member: SimMember): MemberStatus {
    const ageMs = ageOf(member);
    const active = member.id === pool.activeId;
    const live = ageMs < 3_000;
    const well = member.health.kind === "ready";
    const bar = active ? "is not a standby" : !pool.hostname ? "the pool has no managed hostname" : well ? "" : "reason" in member.health ? member.health.reason : "";
    return {
      id: member.id, name: member.name, address: member.address, role: active ? "active" : "standby",
      verdict: live ? "up" : member.health.kind === "down" ? "down" : member.health.kind === "degraded" ? "suspect" : "unknown",
      health: member.health, ready: bar === "" ? yes("could take over now") : no(bar), ageMs,
      evidence: [{ vantage: "this console", about: member.name, fact: live ? "its newest signed heartbeat" : "no heartbeat by any relay", ageMs }],
      lights: {
        agent: light(live ? "on" : "off", "any relay", "its newest signed heartbeat", ageMs),
        relay: light(live ? "on" : "off", "this console", live ? "connected" : "no answer on port 7443", ageMs),
        ssh: light("unknown", "this console", "no SSH road is set up"),
        service: member.template !== "haproxy-edge" ? light("unknown", "the member itself", "HAProxy is not watched there")
          : light(live ? "on" : "unknown", "the member itself", live ? "HAProxy serves" : "not heard", ageMs),
      },
    };
  }

  memberView(pool: SimPool, member: SimMember): MemberView {
    const beat = Math.floor(performance.now() / 10_000);
    const wobble = (by: number) => Math.round((noise(member.name, beat) - 0.5) * by);
    return {
      id: member.id, pool: pool.id, poolName: pool.name, name: member.name, hostname: `${member.name}.example.com`, address: member.address,
      relay: `${member.address}:7443`, sources: [member.address], template: member.template, priority: member.priority,
      fingerprint: "SHA256:9f3c07ab51d2e8847760bb1e34ac95d2", enrolledMs: Date.now() - member.enrolledAgoMs, agentVersion: "1.0.0",
      status: this.memberStatus(pool, member),
      ...(member.template === "haproxy-edge"
        ? {
            haproxy: {
              monitored: true, unit: "active", down: "none", reason: "", cfgSha256: "a1b2", cfgValid: true, version: "3.2.4", restarts: 0, listeners: [],
              stat: {
                serversUp: member.serversUp, serversDown: member.serversDown, serversDrain: 0, serversMaint: 0, backendsDown: 0,
                sessions: member.sessions > 0 ? member.sessions + wobble(24) : 0, sessionRate: member.id === pool.activeId ? Math.round(member.sessions * 3.1) + wobble(90) : 0,
              },
            },
          }
        : {}),
      figures: {
        loadCenti: Math.max(1, member.cpuPercent + wobble(4)) * 4, cpus: 4, memoryUsedBytes: Math.round(member.memoryPercent * 81.92) * MIB,
        memoryTotalBytes: 8192 * MIB, diskUsedBytes: 21_000_000_000, diskTotalBytes: 80_000_000_000, uptimeS: 2_600_000, os: member.os,
      },
    };
  }

  /** The heartbeats of the last second; a silent member has none. */
  beats(): Beat[] {
    const seq = Math.floor(performance.now() / 1_000);
    return this.pools.flatMap((pool) => pool.members.filter((one) => one.silentSinceMonoMs === undefined).map((member): Beat => {
      const wobble = (by: number) => Math.round((noise(member.name, seq) - 0.5) * by);
      return {
        member: member.id, pool: pool.id, ageMs: ageOf(member), seq, cpus: 4, loadCenti: Math.max(1, member.cpuPercent + wobble(4)) * 4,
        memoryUsedBytes: Math.round(member.memoryPercent * 81.92) * MIB, memoryTotalBytes: 8192 * MIB, diskUsedBytes: 21_000_000_000, diskTotalBytes: 80_000_000_000,
        ...(member.template !== "haproxy-edge" ? {} : {
          haproxy: {
            sessions: member.sessions > 0 ? member.sessions + wobble(24) : 0, sessionRate: member.id === pool.activeId ? Math.max(1, Math.round(member.sessions * 3.1) + wobble(member.sessions / 5)) : 0,
            serversUp: member.serversUp, serversDown: member.serversDown, backendsDown: 0,
          },
        }),
      };
    }));
  }

  poolView(pool: SimPool): PoolView {
    return {
      id: pool.id, name: pool.name, policyVersion: 7, ...(pool.hostname ? { hostname: pool.hostname } : {}),
      settings: {
        preset: pool.preset, delayS: pool.delayS, ttlS: 60, voices: 2, targets: "public", agentLost: "service-confirmed", doubleFault: "ask",
        arming: pool.armed ? "armed" : "shadow", probePort: 443, dynamicDns: "off", ...pool.settings,
      },
      ...(pool.preferred ? { preferred: pool.preferred } : {}),
      ...(pool.rehearsedAgoMs !== undefined ? { rehearsal: pool.rehearsal ?? rehearsal(pool, pool.rehearsedAgoMs) } : {}), members: pool.members.length,
    };
  }
}

/** Age of a member's newest heartbeat: one a second with some jitter, or growing since it fell silent. */
function ageOf(member: SimMember): number {
  const now = performance.now();
  if (member.silentSinceMonoMs !== undefined) return Math.round(now - member.silentSinceMonoMs);
  const jitter = noise(member.name, Math.floor(now / 1_000));
  return Math.round(40 + jitter * jitter * 1_500);
}

/** A number from 0 to 1 that only depends on its two keys. */
export function noise(name: string, n: number): number {
  let hash = n * 2_654_435_761;
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619);
  hash ^= hash >>> 15;
  return ((hash >>> 0) % 1_000) / 1_000;
}

export const yes = (reason: string): Answer => ({ verdict: "yes", reason, evidence: [] });
export const no = (reason: string): Answer => ({ verdict: "no", reason, evidence: [] });

function light(state: Light["state"], vantage: string, words: string, ageMs?: number): Light {
  return { state, vantage, words, ...(ageMs !== undefined ? { ageMs } : {}) };
}

function traffic(active: MemberStatus | undefined): Answer {
  if (!active) return { verdict: "unknown", reason: "no marker names an active member", evidence: [] };
  if (active.health.kind === "ready") return yes(`${active.name} is up`);
  const why = "reason" in active.health ? active.health.reason : "";
  return active.health.kind === "down" ? no(`${active.name} is down: ${why}`) : yes(`${active.name} is degraded: ${why}`);
}

function standbys(pool: SimPool, members: MemberStatus[], ready: MemberStatus[]): Answer {
  if (!pool.hostname) return no("the pool has no managed hostname");
  if (members.length < 2) return no("the pool has only one member");
  const next = ready[0];
  return next ? yes(`${next.name} is ready`) : no("no standby is ready");
}

function wouldMove(pool: SimPool, ready: MemberStatus[]): Answer {
  const next = ready[0];
  if (!pool.hostname) return no("no managed hostname");
  if (!next) return no("no standby is ready");
  return pool.armed ? yes(`to ${next.name} within 11 s`) : no("automatic failover is off");
}

export function rehearsal(pool: SimPool, agoMs: number): Rehearsal {
  const next = pool.members.find((one) => one.id !== pool.activeId && one.health.kind === "ready");
  return {
    green: next !== undefined, atMs: Date.now() - agoMs,
    checks: [
      { name: "claim probe", outcome: "passed", words: "a compare-and-set on the zone was accepted and refused as it must", tookMs: 312 },
      { name: "delegation", outcome: "passed", words: "the parent names the servers that were asked", tookMs: 88 },
      { name: "standby", outcome: next ? "passed" : "failed", words: next ? `${next.name} is ready` : "no standby is ready", tookMs: 4 },
    ],
    survives: pool.members.filter((one) => one.id !== pool.activeId).length > 1 ? ["the loss of any one member"] : [], vantages: ["every member about every other"],
  };
}

function deeds(): AuditEntry[] {
  const ago = (minutes: number) => Date.now() - minutes * 60_000;
  const by = "ops on ops-laptop";
  return [
    { id: "a4", atMs: ago(74), by, command: "dns_test", request: { pool: "production-edge" } },
    { id: "a3", atMs: ago(112), by, command: "pool_rehearse", request: { pool: "production-edge" } },
    { id: "a2", atMs: ago(160), by, command: "member_enrol", request: { hostname: "edge-waw-3" } },
    { id: "a1", atMs: ago(1_500), by, command: "pool_arm", request: { pool: "production-edge" } },
  ];
}
