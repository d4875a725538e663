import { expect, test } from "vitest";

import { appears } from "./levels";

const loud = { shown: true, muted: false, quiet: false };

test("urgent breaks quiet hours and nothing else does; a mute and off hold for all", () => {
  expect(appears("urgent", { ...loud, quiet: true }).yes).toBe(true);
  expect(appears("high", { ...loud, quiet: true })).toEqual({ yes: false, why: "quiet hours" });
  expect(appears("urgent", { ...loud, muted: true }).yes).toBe(false);
  expect(appears("urgent", { ...loud, shown: false })).toEqual({ yes: false, why: "notices are off" });
  expect(appears("normal", loud).yes).toBe(true);
});
