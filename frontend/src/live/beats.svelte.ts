// The last 60 s of a member as this viewer saw them: one look a second. A look without news of the host is a gap, never
// a missed heartbeat.

export const BEATS = 60;
/** From this age on a heartbeat is late (ux.md 6). */
export const LATE_MS = 3_000;

/** `silent` is proven and red; `unheard` has no proof, `gap` is a look in which this page saw nothing at all. */
export type Beat = "heard" | "late" | "silent" | "unheard" | "gap";

export interface Look {
  beat: Beat;
  /** Age of the newest life at the look; 0 for a gap. */
  ageMs: number;
}

/** What one look shows. */
export function look(ageMs: number | undefined, delayMs: number, down: boolean): Look {
  if (ageMs === undefined) return { beat: "gap", ageMs: 0 };
  if (ageMs < LATE_MS) return { beat: "heard", ageMs };
  return { beat: ageMs < delayMs ? "late" : down ? "silent" : "unheard", ageMs };
}

export class Beats {
  /** Oldest first; shorter than 60 until the page has looked that long. */
  looks = $state.raw<readonly Look[]>([]);

  push(one: Look): void {
    this.looks = this.looks.length < BEATS ? [...this.looks, one] : [...this.looks.slice(1), one];
  }

  /** Looks in which nothing was heard in time. */
  get missed(): number {
    return this.looks.filter((one) => one.beat !== "heard" && one.beat !== "gap").length;
  }
}
