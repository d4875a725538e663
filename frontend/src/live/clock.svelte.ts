// Time for the page. Ages come from the monotonic clock and are recomputed once a second; the wall clock only dates.

/** A second that came with heartbeats puts off the next one that comes by itself. */
const PATIENCE_MS = 1_250;
/** Heartbeats sooner than this after a second belong to it. */
const SECOND_MS = 700;
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
  #onJump: ((jumpMs: number) => void) | undefined;
  #onSecond: (() => void) | undefined;

  /** Starts ticking at whole seconds. `onJump` hears of a sleep: what is known is older than the ages say. */
  start(onJump: (jumpMs: number) => void, onSecond?: () => void): () => void {
    this.#onJump = onJump;
    this.#onSecond = onSecond;
    this.#tick();
    return () => {
      this.#onJump = this.#onSecond = undefined;
      clearTimeout(this.#timer);
    };
  }

  /** Heartbeats came: the second is taken with them, so that both are drawn at once. */
  take(): void {
    if (this.#onJump && performance.now() - this.monoMs >= SECOND_MS) this.#tick(PATIENCE_MS);
  }

  #tick(nextMs?: number): void {
    clearTimeout(this.#timer);
    this.monoMs = performance.now();
    this.wallMs = Date.now();
    const jumpMs = this.wallMs - this.monoMs - this.#offsetMs;
    this.#offsetMs += jumpMs;
    this.#timer = setTimeout(() => this.#tick(), nextMs ?? 1000 - (Date.now() % 1000) + 1);
    this.#onSecond?.();
    if (jumpMs > JUMP_MS) this.#onJump?.(jumpMs);
  }

  /** Age of a moment on the monotonic clock. */
  ageMs(sinceMonoMs: number): number {
    return Math.max(0, this.monoMs - sinceMonoMs);
  }
}
