// The clipboard: what was copied is said, and what could not be copied as well.

import { toasts } from "./toasts/toasts.svelte";

/** Copies a text; where the clipboard is closed a toast says what to do instead. */
export async function copyText(text: string, instead: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    toasts.show({ glyph: "degraded", title: "The clipboard cannot be written", body: instead });
    return false;
  }
}
