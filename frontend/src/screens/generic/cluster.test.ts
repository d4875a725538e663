import { expect, test } from "vitest";

import { layCluster } from "./cluster";

test("layers do not overlap, and traffic goes to the layer of the active member only", () => {
  const laid = layCluster({ width: 1140, layers: [{ id: "cpanel", servers: 3 }, { id: "linux", servers: 40 }], trafficTo: "linux", managed: true });
  const [cpanel, linux] = [laid.layers.get("cpanel")!, laid.layers.get("linux")!];
  expect(linux.y).toBeGreaterThanOrEqual(cpanel.y + cpanel.h);
  expect(laid.height).toBeGreaterThanOrEqual(linux.y + linux.h);
  expect(laid.desk.y).toBeGreaterThanOrEqual(laid.dns.y + laid.dns.h);
  expect(laid.links.map((one) => `${one.id} ${one.kind}`)).toEqual(["dns/linux traffic", "desk work", "cutover cutover"]);
});

test("without a managed name nothing carries traffic", () => {
  const laid = layCluster({ width: 700, layers: [{ id: "linux", servers: 2 }], trafficTo: undefined, managed: false });
  expect(laid.links.map((one) => `${one.id} ${one.kind}`)).toEqual(["dns/linux none", "desk work", "cutover none"]);
});
