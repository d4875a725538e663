// Setting up: pools, enrolment, the managed name, settings, rehearsal, first run.
const fresh = "pool/new-edge/overview";
const edge = "pool/production-edge/overview";

const press = (name, exact = false) => async (page) => {
  await page.getByRole("button", { name, exact }).first().click();
  await page.clock.runFor(400);
};
const fill = async (page, label, text) => page.getByLabel(label, { exact: false }).first().fill(text);

/** Opens the enrolment dialog and fills it; `ranS` seconds into the call. */
const enrol = (who, ranS) => async (page) => {
  await press("Add member")(page);
  await page.getByRole("dialog").waitFor();
  await fill(page, "Hostname", who.hostname);
  await fill(page, "Address this console calls", who.address);
  if (who.sources) await fill(page, "Allowed source addresses", who.sources);
  if (ranS === undefined) return;
  await press("Make the secret")(page);
  await page.clock.runFor(ranS * 1000);
  await page.evaluate(() => new Promise((done) => setTimeout(done, 0))).catch(() => undefined);
};
const madrid = { hostname: "edge-mad-4", address: "198.51.100.87" };

export const SETUP_CASES = [
  { name: "add-pool", place: "overview", act: press("Add pool") },
  { name: "add-pool-empty", place: "overview", scenario: "empty", act: press("Add pool") },
  { name: "add-member-identity", place: edge, act: enrol({ ...madrid, sources: "198.51.100.88" }) },
  { name: "add-member-install", place: edge, act: enrol(madrid, 3.2) },
  { name: "add-member-heard", place: edge, act: enrol(madrid, 12) },
  { name: "add-member-source", place: edge, act: enrol({ hostname: "edge-mad-4", address: "203.0.113.77", sources: "198.51.100.87" }, 4) },
  { name: "add-member-hostname", place: edge, act: enrol({ hostname: "alias-4", address: "198.51.100.87" }, 5) },
  { name: "add-member-secret", place: edge, act: enrol({ hostname: "typo-4", address: "198.51.100.87" }, 4) },
  { name: "add-member-silent", place: edge, act: enrol({ hostname: "edge-mad-4", address: "192.0.2.254" }, 95) },
  { name: "add-member-mute", place: edge, act: enrol({ hostname: "mute-4", address: "198.51.100.87" }, 9) },
];
