import { expect, test } from "vitest";

import type { Action } from "../ui/actions/action";
import { rank } from "./ranking";

const action = (id: string, group: string, title: string, more: Partial<Action> = {}): Action => ({ id, group, title, run: () => {}, ...more });
const pool = (name: string) => action(`go.pool/${name}`, "Pools", `Open ${name}`, { opens: { kind: "pool", name } });
const member = (name: string, of: string) => [
  action(`member.open/${name}`, name, `Open ${name}`, { opens: { kind: "member", name }, hint: `${of}, standby, ready` }),
  action(`member.activate/${name}`, name, "Make active…", { words: `make ${name} active` }),
];
const stories = [1, 2, 3, 4].map((n) => action(`go.incident/${n}`, "Incidents", `production-edge recovered by itself ${n}`, { hint: "production-edge, today" }));
const all = [
  ...stories,
  action("go.overview", "Go to", "Open Overview"),
  action("pool.cut", "production-edge", "Cut DNS to standby", { words: "failover move dns" }),
  action("explain/p", "Explain", "Why is production-edge degraded?"),
  pool("production-edge-eu"), pool("production-edge"), pool("edge-fra-1x"),
  ...member("edge-fra-1", "production-edge"), ...member("edge-fra-10", "production-edge"),
];
const first = (query: string) => rank(all, query, [])[0]?.id;
const groups = (query: string) => [...new Set(rank(all, query, []).map((one) => one.group))];

test("the exact name of a pool or a member stands first, whatever else names it", () => {
  expect(first("production-edge")).toBe("go.pool/production-edge");
  expect(first(" Edge-FRA-1 ")).toBe("member.open/edge-fra-1");
  expect(first("edge-fra-10")).toBe("member.open/edge-fra-10");
  // Within its group, too, it stands before a name that merely begins so.
  expect(rank(all, "production-edge", []).slice(0, 2).map((one) => one.id)).toEqual(["go.pool/production-edge", "go.pool/production-edge-eu"]);
});

test("then pools, members, what can be done, what happened", () => {
  expect(groups("edge")).toEqual(["Pools", "edge-fra-1", "edge-fra-10", "Explain", "production-edge", "Incidents"]);
  expect(groups("production-edge").at(-1)).toBe("edge-fra-10");
  expect(rank([...all].reverse(), "production-edge", [])[0]?.id).toBe("go.pool/production-edge");
});

test("a hint never lifts a member above the action that is called so", () => {
  expect(first("standby")).toBe("pool.cut");
  expect(first("failover")).toBe("pool.cut");
});

test("naming a member lists its actions together", () => {
  expect(rank(all, "edge-fra-1", []).slice(0, 2).map((one) => one.group)).toEqual(["edge-fra-1", "edge-fra-1"]);
});

test("what was named or held wins over recent use; letters scattered in a title still fit", () => {
  expect(rank(all, "production-edge", ["go.incident/1"])[0]?.id).toBe("go.pool/production-edge");
  expect(rank(all, "opover", [])[0]?.id).toBe("go.overview");
});

test("lately used comes first when nothing was typed; what does not fit is left out", () => {
  expect(rank(all, "", ["go.pool/production-edge"])[0]?.id).toBe("go.pool/production-edge");
  expect(rank(all, "zzz", [])).toEqual([]);
});

test("each line is read once, however many there are", () => {
  const MANY = 5_000;
  let reads = 0;
  const counted = Array.from({ length: MANY }, (_, i): Action => {
    const title = `Open edge-${i}`;
    return { id: `member.open/${i}`, group: `edge-${i}`, run: () => {}, opens: { kind: "member", name: `edge-${i}` }, get title() { reads += 1; return title; } };
  });
  expect(rank(counted, "edge-4999", [])[0]?.id).toBe("member.open/4999");
  expect(reads).toBe(MANY);
  // Every line fits, so every line is ordered, and none is read again for it.
  reads = 0;
  expect(rank(counted, "edge", [])).toHaveLength(MANY);
  expect(reads).toBe(MANY);
});
