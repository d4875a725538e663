import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { openScenario } from "../host/scenario/scenario-host";
import { Live } from "./live.svelte";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 14, 31) }));
afterEach(() => void vi.useRealTimers());

async function started(scenario: string): Promise<Live> {
  const live = new Live(openScenario(scenario));
  await live.start();
  return live;
}

test("snapshots fill the picture, heartbeats keep it, ages come from here", async () => {
  const live = await started("full");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(live.pools.map((pool) => pool.name)).toEqual(["hosting-eu", "lab", "production-edge", "staging-edge"]);
  const edge = live.pool("production-edge");
  expect(edge?.active?.name).toBe("edge-ams-2");
  expect(edge?.active?.beats.looks.map((one) => one.beat)).toEqual(Array(10).fill("heard"));
  expect(edge?.active?.totals?.sessions).toBeGreaterThan(0);
  expect(live.seeing).toBe(true);
  live.stop();
});

test("a failover arrives by events: the active member changes and the incident ends", async () => {
  const live = await started("failover");
  await vi.advanceTimersByTimeAsync(30_000);
  const edge = live.pool("production-edge");
  expect(edge?.active?.name).toBe("edge-fra-1");
  expect(edge?.members.find((row) => row.name === "edge-ams-2")?.beats.missed).toBeGreaterThan(10);
  expect(live.incidents[0]).toMatchObject({ from: "edge-ams-2", to: "edge-fra-1", outcome: "moved" });
  expect(live.notices[0]?.topic).toBe("moved");
  live.stop();
});

test("a host that stops answering makes gaps, never misses, and nothing is claimed", async () => {
  const live = await started("stale");
  await vi.advanceTimersByTimeAsync(80_000);
  expect(live.link.kind).toBe("lost");
  expect(live.seeing).toBe(false);
  const looks = live.pool("production-edge")?.active?.beats.looks ?? [];
  expect(looks.slice(-8).every((one) => one.beat === "gap")).toBe(true);
  expect(looks.some((one) => one.beat === "late" || one.beat === "silent")).toBe(false);
  live.stop();
});

test("a computer without a network is told apart from dead members", async () => {
  const live = await started("blind");
  await vi.advanceTimersByTimeAsync(75_000);
  expect(live.link.kind).toBe("live");
  expect(live.blind).toBeDefined();
  expect(live.pools.map((pool) => pool.glyph(live.seeing))).toEqual(["unknown", "unknown", "unknown", "unknown"]);
  live.stop();
});
