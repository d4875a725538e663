// What an incident keeps about those who could have taken over: who was chosen or would have been, what kept the others
// from it, and whose word was heard at the decision. Pure; what is not kept is said to be not kept.

import type { Entry, IncidentView } from "../../generated/api";
import { took } from "../../lib/format";
import { wouldPromote } from "./causes";
import { aboutOf } from "./story";

export interface Then {
  ready: "yes" | "no" | "unknown";
  words: string;
  /** How old its newest word was when it was decided; it proves that it was heard. */
  word?: { fact: string; ageMs: number };
}

const DECIDED = ["CLAIM", "ASK", "NO_TARGET", "LOCKED"];
const NOBODY = "no standby is ready: ";

/** The line with the decision; the last one, as the first may have been thought over. */
function decision(one: IncidentView): Entry | undefined {
  return [...one.entries].reverse().find((entry) => DECIDED.includes(entry.to) && entry.from !== entry.to);
}

/** How each of these members stood when it was decided. */
export function candidatesThen(one: IncidentView, names: readonly string[]): Map<string, Then> {
  const decided = decision(one);
  const reason = [one.heldReason, decided?.reason].filter(Boolean).join("; ");
  const evidence = decided && decided.evidence.length > 0 ? decided.evidence : one.evidence;
  const bars = barsOf(reason, names);
  const next = one.to ?? wouldPromote(one.heldReason ?? "") ?? wouldPromote(decided?.reason ?? "");
  const about = aboutOf(one);
  return new Map(names.filter((name) => name !== about).map((name): [string, Then] => {
    const piece = evidence.find((each) => each.vantage === name && each.about !== name);
    const word = piece && { fact: piece.fact, ageMs: piece.ageMs };
    const bar = bars.get(name);
    const stand: Omit<Then, "word"> = bar !== undefined ? { ready: "no", words: bar } : name === next ? { ready: "yes", words: one.to ? "chosen" : "would have been chosen" } : { ready: "unknown", words: "not kept" };
    return [name, { ...stand, ...(word ? { word } : {}) }];
  }));
}

/** `no standby is ready: edge-2 is silent, edge-3 is in maintenance`, taken apart by the names. */
function barsOf(reason: string, names: readonly string[]): Map<string, string> {
  const from = reason.indexOf(NOBODY);
  if (from < 0) return new Map();
  const text = reason.slice(from + NOBODY.length);
  const starts = names
    .flatMap((name) => {
      const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`, ${name} `);
      return at < 0 ? [] : [{ name, at, words: at + (at === 0 ? 0 : 2) + name.length + 1 }];
    })
    .sort((a, b) => a.at - b.at);
  // Other reasons follow after a semicolon; one bar has a semicolon of its own.
  return new Map(starts.map(({ name, words }, i) => [name, text.slice(words, starts[i + 1]?.at).split(/; (?!restart)/)[0] ?? ""]));
}

/** As a line of the report. */
export function thenWords(then: Then): string {
  const stand = then.ready === "yes" ? `ready, ${then.words}` : then.ready === "no" ? then.words : "its readiness is not kept";
  return then.word ? `${stand}; its word "${then.word.fact}" was ${took(then.word.ageMs)} old` : stand;
}
