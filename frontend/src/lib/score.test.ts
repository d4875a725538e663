import { expect, test } from "vitest";

import { score } from "./score";

test("a beginning beats a word's beginning beats a middle beats scattered letters", () => {
  const of = (text: string) => score("edge", text);
  expect(of("edge-fra-1")).toBeGreaterThan(of("open edge-fra-1"));
  expect(of("open edge-fra-1")).toBeGreaterThan(of("sledgehammer"));
  expect(of("sledgehammer")).toBeGreaterThan(of("export dns guide"));
  expect(of("pool")).toBe(0);
});

test("of 5,000 lines only the one with every letter in order fits", () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `member edge-${i} of production-edge`);
  expect(lines.filter((line) => score("e4999", line) > 0)).toEqual(["member edge-4999 of production-edge"]);
});
