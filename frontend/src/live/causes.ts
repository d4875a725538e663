// The host's words for why an incident began and what was missing, as sentences for people. Pure.

import { sentence } from "../lib/format";

const CAUSES: Record<string, string> = {
  down: "The active member was silent", "service-down": "Its service was down", "agent-lost": "Its agent stayed silent", manual: "Moved by hand",
  preferred: "The preferred member was ready again", ddns: "Its own address changed", abort: "An open claim was closed", adopt: "The record was taken over",
};

interface Began {
  cause: string;
  outcome: string;
  heldReason?: string;
  entries: readonly { to: string; reason: string }[];
}

/** Why it began, in words; hosts write one word for a move, and nothing where nothing moved. */
export function causeWords(one: Began): string {
  if (CAUSES[one.cause]) return CAUSES[one.cause] ?? one.cause;
  if (one.cause !== "") return sentence(one.cause);
  const stop = one.heldReason === undefined ? undefined : stopsOf(one.heldReason)[0];
  const first = one.entries.find((entry) => entry.to === "CONFIRM") ?? one.entries[0];
  if (first) return sentence(first.reason);
  return stop?.what ?? (one.outcome === "recovered" ? "A silence that ended by itself" : "Its beginning is not known here");
}

export type Way = "automatic" | "manual";

/** Who moved: the watch by itself, or a person. */
export function wayOf(one: { cause: string }): Way {
  return ["manual", "adopt", "abort"].includes(one.cause) || /\bmoved traffic\b|\bby hand\b/.test(one.cause) ? "manual" : "automatic";
}

/** What stopped a move, and what to change. */
export interface Stop {
  what: string;
  remedy: string;
  /** Where it is changed, as the router writes it; `:pool` stands for the pool's name. */
  place?: string;
}

const STOPS: readonly [RegExp, (found: RegExpExecArray) => Stop][] = [
  [/^not-armed\b/, () => ({ what: "Automatic failover is off", remedy: "Rehearse the pool, then turn it on", place: "pool/:pool/settings" })],
  [/^one member alone/, () => ({ what: "Only one member", remedy: "Add a standby, so that somebody can take over", place: "pool/:pool/overview" })],
  [/^there is no standby/, () => ({ what: "There is no standby", remedy: "Add a second member", place: "pool/:pool/overview" })],
  [/^no standby is ready: (.+)/, (found) => ({ what: "No standby was ready", remedy: sentence(found[1] ?? ""), place: "pool/:pool/overview" })],
  [/^no standby is ready/, () => ({ what: "No standby was ready", remedy: "Open the standbys and see what each one misses", place: "pool/:pool/overview" })],
  [/^majority-lost: (\d+) of (\d+) voters heard, (\d+) needed/, (found) => ({
    what: `${found[1]} of ${found[2]} members were heard`, remedy: `${found[3]} must be heard, so that two parts of a split network never both move`,
  })],
  [/^one-voice: (\d+) of (\d+)/, (found) => ({
    what: `${found[1]} of ${found[2]} needed voices said that it is silent`, remedy: "One voice alone never moves DNS; a witness or one open port adds a voice",
  })],
  [/^one-voice\b/, () => ({ what: "Only one voice", remedy: "With two members the other one must be heard and this console must be able to probe" })],
  [/^no usable DNS credential: (.+)/, (found) => ({ what: "No usable DNS credential", remedy: sentence(found[1] ?? ""), place: "providers" })],
  [/^the (?:DNS )?provider (?:refuses|rejects[^:]*): (.+)/, (found) => ({ what: "The provider refused", remedy: sentence(found[1] ?? ""), place: "providers" })],
  [/^the DNS provider does not answer/, () => ({ what: "The provider did not answer", remedy: "Test it; DNS moves as soon as it answers", place: "providers" })],
  [/^agent-stopped\b/, () => ({ what: "The agent was stopped cleanly", remedy: "Somebody stopped it on purpose; that alone never moves DNS" })],
  [/^agent-lost\b/, () => ({ what: "Only the agent was silent", remedy: "The service still answered, so moving would have helped nobody" })],
  [/^automatic moves are held(?:: (.+))?/, (found) => ({ what: "Automatic moves were held", remedy: sentence(found[1] ?? "Look at the pool"), place: "pool/:pool/overview" })],
  [/^the pool is paused/, () => ({ what: "The pool was paused", remedy: "Resume it when the work is done", place: "pool/:pool/settings" })],
  [/third automatic move/, () => ({ what: "It would have been the third automatic move within two hours", remedy: "Find out what keeps failing, then acknowledge the moves", place: "pool/:pool/overview" })],
  [/^the record is not what/, () => ({ what: "DNS no longer pointed at the active member", remedy: "Somebody else changed the record; adopt it or put it back", place: "pool/:pool/dns" })],
  [/^hold-down runs/, () => ({ what: "It had moved a short while ago", remedy: "Hold-down keeps a record from flapping; it ends by itself" })],
  [/^traffic was moved to (\S+) by hand/, (found) => ({ what: `Traffic was moved to ${found[1]} by hand`, remedy: "What a person decided is not undone for some time" })],
  [/^no two vantage points see the address/, () => ({ what: "Its address was not confirmed", remedy: "Two vantage points must see the address that a member declares" })],
  [/^this console does not hold/, () => ({ what: "Another console kept the watch", remedy: "Only the console with the watch lease moves DNS" })],
];

/** A host's reason without the names of its rules and without the target of a move that will not be. */
export function plainReason(reason: string): string {
  const parts = reason.split("; ").filter((part) => !part.startsWith("would promote "));
  return parts.map((part) => part.replace(/^[a-z]+(?:-[a-z]+)+: /, "")).join("; ");
}

/** The reasons behind `heldReason`, each with what would change it. What is not known here stands in the host's words. */
export function stopsOf(heldReason: string): Stop[] {
  return heldReason.split("; ").filter((part) => part !== "" && !part.startsWith("would promote ")).map((part): Stop => {
    for (const [pattern, stop] of STOPS) {
      const found = pattern.exec(part);
      if (found) return stop(found);
    }
    return { what: sentence(part), remedy: "" };
  });
}

/** Whom it would have promoted, had nothing stopped it. */
export function wouldPromote(heldReason: string): string | undefined {
  return /(?:^|; )would promote (.+)$/.exec(heldReason)?.[1];
}
