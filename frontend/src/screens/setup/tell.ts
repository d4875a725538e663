// A change without a dialog (level 0): done at once, and undone by the toast where there is a way back.

import { doChange } from "../../host/change";
import { HostError, type ChangeName, type Done, type Draft } from "../../host/host";
import type { Live } from "../../live/live.svelte";
import { toasts } from "../../ui/toasts/toasts.svelte";

/** Says on screen that something could not be done, in the host's words. */
export function tellError(thrown: unknown): void {
  const { error } = HostError.of(thrown);
  toasts.show({ glyph: "degraded", title: error.message, ...(error.detail ? { body: error.detail } : {}) });
}

/** Does a change and says so; `back` is the change that undoes it. */
export async function change<C extends ChangeName>(
  live: Live, command: C, draft: Draft<C>, said: string, back?: Draft<C>,
): Promise<Done<C> | undefined> {
  try {
    const done = await doChange(live.host, command, draft);
    const undo = back ? { action: { text: "Undo", run: () => void change(live, command, back, "Undone") } } : {};
    toasts.show({ glyph: "ready", title: said, ...undo });
    await live.refresh();
    return done;
  } catch (thrown) {
    tellError(thrown);
    return undefined;
  }
}
