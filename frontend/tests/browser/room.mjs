// Room (ux.md 15 and 17): enlarged to 200 % at 1280 px, and with text 40 % longer, nothing is cut, covered or pushed out.

/** One place for each main screen. */
const SCREENS = [
  ["overview", "overview"], ["incidents", "incidents"], ["incident that moved", "incidents/00000042-0000-4000-a000-000000000000"],
  ["incident that did not", "incidents/00000041-0000-4000-a000-000000000000"], ["providers", "providers"],
  ...["general", "appearance", "notifications", "watch", "keyboard", "consoles", "about"].map((part) => [`settings ${part}`, `settings/${part}`]),
  ...["overview", "monitoring", "settings", "dns"].flatMap((tab) => [[`HAProxy pool ${tab}`, `pool/production-edge/${tab}`], [`generic pool ${tab}`, `pool/hosting-eu/${tab}`]]),
  ["lone pool", "pool/staging-edge/overview"], ["member", "pool/production-edge/member/edge-fra-1/standing"], ["member status", "pool/production-edge/member/edge-ams-2/status"],
  ["member settings", "pool/production-edge/member/edge-fra-1/settings"], ["server", "pool/hosting-eu/member/par-2/standing"],
];
const ENLARGED = { size: { width: 1280, height: 800 }, looks: { zoom: 200 } };

export async function roomWalk(browser, fail) {
  for (const [name, place] of SCREENS) {
    for (const [how, more, before] of [["200 %", ENLARGED, undefined], ["longer text", {}, lengthen], ["100 %", {}, undefined]]) {
      const { page } = await browser.open({ scenario: "desktop", place, ranS: 6, ...more });
      await settled(page);
      if (before) await page.evaluate(before);
      await page.clock.runFor(200);
      for (const fault of await page.evaluate(audit, how === "200 %" ? 0.999 : 0.4)) fail(`${name}, ${how}`, fault);
      await page.close();
    }
  }
  await dialogs(browser, fail);
  await floats(browser, fail);
}

async function settled(page) {
  for (let i = 0; i < 60; i += 1) {
    await page.clock.runFor(100);
    if (await page.evaluate(() => (document.querySelector("main .ct-pad")?.childElementCount ?? 0) > 0 && !document.querySelector("[aria-busy=true]"))) break;
  }
  await page.clock.runFor(400);
}

const DIALOGS = [
  ["cut", "pool/production-edge/overview", (page) => page.keyboard.press("c")],
  ["add member", "pool/production-edge/overview", (page) => page.keyboard.press("n")],
  ["add pool", "overview", (page) => page.keyboard.press("n")],
  ["add provider", "providers", (page) => page.keyboard.press("n")],
  ["keys", "overview", (page) => page.keyboard.press("?")],
  ["remove a provider", "providers", (page) => page.getByRole("button", { name: "Remove…" }).last().click()],
  ["rehearsal", "pool/production-edge/settings", (page) => page.getByRole("button", { name: "Rehearse again" }).first().click()],
  ["pause", "pool/production-edge/settings", (page) => page.getByRole("button", { name: "Pause for everyone" }).click()],
];

/** What floats over the page, with whatever it belongs to. */
const FLOATS = [
  ["explanation", "overview", "[role=dialog].explained", (page) => page.getByRole("button", { name: "par-2, Degraded: explain" }).first()],
  ["notices", "overview", "[role=dialog].notices", (page) => page.getByRole("button", { name: /^Notices/ })],
  ["menu", "overview", "[role=menu]", (page) => page.getByRole("button", { name: "More about: par-2 is degraded." })],
  ["menu of reports", "incidents/00000042-0000-4000-a000-000000000000", "[role=menu]", (page) => page.getByRole("button", { name: "Export report" })],
  ["tooltip", "pool/production-edge/overview", ".tip", (page) => page.getByRole("button", { name: "Add member" }).nth(1)],
];

/** At every size it stands in the window, at what it belongs to, and Esc closes it at once. */
async function floats(browser, fail) {
  for (const [name, place, what, of] of FLOATS) {
    for (const zoom of [80, 100, 125, 200]) {
      const says = (fault) => fail(`${name}, ${zoom} %`, fault);
      const { page } = await browser.open({ scenario: "desktop", place, ranS: 6, size: { width: 1280, height: 800 }, looks: { zoom } });
      await settled(page);
      await (what === ".tip" ? of(page).focus() : of(page).click());
      await page.clock.runFor(900);
      const float = await page.locator(what).boundingBox().catch(() => null);
      const home = await of(page).boundingBox();
      if (!float || !home) says("it does not open");
      else {
        if (float.x < 0 || float.y < 0 || float.x + float.width > 1281 || float.y + float.height > 801) says(`it stands at ${Object.values(float).map(Math.round).join()}, outside the window`);
        const away = Math.max(home.x - float.x - float.width, float.x - home.x - home.width, home.y - float.y - float.height, float.y - home.y - home.height);
        if (away > 24 * (zoom / 100)) says(`it stands ${Math.round(away)} px from what it belongs to`);
      }
      await page.keyboard.press("Escape");
      await page.clock.runFor(400);
      if ((await page.locator(what).count()) > 0) says("Esc does not close it");
      await page.close();
    }
  }
}

async function dialogs(browser, fail) {
  for (const [name, place, open] of DIALOGS) {
    for (const [how, more, before] of [["200 %", ENLARGED, undefined], ["longer text", {}, lengthen]]) {
      const { page } = await browser.open({ scenario: "desktop", place, ranS: 6, ...more });
      await settled(page);
      await open(page);
      await page.locator("[role=dialog]").waitFor();
      await page.clock.runFor(900);
      if (before) await page.evaluate(before);
      await page.clock.runFor(200);
      for (const fault of await page.evaluate(audit, how === "200 %" ? 0.999 : 0.4)) fail(`dialog ${name}, ${how}`, fault);
      await page.close();
    }
  }
}

/** As another language would: words become 40 % longer, names and figures stay. */
function lengthen() {
  const root = document.querySelector("[role=dialog]") ?? document.body;
  const names = new Set([...document.querySelectorAll("a[href*='/pool/'], a[href*='/member/'], .mono")].map((one) => one.textContent.trim()));
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  const FILL = " ölänger ünd größer wörter";
  for (const node of nodes) {
    const text = node.data.trim();
    const holder = node.parentElement;
    if (!/[a-z]{3}/.test(text) || names.has(text) || holder.closest(".mono, code, pre, kbd, time, option, .sr, script, style, svg")) continue;
    if (/^[a-z]+-[a-z]*-?\d+$/.test(text) || /^(?:[\d.,]+ ?(?:ms|s|min|h|days?|%|[KMGT]?B(?:\/s)?)?\s*)+$/.test(text)) continue;
    const more = Math.ceil(text.length * 0.4);
    node.data = `${node.data.replace(/\s+$/, "")}${more < 6 ? "ö".repeat(more) : FILL.repeat(4).slice(0, more)}${/\s+$/.exec(node.data)?.[0] ?? ""}`;
  }
}

/** Texts that are cut or lie upon each other, and what sticks out of the window. `least` is how much of a text with an ellipsis must be seen. */
function audit(least) {
  const root = document.querySelector("[role=dialog]") ?? document.body;
  const faults = [];
  const boxes = [];
  const quote = (text) => `"${text.replace(/\s+/g, " ").trim().slice(0, 50)}"`;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const holder = node.parentElement;
    if (node.data.trim() === "" || !holder || holder.closest(".sr, script, style, option, svg, .toasts")) continue;
    if (!holder.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      const seen = { left: rect.left, top: rect.top, right: rect.right, bottom: rect.bottom };
      /** Without what is scrolled away. */
      const view = { ...seen };
      let cutBy = "";
      let dots = false;
      const free = { x: false, y: false };
      let hidden = false;
      for (let up = holder; up && up !== document.documentElement; up = up.parentElement) {
        const style = getComputedStyle(up);
        if (style.clipPath !== "none") hidden = true;
        const clip = up.getBoundingClientRect();
        const scrolls = (over) => over === "auto" || over === "scroll";
        if (style.overflowX !== "visible") Object.assign(view, { left: Math.max(view.left, clip.left), right: Math.min(view.right, clip.right) });
        if (style.overflowY !== "visible") Object.assign(view, { top: Math.max(view.top, clip.top), bottom: Math.min(view.bottom, clip.bottom) });
        if (style.overflowX !== "visible" && !free.x) {
          if (scrolls(style.overflowX)) {
            if (up.scrollWidth > up.clientWidth + 1 && !up.querySelector("table") && (rect.right > clip.right + 1 || rect.left < clip.left - 1)) faults.push(`${quote(node.data)} needs scrolling sideways in ${up.className || up.tagName}`);
            free.x = true;
          } else if (seen.right > clip.right + 1.5 || seen.left < clip.left - 1.5) {
            dots ||= style.textOverflow === "ellipsis";
            cutBy = up.className || up.tagName;
            seen.right = Math.min(seen.right, clip.right);
            seen.left = Math.max(seen.left, clip.left);
          }
        }
        if (style.overflowY !== "visible" && !free.y) {
          if (scrolls(style.overflowY)) free.y = true;
          else if (seen.bottom > clip.bottom + 3 || seen.top < clip.top - 3) {
            cutBy = up.className || up.tagName;
            seen.bottom = Math.min(seen.bottom, clip.bottom);
            seen.top = Math.max(seen.top, clip.top);
          }
        }
        if (style.position === "fixed") break;
      }
      if (hidden) continue;
      if (cutBy && !dots) faults.push(`${quote(node.data)} is cut by ${cutBy}`);
      else if (cutBy && (seen.right - seen.left) / rect.width < least && !holder.closest("[title]")) faults.push(`of ${quote(node.data)} only ${Math.max(0, Math.round((100 * (seen.right - seen.left)) / rect.width))} % are seen`);
      if (!free.x && (seen.right > innerWidth + 1 || seen.left < -1)) faults.push(`${quote(node.data)} stands outside the window`);
      if (view.right - view.left > 1 && view.bottom - view.top > 1) boxes.push({ ...view, node, holder });
    }
  }
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    if (a.node === b.node || a.holder.closest(".lab, .pin") || b.holder.closest(".lab, .pin, thead")) return;
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    // What has scrolled under something else is not seen there.
    const over = wide > 2 && high > 4 && document.elementFromPoint((Math.max(a.left, b.left) + Math.min(a.right, b.right)) / 2, (Math.max(a.top, b.top) + Math.min(a.bottom, b.bottom)) / 2);
    if (over && (a.holder.contains(over) || b.holder.contains(over) || over.contains(a.holder))) faults.push(`${quote(a.node.data)} and ${quote(b.node.data)} lie upon each other`);
  }));
  for (const one of root.querySelectorAll("a[href],button,input,select,textarea")) {
    if (!one.checkVisibility({ visibilityProperty: true }) || one.closest(".sr, [aria-hidden=true]")) continue;
    const rect = one.getBoundingClientRect();
    let free = false;
    for (let up = one.parentElement; up; up = up.parentElement) free ||= /auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth + 1;
    if (!free && rect.width > 1 && (rect.right > innerWidth + 1 || rect.left < -1)) faults.push(`${one.tagName.toLowerCase()} ${quote(one.innerText || one.getAttribute("aria-label") || "")} stands outside the window`);
  }
  return [...new Set(faults)].slice(0, 12);
}
