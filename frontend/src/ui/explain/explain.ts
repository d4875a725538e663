// What stands in an explanation: evidence with its age as of now. Pure.

import type { Evidence } from "../../generated/api";
import { sentence, span } from "../../lib/format";

export interface Piece {
  fact: string;
  by: string;
  age: string;
}

const PIECES = 8;

/** Evidence as old as it is now; `sinceMs` is how long ago the host said it. */
export function aged(list: readonly Evidence[], sinceMs: number): Evidence[] {
  return list.map((one) => ({ ...one, ageMs: one.ageMs + sinceMs }));
}

/** Newest first. Doubles of one vantage point fold. */
export function pieces(list: readonly Evidence[], about: string | undefined): Piece[] {
  const seen = new Set<string>();
  return list
    .filter((one) => about === undefined || one.about === about)
    .sort((a, b) => a.ageMs - b.ageMs)
    .filter((one) => {
      const key = `${one.vantage}/${one.about}/${one.fact}`;
      return seen.has(key) ? false : seen.add(key);
    })
    .slice(0, PIECES)
    .map((one) => ({ fact: about === undefined ? `${one.about}: ${one.fact}` : sentence(one.fact), by: one.vantage, age: span(one.ageMs) }));
}
