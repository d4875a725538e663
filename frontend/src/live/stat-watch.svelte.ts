// Looks at one member's HAProxy once a second for as long as a screen shows it, and keeps what was seen since then.
// Nothing is asked while nobody looks: the page is hidden, the screen is left, or a person paused.

import type { StatView } from "../generated/api";
import { HostError, type Host } from "../host/host";
import { statRows, statTotals, type StatLook, type StatNow, type StatTotals } from "./stat";

/** One point of the lines above the table; a hole is a look that brought nothing. */
export interface StatPoint {
  rate: number;
  sessions: number;
  outPerS: number | undefined;
}

export interface Answered {
  /** Over how long. */
  ms: number;
  /** By class: 1xx to 5xx and others. */
  counts: readonly number[];
}

/** Two minutes at one look a second. */
export const POINTS = 120;
const MINUTE_MS = 60_000;
/** Looks without an answer until the numbers count as old. */
const STALE_LOOKS = 2;

export class StatWatch {
  readonly member: string;
  rows = $state.raw<readonly StatNow[]>([]);
  totals = $state.raw<StatTotals | undefined>();
  points = $state.raw<readonly (StatPoint | undefined)[]>([]);
  peaks = $state.raw({ rate: 0, sessions: 0 });
  answered = $state.raw<Answered | undefined>();
  /** When the newest rows were asked for, on both clocks. */
  seenMonoMs = $state<number | undefined>();
  seenMs = $state(0);
  tookMs = $state(0);
  paused = $state(false);
  /** Why the newest look brought nothing. */
  error = $state.raw<HostError | undefined>();
  #missed = $state(0);
  #before: StatLook | undefined;
  #minute: { atMonoMs: number; counts: readonly number[] }[] = [];
  #host: Host;
  #everyMs: number;

  constructor(host: Host, member: string, everyMs = 1_000) {
    this.#host = host;
    this.member = member;
    this.#everyMs = everyMs;
  }

  /** Whether the rows are of now. */
  get fresh(): boolean {
    return this.seenMonoMs !== undefined && this.#missed < STALE_LOOKS;
  }

  /** Looks until told to stop; `may` says whether asking makes sense now. */
  follow(may: () => boolean): () => void {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      const began = performance.now();
      if (!document.hidden && !this.paused) await this.#look(may, () => stopped);
      if (!stopped) timer = setTimeout(() => void turn(), Math.max(100, this.#everyMs - (performance.now() - began)));
    };
    // Not at once: what begins the watch must not depend on what a look reads.
    timer = setTimeout(() => void turn(), 0);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }

  async #look(may: () => boolean, stopped: () => boolean): Promise<void> {
    if (!may()) {
      this.#miss(undefined);
      return;
    }
    const asked = performance.now();
    try {
      const view = await this.#host.call("member_stat", { member: this.member });
      if (!stopped()) this.take(view, asked);
    } catch (thrown) {
      if (!stopped()) this.#miss(HostError.of(thrown));
    }
  }

  #miss(error: HostError | undefined): void {
    this.error = error;
    this.#missed += 1;
    if (this.seenMonoMs !== undefined) this.points = [...this.points, undefined].slice(-POINTS);
  }

  /** Takes an answer that was asked for at `atMonoMs`. */
  take(view: StatView, atMonoMs: number): void {
    const look: StatLook = { atMonoMs, view };
    this.rows = statRows(look, this.#before);
    this.#before = look;
    const totals = statTotals(this.rows);
    this.totals = totals;
    this.points = [...this.points, { rate: totals.rate, sessions: totals.sessions, outPerS: totals.outPerS }].slice(-POINTS);
    this.peaks = { rate: Math.max(this.peaks.rate, totals.rate), sessions: Math.max(this.peaks.sessions, totals.sessions) };
    this.#answers(totals.responses, atMonoMs);
    this.seenMonoMs = atMonoMs;
    this.seenMs = Date.now();
    this.tookMs = view.tookMs;
    this.error = undefined;
    this.#missed = 0;
  }

  #answers(counts: readonly number[], atMonoMs: number): void {
    const last = this.#minute[this.#minute.length - 1];
    // HAProxy was started anew: its counters begin at nothing again.
    if (last && counts.some((count, i) => count < (last.counts[i] ?? 0))) this.#minute = [];
    this.#minute = [...this.#minute.filter((one) => atMonoMs - one.atMonoMs <= MINUTE_MS), { atMonoMs, counts }];
    const first = this.#minute[0];
    const ms = first ? atMonoMs - first.atMonoMs : 0;
    this.answered = first && ms > 0 && counts.length > 0 ? { ms, counts: counts.map((count, i) => count - (first.counts[i] ?? 0)) } : undefined;
  }
}
