import { expect, test } from "vitest";

import { current, setupSteps, type Asked } from "./steps";

const nothing: Asked = {
  generic: false, providers: 0, members: 0, carriers: 0, invited: [], hostname: undefined, active: undefined, standbys: 0, rehearsedGreen: false,
  armBar: "rehearse first", armed: false,
};
const now = (rest: Partial<Asked>) => current(setupSteps({ ...nothing, ...rest }))?.id;

test("each step leads to the next, as the guide has it", () => {
  expect(now({})).toBe("dns");
  expect(now({ providers: 1 })).toBe("member");
  const one = { providers: 1, members: 1, carriers: 1 };
  expect(now(one)).toBe("hostname");
  expect(now({ ...one, hostname: "lb.example.com" })).toBe("active");
  const on = { ...one, hostname: "lb.example.com", active: "a" };
  expect(now(on)).toBe("standby");
  expect(now({ ...on, members: 2, standbys: 1 })).toBe("rehearse");
  expect(now({ ...on, members: 2, standbys: 1, rehearsedGreen: true, armBar: undefined })).toBe("arm");
  expect(now({ ...on, members: 2, standbys: 1, armed: true })).toBeUndefined();
});

test("what waits is passed over while something else can be done", () => {
  const steps = setupSteps({ ...nothing, providers: 1, hostname: "lb.example.com" });
  expect(steps.find((one) => one.id === "active")?.waits).toBe("enrol a member first");
  expect(current(steps)?.id).toBe("member");
  // An old rehearsal was green once: arming waits and says so, and is not lost from sight.
  const stale = setupSteps({ ...nothing, providers: 1, members: 2, carriers: 2, hostname: "x", active: "a", standbys: 1, rehearsedGreen: false, armBar: "2 days old" });
  expect(current(stale)?.id).toBe("rehearse");
});

test("servers without a name need no more than to be heard", () => {
  expect(setupSteps({ ...nothing, generic: true }).map((one) => one.id)).toEqual(["member"]);
  expect(setupSteps({ ...nothing, generic: true, members: 1 }).every((one) => one.done)).toBe(true);
  expect(setupSteps({ ...nothing, generic: true, hostname: "x" })).toHaveLength(7);
});
