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
  { name: "incident-held", place: incident(41), act: (page) => page.getByRole("heading", { name: "If it happened now" }).waitFor() },
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
  { name: "providers-full", place: "providers" },
  { name: "providers-empty", place: "providers", scenario: "empty" },
  { name: "providers-stale", place: "providers", scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "providers-error", place: "providers", scenario: "error", ranS: 5 },
  { name: "providers-loading", place: "providers", scenario: "loading", ranS: 9 },
  {
    name: "providers-add", place: "providers",
    act: async (page) => {
      await page.keyboard.press("n");
      await page.clock.runFor(300);
      await page.getByRole("button", { name: "Add and test" }).click();
      await page.clock.runFor(100);
    },
  },
  {
    name: "providers-added", place: "providers", scenario: "empty",
    act: async (page) => {
      await page.getByRole("button", { name: "Add provider" }).first().click();
      await page.clock.runFor(300);
      for (const [label, text] of [["Name", "own-dns"], ["Server", "192.0.2.53"], ["Zone", "example.com"], ["Key name", "sctl"], ["Secret", "c2VjcmV0c2VjcmV0"]]) await page.getByLabel(label, { exact: true }).fill(text);
      await page.keyboard.press("Enter");
      await page.clock.runFor(1_500);
      await page.getByText("is primary for example.com").first().waitFor();
      if ((await page.content()).includes("c2VjcmV0")) throw new Error("the secret is still in the page");
    },
  },
  {
    name: "providers-remove", place: "providers",
    act: async (page) => {
      await page.getByRole("article", { name: "lab-dns" }).getByRole("button", { name: "Remove" }).click();
      await page.clock.runFor(400);
      await page.getByRole("heading", { name: "Remove provider lab-dns?" }).waitFor();
    },
  },
  ...["general", "appearance", "notifications", "watch", "keyboard", "consoles", "about"].map((part) => ({ name: `settings-${part}`, place: `settings/${part}` })),
  {
    name: "settings-general-desktop", place: "settings/general", scenario: "desktop",
    act: async (page) => {
      const login = page.getByRole("switch", { name: "Start at login" });
      await login.click();
      await page.clock.runFor(200);
      if ((await login.getAttribute("aria-checked")) !== "true") throw new Error("the switch does not show what the desktop kept");
      await page.getByText("Hides to the tray").waitFor();
      await page.keyboard.press("Control+k");
      await page.keyboard.type("start at login");
      await page.getByRole("option", { name: "Do not start at login" }).waitFor();
      await page.keyboard.press("Escape");
      await page.clock.runFor(300);
    },
  },
  {
    name: "settings-general-refused", place: "settings/general", scenario: "bare-desktop",
    act: async (page) => {
      await page.getByRole("switch", { name: "Start at login" }).click();
      await page.clock.runFor(200);
      await page.getByRole("alert").getByText("HOME is not set").waitFor();
      if ((await page.getByRole("switch", { name: "Start at login" }).getAttribute("aria-checked")) !== "false") throw new Error("the switch shows what was refused");
      await page.getByText("Minimises").waitFor();
    },
  },
  { name: "settings-consoles-empty", place: "settings/consoles", scenario: "empty" },
  { name: "settings-watch-stale", place: "settings/watch", scenario: "stale", ranS: AFTER_LOSS_S },
  { name: "settings-notifications-error", place: "settings/notifications", scenario: "error", ranS: 5 },
  { name: "settings-appearance-contrast", place: "settings/appearance", themes: ["contrast", "contrast-dark"] },
  {
    name: "settings-console-added", place: "settings/consoles",
    act: async (page) => {
      await page.getByRole("button", { name: "Add console" }).click();
      await page.clock.runFor(300);
      await page.getByLabel("Its card").fill("sctl-card-1.watch");
      await page.getByLabel("Name", { exact: true }).fill("watch-02");
      await page.getByRole("button", { name: "Review" }).last().click();
      await page.clock.runFor(400);
      await page.getByRole("button", { name: "Sign in as operator" }).click();
      await page.clock.runFor(600);
      await page.getByRole("heading", { name: "watch-02 is signed in" }).waitFor();
    },
  },
  { name: "monitoring-full", place: "pool/production-edge/monitoring" },
  { name: "monitoring-generic", place: "pool/lab/monitoring" },
  { name: "monitoring-stale", place: "pool/production-edge/monitoring", scenario: "stale", ranS: AFTER_LOSS_S },
  {
    name: "notices", place: "overview",
    act: async (page) => {
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      await page.clock.runFor(400);
      await page.getByText("moved to edge-ams-2").first().waitFor();
    },
  },
  {
    name: "explain-member", place: "pool/production-edge/overview",
    act: async (page) => {
      await page.getByRole("button", { name: "edge-ams-2, Active: explain" }).first().click();
      await page.clock.runFor(600);
      await page.getByText("Evidence").first().waitFor();
    },
  },
  {
    name: "explain-pool", place: "overview",
    act: async (page) => {
      await page.getByRole("button", { name: "staging-edge, Degraded: explain" }).last().click();
      await page.clock.runFor(600);
      await page.getByText("Missing for an automatic move").waitFor();
    },
  },
  {
    name: "attention-put-aside", place: "overview",
    act: async (page) => {
      await page.getByRole("button", { name: "More about: lab-01" }).first().click();
      await page.clock.runFor(200);
      await page.getByRole("menuitem", { name: "Put aside for 1 hour" }).click();
      await page.clock.runFor(400);
      await page.getByText("1 put aside").first().waitFor();
      const alerts = await page.locator(".kpi", { hasText: "Alerts" }).innerText();
      if (!/^Alerts\s+2\s/.test(alerts)) throw new Error(`what was put aside still counts: ${alerts}`);
    },
  },
  {
    name: "hints", place: "pool/production-edge/overview",
    act: async (page) => {
      await page.keyboard.press("g");
      await page.clock.runFor(700);
      if ((await page.locator("kbd.hint").count()) < 4) throw new Error("G shows no hints");
    },
  },
  {
    name: "zoomed", place: "pool/production-edge/overview",
    act: async (page) => {
      for (let i = 0; i < 2; i += 1) await page.keyboard.press("Control+=");
      await page.clock.runFor(200);
    },
  },
  {
    name: "walk-console", place: "overview",
    // By keyboard alone: every screen here is reached, worked and left.
    act: async (page) => {
      const press = async (...keys) => {
        for (const key of keys) await page.keyboard.press(key);
        await page.clock.runFor(500);
      };
      const place = () => page.evaluate(() => decodeURIComponent(location.hash));
      const expect = (what, holds) => {
        if (!holds) throw new Error(what);
      };
      await press("g", "i");
      expect("G I opens Incidents", (await place()) === "#/incidents");
      // A screen is fetched in real time, whatever the page's clock says.
      await page.locator("a[data-row]").first().waitFor();
      await press("/");
      await page.keyboard.type("staging");
      await page.clock.runFor(200);
      expect("/ filters", (await page.locator("a[data-row]").count()) === 1);
      await press("Escape", "j", "j", "Enter");
      expect("J and Enter open the second incident", (await place()).startsWith("#/incidents/00000041"));
      // Its keys stand once it is drawn.
      await page.getByText("Timeline", { exact: true }).first().waitFor();
      await press("]");
      expect("] opens the older one", (await place()).startsWith("#/incidents/00000040"));
      await page.getByText("Timeline", { exact: true }).first().waitFor();
      await press("Escape");
      expect("Escape goes back to the list", (await place()) === "#/incidents");
      await press("g", "p");
      await page.getByRole("article").first().waitFor();
      expect("G P opens Providers", (await place()) === "#/providers");
      await press("n");
      expect("N opens the form", (await page.getByRole("heading", { name: "Add a DNS provider" }).count()) === 1);
      await press("Escape");
      await press("Control+k");
      await page.keyboard.type("test lab-dns");
      const before = page.getByRole("article", { name: "lab-dns" }).getByText("1 day ago");
      expect("the last test was a day ago", (await before.count()) === 1);
      await press("Enter");
      await page.clock.runFor(1_000);
      // The palette runs a test: what stood there is replaced by its result, however long that takes here.
      await before.waitFor({ state: "detached" });
      await press("g", "s");
      await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
      await press("]");
      expect("] goes to the next part of the settings", (await place()) === "#/settings/appearance");
      await press("Control+-");
      expect("Ctrl - makes it smaller", (await page.evaluate(() => document.body.style.zoom)) === "0.9");
      await press("Control+0");
      await press("g", "o");
      await press("Control+k");
      await page.keyboard.type("why is lab-01");
      await press("Enter");
      await page.clock.runFor(600);
      expect("the palette explains a glyph", (await page.getByRole("dialog", { name: "Why lab-01 is unknown" }).count()) === 1);
      await press("Escape");
      await press("Control+k");
      const recent = await page.getByRole("option").first().innerText();
      expect(`what was used lately stands first, it was ${recent}`, recent.includes("Why is lab-01"));
      await press("Escape");
    },
  },
];
