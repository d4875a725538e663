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
  { name: "first-welcome", place: "overview", scenario: "fresh" },
  { name: "first-console", place: "overview", scenario: "fresh", act: async (page) => {
    await press("Set up this console")(page);
    await page.getByText("File with a passphrase").click();
    await fill(page, "Name of this console", "ops-laptop");
    await page.clock.runFor(200);
  } },
  { name: "first-pool", place: "overview", scenario: "fresh", act: async (page) => {
    await press("Set up this console")(page);
    await fill(page, "Name of this console", "ops-laptop");
    await press("Continue to the first pool")(page);
    await page.getByRole("dialog").waitFor();
  } },
  { name: "join", place: "overview", scenario: "fresh", act: async (page) => {
    await press("Join a fleet with a pool file")(page);
    await fill(page, "Name of this console", "ops-desk");
    await press("Continue to the pool file")(page);
    await page.getByRole("dialog").waitFor();
    await page.clock.runFor(300);
  } },
  { name: "locked", place: "overview", scenario: "locked", ranS: 6 },
  { name: "setup-banner", place: fresh, scenario: "setup" },
  { name: "setup-banner-lone", place: "pool/staging-edge/overview" },
  { name: "dns-full", place: "pool/production-edge/dns", act: async (page) => { await press("Test", true)(page); await page.clock.runFor(1500); } },
  { name: "dns-unset", place: "pool/hosting-eu/dns" },
  { name: "dns-none", place: "pool/new-edge/dns", scenario: "setup" },
  { name: "dns-adopt", place: "pool/hosting-eu/dns", act: async (page) => {
    await fill(page, "Label", "web");
    await press("Set the name")(page);
    await page.clock.runFor(1500);
  } },
  { name: "pool-settings-generic", place: "pool/hosting-eu/settings" },
  { name: "add-member-aside", place: edge, act: async (page) => { await enrol({ hostname: "edge-mad-4", address: "192.0.2.254" }, 2)(page); await page.keyboard.press("Escape"); await page.clock.runFor(1000); } },
  { name: "dns-drift", place: "pool/production-edge/dns", scenario: "drift" },
  { name: "dns-stale", place: "pool/production-edge/dns", scenario: "stale", ranS: 75 },
  { name: "dns-offline", place: "pool/production-edge/dns", scenario: "blind", ranS: 75 },
  { name: "dns-partial", place: "pool/production-edge/dns", scenario: "partial" },
  { name: "dns-small", place: "pool/production-edge/dns", size: { width: 960, height: 640 } },
  { name: "pool-settings-full", place: "pool/production-edge/settings" },
  { name: "pool-settings-changed", place: "pool/staging-edge/settings", act: async (page) => {
    await page.getByRole("slider").fill("45");
    await page.getByRole("switch", { name: "Move on a double fault" }).click();
    await page.clock.runFor(200);
  } },
  { name: "pool-settings-stale", place: "pool/production-edge/settings", scenario: "stale", ranS: 75 },
  { name: "pool-settings-empty", place: "pool/new-edge/settings", scenario: "setup" },
  { name: "pool-settings-small", place: "pool/production-edge/settings", size: { width: 960, height: 640 } },
  { name: "pool-remove", place: "pool/new-edge/settings", scenario: "setup", act: press("Remove pool") },
  { name: "pool-pause", place: "pool/production-edge/settings", act: press("Pause for everyone") },
  { name: "rehearse-green", place: "pool/production-edge/settings", act: async (page) => {
    await press("Rehearse again")(page);
    await page.getByRole("dialog").getByRole("button", { name: "Rehearse again" }).click();
    await page.clock.runFor(3000);
  } },
  { name: "rehearse-red", place: "pool/staging-edge/settings", act: async (page) => {
    await press("Rehearse", true)(page);
    await page.getByRole("dialog").getByRole("button", { name: "Rehearse now" }).click();
    await page.clock.runFor(3000);
  } },
  { name: "add-member-mute", place: edge, act: enrol({ hostname: "mute-4", address: "198.51.100.87" }, 9) },
];
