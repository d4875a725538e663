// "Every action by keyboard alone and found in the palette" (ux.md 18.5), made systematic: for every place of the
// registry, every tab and every dialog that an action opens. What can be declared is found under its title and started by
// keys; what is risky opens its dialog and does nothing else (18.7).
import { tabRound } from "./focus.mjs";

/** Changes that an action may make at once: nothing moves, nothing is lost, each is undone the same way or by its toast (ux.md 10, level 0). */
const AT_ONCE = new Set(["watch_pause", "watch_resume", "notice_settings_set", "dns_test", "pool_resume", "pool_update"]);
/** Level 3 has three deliberate inputs; `level3.mjs` counts them for each of these. */
export const LEVEL_3 = ["pool.remove", "member.remove", "provider.remove", "dns.adopt"];

/** Where actions are declared that the whole fleet does not show. */
const MORE = [
  { scenario: "setup", places: ["pool/new-edge/overview", "pool/new-edge/dns", "pool/new-edge/settings"] },
  { scenario: "fresh", places: ["overview"] }, { scenario: "locked", places: ["overview"] }, { scenario: "empty", places: ["overview", "providers"] },
  { scenario: "drift", places: ["pool/production-edge/dns"] }, { scenario: "foreign", places: ["pool/production-edge/dns"] }, { scenario: "third", places: ["pool/production-edge/overview"] },
  { scenario: "demo", places: ["overview"] }, { scenario: "fresh-desktop", places: ["overview"] },
];

export async function actionsWalk(browser, fail) {
  const walk = { browser, fail, tried: new Set(), asked: new Set(), level3: new Set(), dialogs: 0, stops: 0 };
  const all = await placesOf(browser);
  await walkPlaces(walk, "desktop", all.places);
  for (const pattern of all.patterns) {
    const parts = pattern.split("/");
    const fits = (place) => place.split("/").length === parts.length && place.split("/").every((part, i) => parts[i].startsWith(":") || parts[i] === part);
    // `pool/x` is its landing tab.
    if (!all.places.some(fits) && !all.places.some((place) => fits(place.split("/").slice(0, -1).join("/")))) fail("actions", `no place for ${pattern}`);
  }
  for (const { scenario, places } of MORE) await walkPlaces(walk, scenario, places);
  for (const id of walk.level3) if (!LEVEL_3.includes(id.split("/")[0])) fail("actions", `${id} is of level 3 and nothing counts its inputs`);
  for (const id of LEVEL_3) if (![...walk.level3].some((one) => one.split("/")[0] === id)) fail("actions", `${id} of level 3 was met nowhere`);
  console.log(`walked ${all.places.length} places: ${walk.tried.size} actions started by keys, ${walk.asked.size} that cannot run say why, ${walk.dialogs} dialogs gone round`);
}

async function placesOf(browser) {
  const { page } = await browser.open({ scenario: "desktop", place: "overview", ranS: 3 });
  await ready(page);
  const all = await page.evaluate(() => ({ places: globalThis.looking.places(), patterns: globalThis.looking.patterns }));
  await page.close();
  return all;
}

/** Waits until the screen of a place is fetched and read, in bounded looks. */
async function ready(page) {
  for (let i = 0; i < 100; i += 1) {
    await page.clock.runFor(100);
    const done = await page.evaluate(() => {
      const pad = document.querySelector("main .ct-pad, main .page");
      return globalThis.looking !== undefined && pad !== null && pad.childElementCount > 0 && !pad.querySelector("[aria-busy=true]");
    });
    if (done) return page.clock.runFor(400);
  }
  throw new Error(`${page.url()} was not read`);
}

/** Writes down what is done, not planned, as `acted`. */
export function noteActs(page) {
  return page.evaluate(() => {
    const { host } = globalThis.looking;
    const call = host.call.bind(host);
    globalThis.acted = [];
    host.call = (command, request, onProgress) => {
      if (request?.change?.dryRun === false) globalThis.acted.push(command);
      return call(command, request, onProgress);
    };
  });
}

async function openPlace({ browser }, scenario, place) {
  const { page } = await browser.open({ scenario, place, ranS: 3 });
  await ready(page);
  await noteActs(page);
  return page;
}

async function walkPlaces(walk, scenario, places) {
  for (const place of places) {
    const where = `${scenario} ${place}`;
    let page = await openPlace(walk, scenario, place);
    for (const fault of await tabRound(page)) walk.fail(where, fault);
    const actions = await page.evaluate(() => globalThis.looking.actions());
    // The palette does not list itself.
    for (const action of actions.filter((one) => one.id !== "palette.open" && !seen(walk, one))) {
      const now = await page.evaluate((id) => globalThis.looking.actions().find((one) => one.id === id), action.id).catch((thrown) => {
        walk.fail(where, `before ${action.id}: ${String(thrown).slice(0, 200)}`);
      });
      // What was done before may have taken the place of this one: the page as it was has it.
      if (now === undefined || now.title !== action.title || now.can.kind !== action.can.kind) {
        await page.close();
        page = await openPlace(walk, scenario, place);
      }
      await tryAction(walk, page, where, action).catch((thrown) => walk.fail(where, `${action.id}: ${String(thrown).slice(0, 300)}`));
      await back(page, place);
    }
    await page.close();
  }
}

function seen({ tried, asked, level3 }, { id, level, can }) {
  if (level === 3) level3.add(id);
  if (can.kind === "yes") return tried.has(id) || !tried.add(id);
  return tried.has(id) || asked.has(id) || !asked.add(id);
}

async function back(page, place) {
  for (let i = 0; i < 3 && (await page.locator("[role=dialog],[role=menu]").count()) > 0; i += 1) {
    await page.keyboard.press("Escape");
    await page.clock.runFor(300);
  }
  const moved = await page.evaluate((wanted) => {
    const gone = decodeURIComponent(location.hash) !== `#/${wanted}`;
    if (gone) location.hash = `#/${wanted}`;
    return gone;
  }, place);
  if (moved) await ready(page);
}

/** By keys alone: the palette, its group and title, the arrow to its line, Enter. */
export async function choose(page, { id, group, title }) {
  await page.keyboard.press("Control+k");
  await page.clock.runFor(60);
  await page.keyboard.type(`${group} ${title}`);
  await page.clock.runFor(60);
  const lines = await page.$$eval("[role=option]", (all) => all.map((one) => ({ id: one.dataset.id, text: one.innerText, keys: [...one.querySelectorAll("kbd")].map((key) => key.innerText).join(" ") })));
  const at = lines.findIndex((line) => line.id === id);
  if (at < 0) throw new Error(`the palette does not find it by "${group} ${title}"`);
  for (let i = 0; i < at; i += 1) await page.keyboard.press("ArrowDown");
  const chosen = await page.evaluate(() => document.getElementById(document.activeElement?.getAttribute("aria-activedescendant") ?? "")?.dataset.id);
  if (chosen !== id) throw new Error(`the arrow keys lead to ${chosen}`);
  await page.keyboard.press("Enter");
  await page.clock.runFor(500);
  return lines[at];
}

async function tryAction(walk, page, where, action) {
  const { fail } = walk;
  const says = (what) => fail(where, `${action.id}: ${what}`);
  await page.evaluate(() => (globalThis.acted.length = 0));
  const line = await choose(page, action);
  if (!line.text.includes(action.title)) says(`the palette calls it ${line.text}`);
  if (action.keys && line.keys === "") says(`the palette does not show its key ${action.keys}`);
  if (action.can.kind === "no") {
    if (!line.text.includes(action.can.reason)) says(`the palette does not say why it cannot run: ${action.can.reason}`);
    if ((await page.locator(".pal").count()) === 0) says("it cannot run, and Enter closed the palette");
    return;
  }
  const started = await page.evaluate(() => JSON.parse(localStorage.getItem("palette-recent") ?? "[]")[0]);
  if (started !== action.id) says(`Enter started ${started}`);
  for (const command of await page.evaluate(() => globalThis.acted)) if (!AT_ONCE.has(command)) says(`Enter in the palette did ${command}`);
  const dialog = page.locator("[role=dialog]");
  // Dialogs that are fetched come a moment later, in real time.
  for (let i = 0; action.title.endsWith("…") && i < 50 && (await dialog.count()) === 0; i += 1) await page.clock.runFor(100);
  if ((await dialog.count()) === 0) {
    if (action.level >= 2) says("it is of level 2 or 3 and opened no dialog");
    return;
  }
  walk.dialogs += 1;
  if (action.level >= 2) await safeFirst(page, says);
  if ((await dialog.count()) === 0) return;
  const trap = (await page.locator("[role=dialog].dl").count()) > 0;
  for (const fault of await tabRound(page, { inside: "[role=dialog]", trap })) says(fault);
}

/** The safe button has the focus, so that one more Enter keeps everything as it is; then the dialog is opened once more. */
async function safeFirst(page, says) {
  const first = await page.evaluate(() => ({ text: document.activeElement?.textContent?.trim() ?? "", safe: document.activeElement?.hasAttribute("data-autofocus") ?? false }));
  if (!first.safe) says(`the focus is on "${first.text}", not on the safe button`);
  await page.keyboard.press("Enter");
  await page.clock.runFor(1_500);
  const done = await page.evaluate(() => globalThis.acted.slice());
  if (done.length > 0) says(`Enter twice did ${done.join()}`);
  if ((await page.locator("[role=dialog]").count()) > 0) says("Enter on the safe button leaves the dialog open");
}
