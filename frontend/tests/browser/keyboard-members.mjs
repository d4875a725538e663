// A member's screens by keyboard alone: statistics, settings, removal.
export async function keyboardMembers(browser, fail) {
  const { page, faults } = await browser.open({ place: "pool/production-edge/member/edge-ams-2/status", ranS: 6 });
  const expect = async (what, holds) => {
    if (!(await holds())) fail("keyboard, members", what);
  };
  const place = () => page.evaluate(() => decodeURIComponent(location.hash));
  const settle = (ms = 400) => page.clock.runFor(ms);
  const press = async (...keys) => {
    for (const key of keys) {
      await page.keyboard.press(key);
      await settle();
    }
  };
  const shown = (text) => page.getByText(text, { exact: false }).count().then((n) => n > 0);

  await press("/");
  await expect("/ goes into the filter", () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") === "Filter by name"));
  await page.keyboard.type("adm-02 ");
  await settle();
  await expect("the filter keeps the server and its backend, and a space types", async () => (await page.locator("tbody tr:not([aria-hidden])").count()) === 2 && (await page.getByLabel("Filter by name").inputValue()) === "adm-02 ");
  await press("Escape");
  await expect("Escape empties the filter", async () => (await page.locator("tbody tr:not([aria-hidden])").count()) === 12);
  for (let i = 0; i < 12; i += 1) {
    if (await page.evaluate(() => document.activeElement instanceof HTMLTableRowElement)) break;
    await press("Tab");
  }
  await expect("Tab reaches the table", () => page.evaluate(() => document.activeElement instanceof HTMLTableRowElement));
  await press("Space");
  await expect("Space pauses", () => shown("Paused at"));
  const before = await page.locator("tbody").innerText();
  await settle(3_000);
  await expect("nothing moves while it is paused", async () => (await page.locator("tbody").innerText()) === before);
  await press("Space");
  await expect("Space resumes", () => shown("Live, every second"));
  await press("j", "j", "Enter");
  await expect("Enter folds a backend", async () => (await page.locator("tbody tr:not([aria-hidden])").count()) === 9);
  await press("Enter", "End", "Enter");
  await expect("Enter on a down server says why", async () => (await page.getByRole("heading", { name: "Why is adm-02 down?" }).count()) === 1 && (await shown("got no answer when it tried to connect")));
  await press("Escape");

  await page.evaluate(() => (location.hash = "#/pool/production-edge/member/edge-waw-3/settings"));
  await settle();
  const name = page.getByLabel("Name", { exact: true });
  await name.focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("edge-waw-9");
  await press("Control+s");
  await settle(600);
  await expect("Ctrl+S saves a new name, and the page stays on that member", async () => (await place()) === "#/pool/production-edge/member/edge-waw-9/settings" && (await name.inputValue()) === "edge-waw-9");
  await press("Control+k");
  await page.keyboard.type("remove edge-waw-9");
  await settle();
  await press("Enter");
  await settle(600);
  await expect("the palette opens the removal's dialog and does not remove", async () => (await page.getByRole("heading", { name: "Remove edge-waw-9 from production-edge?" }).count()) === 1);
  await expect("the safe button has the focus", () => page.evaluate(() => document.activeElement?.textContent?.trim() === "Keep edge-waw-9"));
  const verb = page.getByRole("button", { name: "Remove edge-waw-9", exact: true });
  await expect("the verb waits for the name", async () => (await verb.count()) === 1 && (await verb.getAttribute("aria-disabled")) === "true");
  const stops = [];
  for (let i = 0; i < 4; i += 1) {
    await press("Tab");
    stops.push(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName ?? ""));
  }
  await expect(`Tab goes round the dialog and nowhere else, went to ${stops.join(", ")}`, async () => stops.join() === "BUTTON,Close,INPUT,BUTTON");
  await press("Shift+Tab");
  await page.keyboard.type("edge-waw-9");
  await press("Enter");
  await settle(1_500);
  await expect("it is removed and the pool is shown", async () => (await place()) === "#/pool/production-edge/overview" && (await page.getByRole("link", { name: /^edge-waw-9/ }).count()) === 0);
  for (const fault of faults()) fail("keyboard, members", fault);
  await page.close();
}
