import { expect, test } from "vitest";

import { clockOf, isQuiet, minuteOf, mutedForMs, untilTomorrowMs } from "./telling.svelte";

test("minutes of the day read and write", () => {
  expect(["22:30", "7:05", "24:00", "12:60", "noon"].map(minuteOf)).toEqual([1350, 425, undefined, undefined, undefined]);
  expect(clockOf(425)).toBe("07:05");
});

test("quiet hours may go over midnight; equal ends mean none", () => {
  const at = (hour: number) => new Date(2026, 10, 20, hour, 0);
  const night = { fromMinute: 22 * 60, toMinute: 7 * 60 };
  expect([23, 3, 7, 12].map((hour) => isQuiet(night, at(hour)))).toEqual([true, true, false, false]);
  expect(isQuiet({ fromMinute: 60, toMinute: 60 }, at(1))).toBe(false);
  expect(isQuiet({ fromMinute: 540, toMinute: 600 }, at(9))).toBe(true);
});

test("until tomorrow ends at eight", () => {
  expect(untilTomorrowMs(new Date(2026, 10, 20, 20, 0))).toBe(12 * 3_600_000);
  expect(mutedForMs({ shown: true, mutedUntilMs: 500, quiet: { fromMinute: 0, toMinute: 0 } }, 200)).toBe(300);
  expect(mutedForMs(undefined, 200)).toBe(0);
});
