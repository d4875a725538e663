import { expect, test } from "vitest";

import { HIDDEN, type Action } from "./action";
import { registry } from "./registry.svelte";

const action = (id: string, more: Partial<Action> = {}): Action => ({ id, group: "Group", title: id, run: () => {}, ...more });
const shown = () => registry.all.map((one) => `${one.id} ${one.keys ?? "-"}`);

test("a key stands with the one that it starts, the latest declared; once that is gone the other has it again", () => {
  const leave = registry.add(() => [action("pool.add", { keys: "N" }), action("keys.show", { keys: "?" })]);
  const close = registry.add(() => [action("provider.add", { keys: "N" })]);
  expect(shown()).toEqual(["pool.add -", "keys.show ?", "provider.add N"]);
  close();
  expect(shown()).toEqual(["pool.add N", "keys.show ?"]);
  const hide = registry.add(() => [action("hidden", { keys: "N", available: () => HIDDEN })]);
  expect(shown()).toEqual(["pool.add N", "keys.show ?"]);
  hide();
  leave();
});
