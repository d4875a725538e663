import { expect, test } from "vitest";

import type { Action } from "../ui/actions/action";
import { rank } from "./ranking";

const action = (id: string, group: string, title: string): Action => ({ id, group, title, run: () => {} });
const all = [
  action("go.overview", "Go to", "Open Overview"),
  action("go.pool/1", "Pools", "Open production-edge"),
  action("member.activate/1", "edge-fra-1", "Make active…"),
  action("member.open/1", "edge-fra-1", "Open edge-fra-1"),
];

test("naming a member lists its actions first", () => {
  expect(rank(all, "edge-fra", []).slice(0, 2).map((one) => one.group)).toEqual(["edge-fra-1", "edge-fra-1"]);
});

test("lately used comes first when nothing was typed; what does not fit is left out", () => {
  expect(rank(all, "", ["go.pool/1"])[0]?.id).toBe("go.pool/1");
  expect(rank(all, "zzz", [])).toEqual([]);
});

test("what happened to a pool stands after what can be done with it", () => {
  const past = action("go.incident/1", "Incidents", "production-edge recovered by itself");
  expect(rank([past, ...all], "production-edge", []).map((one) => one.id)).toEqual(["go.pool/1", "go.incident/1"]);
});
