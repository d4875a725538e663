import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Clock } from "./clock.svelte";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 14, 31) }));
afterEach(() => void vi.useRealTimers());

test("heartbeats bring the second with them, so that a second is drawn once", async () => {
  const clock = new Clock();
  let seconds = 0;
  const stop = clock.start(() => undefined, () => (seconds += 1));
  for (let i = 0; i < 10; i += 1) {
    await vi.advanceTimersByTimeAsync(i === 0 ? 800 : 1_000);
    clock.take();
    clock.take();
  }
  expect(seconds).toBe(11);
  // Without them it goes on by itself, at whole seconds.
  await vi.advanceTimersByTimeAsync(3_300);
  expect(seconds).toBe(13 + 1);
  expect(clock.wallMs % 1_000).toBe(1);
  stop();
  await vi.advanceTimersByTimeAsync(5_000);
  clock.take();
  expect(seconds).toBe(14);
});
