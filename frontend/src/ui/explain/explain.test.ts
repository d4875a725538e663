import { expect, test } from "vitest";

import { aged, pieces } from "./explain";

const said = (vantage: string, about: string, fact: string, ageMs: number) => ({ vantage, about, fact, ageMs });

test("evidence is newest first, grows older, and one vantage point is not told twice", () => {
  const list = [said("b", "x", "silent for 10 s", 4_000), said("a", "x", "its heartbeat", 1_000), said("a", "x", "its heartbeat", 1_000), said("a", "y", "its heartbeat", 0)];
  expect(pieces(aged(list, 500), "x")).toEqual([{ fact: "Its heartbeat", by: "a", age: "1.5 s" }, { fact: "Silent for 10 s", by: "b", age: "4.5 s" }]);
  expect(pieces(list, undefined).map((one) => one.fact)).toContain("y: its heartbeat");
});
