import { expect, test } from "vitest";

import type { MemberView } from "../../generated/api";
import { backPatch, memberDraft, memberPatch, memberWrong, touchesTraffic } from "./draft";

const view: MemberView = {
  id: "m", pool: "p", poolName: "edge", name: "edge-1", hostname: "edge-1", address: "192.0.2.1", relay: "192.0.2.1:7443", sources: ["192.0.2.1", "10.0.0.0/24"],
  template: "haproxy-edge", priority: 1, fingerprint: "", enrolledMs: 0, agentVersion: "",
};

test("only what differs is asked for, and the way back is the same fields", () => {
  const draft = { ...memberDraft(view), sources: "10.0.0.0/24 192.0.2.1", priority: "3" };
  expect(memberPatch(view, memberDraft(view))).toEqual({});
  expect(memberPatch(view, draft)).toEqual({ priority: 3 });
  expect(backPatch(view, { priority: 3 })).toEqual({ priority: 1 });
  // A new address takes the old one out of the sources; going back must put it in again.
  expect(backPatch(view, { address: "192.0.2.9" })).toEqual({ address: "192.0.2.1", sources: view.sources });
});

test("address and sources are asked about first", () => {
  expect([{ name: "x" }, { priority: 2 }, { sources: [] }, { address: "192.0.2.9" }].map(touchesTraffic)).toEqual([false, false, true, true]);
});

test("what is wrong is named", () => {
  const wrong = memberWrong({ name: "edge-2", address: "192.0.2", sources: "10.0.0.0/99", priority: "-1", place: "Mars, 91, 0" }, ["edge-2"]);
  expect(wrong).toEqual({ name: "edge-2 is another member", address: "192.0.2 is no IPv4 address", sources: "10.0.0.0/99 is no IPv4, IPv6 or CIDR", priority: "A whole number from 0; lower is preferred", place: "Write name, degrees north, degrees east: Amsterdam, 52.37, 4.90" });
  expect(Object.values(memberWrong(memberDraft(view), ["edge-2"])).every((one) => one === undefined)).toBe(true);
});

test("a place is text to type, and nowhere is empty", () => {
  const placed = { ...view, place: { name: "Amsterdam", northMicro: 52_370_000, eastMicro: 4_900_000 } };
  expect(memberDraft(placed).place).toBe("Amsterdam, 52.37, 4.9");
  expect(memberPatch(placed, { ...memberDraft(placed), place: "" })).toEqual({ place: "" });
  expect(backPatch(placed, { place: "" })).toEqual({ place: "Amsterdam, 52.37, 4.9" });
  expect(["Santiago, -33.45, -70.66", "a, b", "x, 1, 2, 3", ", 1, 2"].map((place) => memberWrong({ ...memberDraft(view), place }, []).place === undefined)).toEqual([true, false, false, false]);
});
