// Time for the page. Ages come from the monotonic clock and are recomputed once a second; the wall clock only dates.

/** How much the wall may run ahead of the monotonic clock before we call it a sleep or a set clock. */
const JUMP_MS = 3_000;
const MINUTE_MS = 60_000;

export class Clock {
  /** `performance.now()`, once a second. */
  monoMs = $state(performance.now());
  /** Unix time, once a second. */
  wallMs = $state(Date.now());
  /** The minute that runs, for what ends some time and need not be looked at every second. */
  minuteMs: number = $derived(Math.floor(this.wallMs / MINUTE_MS) * MINUTE_MS);
  #offsetMs = Date.now() - performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts ticking at whole seconds. `onJump` hears of a sleep: what is known is older than the ages say. */
  start(onJump: (jumpMs: number) => void): () => void {
    const tick = () => {
      this.monoMs = performance.now();
      this.wallMs = Date.now();
      const jumpMs = this.wallMs - this.monoMs - this.#offsetMs;
      this.#offsetMs += jumpMs;
      if (jumpMs > JUMP_MS) onJump(jumpMs);
      this.#timer = setTimeout(tick, 1000 - (Date.now() % 1000) + 1);
    };
    tick();
    return () => clearTimeout(this.#timer);
  }

  /** Age of a moment on the monotonic clock. */
  ageMs(sinceMonoMs: number): number {
    return Math.max(0, this.monoMs - sinceMonoMs);
  }
}
