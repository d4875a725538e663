// What must hold without colour (ux.md 15 and 18.2): state glyphs are told apart by their shape, and the word that goes with
// each is there; state colours stay apart for protan, deutan and tritan eyes; forced colours keep shapes and what is chosen.

/** Share of the ink of two glyphs together that only one of them has. Below this two shapes are one at a glance. */
const SHAPE_APART = 0.16;
/** Smallest distance of two state colours, CIE76 (ux.md 15). */
const COLOUR_APART = 14;
const STATES = ["active", "standby", "ready", "degraded", "down", "unknown", "drain", "maint", "working", "todo"];

export async function sightWalk(browser, fail) {
  for (const theme of ["light", "dark", "contrast", "contrast-dark"]) {
    await shapes(browser, fail, theme, {});
    await colours(browser, fail, theme);
  }
  for (const colorScheme of ["light", "dark"]) await shapes(browser, fail, "system", { media: { forcedColors: "active", colorScheme } });
  await chosen(browser, fail);
  await words(browser, fail);
  await motion(browser, fail);
}

/** Each glyph as the page draws it, without its colour, against each other at every size. */
async function shapes(browser, fail, theme, { media }) {
  const { page } = await browser.open({ scenario: "gallery", theme, ranS: 1, ...(media ? { media } : {}) });
  await page.addStyleTag({ content: "html { filter: grayscale(1) }" });
  const picture = (await page.screenshot()).toString("base64");
  const { pairs, faint } = await page.evaluate(compare, { picture, states: STATES });
  const where = `shapes, ${theme}${media ? `, forced ${media.colorScheme}` : ""}`;
  for (const one of faint) fail(where, `${one} is hardly seen against its ground`);
  for (const [size, a, b, apart] of pairs) if (apart < SHAPE_APART) fail(where, `${a} and ${b} at ${size} px differ in ${(apart * 100).toFixed(0)} % of their ink`);
  const [size, a, b, apart] = pairs[0];
  console.log(`${where}: ${pairs.length} pairs, the nearest are ${a} and ${b} at ${size} px with ${(apart * 100).toFixed(0)} % apart`);
  await page.close();
}

async function compare({ picture, states }) {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  const pairs = [];
  const faint = [];
  for (const size of ["12", "14", "18", "22"]) {
    const masks = new Map();
    for (const state of states) {
      const rect = document.querySelector(`[data-glyph="${state}"][data-px="${size}"] svg`).getBoundingClientRect();
      // Whole pixels around the middle, so that every mask lies alike.
      const side = Number(size) + 2;
      const { data } = pen.getImageData(Math.round(rect.left + rect.width / 2 - side / 2), Math.round(rect.top + rect.height / 2 - side / 2), side, side);
      const light = (i) => 0.2126 * data[4 * i] + 0.7152 * data[4 * i + 1] + 0.0722 * data[4 * i + 2];
      const ground = light(0);
      const strengths = Array.from({ length: side * side }, (_, i) => Math.abs(light(i) - ground));
      const most = Math.max(...strengths);
      if (most < 40) faint.push(`${state} at ${size} px (${most.toFixed(0)} of 255)`);
      // Of its own strongest ink, so that a pale colour hides no shape.
      masks.set(state, strengths.map((one) => one / most));
    }
    states.forEach((a, i) => states.slice(i + 1).forEach((b) => {
      const [one, other] = [masks.get(a), masks.get(b)];
      let [apart, ink] = [0, 0];
      one.forEach((strength, at) => {
        apart += Math.abs(strength - other[at]);
        ink += Math.max(strength, other[at]);
      });
      pairs.push([size, a, b, apart / ink]);
    }));
  }
  return { pairs: pairs.sort((x, y) => x[3] - y[3]), faint };
}

/** The tones as other eyes see them. */
async function colours(browser, fail, theme) {
  const { page } = await browser.open({ scenario: "gallery", theme, ranS: 1 });
  const eyes = await page.context().newCDPSession(page);
  for (const type of ["none", "protanopia", "deuteranopia", "tritanopia"]) {
    await eyes.send("Emulation.setEmulatedVisionDeficiency", { type });
    const picture = (await page.screenshot()).toString("base64");
    const near = await page.evaluate(nearest, picture);
    const words = `${near.a} and ${near.b} are ${near.apart.toFixed(1)} apart`;
    if (near.apart < COLOUR_APART) fail(`colours, ${theme}, ${type}`, `${words}, at least ${COLOUR_APART} are needed`);
    else console.log(`colours, ${theme}, ${type}: the nearest, ${words}`);
  }
  await page.close();
}

async function nearest(picture) {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  const lab = ([r, g, b]) => {
    const [lr, lg, lb] = [r, g, b].map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    const f = (t) => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389 / 27 + 16) / 116);
    const [x, y, z] = [(0.4124 * lr + 0.3576 * lg + 0.1805 * lb) / 0.95047, 0.2126 * lr + 0.7152 * lg + 0.0722 * lb, (0.0193 * lr + 0.1192 * lg + 0.9505 * lb) / 1.08883].map(f);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const tones = [...document.querySelectorAll("[data-tone]")].map((one) => {
    const rect = one.getBoundingClientRect();
    return { name: one.dataset.tone, lab: lab([...pen.getImageData(rect.left + rect.width / 2, rect.top + rect.height / 2, 1, 1).data]) };
  });
  const pairs = tones.flatMap((a, i) => tones.slice(i + 1).map((b) => ({ a: a.name, b: b.name, apart: Math.hypot(...a.lab.map((one, at) => one - b.lab[at])) })));
  return pairs.sort((a, b) => a.apart - b.apart)[0];
}

/** Forced colours paint every ground alike: what is chosen must be told otherwise. */
async function chosen(browser, fail) {
  const { page } = await browser.open({ scenario: "full", place: "incidents", ranS: 3, media: { forcedColors: "active" } });
  await page.locator("[role=radio]").first().waitFor();
  const alike = await page.evaluate(() => [[".nav.on", ".nav:not(.on)"], ["[role=radio][aria-checked=true]", "[role=radio][aria-checked=false]"]].filter(([on, off]) => {
    const looks = [on, off].map((one) => getComputedStyle(document.querySelector(one))).map((style) => `${style.outlineStyle} ${style.outlineWidth}`);
    return looks[0] === looks[1];
  }));
  for (const [on] of alike) fail("forced colours", `${on} looks like what is not chosen`);
  await page.close();
}

/** A glyph without a name of its own stands beside the word; one that stands alone has the name. */
async function words(browser, fail) {
  for (const [scenario, place] of [["full", "overview"], ["full", "pool/production-edge/overview"], ["full", "pool/hosting-eu/overview"], ["full", "pool/lab/overview"], ["third", "pool/production-edge/overview"]]) {
    const { page } = await browser.open({ scenario, place, ranS: 6 });
    const bare = await page.evaluate(() => [...document.querySelectorAll("main svg.g, nav svg.g, footer svg.g")].flatMap((glyph) => {
      if (!glyph.checkVisibility() || glyph.getAttribute("aria-label")) return [];
      const holder = glyph.closest("a, button, .pill, li, tr, .row, .att, .notice, .d, .ans, .pin, .watch");
      const said = holder && [holder.getAttribute("aria-label"), holder.getAttribute("title"), holder.innerText, holder.closest("[role=img]")?.getAttribute("aria-label")].filter(Boolean).join(" ").trim();
      // A pin of the map has its word in the label beside it.
      return said || glyph.closest(".pin") ? [] : [glyph.parentElement?.outerHTML.slice(0, 120) ?? "a glyph"];
    }));
    for (const one of bare.slice(0, 3)) fail(`words, ${place}`, `a glyph stands without a word: ${one}`);
    await page.close();
  }
}

/** Nothing moves where that is wished for; otherwise something does, so that this test can see. */
async function motion(browser, fail) {
  const running = async (reducedMotion, motionLook) => {
    const { page } = await browser.open({ scenario: "loading", place: "overview", ranS: 3, media: { reducedMotion }, looks: { motion: motionLook } });
    const count = await page.evaluate(() => document.getAnimations().filter((one) => one.playState === "running").length);
    await page.close();
    return count;
  };
  if ((await running("no-preference", "system")) === 0) fail("motion", "nothing turns while it loads, so the rest proves nothing");
  if ((await running("reduce", "system")) > 0) fail("motion", "the system wishes no motion, and something moves");
  if ((await running("no-preference", "reduced")) > 0) fail("motion", "the setting wishes no motion, and something moves");
}
