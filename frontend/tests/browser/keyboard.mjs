// What must work by keyboard alone.
export async function keyboardWalk(browser, fail) {
  const { page, faults } = await browser.open({ place: "overview", ranS: 3 });
  const expect = async (what, holds) => {
    if (!(await holds())) fail("keyboard", what);
  };
  const place = () => page.evaluate(() => decodeURIComponent(location.hash));
  const settle = () => page.clock.runFor(400);

  await page.keyboard.press("Control+3");
  await settle();
  await expect("Ctrl+3 opens the third pool", async () => (await place()) === "#/pool/production-edge/overview");
  await page.keyboard.press("Alt+2");
  await settle();
  await expect("Alt+2 opens the second member", async () => (await place()) === "#/pool/production-edge/member/edge-fra-1");
  await page.keyboard.press("[");
  await settle();
  await expect("[ goes to the tab before", async () => (await place()) === "#/pool/production-edge/member/edge-ams-2");
  // Held until the keys are shown in place, it does the same.
  await page.keyboard.down("Alt");
  await page.clock.runFor(700);
  await expect("Alt shows the keys of the members", async () => (await page.locator("kbd.hint").count()) >= 3);
  await page.keyboard.press("2");
  await page.keyboard.up("Alt");
  await settle();
  await expect("Alt, held, and 2 open the second member", async () => (await place()) === "#/pool/production-edge/member/edge-fra-1");
  await expect("its keys are hidden again", async () => (await page.locator("kbd.hint").count()) === 0);
  await page.keyboard.press("g");
  await page.clock.runFor(700);
  await expect("G shows the keys of the sections", async () => (await page.locator("kbd.hint").count()) >= 4);
  await page.keyboard.press("o");
  await settle();
  await expect("G O opens the overview", async () => (await place()) === "#/overview");

  await page.keyboard.press("Control+k");
  await settle();
  await expect("the palette has the focus", () => page.evaluate(() => document.activeElement?.getAttribute("role") === "combobox"));
  await page.keyboard.type("production-edge");
  await settle();
  await page.keyboard.press("Enter");
  await settle();
  await expect("Enter in the palette opens the pool", async () => (await place()) === "#/pool/production-edge/overview");

  await page.keyboard.press("c");
  await settle();
  await expect("C opens the dialog with the focus on the safe button", () => page.evaluate(() => document.activeElement?.textContent?.trim() === "Keep edge-ams-2"));
  await expect("the dialog shows old and new", async () => (await page.locator(".dm").count()) === 1 && (await page.locator(".da").count()) === 1);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.clock.runFor(6_000);
  await expect("the move is drawn: edge-fra-1 is active", async () => (await page.locator(".nd.act").innerText()).includes("edge-fra-1"));
  await expect("the dialog is gone", async () => (await page.locator("[role=dialog]").count()) === 0);

  await page.keyboard.press("?");
  await settle();
  await expect("? shows the keys", async () => (await page.getByRole("heading", { name: "Keys of this screen" }).count()) === 1);
  await page.keyboard.press("Escape");
  await settle();
  const seen = new Set();
  for (let i = 0; i < 5; i += 1) {
    await page.keyboard.press("F6");
    seen.add(await page.evaluate(() => document.activeElement?.closest("[data-region]")?.tagName ?? ""));
  }
  await expect(`F6 visits every part of the window, went to ${[...seen].join(", ")}`, async () => ["HEADER", "NAV", "MAIN", "FOOTER"].every((one) => seen.has(one)));
  for (const fault of faults()) fail("keyboard", fault);
  await page.close();
}
