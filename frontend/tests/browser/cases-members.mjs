// Members and the pools of generic servers, in their states.
const AFTER_LOSS_S = 75;
const generic = "pool/hosting-eu/overview";
const settings = "pool/production-edge/member/edge-fra-1/settings";
const status = "pool/production-edge/member/edge-ams-2/status";

export const MEMBER_CASES = [
  { name: "status-full", place: status },
  { name: "status-stale", place: status, scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "status-offline", place: status, scenario: "blind", ranS: AFTER_LOSS_S },
  { name: "status-loading", place: status, scenario: "loading", ranS: 9 },
  { name: "status-crowd", place: status, scenario: "crowd", ranS: 8 },
  { name: "status-small", place: status, size: { width: 960, height: 640 } },
  { name: "status-lost", place: status, scenario: "failover", ranS: 12 },
  {
    name: "status-problems", place: status,
    act: async (page) => {
      await page.getByRole("radio", { name: /Problems/ }).click();
      await page.clock.runFor(300);
    },
  },
  {
    name: "status-why", place: status,
    act: async (page) => {
      await page.getByRole("button", { name: "Why is adm-02 down?" }).click();
      await page.clock.runFor(300);
      await page.getByRole("heading", { name: "Why is adm-02 down?" }).waitFor();
    },
  },
  { name: "member-generic", place: "pool/hosting-eu/member/par-2" },
  { name: "member-lost", place: "pool/lab/member/lab-01" },
  { name: "member-offline", place: "pool/production-edge/member/edge-ams-2", scenario: "blind", ranS: AFTER_LOSS_S },
  { name: "member-settings", place: settings },
  { name: "member-settings-stale", place: settings, scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "member-settings-small", place: settings, size: { width: 960, height: 640 } },
  {
    name: "member-settings-changed", place: settings,
    act: async (page) => {
      await page.getByLabel("Address that DNS publishes").fill("203.0.113.99");
      await page.getByLabel("Name", { exact: true }).fill("edge-ams-2");
      await page.clock.runFor(300);
    },
  },
  {
    name: "member-settings-ask", place: settings,
    act: async (page) => {
      await page.getByLabel("Address that DNS publishes").fill("203.0.113.99");
      await page.keyboard.press("Control+s");
      await page.clock.runFor(600);
      await page.getByRole("heading", { name: "Change edge-fra-1?" }).waitFor();
    },
  },
  {
    name: "member-remove", place: settings,
    act: async (page) => {
      await page.getByRole("button", { name: "Remove member" }).click();
      await page.clock.runFor(600);
      await page.getByRole("heading", { name: "Remove edge-fra-1 from production-edge?" }).waitFor();
    },
  },
  { name: "generic-full", place: generic },
  {
    name: "generic-explain", place: generic,
    act: async (page) => {
      await page.getByRole("article", { name: "par-2" }).getByRole("button", { name: "par-2, Degraded: explain" }).click();
      await page.clock.runFor(600);
      await page.getByRole("dialog", { name: "Why par-2 is degraded" }).getByText("agent 0.9.4 is older than this console").first().waitFor();
      if (!(await page.evaluate(() => location.hash)).endsWith("/overview")) throw new Error("the tile was opened instead");
    },
  },
  { name: "generic-stale", place: generic, scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "generic-offline", place: generic, scenario: "blind", ranS: AFTER_LOSS_S },
  { name: "generic-partial", place: generic, scenario: "partial" },
  { name: "generic-loading", place: generic, scenario: "loading", ranS: 9 },
  { name: "generic-unplaced", place: "pool/lab/overview" },
  { name: "generic-crowd", place: "pool/lab/overview", scenario: "crowd", ranS: 8 },
  { name: "generic-small", place: generic, size: { width: 960, height: 640 } },
  { name: "generic-contrast", place: generic, themes: ["contrast", "contrast-dark"] },
  {
    name: "overview-map", place: "overview",
    act: async (page) => {
      await page.getByRole("radio", { name: "Map" }).click();
      await page.clock.runFor(500);
      await page.getByRole("cell", { name: "Amsterdam" }).waitFor({ state: "attached" });
    },
  },
  {
    name: "overview-filter", place: "overview",
    act: async (page) => {
      await page.keyboard.press("f");
      await page.clock.runFor(200);
      await page.keyboard.type("mil-5");
      await page.clock.runFor(200);
    },
  },
];
