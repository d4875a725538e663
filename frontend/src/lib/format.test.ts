import { expect, test } from "vitest";

import { bytes, moment, sentence, span, took, utc } from "./format";

test.each([
  [0, "0.0 s"],
  [449, "0.4 s"],
  [9_999, "9.9 s"],
  [12_400, "12 s"],
  [192_000, "3 min 12 s"],
  [120_000, "2 min"],
  [33 * 60_000, "33 min"],
  [126 * 60_000, "2 h 6 min"],
  [13 * 3_600_000, "13 h"],
  [86_400_000, "1 day"],
  [12 * 86_400_000, "12 days"],
  [-5, "0.0 s"],
])("an age of %d ms reads %s", (ms, text) => expect(span(ms)).toBe(text));

test("sizes and times", () => {
  expect(bytes(9_400_000_000)).toBe("9.4 GB");
  expect(bytes(640_000_000)).toBe("640 MB");
  expect(bytes(12)).toBe("12 B");
  expect(took(11_060)).toBe("11.1 s");
  expect(took(731)).toBe("731 ms");
  expect(utc(Date.UTC(2026, 10, 20, 14, 32, 8))).toBe("14:32:08");
  expect(moment(Date.UTC(2026, 10, 19, 23), Date.UTC(2026, 10, 20, 1))).toBe("2026-11-19");
  expect(sentence("no standby is ready")).toBe("No standby is ready");
  expect(sentence("edge-fra-1 is up")).toBe("edge-fra-1 is up");
});
