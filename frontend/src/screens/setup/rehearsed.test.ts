import { expect, test } from "vitest";

import type { Rehearsal } from "../../generated/api";
import { armBar, score } from "./rehearsed";

const NOW = 1_000_000_000_000;
const of = (rest: Partial<Rehearsal>): Rehearsal => ({ green: true, atMs: NOW - 60_000, checks: [], survives: [], vantages: [], ...rest });

test("only a green rehearsal of the last day arms", () => {
  expect(armBar(of({}), NOW)).toBeUndefined();
  expect(armBar(undefined, NOW)).toBe("rehearse first: it was never rehearsed");
  expect(armBar(of({ green: false }), NOW)).toBe("the last rehearsal was not green");
  expect(armBar(of({ atMs: NOW - 86_400_000 + 1 }), NOW)).toBeUndefined();
  expect(armBar(of({ atMs: NOW - 86_400_000 }), NOW)).toBe("the last rehearsal is 1 day old; 24 h at most");
});

test("a warning is no failure, as in the host", () => {
  const check = (outcome: "passed" | "warned" | "failed" | "skipped") => ({ name: "x", outcome, words: "", tookMs: 0 });
  expect(score(of({ checks: [check("passed"), check("warned"), check("failed"), check("skipped")] }))).toEqual({ passed: 2, all: 4 });
});
