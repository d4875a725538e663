// Every case in both themes: no fault of the page, nothing found by axe, within the budget of elements. Then the keyboard.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { actionsWalk } from "./actions.mjs";
import { CASES } from "./cases.mjs";
import { keyboardWalk } from "./keyboard.mjs";
import { keyboardMembers } from "./keyboard-members.mjs";
import { keyboardSetup } from "./keyboard-setup.mjs";
import { level3Walk } from "./level3.mjs";
import { openBrowser } from "./page.mjs";
import { roomWalk } from "./room.mjs";
import { sightWalk } from "./sight.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ELEMENTS_MAX = 1500;
const only = process.argv[2] ?? "";
const failures = [];
const fail = (where, what) => {
  failures.push(`${where}: ${what}`);
  console.log(`  found ${failures.at(-1)}`);
};

const browser = await openBrowser();
try {
  for (const one of CASES.filter(({ name }) => name.includes(only))) {
    for (const theme of one.themes ?? ["light", "dark"]) {
      const where = `${one.name}, ${theme}`;
      const { page, faults } = await browser.open({ ...one, theme });
      try {
        await one.act?.(page);
      } catch (thrown) {
        // One case that fails hides no other.
        fail(where, String(thrown).slice(0, 600));
        await page.close();
        continue;
      }
      for (const fault of faults()) fail(where, fault);
      const elements = await page.evaluate(() => document.querySelectorAll("*").length);
      if (elements > ELEMENTS_MAX) fail(where, `${elements} elements, at most ${ELEMENTS_MAX}`);
      await page.clock.resume();
      // The page's policy refuses added scripts; the debugger's evaluation is not one.
      await page.evaluate(AXE);
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
      for (const { id, help, nodes } of found.violations) fail(where, `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
      await page.close();
    }
    console.log(`looked at ${one.name}`);
  }
  const walks = { "keyboard": keyboardWalk, "keyboard-setup": keyboardSetup, "keyboard-members": keyboardMembers, "actions": actionsWalk, "level3": level3Walk, "sight": sightWalk, "room": roomWalk };
  for (const [name, walk] of Object.entries(walks)) {
    if (!name.startsWith(only)) continue;
    await walk(browser, fail).catch((thrown) => fail(name, String(thrown).slice(0, 600)));
    console.log(`walked ${name}`);
  }
} finally {
  await browser.close();
}
if (failures.length > 0) {
  console.error(failures.join("\n"));
  process.exit(1);
}
console.log("nothing found");
