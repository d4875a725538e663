// An action is declared once and used by buttons, the palette and the keyboard map alike.

import type { IconName } from "../icons";

/** Whether an action can run now. What cannot says why; what makes no sense here is not shown. */
export type Availability = { kind: "yes" } | { kind: "no"; reason: string } | { kind: "hidden" };

export interface Action {
  /** `noun.verb`, unique among the actions on screen; with its object where there are several: `member.activate/edge-1`. */
  id: string;
  title: string;
  /** The heading in the palette: `edge-fra-1`, `Go to`, `This screen`. */
  group: string;
  /** Beside the title in the palette. */
  hint?: string;
  icon?: IconName;
  /** `C`, `Ctrl+K`, `G O`. */
  keys?: string;
  /** The pool or member that it opens; the palette finds that by its exact name before anything else. */
  opens?: { kind: "pool" | "member"; name: string };
  /** More words to find it by. */
  words?: string;
  /** Confirmation level of ux.md 10; 2 and 3 open their dialog and never act by themselves. */
  level?: 0 | 1 | 2 | 3;
  available?: () => Availability;
  run: () => void;
}

export const YES: Availability = { kind: "yes" };
export const HIDDEN: Availability = { kind: "hidden" };
export const no = (reason: string): Availability => ({ kind: "no", reason });

export function availability(action: Action): Availability {
  return action.available?.() ?? YES;
}
