// Every screen in its states. A new screen is a line here: it is then checked by axe and photographed in both themes.
import { DEMO_CASES } from "./cases-demo.mjs";
import { INCIDENT_CASES } from "./cases-incidents.mjs";
import { MEMBER_CASES } from "./cases-members.mjs";
import { SETUP_CASES } from "./cases-setup.mjs";

const overview = "overview";
const pool = "pool/production-edge/overview";
const member = "pool/production-edge/member/edge-fra-1";
const AFTER_LOSS_S = 75;

export const CASES = [
  ...INCIDENT_CASES,
  ...SETUP_CASES,
  ...MEMBER_CASES,
  ...DEMO_CASES,
  { name: "overview-full", place: overview },
  { name: "overview-empty", place: overview, scenario: "empty" },
  { name: "overview-stale", place: overview, scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "overview-offline", place: overview, scenario: "blind", ranS: AFTER_LOSS_S },
  { name: "overview-partial", place: overview, scenario: "partial" },
  { name: "overview-error", place: overview, scenario: "error", ranS: 5 },
  { name: "overview-loading", place: overview, scenario: "loading", ranS: 9 },
  { name: "pool-full", place: pool },
  { name: "pool-stale", place: pool, scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "pool-offline", place: pool, scenario: "blind", ranS: AFTER_LOSS_S },
  { name: "pool-moving", place: pool, scenario: "failover", ranS: 15.2 },
  { name: "pool-moved", place: pool, scenario: "failover", ranS: 30 },
  { name: "pool-lone", place: "pool/staging-edge/overview" },
  { name: "pool-generic", place: "pool/hosting-eu/overview" },
  { name: "member-full", place: member },
  { name: "pool-contrast", place: pool, themes: ["contrast", "contrast-dark"] },
  { name: "overview-contrast", place: overview, themes: ["contrast", "contrast-dark"] },
  { name: "pool-small", place: pool, size: { width: 960, height: 640 } },
  { name: "overview-small", place: overview, size: { width: 960, height: 640 } },
  { name: "overview-crowd", place: overview, scenario: "crowd", ranS: 5 },
  { name: "pool-crowd", place: "pool/lab/overview", scenario: "crowd", ranS: 5 },
  { name: "member-stale", place: member, scenario: "stale", ranS: AFTER_LOSS_S },
  ...[["pool", pool], ["pool-lone", "pool/staging-edge/overview"], ["generic", "pool/hosting-eu/overview"], ["overview", overview]].map(([name, place]) => ({
    name: `${name}-greyscale`, place, act: async (page) => void (await page.addStyleTag({ content: "html { filter: grayscale(1) }" })),
  })),
  { name: "pool-down-greyscale", place: pool, scenario: "third", ranS: 6, act: async (page) => void (await page.addStyleTag({ content: "html { filter: grayscale(1) }" })) },
  {
    name: "pool-third", place: pool, scenario: "third", ranS: 6,
    act: async (page) => {
      await page.getByRole("button", { name: "Acknowledge the moves…" }).click();
      await page.clock.runFor(600);
      await page.getByRole("heading", { name: "Let production-edge move by itself again?" }).waitFor();
      await page.getByRole("button", { name: "Acknowledge the moves", exact: true }).click();
      await page.clock.runFor(1_500);
      await page.getByText("production-edge moves by itself again").waitFor();
    },
  },
  {
    name: "palette", place: pool,
    act: async (page) => {
      await page.keyboard.press("Control+k");
      await page.keyboard.type("edge-fra");
      await page.clock.runFor(100);
    },
  },
  {
    name: "make-active", place: pool,
    act: async (page) => {
      await page.getByRole("button", { name: "Make active" }).first().click();
      await page.clock.runFor(300);
      await page.getByRole("button", { name: "Make edge-fra-1 active" }).waitFor();
    },
  },
  {
    // As the tray asks it: the next in line is cut to, another one is made active, what cannot be says why.
    name: "asked-cut", place: `${pool}?cut=edge-fra-1`,
    act: async (page) => {
      await page.getByRole("heading", { name: "Cut DNS of production-edge to edge-fra-1?" }).waitFor();
      const safe = await page.evaluate(() => document.activeElement?.textContent?.trim());
      if (safe !== "Keep edge-ams-2") throw new Error(`the focus is on ${safe}`);
      const asks = await page.evaluate(() => location.hash.includes("?"));
      if (asks) throw new Error("the address asks still, so reading the page again would ask again");
    },
  },
  {
    name: "asked-cut-other", place: "overview",
    act: async (page) => {
      await page.evaluate((place) => (location.hash = `#/${place}?cut=edge-waw-3`), pool);
      await page.clock.runFor(600);
      await page.getByRole("heading", { name: "Make edge-waw-3 active?" }).waitFor();
    },
  },
  {
    name: "asked-cut-refused", place: "overview",
    act: async (page) => {
      await page.evaluate((place) => (location.hash = `#/${place}?cut=edge-ams-2`), pool);
      await page.locator(".toast", { hasText: /production-edge cannot be cut to edge-ams-2\s*It is active/ }).waitFor();
      if ((await page.locator("[role=dialog]").count()) > 0) throw new Error("a dialog is open");
    },
  },
];
