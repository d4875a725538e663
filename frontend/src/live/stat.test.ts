import { expect, test } from "vitest";

import type { StatRow } from "../generated/api";
import { statRow } from "./stat-row.fixture";
import { backendsNow, isProblem, perSecond, statRows, statTotals } from "./stat";

const look = (atMonoMs: number, rows: StatRow[]) => ({ atMonoMs, view: { member: "m", tookMs: 1, rows } });

test("counters become speeds between two looks, and say nothing after HAProxy was started anew", () => {
  const before = look(1_000, [statRow({ inBytes: 500, outBytes: 9_000, requestsTotal: 40 })]);
  const [now] = statRows(look(3_000, [statRow({ inBytes: 2_500, outBytes: 10, requestsTotal: 100 })]), before);
  expect(now).toMatchObject({ inPerS: 1_000, outPerS: undefined, rate: 30 });
  expect(statRows(look(3_000, [statRow({})]), undefined)[0]).toMatchObject({ inPerS: undefined, rate: 3 });
  expect(perSecond(5, 5, 0)).toBeUndefined();
});

test("two rows of one name keep their own counters", () => {
  const twice = (a: number, b: number) => [statRow({ kind: "listener", name: "sock", inBytes: a }), statRow({ kind: "listener", name: "sock", inBytes: b })];
  const rows = statRows(look(1_000, twice(110, 2_200)), look(0, twice(100, 2_000)));
  expect(new Set(rows.map((one) => one.key)).size).toBe(2);
  expect(rows.map((one) => one.inPerS)).toEqual([10, 200]);
});

test("totals count frontends only, and never claim a whole that has holes", () => {
  const rows = [
    statRow({ kind: "frontend", name: "FRONTEND", proxy: "a", requestRate: 100, sessions: 7, sessionsLimit: 50, responses: [0, 9, 0, 0, 1, 0] }),
    statRow({ kind: "frontend", name: "FRONTEND", proxy: "b", sessionRate: 5, sessions: 2, mode: "tcp" }), statRow({ sessions: 900 }),
  ];
  expect(statTotals(statRows(look(0, rows), undefined))).toMatchObject({ rate: 105, rateOf: "mixed", sessions: 9, limit: undefined, inPerS: undefined, responses: [0, 9, 0, 0, 1, 0] });
});

test("drain and maintenance are a choice, a queue is not", () => {
  expect([statRow({ state: "drain" }), statRow({ state: "maintenance" }), statRow({ state: "down" }), statRow({ queued: 2 })].map(isProblem)).toEqual([false, false, true, true]);
});

test("a backend that is up with a server down is degraded and names it; the order is HAProxy's", () => {
  const rows = statRows(look(0, [
    statRow({ kind: "backend", name: "BACKEND" }), statRow({}), statRow({ proxy: "api", kind: "backend", name: "BACKEND" }),
    statRow({ proxy: "admin", name: "adm-01" }), statRow({ proxy: "admin", name: "adm-02", state: "down" }), statRow({ proxy: "admin", kind: "backend", name: "BACKEND" }),
  ]), undefined);
  expect(backendsNow(rows, 4).shown.map((one) => [one.name, one.glyph, one.words])).toEqual([
    ["web", "ready", "1 of 1 server up"], ["api", "ready", "no servers"], ["admin", "degraded", "1 of 2 servers up, adm-02 is down"],
  ]);
  expect(backendsNow(rows, 2)).toMatchObject({ shown: [{ name: "web" }, { name: "admin" }], more: 1 });
});
