import { expect, test } from "vitest";

import { isOlder, sumOf, type ServerLike } from "./fleet";

const server = (name: string, rest: Partial<ServerLike> = {}): ServerLike => ({ name, health: { kind: "ready" }, agentOnline: true, agentVersion: "1.0.0", stacks: [], ...rest });

test("a fleet is summed without flattering it", () => {
  const sum = sumOf([
    server("a", { stacks: [{ name: "cPanel", version: undefined, unit: undefined }] }), server("b", { agentVersion: "0.9.4" }),
    server("c", { health: { kind: "unknown", reason: "" }, agentOnline: false, agentVersion: "" }),
  ], "1.0.0");
  expect(sum).toEqual({ healthy: 2, online: 2, percent: 66, outdated: ["b"], untold: 1, cpanel: ["a"], attention: ["c"] });
  expect(sumOf([], "1.0.0").percent).toBeUndefined();
});

test("versions are compared by their numbers", () => {
  expect([isOlder("0.9.10", "0.10.0"), isOlder("1.0", "1.0.0"), isOlder("1.0.1", "1.0.0"), isOlder("", "1.0.0"), isOlder("1.0.0-rc.1", "1.0.0")]).toEqual([true, false, false, false, false]);
});
