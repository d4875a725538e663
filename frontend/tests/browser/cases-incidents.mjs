// Incidents, providers, settings, notices and explanations in their states.
const AFTER_LOSS_S = 75;
const incident = (n) => `incidents/000000${n}-0000-4000-a000-000000000000`;

export const INCIDENT_CASES = [
  { name: "incidents-full", place: "incidents" },
  { name: "incidents-empty", place: "incidents", scenario: "empty" },
  { name: "incidents-stale", place: "incidents", scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "incidents-partial", place: "incidents", scenario: "partial" },
  { name: "incidents-error", place: "incidents", scenario: "error", ranS: 5 },
  { name: "incidents-loading", place: "incidents", scenario: "loading", ranS: 9 },
  { name: "incident-moved", place: incident(42) },
  { name: "incident-held", place: incident(41) },
  { name: "incident-by-hand", place: incident(40) },
  { name: "incident-recovered", place: incident(39) },
  { name: "incident-by-other", place: incident(38) },
  { name: "incident-missing", place: incident(99) },
  { name: "incident-open", place: incident(43), scenario: "failover", ranS: 15.2 },
  { name: "incident-stale", place: incident(42), scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "incident-small", place: incident(42), size: { width: 960, height: 640 } },
  {
    name: "incident-everything", place: incident(42),
    act: async (page) => {
      await page.getByRole("radio", { name: "Everything" }).click();
      await page.clock.runFor(100);
    },
  },
];
