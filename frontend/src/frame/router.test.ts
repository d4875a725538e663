import { expect, test } from "vitest";

import { fit, href, partsOf } from "./router.svelte";

test("deep links and addresses name the same places", () => {
  expect(partsOf("serversctl://pool/production-edge/overview")).toEqual(["pool", "production-edge", "overview"]);
  expect(partsOf("#/pool/a%20b/dns?x=1")).toEqual(["pool", "a b", "dns"]);
  expect(partsOf("")).toEqual(["overview"]);
  expect(partsOf("#/a/b/c/d/e/f/g")).toEqual(["overview"]);
  expect(partsOf(`#/${"x".repeat(201)}`)).toEqual(["overview"]);
  expect(partsOf("#/%E0%A4%A")).toEqual(["%E0%A4%A"]);
  expect(href("pool", "a b")).toBe("#/pool/a%20b");
});

test("patterns fit whole places only", () => {
  expect(fit("pool/:pool/:tab", ["pool", "x", "dns"])).toEqual({ pool: "x", tab: "dns" });
  expect(fit("pool/:pool/:tab", ["pool", "x"])).toBeUndefined();
  expect(fit("incidents", ["providers"])).toBeUndefined();
});
