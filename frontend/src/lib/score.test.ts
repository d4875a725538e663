import { expect, test } from "vitest";

import { score } from "./score";

test("a beginning beats a word's beginning beats a middle beats scattered letters", () => {
  const of = (text: string) => score("edge", text);
  expect(of("edge-fra-1")).toBeGreaterThan(of("open edge-fra-1"));
  expect(of("open edge-fra-1")).toBeGreaterThan(of("sledgehammer"));
  expect(of("sledgehammer")).toBeGreaterThan(of("export dns guide"));
  expect(of("pool")).toBe(0);
});

test("5,000 lines are ranked in under 30 ms", () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `member edge-${i} of production-edge`);
  const began = performance.now();
  const hits = lines.filter((line) => score("e4999", line) > 0).length;
  expect(performance.now() - began).toBeLessThan(30);
  expect(hits).toBeGreaterThan(0);
});
