// Small words at the bottom right. Level 0 actions offer Undo for 8 s here.

import type { GlyphName } from "../../live/posture";

export interface Toast {
  id: number;
  glyph: GlyphName;
  title: string;
  body?: string;
  action?: { text: string; run: () => void };
}

const SHOWN_MS = 8_000;

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, "id">): void {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { ...toast, id }];
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((one) => one.id !== id);
  }
}

export const toasts = new Toasts();
