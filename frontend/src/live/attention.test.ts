import { expect, test } from "vitest";

import { matters, type PoolLike } from "./attention";

const ready = { id: "m1", name: "edge-1", role: "active", health: { kind: "ready" as const } };
const pool: PoolLike = {
  id: "p", name: "edge", state: "STEADY", blind: undefined, reason: "edge-1 is up", watched: true, armed: true, hostname: "lb.example.com", incidentId: undefined,
  standbys: { verdict: "yes", reason: "" }, wouldMove: { verdict: "yes", reason: "" }, active: ready, members: [ready], standbyRows: [{}], view: {},
};

test("a healthy pool needs nobody", () => expect(matters([pool])).toEqual([]));

test("a missing standby is told with what it means", () => {
  const [one] = matters([{ ...pool, standbys: { verdict: "no", reason: "only one member" }, standbyRows: [] }]);
  expect(one).toMatchObject({ title: "edge has no standby.", body: "If edge-1 fails, DNS stays where it is.", decision: false });
});

test("what a person must decide comes first, and a blind or unwatched pool claims nothing", () => {
  const down = { ...ready, id: "m2", name: "edge-2", role: "standby", health: { kind: "down" as const, reason: "silent for 30 s" } };
  const list = matters([{ ...pool, members: [ready, down] }, { ...pool, id: "q", name: "other", state: "DRIFT", reason: "the record was changed" }]);
  expect(list.map((one) => one.title)).toEqual(["other waits for you.", "edge-2 is down."]);
  expect(list[0]).toMatchObject({ place: "pool/other/dns", help: "dns" });
  expect(matters([{ ...pool, state: "BLIND", blind: "own-sight", members: [down] }, { ...pool, watched: false, members: [down] }])).toEqual([]);
});

test("a provider that does not answer is told, since the members are seen", () => {
  const [one] = matters([{ ...pool, state: "BLIND", blind: "provider", reason: "the DNS provider does not answer" }]);
  expect(one).toMatchObject({ title: "DNS of edge cannot be moved from here.", body: "The DNS provider does not answer.", place: "pool/edge/dns" });
});
