import { expect, test } from "vitest";

import type { HostStatus } from "../../generated/api";
import { consoleNameWrong, gateOf, passphraseWrong } from "./gate";

const host = (profile: HostStatus["profile"]) => ({ profile }) as HostStatus;

test("only a missing profile or a vault that keeps everything back stands in the way", () => {
  expect(gateOf(undefined, undefined)).toBe("open");
  expect(gateOf(host("missing"), undefined)).toBe("first-run");
  expect(gateOf(host("ready"), "vault-locked")).toBe("locked");
  expect(gateOf(host("ready"), "no-host")).toBe("open");
  expect(gateOf(undefined, "vault-locked")).toBe("open");
});

test("a passphrase is written twice", () => {
  expect(passphraseWrong("", "")).toContain("needs");
  expect(passphraseWrong("a", "b")).toBe("The two are not the same");
  expect(passphraseWrong("a b", "a b")).toBeUndefined();
});

test("a console has a name of up to 64 bytes", () => {
  expect(consoleNameWrong(" ")).toBeDefined();
  expect(consoleNameWrong("é".repeat(33))).toBe("At most 64 bytes");
  expect(consoleNameWrong("ops-laptop")).toBeUndefined();
});
