// Members and the pools of generic servers, in their states.
const AFTER_LOSS_S = 75;
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
];
