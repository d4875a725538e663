import { expect, test } from "vitest";

import { cutOf, fit, href, partsOf } from "./router.svelte";

test("deep links and addresses name the same places", () => {
  expect(partsOf("serversctl://pool/production-edge/overview")).toEqual(["pool", "production-edge", "overview"]);
  expect(partsOf("#/pool/a%20b/dns?x=1")).toEqual(["pool", "a b", "dns"]);
  expect(partsOf("")).toEqual(["overview"]);
  expect(partsOf("#/a/b/c/d/e/f/g")).toEqual(["overview"]);
  expect(partsOf(`#/${"x".repeat(201)}`)).toEqual(["overview"]);
  expect(partsOf("#/%E0%A4%A")).toEqual(["%E0%A4%A"]);
  expect(href("pool", "a b")).toBe("#/pool/a%20b");
});

test("a place may ask about the move to a member, and about nothing else", () => {
  expect(cutOf("pool/production-edge/overview?cut=edge-fra-1")).toBe("edge-fra-1");
  expect(cutOf("#/pool/a%20b/overview?cut=edge%20%2B%261")).toBe("edge +&1");
  expect(["pool/x/overview", "pool/x/overview?cut=", "pool/x/overview?act=now", `pool/x/overview?cut=${"x".repeat(201)}`].map(cutOf)).toEqual([undefined, undefined, undefined, undefined]);
});

test("patterns fit whole places only", () => {
  expect(fit("pool/:pool/:tab", ["pool", "x", "dns"])).toEqual({ pool: "x", tab: "dns" });
  expect(fit("pool/:pool/:tab", ["pool", "x"])).toBeUndefined();
  expect(fit("incidents", ["providers"])).toBeUndefined();
});
