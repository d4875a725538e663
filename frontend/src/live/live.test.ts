import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Alert, Shell } from "../host/host";
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
  const looks = edge?.active?.beats.looks.map((one) => one.beat) ?? [];
  expect(looks.length).toBeGreaterThanOrEqual(9);
  expect(looks.length).toBeLessThanOrEqual(10);
  expect(new Set(looks)).toEqual(new Set(["heard"]));
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

test("what the desktop tells stands under the bell in its words, unread until it was seen", async () => {
  let tell: (alert: Alert) => void = () => {};
  let closed = false;
  const host = openScenario("failover");
  const shell = { onAlert: (hear: (alert: Alert) => void) => ((tell = hear), Promise.resolve({ close: () => void (closed = true) })) } as unknown as Shell;
  const live = new Live({ call: host.call.bind(host), subscribe: host.subscribe.bind(host), shell });
  await live.start();
  await vi.advanceTimersByTimeAsync(30_000);
  live.markNoticesSeen();
  const moved = live.notices[0];
  const base = { about: moved?.pool ?? "", level: "urgent", isRecovery: false } as const;
  tell({ ...base, title: "production-edge moved to edge-fra-1", body: "It is silent", place: `incidents/${moved?.incident}`, atMs: moved?.atMs ?? 0 });
  expect(live.bell.length).toBe(live.notices.length);
  expect(live.bell[0]?.alert?.title).toBe("production-edge moved to edge-fra-1");
  expect(live.unreadNotices).toBe(0);
  tell({ ...base, title: "edge-waw-3 is not ready", body: "One is left", place: "pool/production-edge/overview", atMs: (moved?.atMs ?? 0) + 9_000 });
  expect(live.bell[0]?.alert?.title).toBe("edge-waw-3 is not ready");
  expect(live.unreadNotices).toBe(1);
  live.stop();
  await vi.advanceTimersByTimeAsync(0);
  expect(closed).toBe(true);
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

test("whoever asks twice at once leaves one stream, not two", async () => {
  const host = openScenario("full");
  let open = 0;
  const live = new Live({
    call: host.call.bind(host),
    subscribe: async (request, onEvent) => {
      const one = await host.subscribe(request, onEvent);
      open += 1;
      return { close: () => (one.close(), void (open -= 1)) };
    },
  });
  const started = live.start();
  await Promise.all([live.refresh(), live.refresh(), started]);
  await live.refresh();
  expect(open).toBe(1);
  live.stop();
  expect(open).toBe(0);
});
