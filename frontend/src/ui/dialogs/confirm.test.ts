import { beforeEach, expect, test } from "vitest";

import type { Plan } from "../../generated/api";
import { toasts } from "../toasts/toasts.svelte";
import { confirm, type Ask } from "./confirm.svelte";

const planOf = (action: string): Plan => ({ steps: [{ action, object: "x" }], warnings: [] }) as unknown as Plan;
const settle = () => new Promise((done) => setTimeout(done, 0));

/** An asking whose answers the test gives. */
function asking(title: string, plan: () => Promise<Plan>): { ask: Ask; acts: () => number } {
  let acts = 0;
  return { ask: { level: 2, title, body: "", verb: "Do", keep: "Keep", plan, act: async () => void (acts += 1) }, acts: () => acts };
}

beforeEach(() => confirm.close());

test("a dialog that was closed while it looked again does nothing", async () => {
  const waiting: ((plan: Plan) => void)[] = [];
  const { ask, acts } = asking("first", () => new Promise((done) => waiting.push(done)));
  void confirm.open(ask);
  waiting[0]?.(planOf("a"));
  await settle();
  void confirm.press();
  expect(confirm.stage).toBe("acting");
  confirm.close();
  waiting[1]?.(planOf("a"));
  await settle();
  expect(acts()).toBe(0);
});

test("the plan of another asking is never shown", async () => {
  let late: (plan: Plan) => void = () => {};
  void confirm.open(asking("first", () => new Promise((done) => (late = done))).ask);
  await confirm.open(asking("second", () => Promise.resolve(planOf("second"))).ask);
  late(planOf("first"));
  await settle();
  expect([confirm.ask?.title, confirm.plan]).toEqual(["second", planOf("second")]);
});

test("what fails after its dialog was closed is told", async () => {
  let fail: (why: Error) => void = () => {};
  const { ask } = asking("first", () => Promise.resolve(planOf("a")));
  await confirm.open({ ...ask, act: () => new Promise((_, no) => (fail = no)) });
  const pressed = confirm.press();
  await settle();
  confirm.close();
  await confirm.open(asking("second", () => Promise.resolve(planOf("b"))).ask);
  fail(new Error("no answer"));
  await pressed;
  expect(toasts.list.map((one) => one.title)).toEqual(["Failed: Do"]);
  expect([confirm.ask?.title, confirm.stage, confirm.error]).toEqual(["second", "asking", undefined]);
});

test("what is being done stays in sight, whatever else asks", async () => {
  let done: () => void = () => {};
  const { ask } = asking("first", () => Promise.resolve(planOf("a")));
  await confirm.open({ ...ask, act: () => new Promise((end) => (done = end)) });
  const pressed = confirm.press();
  await settle();
  await confirm.open(asking("second", () => Promise.resolve(planOf("b"))).ask);
  expect([confirm.ask?.title, confirm.stage]).toEqual(["first", "acting"]);
  done();
  await pressed;
  expect(confirm.ask).toBeUndefined();
});
