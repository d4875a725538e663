// The confirmation ladder (ux.md 10): level 1 is `ConfirmButton`; levels 2 and 3 are asked here and drawn by
// `ConfirmDialog`, of which the frame has one.

import type { Plan, Progress } from "../../generated/api";
import { doChange, planChange } from "../../host/change";
import { HostError, type ChangeName, type Done, type Draft, type Host } from "../../host/host";
import type { GlyphName } from "../../live/posture";
import { toasts } from "../toasts/toasts.svelte";

export interface AskCheck {
  glyph: GlyphName;
  name: string;
  words: string;
}

export interface Ask {
  level: 2 | 3;
  /** `Make edge-fra-1 active?` */
  title: string;
  /** For whom, how long, how to go back. */
  body: string;
  /** The button: verb and object. */
  verb: string;
  /** The safe button, which has the focus first. */
  keep: string;
  /** Level 3: must be typed, exactly. */
  name?: string;
  /** Level 3: what goes and what stays. */
  removed?: string;
  stays?: string;
  checks?: () => readonly AskCheck[];
  plan: () => Promise<Plan>;
  act: (onProgress: (line: Progress) => void) => Promise<void>;
}

type Stage = "planning" | "asking" | "acting" | "failed";

class Confirm {
  ask = $state.raw<Ask | undefined>();
  stage = $state<Stage>("planning");
  plan = $state.raw<Plan | undefined>();
  /** The plan is another one than the one that was shown. */
  changed = $state(false);
  error = $state.raw<HostError | undefined>();
  progress = $state.raw<readonly Progress[]>([]);

  async open(ask: Ask): Promise<void> {
    // What is being done stays in sight; the tray can ask for the next thing meanwhile.
    if (this.ask && this.stage === "acting") return;
    this.ask = ask;
    this.plan = undefined;
    this.changed = false;
    this.progress = [];
    await this.#look();
  }

  close(): void {
    this.ask = undefined;
  }

  /** The button was pressed: looks again, and acts only if the world is still the one that was shown. */
  async press(): Promise<void> {
    const ask = this.ask;
    if (!ask || this.stage !== "asking") return;
    this.stage = "acting";
    this.progress = [];
    let begun = false;
    try {
      const now = await ask.plan();
      // Closed meanwhile: nothing is done, and what another dialog shows is its own.
      if (this.ask !== ask) return;
      if (JSON.stringify(now) !== JSON.stringify(this.plan)) {
        this.plan = now;
        this.changed = true;
        this.stage = "asking";
        return;
      }
      begun = true;
      await ask.act((line) => {
        if (this.ask === ask) this.progress = [...this.progress.filter((one) => one.step !== line.step), line];
      });
      if (this.ask === ask) this.close();
    } catch (thrown) {
      const failed = HostError.of(thrown);
      if (this.ask === ask) {
        this.error = failed;
        this.stage = "failed";
      } else if (begun) {
        // Nobody sees the dialog any more; what was begun and failed is still told.
        toasts.show({ glyph: "down", title: `Failed: ${ask.verb}`, body: failed.error.message });
      }
    }
  }

  async again(): Promise<void> {
    await this.#look();
  }

  async #look(): Promise<void> {
    const ask = this.ask;
    if (!ask) return;
    this.stage = "planning";
    this.error = undefined;
    try {
      const plan = await ask.plan();
      if (this.ask !== ask) return;
      this.plan = plan;
      this.stage = "asking";
    } catch (thrown) {
      if (this.ask !== ask) return;
      this.error = HostError.of(thrown);
      this.stage = "failed";
    }
  }
}

export const confirm = new Confirm();

/** Asks for a change of the api: its dry run is the plan that is shown. */
export function askChange<C extends ChangeName>(
  host: Host,
  command: C,
  draft: Draft<C>,
  ask: Omit<Ask, "plan" | "act">,
  onDone?: (result: Done<C>) => void,
): void {
  // One key for one asking: pressing again after a lost answer does it at most once.
  const key = crypto.randomUUID();
  void confirm.open({
    ...ask,
    plan: () => planChange(host, command, draft),
    act: async (onProgress) => {
      const result = await doChange(host, command, draft, onProgress, key);
      onDone?.(result);
    },
  });
}
