// ux.md 18.7: nothing of level 3 happens with fewer than three deliberate inputs: open it, type the name, confirm.
import { choose, LEVEL_3, noteActs } from "./actions.mjs";

const CASES = [
  { of: "pool.remove", id: "pool.remove", scenario: "setup", place: "pool/new-edge/settings", name: "new-edge", does: "pool_remove" },
  { of: "member.remove", title: "Remove member…", group: "edge-waw-3", scenario: "full", place: "pool/production-edge/overview", name: "edge-waw-3", does: "member_remove" },
  { of: "provider.remove", id: "provider.remove/lab-dns", scenario: "full", place: "providers", name: "lab-dns", does: "provider_remove" },
  { of: "dns.adopt", id: "dns.adopt", scenario: "foreign", place: "pool/production-edge/dns", name: "lb.example.com", does: "dns_adopt" },
];

export async function level3Walk(browser, fail) {
  for (const of of LEVEL_3) if (!CASES.some((one) => one.of === of)) fail("level 3", `${of} has no case`);
  for (const one of CASES) await threeInputs(browser, one, (what) => fail(`level 3, ${one.of}`, what));
}

async function threeInputs(browser, one, says) {
  const { page, faults } = await browser.open({ scenario: one.scenario, place: one.place, ranS: 3 });
  const settle = (ms = 400) => page.clock.runFor(ms);
  const find = () => page.evaluate((wanted) => globalThis.looking?.actions().find((each) => (wanted.id ? each.id === wanted.id : each.title === wanted.title && each.group === wanted.group)), one);
  let action;
  for (let i = 0; i < 100 && !action; i += 1) {
    await settle(100);
    action = await find();
  }
  if (!action) return says("it is declared nowhere");
  await noteActs(page);
  const acted = () => page.evaluate(() => globalThis.acted.slice());
  const open = async () => {
    await choose(page, action);
    await page.locator("[role=dialog].dl").waitFor();
    await settle(800);
  };
  const shut = async () => {
    for (let i = 0; i < 3 && (await page.locator("[role=dialog]").count()) > 0; i += 1) {
      await page.keyboard.press("Escape");
      await settle();
    }
  };
  const nothing = async (after) => {
    await settle(1_200);
    const done = await acted();
    if (done.length > 0) says(`${after} did ${done.join()}`);
    await page.evaluate(() => (globalThis.acted.length = 0));
  };
  const verb = () => page.locator("[role=dialog] .foot button").last();

  await open();
  if (!(await page.locator("[role=dialog]").innerText()).includes("Stays:")) says("the dialog does not say what stays");
  await page.keyboard.press("Enter");
  await nothing("opening and Enter");
  await shut();
  await open();
  for (let i = 0; i < 12 && !(await verb().evaluate((each) => each === document.activeElement)); i += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Space");
  await verb().click({ force: true });
  await nothing("opening and pressing the verb by Enter, Space and click");
  if ((await page.locator("[role=dialog]").count()) === 0) says("the verb closed the dialog without the name");
  const field = page.locator("[role=dialog] input");
  for (const wrong of [`${one.name}x`, one.name.slice(0, -1), ` ${one.name}`, one.name.toUpperCase()]) {
    await field.fill(wrong);
    await page.keyboard.press("Enter");
    await verb().click({ force: true });
    await nothing(`the name as "${wrong}"`);
  }
  await field.fill(one.name);
  await nothing("opening and typing the name");
  await shut();
  await nothing("typing the name and Escape");
  await open();
  await field.focus();
  await page.keyboard.type(one.name);
  await page.keyboard.press("Enter");
  await settle(2_000);
  const done = await acted();
  if (done.join() !== one.does) says(`all three inputs did ${done.join() || "nothing"}, not ${one.does} once`);
  for (const fault of faults()) says(fault);
  await page.close();
}
