import { expect, test } from "vitest";

import { freeName, nameWrong } from "./preset";

test("the suggestion is never a name that is taken", () => {
  expect(freeName("haproxy", [])).toBe("production-edge");
  expect(freeName("haproxy", ["production-edge", "production-edge-2"])).toBe("production-edge-3");
});

test("a name is judged as the host judges it", () => {
  expect(nameWrong("edge", ["lab"])).toBeUndefined();
  expect(nameWrong(" ", [])).toBe("A pool needs a name");
  expect(nameWrong("lab", ["lab"])).toBe("A pool called lab exists already");
  expect(nameWrong("é".repeat(33), [])).toBe("At most 64 bytes");
  expect(nameWrong("é".repeat(32), [])).toBeUndefined();
});
