import { expect, test } from "vitest";

import { mutes, stillMuted } from "./mutes.svelte";

test("what was kept counts only while it lasts, and only if it is a time", () => {
  expect([...stillMuted({ a: 200, b: 50, c: "soon", d: null }, 100)]).toEqual([["a", 200]]);
  expect(stillMuted("odd", 0).size + stillMuted(null, 0).size).toBe(0);
});

test("a mute ends by itself and by hand", () => {
  mutes.set("x", 1_000);
  expect([mutes.has("x", 999), mutes.has("x", 1_000), mutes.has("y", 0)]).toEqual([true, false, false]);
  mutes.end(["x"]);
  expect(mutes.has("x", 0)).toBe(false);
});

test("what was put aside is told apart from what calls", () => {
  mutes.set("b", 500);
  expect(mutes.split([{ id: "a" }, { id: "b" }], 100)).toEqual({ loud: [{ id: "a" }], muted: [{ id: "b" }] });
  mutes.end(["b"]);
});
