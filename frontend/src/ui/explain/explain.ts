// What stands in an explanation: evidence with its age as of now. Pure.

import type { Evidence } from "../../generated/api";
import { sentence, span } from "../../lib/format";

export interface Piece {
  fact: string;
  by: string;
  age: string;
}

const PIECES = 8;

/** Newest first; `sinceMs` is how long ago the host said it. Doubles of one vantage point fold. */
export function pieces(list: readonly Evidence[], about: string | undefined, sinceMs: number): Piece[] {
  const seen = new Set<string>();
  return list
    .filter((one) => about === undefined || one.about === about)
    .map((one) => ({ one, ageMs: one.ageMs + sinceMs }))
    .sort((a, b) => a.ageMs - b.ageMs)
    .filter(({ one }) => {
      const key = `${one.vantage}/${one.about}/${one.fact}`;
      return seen.has(key) ? false : seen.add(key);
    })
    .slice(0, PIECES)
    .map(({ one, ageMs }) => ({ fact: about === undefined ? `${one.about}: ${one.fact}` : sentence(one.fact), by: one.vantage, age: span(ageMs) }));
}
