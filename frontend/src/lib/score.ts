// How well a line of the palette fits what was typed. Pure and cheap: each letter looks on from the one before, never back.

/** Score of `text` for `query` (lower case both); 0 when it does not fit. Every letter must appear in order. */
export function score(query: string, text: string): number {
  if (query === "") return 1;
  const at = text.indexOf(query);
  if (at === 0) return 1000 - text.length;
  if (at > 0) return (boundary(text, at) ? 800 : 500) - at - text.length / 10;
  let points = 0;
  let from = 0;
  for (const letter of query) {
    const found = text.indexOf(letter, from);
    if (found < 0) return 0;
    points += found === from ? 8 : boundary(text, found) ? 6 : 1;
    from = found + 1;
  }
  return Math.min(400, points);
}

function boundary(text: string, at: number): boolean {
  return at === 0 || /[^a-z0-9]/.test(text.charAt(at - 1));
}
