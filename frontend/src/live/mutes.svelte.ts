// Lines of "needs attention" that somebody has put aside, with their ends. They come back by themselves.

import { readKept, writeKept } from "../lib/kept";

const KEY = "attention-muted";
const MUTES_MAX = 200;

/** Those that last still, out of whatever was kept. */
export function stillMuted(kept: unknown, nowMs: number): Map<string, number> {
  if (typeof kept !== "object" || kept === null) return new Map();
  return new Map(Object.entries(kept).filter((entry): entry is [string, number] => typeof entry[1] === "number" && entry[1] > nowMs).slice(-MUTES_MAX));
}

class Mutes {
  #until = $state.raw<ReadonlyMap<string, number>>(stillMuted(readKept(KEY), Date.now()));

  has(id: string, nowMs: number): boolean {
    return (this.#until.get(id) ?? 0) > nowMs;
  }

  /** Those that were not put aside, and those that were. */
  split<T extends { id: string }>(list: readonly T[], nowMs: number): { loud: T[]; muted: T[] } {
    const out: { loud: T[]; muted: T[] } = { loud: [], muted: [] };
    for (const one of list) out[this.has(one.id, nowMs) ? "muted" : "loud"].push(one);
    return out;
  }

  set(id: string, untilMs: number): void {
    this.#keep(new Map(this.#until).set(id, untilMs));
  }

  end(ids: readonly string[]): void {
    this.#keep(new Map([...this.#until].filter(([id]) => !ids.includes(id))));
  }

  #keep(next: ReadonlyMap<string, number>): void {
    this.#until = next;
    writeKept(KEY, Object.fromEntries(next));
  }
}

export const mutes = new Mutes();
