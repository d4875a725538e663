import { expect, test } from "vitest";

import { joined } from "./stops";

test("the last stop is followed by the first, the first preceded by the last, the rest left alone", () => {
  const stops = ["close", "name", "keep", "remove"];
  expect(joined(stops, "remove", false)).toBe("close");
  expect(joined(stops, "close", true)).toBe("remove");
  expect([joined(stops, "keep", false), joined(stops, "keep", true), joined(stops, "close", false), joined(stops, "remove", true)]).toEqual([undefined, undefined, undefined, undefined]);
  expect([joined(["only"], "only", false), joined(["only"], "only", true)]).toEqual(["only", "only"]);
  expect(joined(stops, "elsewhere", false)).toBeUndefined();
});
