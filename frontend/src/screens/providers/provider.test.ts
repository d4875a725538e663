import { expect, test } from "vitest";

import type { ProviderView } from "../../generated/api";
import { breaks, faults, isBroken, linkOf, standingOfProvider, type Draft } from "./provider";

const draft: Draft = { name: "edge-dns", server: "192.0.2.53", zone: "example.com", keyName: "sctl", algorithm: "hmac-sha256", secret: "c2VjcmV0c2VjcmV0" };
const view: ProviderView = { name: "edge-dns", link: linkOf(draft), secretPlace: "the keychain", pools: ["edge"] };

test("a form that can be sent has no faults, and its secret stays out of the link", () => {
  expect(faults(draft, [])).toEqual({});
  expect(JSON.stringify(linkOf(draft))).not.toContain(draft.secret);
});

test("what is wrong is said at its field", () => {
  expect(Object.keys(faults({ name: " ", server: "", zone: "", keyName: "a b", algorithm: "", secret: "not base64!" }, []))).toEqual(["name", "server", "zone", "keyName", "secret"]);
  expect(faults(draft, ["edge-dns"]).name).toBe("This name is taken");
  for (const server of ["ns1.example.com:5353", "[2001:db8::53]:53", "2001:db8::53"]) expect(faults({ ...draft, server }, [])).toEqual({});
  for (const server of ["ns1:99999", "http://x", "a b"]) expect(faults({ ...draft, server }, []).server).toBeDefined();
});

test("only a test proves that DNS can move", () => {
  expect(standingOfProvider(view)).toMatchObject({ glyph: "todo", word: "Not tested" });
  const failed = { ...view, tested: { passed: false, atMs: 0, summary: "BADKEY", checks: [] } };
  expect(standingOfProvider(failed)).toMatchObject({ glyph: "down", bar: "DNS cannot move here: BADKEY" });
  expect([isBroken(view), isBroken(failed)]).toEqual([false, true]);
  expect(breaks(view)).toEqual(["DNS of edge can no longer be read or moved"]);
});
