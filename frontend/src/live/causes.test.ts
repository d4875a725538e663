import { expect, test } from "vitest";

import { plainReason } from "./causes";

test("a reason is told without the names of its rules and without a move that will not be", () => {
  expect(plainReason("majority-lost: 1 of 3 voters heard, 2 needed; it would be the third automatic move within two hours; would promote lb1"))
    .toBe("1 of 3 voters heard, 2 needed; it would be the third automatic move within two hours");
  expect(plainReason("to edge-2 within 11 s")).toBe("to edge-2 within 11 s");
  expect(plainReason("no usable DNS credential: the vault is locked")).toBe("no usable DNS credential: the vault is locked");
});
