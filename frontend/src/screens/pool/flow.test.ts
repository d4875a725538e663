import { expect, test } from "vitest";

import { layFlow } from "./flow";

const members = [{ id: "a", active: true, down: false }, { id: "b", active: false, down: false }, { id: "c", active: false, down: false }];

test("at its own width it is the picture that was drawn", () => {
  const flow = layFlow({ width: 1170, members, backends: [{ down: false }] });
  expect(flow.members.get("a")).toEqual({ x: 552, w: 278, y: 30, h: 88 });
  expect(flow.members.get("c")).toEqual({ x: 552, w: 278, y: 193, h: 46 });
  expect(flow.height).toBe(253);
  expect(flow.links.map((one) => `${one.id} ${one.kind}`)).toEqual(["clients carry", "to/a carry", "to/b idle", "to/c idle", "backend/0 carry"]);
});

test("a dead active breaks its link and nothing else", () => {
  const flow = layFlow({ width: 900, members: [{ ...members[0]!, down: true }, members[1]!], backends: [] });
  expect(flow.links.find((one) => one.id === "to/a")?.kind).toBe("broken");
  expect(flow.links.find((one) => one.id === "to/b")?.kind).toBe("idle");
});

test("no member overlaps another, however many there are; the rest is counted", () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ id: `m${i}`, active: i === 0, down: false }));
  const flow = layFlow({ width: 1170, members: many, backends: [{ down: false }] });
  const boxes = [...flow.members.values()].sort((a, b) => a.y - b.y);
  boxes.slice(1).forEach((box, i) => expect(box.y).toBeGreaterThanOrEqual(boxes[i]!.y + boxes[i]!.h));
  expect(flow.more).toBe(7);
  expect(boxes.at(-1)!.y + boxes.at(-1)!.h).toBeLessThan(flow.height);
});

test("four backends fit beside the members, and only a dead one's link is broken", () => {
  const flow = layFlow({ width: 1170, members, backends: [{ down: true }, { down: false }, { down: false }, { down: false }], moreBackends: true });
  flow.backends.slice(1).forEach((box, i) => expect(box.y).toBeGreaterThanOrEqual(flow.backends[i]!.y + flow.backends[i]!.h));
  expect(flow.height).toBeGreaterThanOrEqual(flow.backends[3]!.y + flow.backends[3]!.h + 22);
  expect(flow.links.filter((one) => one.id.startsWith("backend/")).map((one) => one.kind)).toEqual(["broken", "carry", "carry", "carry"]);
  expect(layFlow({ width: 1170, members: members.slice(1), backends: [{ down: false }] }).backends).toEqual([]);
});
