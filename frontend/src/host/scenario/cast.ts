// Who is in the scenarios: the fleet of the mockups, as the api's own types.

import type { Health, PoolStatus, Preset, Rehearsal, Settings, Template } from "../../generated/api";

export interface SimMember {
  id: string;
  name: string;
  address: string;
  template: Template;
  priority: number;
  enrolledAgoMs: number;
  cpuPercent: number;
  memoryPercent: number;
  sessions: number;
  os: string;
  health: Health;
  /** Since when nothing is heard, as an age at the start; none while it beats. */
  silentAtStartMs?: number;
  silentSinceMonoMs?: number;
  serversUp: number;
  serversDown: number;
}

export interface SimPool {
  id: string;
  name: string;
  preset: Preset;
  hostname?: string;
  provider?: string;
  delayS: number;
  armed: boolean;
  rehearsedAgoMs?: number;
  preferred?: string;
  activeId?: string;
  epoch: number;
  state: string;
  stateSinceMonoMs: number;
  reason: string;
  incidentId?: string;
  blind?: PoolStatus["blind"];
  pause?: { untilMonoMs: number; why: string };
  /** What was set otherwise than the scenario has it. */
  settings?: Partial<Settings>;
  rehearsal?: Rehearsal;
  /** False while the name is set and its record is not ours yet. */
  adopted?: boolean;
  /** What somebody else wrote into the record. */
  drifted?: string;
  members: SimMember[];
}

const DAY_MS = 86_400_000;
const READY: Health = { kind: "ready" };

let serial = 0;
const uuid = () => `00000000-0000-4000-8000-${String((serial += 1)).padStart(12, "0")}`;

function edge(name: string, address: string, priority: number, rest: Partial<SimMember> = {}): SimMember {
  return {
    id: uuid(), name, address, template: "haproxy-edge", priority, enrolledAgoMs: 30 * DAY_MS, cpuPercent: 4, memoryPercent: 38,
    sessions: 0, os: "Debian GNU/Linux 12 (bookworm)", health: READY, serversUp: 6, serversDown: 1, ...rest,
  };
}

function server(name: string, address: string, priority: number, rest: Partial<SimMember> = {}): SimMember {
  return edge(name, address, priority, { template: "generic-linux", cpuPercent: 22, memoryPercent: 51, serversUp: 0, serversDown: 0, ...rest });
}

/** The fleet as it stands when a scenario begins. */
export function fleet(): SimPool[] {
  serial = 0;
  const steady = { delayS: 10, epoch: 42, state: "STEADY", stateSinceMonoMs: -33 * 60_000 };
  const ams = edge("edge-ams-2", "198.51.100.24", 2, { cpuPercent: 31, memoryPercent: 44, sessions: 412 });
  const fra = edge("edge-fra-1", "203.0.113.10", 1);
  const waw = edge("edge-waw-3", "192.0.2.61", 3, { cpuPercent: 3, memoryPercent: 29, enrolledAgoMs: 160 * 60_000 });
  const stg = edge("edge-stg-1", "198.51.100.77", 1, { cpuPercent: 9, sessions: 18, serversDown: 0, serversUp: 2 });
  return [
    {
      ...steady, id: uuid(), name: "production-edge", preset: "haproxy", hostname: "lb.example.com", provider: "edge-dns", armed: true,
      rehearsedAgoMs: 4 * DAY_MS, preferred: fra.id, activeId: ams.id, reason: "edge-ams-2 is up", members: [ams, fra, waw],
    },
    {
      ...steady, id: uuid(), name: "staging-edge", preset: "haproxy", hostname: "stg.example.com", provider: "edge-dns", armed: false,
      activeId: stg.id, reason: "edge-stg-1 is up", epoch: 3, members: [stg],
    },
    {
      ...steady, id: uuid(), name: "hosting-eu", preset: "generic", armed: false, reason: "no managed hostname", state: "ROUTE", epoch: 0,
      members: [
        server("lon-1", "192.0.2.11", 1),
        server("par-2", "192.0.2.34", 2, { health: { kind: "degraded", reason: "agent 0.9.4 is older than this console" } }),
        server("fra-3", "198.51.100.7", 3), server("mad-4", "198.51.100.40", 4), server("mil-5", "203.0.113.55", 5),
      ],
    },
    {
      ...steady, id: uuid(), name: "lab", preset: "generic", armed: false, reason: "no managed hostname", state: "ROUTE", epoch: 0,
      members: [
        server("lab-01", "192.0.2.201", 1, {
          health: { kind: "unknown", reason: "last heard 3 min 12 s ago; two other members of lab report normally" }, silentAtStartMs: 192_000,
        }),
        server("lab-02", "192.0.2.202", 2, { cpuPercent: 6 }), server("lab-03", "192.0.2.203", 3, { cpuPercent: 2 }),
      ],
    },
  ];
}

/** As many members as a large fleet has, for the budgets of style.md 3. */
export function crowd(members: number): SimPool[] {
  const pools = fleet();
  const extra = Array.from({ length: members }, (_, i) => server(`node-${String(i + 1).padStart(3, "0")}`, `10.0.${i >> 8}.${i & 255}`, i + 1));
  const lab = pools[3];
  if (lab) lab.members = extra;
  return pools;
}
