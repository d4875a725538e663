import { expect, test } from "vitest";

import type { PoolView } from "../../../generated/api";
import { changed, delaySentence, draftOf, moved, patchOf, portWrong } from "./draft";

const view: PoolView = {
  id: "p", name: "edge", policyVersion: 7, members: 2, preferred: "m1",
  settings: { preset: "haproxy", delayS: 30, ttlS: 60, voices: 2, targets: "public", agentLost: "heartbeat", doubleFault: "ask", arming: "shadow", probePort: 443, dynamicDns: "off" },
};

test("nothing changed asks for nothing", () => {
  const draft = draftOf(view);
  expect(changed(view, draft)).toEqual([]);
  expect(patchOf(view, draft)).toEqual({ settings: { probePort: { kind: "keep" }, preferred: { kind: "keep" } } });
});

test("only what differs is asked for, and what may be empty can be emptied", () => {
  const draft = { ...draftOf(view), name: "edge-2", delayS: 10, probePort: "", preferred: "" };
  expect(changed(view, draft)).toEqual(["name", "recovery time", "probed port", "preferred member"]);
  expect(patchOf(view, draft)).toEqual({ name: "edge-2", settings: { delayS: 10, probePort: { kind: "clear" }, preferred: { kind: "clear" } } });
  expect(patchOf(view, { ...draftOf(view), probePort: "8080", preferred: "m2", doubleFault: "move" }).settings).toEqual({
    doubleFault: "move", probePort: { kind: "to", value: 8080 }, preferred: { kind: "to", value: "m2" },
  });
});

test("a port is a port or nothing", () => {
  expect([portWrong(""), portWrong("443")]).toEqual([undefined, undefined]);
  for (const odd of ["0", "65536", "4.3", "-1", "a", "1e3"]) expect(portWrong(odd), odd).toBeDefined();
});

test("the recovery time is a sentence", () => {
  expect(delaySentence(30, "60 s", true)).toBe("After 30 s of silence DNS moves; clients follow within the 60 s TTL.");
  expect(delaySentence(10, "60 s", false)).toContain("would move, once automatic failover is on");
});

test("the order moves one and keeps the others", () => {
  expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
  expect(moved(["a", "b", "c"], 2, -5)).toEqual(["c", "a", "b"]);
  expect(moved(["a", "b", "c"], 1, 1)).toEqual(["a", "b", "c"]);
});
