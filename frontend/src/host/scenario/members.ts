// What members say of themselves in the scenarios: their HAProxy's statistics, where they stand and what runs on them;
// and what becomes of one that is changed or removed.

import type { MemberView, PlaceView, StatRow } from "../../generated/api";
import { HostError } from "../host";
import type { SimMember, SimPool } from "./cast";
import { memberOf } from "./reads";
import type { Play } from "./scenario-host";
import { noise, type World } from "./world";

/** `stacks` is a field that the api does not have yet; the page reads it with care and shows nothing where it is absent. */
interface Told {
  place?: PlaceView;
  stacks?: { name: string; version?: string; unit?: string }[];
}

const at = (name: string, north: number, east: number): PlaceView => ({ name, northMicro: Math.round(north * 1e6), eastMicro: Math.round(east * 1e6) });
const place = (name: string, north: number, east: number) => ({ place: at(name, north, east) });
const TOLD: Record<string, Told> = {
  "edge-ams-2": place("Amsterdam", 52.37, 4.9), "edge-fra-1": place("Frankfurt", 50.11, 8.68), "edge-waw-3": place("Warsaw", 52.23, 21.01),
  "lon-1": { ...place("London", 51.51, -0.13), stacks: [{ name: "cPanel", version: "126.0", unit: "active" }, { name: "MariaDB", version: "10.11", unit: "active" }] },
  "par-2": { ...place("Paris", 48.86, 2.35), stacks: [{ name: "cPanel", version: "126.0", unit: "active" }, { name: "MariaDB", version: "10.11", unit: "active" }] },
  "fra-3": { ...place("Frankfurt", 50.11, 8.68), stacks: [{ name: "cPanel", version: "124.0", unit: "active" }] },
  "mad-4": { ...place("Madrid", 40.42, -3.7), stacks: [{ name: "OpenLiteSpeed", version: "1.8.3", unit: "active" }] },
  "mil-5": { ...place("Milan", 45.46, 9.19), stacks: [{ name: "MariaDB", version: "11.4", unit: "active" }] },
};

interface Server {
  name: string;
  share: number;
  state: StatRow["state"];
  check: string;
  checkMs: number;
}

interface Backend {
  name: string;
  share: number;
  servers: Server[];
}

const up = (name: string, share: number, checkMs: number): Server => ({ name, share, state: "up", check: "L7OK 200", checkMs });
const BACKENDS: Backend[] = [
  { name: "web", share: 0.715, servers: [up("web-01", 0.34, 4), up("web-02", 0.337, 5), up("web-03", 0.323, 4)] },
  { name: "api", share: 0.266, servers: [up("api-01", 0.99, 9), { ...up("api-02", 0.01, 8), state: "drain" }] },
  { name: "admin", share: 0.019, servers: [up("adm-01", 1, 12), { name: "adm-02", share: 0, state: "down", check: "L4TOUT", checkMs: 2_000 }] },
];
const CROWD_BACKENDS = 50;
const CROWD_SERVERS = 20;

function backendsOf(pool: SimPool, crowded: boolean): Backend[] {
  if (pool.name === "staging-edge") return [{ name: "web", share: 1, servers: [up("stg-01", 0.5, 6), up("stg-02", 0.5, 7)] }];
  if (!crowded) return BACKENDS;
  return Array.from({ length: CROWD_BACKENDS }, (_, b) => ({
    name: `app-${String(b + 1).padStart(2, "0")}`, share: 1 / CROWD_BACKENDS,
    servers: Array.from({ length: CROWD_SERVERS }, (__, s) => (b % 17 === 3 && s === 5 ? { name: "srv-06", share: 0, state: "down" as const, check: "L7STS 503: wrong status", checkMs: 7 } : up(`srv-${String(s + 1).padStart(2, "0")}`, 1 / CROWD_SERVERS, 3 + s))),
  }));
}

/** HAProxy's table of a member now: rates swing a little, counters only grow. */
function statOf(pool: SimPool, member: SimMember, crowded: boolean): StatRow[] {
  const now = performance.now();
  const busy = member.sessions;
  // Requests since the start: what the rate below amounts to, at its mean.
  const sumOf = (perS: number) => Math.round(perS * (86_400 + now / 1000));
  const swing = (name: string) => 1 + 0.16 * Math.sin(now / 9_000 + name.length) + 0.12 * (noise(`${member.name}${name}`, Math.floor(now / 1_000)) - 0.5);
  const row = (kind: StatRow["kind"], proxy: string, name: string, share: number, rest: Partial<StatRow>): StatRow => {
    const requests = busy * 3.12 * share;
    const swung = swing(`${proxy}${name}`);
    // Swings as the rate does, and still only grows.
    const wave = 2.2 * Math.sin(now / 9_000) + 0.5 * Math.sin(now / 2_100);
    return {
      proxy, name, kind, state: "up", status: kind === "frontend" ? "OPEN" : "UP", mode: "http", address: "",
      sessions: Math.round(busy * share * swung), sessionsMax: Math.round(busy * share * 1.62) + (share === 0 ? 12 : 0), sessionsTotal: sumOf(requests / 4), sessionRate: Math.round((requests * swung) / 4),
      requestsTotal: sumOf(requests), queued: 0, inBytes: Math.round(sumOf(requests) * 3_190), outBytes: Math.round((sumOf(requests) + requests * wave) * 29_750), errors: share === 0 ? 4 : 0,
      retries: 0, backup: false, downs: 0, responses: codes(sumOf(requests)), check: "", ...rest,
    };
  };
  const fronts = crowded ? [["https-in", 1, ":443"]] as const : [["https-in", 0.99, ":443"], ["http-in", 0.01, ":80"]] as const;
  return [
    ...fronts.map(([name, share, address]) => row("frontend", name, "FRONTEND", share, {
      address, sessionsLimit: 20_000 / fronts.length, requestRate: Math.round(busy * 3.12 * share * swing("https-in")),
    })),
    ...backendsOf(pool, crowded).flatMap((backend) => [
      ...backend.servers.map((server) => row("server", backend.name, server.name, backend.share * server.share, {
        state: server.state, status: { up: "UP", down: "DOWN", drain: "DRAIN" }[server.state as "up"] ?? "UP", address: `10.20.0.${20 + server.name.length + server.checkMs % 60}:8080`,
        check: server.check, checkMs: server.checkMs, weight: server.state === "drain" ? 0 : 100, retries: server.state === "down" ? 4 : server.name === "web-02" ? 2 : 0,
        downs: server.state === "down" ? 2 : 0, downtimeS: server.state === "down" ? 1_020 + Math.floor(now / 1000) : 0, changedS: server.state === "down" ? 1_020 + Math.floor(now / 1000) : 360_000,
      })),
      row("backend", backend.name, "BACKEND", backend.share, {
        weight: backend.servers.filter((one) => one.state === "up").length * 100, downtimeS: 0, changedS: 360_000,
        errors: backend.servers.some((one) => one.state === "down") ? 4 : 0, retries: backend.name === "web" ? 2 : backend.name === "admin" ? 4 : 0,
      }),
    ]),
  ];
}

const codes = (requests: number): number[] => [0, 0.9284, 0.051, 0.02, 0.0006, 0].map((part) => Math.round(requests * part));

export function members(world: World, others: Play): Play {
  const crowded = world.pools.some((pool) => pool.members.length > 100);
  // By id, so that a new name loses nothing.
  const first = new Map(world.pools.flatMap((pool) => pool.members.map((member) => [member.id, TOLD[member.name] ?? {}] as const)));
  const sources = new Map<string, string[]>();
  /** Set by hand; none for nowhere. */
  const places = new Map<string, PlaceView | undefined>();
  const tell = (view: MemberView): MemberView => {
    const own = sources.get(view.id);
    const { place: born, ...stacks } = first.get(view.id) ?? {};
    const stands = places.has(view.id) ? places.get(view.id) : born;
    return { ...view, ...(own ? { sources: own } : {}), ...(view.name === "par-2" ? { agentVersion: "0.9.4" } : {}), ...(stands ? { place: stands } : {}), ...stacks };
  };
  return {
    member_stat: ({ member }) => {
      const found = memberOf(world, member);
      if (found.member.silentSinceMonoMs !== undefined || found.member.template !== "haproxy-edge") {
        throw failure("unreachable", `${found.member.name} gave no statistics: no answer within 4 s; its relay may be down or its agent too old`);
      }
      return { member: found.member.id, tookMs: 31 + Math.round(noise(found.member.name, Math.floor(performance.now() / 1_000)) * 20), rows: statOf(found.pool, found.member, crowded) };
    },
    member_list: async (request) => {
      const list = await others.member_list?.(request);
      return { members: (list?.members ?? []).map(tell), invitations: list?.invitations ?? [] };
    },
    member_show: ({ member }) => {
      const found = memberOf(world, member);
      return tell(world.memberView(found.pool, found.member));
    },
    member_update: async (request) => {
      const answer = await others.member_update?.(request);
      if (!answer) throw failure("internal", "This scenario does not change members");
      if (answer.kind === "planned") return answer;
      if (request.sources) sources.set(answer.result.id, request.sources);
      if (request.place !== undefined) {
        const [name = "", north, east] = request.place.split(",").map((part) => part.trim());
        places.set(answer.result.id, name === "" ? undefined : at(name, Number(north), Number(east)));
      }
      return { ...answer, result: tell(answer.result) };
    },
    member_remove: ({ change, member }) => {
      const { pool, member: sim } = memberOf(world, member);
      if (pool.activeId === sim.id) throw failure("refused", `${sim.name} is active: cut over to another member first`);
      const plan = {
        summary: `remove ${sim.name} from the fleet`, warnings: [],
        steps: [{ object: "roster", action: "sign the next version without it; its key is refused from then on" }],
      };
      if (change.dryRun) return { kind: "planned", plan };
      pool.members = pool.members.filter((one) => one !== sim);
      world.changed(pool);
      return { kind: "done", plan, result: { leftBehind: [`the agent on ${sim.name}.example.com: run \`balctl-agent uninstall\` there`] } };
    },
  };
}

function failure(code: "unreachable" | "refused" | "internal", message: string): HostError {
  return new HostError({ code, message, detail: "", retry: code === "unreachable" ? { kind: "now" } : { kind: "never" } });
}
