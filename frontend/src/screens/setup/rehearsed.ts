// Whether a rehearsal still lets automatic failover be turned on. Pure; the host holds the same rule.

import type { Rehearsal } from "../../generated/api";
import { span } from "../../lib/format";

/** A green rehearsal arms a pool for this long. */
const REHEARSED_MS = 24 * 3_600_000;

/** Why it cannot be turned on; none when it can. */
export function armBar(rehearsal: Rehearsal | undefined, nowMs: number): string | undefined {
  if (!rehearsal) return "rehearse first: it was never rehearsed";
  if (!rehearsal.green) return "the last rehearsal was not green";
  const ageMs = nowMs - rehearsal.atMs;
  return ageMs >= REHEARSED_MS ? `the last rehearsal is ${span(ageMs)} old; 24 h at most` : undefined;
}

/** `6 of 7 checks passed` */
export function score(rehearsal: Rehearsal): { passed: number; all: number } {
  return { passed: rehearsal.checks.filter((one) => one.outcome === "passed" || one.outcome === "warned").length, all: rehearsal.checks.length };
}
