// What this console's own probes of the service port said while an incident ran: those that the story keeps, each with its
// moment. They are single looks and are counted as such; nothing is made up between them. Pure.

import type { IncidentView } from "../../generated/api";

export interface Probe {
  atMs: number;
  about: string;
  answered: boolean;
}

/** Two lines that quote one probe give its age in whole milliseconds of their own moment. */
const SAME_MS = 20;

/** Oldest first; each once, however many lines quote it. */
export function probesOf(one: IncidentView): Probe[] {
  const all = one.entries.flatMap((entry) => {
    const saidMs = entry.atMs ?? one.beganMs + entry.afterMs;
    return entry.evidence.flatMap((piece): Probe[] => {
      const found = piece.vantage === "this console" ? /^port (answers|is silent)$/.exec(piece.fact) : null;
      return found ? [{ atMs: saidMs - piece.ageMs, about: piece.about, answered: found[1] === "answers" }] : [];
    });
  });
  const out: Probe[] = [];
  for (const probe of all.sort((a, b) => a.atMs - b.atMs)) {
    const last = out.findLast((each) => each.about === probe.about);
    if (last && probe.atMs - last.atMs <= SAME_MS && last.answered === probe.answered) continue;
    out.push(probe);
  }
  return out;
}

/** How many were answered, in words. */
export function probeWords(probes: readonly Probe[]): string {
  const answered = probes.filter((one) => one.answered).length;
  return `${answered} of ${probes.length} ${probes.length === 1 ? "probe" : "probes"} answered`;
}
