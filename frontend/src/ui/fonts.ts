// The shipped fonts, ready before the first picture. While one is missing, the web view looks for another in the system
// for every size and weight that a screen has, which costs more than the font itself.

const FIRST = ['400 13px "Inter Variable"', '400 12px "JetBrains Mono Variable"'];
/** A page with the wrong font is better than none. */
const PATIENCE_MS = 150;

export async function fontsReady(): Promise<void> {
  const loaded = Promise.allSettled(FIRST.map((font) => document.fonts.load(font)));
  await Promise.race([loaded, new Promise((done) => setTimeout(done, PATIENCE_MS))]);
}
