// One headless Chromium with a fresh profile, and the built page over a local server. The page's clock is the test's.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

/** Another folder where several build at once. */
const DIST = process.env.PAGE_DIST ?? fileURLToPath(new URL("../../dist-scenario/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2" };
// The policy of the desktop, without its ipc addresses: what breaks it there breaks here.
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";
/** When the pictures are taken, as in the mockups. */
export const NOON = Date.UTC(2026, 10, 20, 14, 31, 8);

export async function openBrowser() {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://x").pathname).replace(/^(\.\.[/\\])+/, "");
    try {
      const body = readFileSync(join(DIST, path === "/" ? "index.html" : path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html", "content-security-policy": POLICY });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const profile = mkdtempSync(join(tmpdir(), "serversctl-page-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1440, height: 900 }, reducedMotion: "reduce",
    args: ["--no-sandbox", "--font-render-hinting=none", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const base = `http://127.0.0.1:${server.address().port}/`;
  return {
    /** A page in a scenario, theme and place, `ranS` seconds into it. */
    async open({ scenario = "full", theme = "light", place = "overview", ranS = 61, size, looks = {}, media }) {
      const page = await context.newPage();
      if (size) await page.setViewportSize(size);
      if (media) await page.emulateMedia(media);
      const faults = new Set();
      page.on("pageerror", (error) => faults.add(String(error).slice(0, 300)));
      page.on("console", (line) => line.type() === "error" && faults.add(line.text().slice(0, 300)));
      await page.clock.install({ time: NOON });
      // Nothing is kept from the page before.
      await page.addInitScript((kept) => {
        localStorage.clear();
        localStorage.setItem("looks", kept);
      }, JSON.stringify({ theme, ...looks }));
      await page.goto(`${base}?scenario=${scenario}#/${place}`);
      await page.waitForSelector("main");
      await page.clock.runFor(ranS * 1000);
      await page.evaluate(() => document.fonts.ready);
      return { page, faults: () => [...faults].slice(0, 5) };
    },
    async close() {
      await context.close();
      server.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
