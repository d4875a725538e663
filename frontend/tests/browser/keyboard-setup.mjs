// Setting up by keyboard alone: enrol, put right, rehearse, change a setting, find every action in the palette.
export async function keyboardSetup(browser, fail) {
  const { page, faults } = await browser.open({ place: "pool/production-edge/overview", ranS: 3 });
  const expect = async (what, holds) => {
    if (!(await holds())) fail("keyboard-setup", what);
  };
  const settle = (ms = 400) => page.clock.runFor(ms);
  const type = async (text) => {
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
  };
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
  const tabTo = async (name) => {
    for (let i = 0; i < 40; i += 1) {
      if ((await focused()).startsWith(name)) return true;
      await page.keyboard.press("Tab");
    }
    return false;
  };

  await page.keyboard.press("n");
  await page.getByRole("dialog").waitFor();
  await settle();
  await expect("N opens the enrolment with the focus in the hostname", () => page.evaluate(() => document.activeElement?.tagName === "INPUT"));
  await type("edge-mad-4");
  await type("");
  await type("203.0.113.77");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("198.51.100.87");
  await page.keyboard.press("Enter");
  await settle(4_000);
  await expect("the refusal names both sides", async () => (await page.getByText("Came from 203.0.113.77, allowed is 198.51.100.87. Allow it?").count()) === 1);
  await expect("the fix is reached by Tab", () => tabTo("Allow 203.0.113.77"));
  await page.keyboard.press("Enter");
  await settle(400);
  await expect("a new secret is shown while it can be copied", async () => (await page.getByText(/^[0-9a-f]{48}$/).count()) === 1);
  await settle(8_000);
  await expect("it is heard", async () => (await page.getByText("edge-mad-4 is heard").count()) === 1);
  await expect("the secret is gone", async () => !(await page.content()).includes("9f3c07ab51d2e8847760bb1e34ac95d20817fe6639ac41d5"));
  await page.keyboard.press("Escape");
  await settle();
  await expect("Esc closes", async () => (await page.locator("[role=dialog]").count()) === 0);

  const palette = async (words) => {
    await page.keyboard.press("Control+k");
    await settle();
    await page.keyboard.type(words);
    await settle();
    return page.locator("[role=option]").allInnerTexts();
  };
  for (const title of ["Add pool", "Add member", "Managed DNS", "Rehearse", "Turn off automatic failover", "Pause for everyone", "Remove pool"]) {
    const lines = await palette(title);
    await expect(`the palette has ${title}`, async () => lines.some((line) => line.includes(title)));
    await page.keyboard.press("Escape");
    await settle();
  }
  await palette("Remove pool");
  await expect("what cannot be done says why", async () => (await page.getByRole("option").first().innerText()).includes("it still manages a name"));
  await page.keyboard.press("Escape");
  await settle();
  await palette("Rehearse");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await settle();
  await expect("Rehearse again has the focus", async () => (await focused()).startsWith("Rehearse"));
  await page.keyboard.press("Enter");
  await settle(3_000);
  await expect("the rehearsal says where it would move", async () => (await page.getByText(/Would move to edge-fra-1 in about 11 s/).count()) === 1);
  await page.keyboard.press("Escape");
  await settle();

  await page.evaluate(() => (location.hash = "#/pool/production-edge/settings"));
  await page.getByRole("slider").waitFor();
  await page.getByRole("slider").focus();
  await page.keyboard.press("ArrowRight");
  await settle();
  await expect("the slider moves by a second and says what it means", async () => (await page.getByText("After 11 s of silence DNS moves").count()) === 1);
  await page.keyboard.press("Control+s");
  await settle(600);
  await expect("Ctrl+S saves", async () => (await page.getByText("not saved").count()) === 0 && (await page.getByText("Settings of production-edge saved").count()) === 1);
  await page.locator("li[draggable]").first().focus();
  const first = await page.locator("li[draggable]").first().innerText();
  await page.keyboard.press("Alt+ArrowDown");
  await settle(600);
  await expect("Alt and an arrow move a line", async () => (await page.locator("li[draggable]").nth(1).innerText()).includes(first.split("\n").find((line) => line.startsWith("edge-")) ?? "?"));
  for (const fault of faults()) fail("keyboard-setup", fault);
  await page.close();
}
