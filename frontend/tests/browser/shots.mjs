// Pictures of every screen, to hold beside the mockups: `node tests/browser/shots.mjs <folder> [name part]`.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { openBrowser } from "./page.mjs";
import { CASES } from "./cases.mjs";

const [folder, only = ""] = process.argv.slice(2);
if (!folder) throw new Error("name a folder");
mkdirSync(folder, { recursive: true });
const browser = await openBrowser();
try {
  for (const one of CASES.filter(({ name }) => name.includes(only))) {
    for (const theme of one.themes ?? ["light", "dark"]) {
      const { page, faults } = await browser.open({ ...one, theme });
      await one.act?.(page);
      await page.screenshot({ path: join(folder, `${one.name}-${theme}.png`) });
      if (faults().length > 0) console.log(`${one.name} ${theme}: ${faults().join("; ")}`);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
