// Key strokes as text: `Ctrl+K`, `G O`, `Alt+1`, `?`. A space parts the strokes of a sequence. Pure.

export interface Stroke {
  key: string;
  ctrl: boolean;
  alt: boolean;
  shift: boolean;
}

export interface KeyLike {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/** Reads `Ctrl+Shift+V` or `G O`. */
export function parseKeys(text: string): Stroke[] {
  return text.split(" ").map((part) => {
    const bits = part === "+" ? ["+"] : part.split("+");
    const key = bits[bits.length - 1] || "+";
    const has = (name: string) => bits.slice(0, -1).includes(name);
    return { key: key.length === 1 ? key.toLowerCase() : key, ctrl: has("Ctrl"), alt: has("Alt"), shift: has("Shift") };
  });
}

/** Whether an event is this stroke. Shift counts only where it was asked for or the key is a letter. */
export function isStroke(event: KeyLike, stroke: Stroke): boolean {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // The plus of the digit row needs no Shift with Ctrl.
  if (key !== stroke.key && !(stroke.ctrl && stroke.key === "+" && key === "=")) return false;
  if ((event.ctrlKey || event.metaKey) !== stroke.ctrl || event.altKey !== stroke.alt) return false;
  return event.shiftKey === stroke.shift || !/^[a-z]$/.test(key);
}

/** Whether a stroke would type a character, so that it must not work inside text fields. */
export function isTyping(stroke: Stroke): boolean {
  return !stroke.ctrl && !stroke.alt && (stroke.key.length === 1 || stroke.key === "Space");
}

/** The parts to show as keys: `["Ctrl", "K"]`. */
export function keyCaps(text: string): string[] {
  return text.split(" ").flatMap((part) => (part.endsWith("+") ? [...part.slice(0, -1).split("+").filter(Boolean), "+"] : part.split("+")));
}

export type Match<T> = { kind: "hit"; value: T } | { kind: "waiting" } | { kind: "none" };

/** Finds which sequence the strokes so far complete or begin. A complete one wins. */
export function match<T>(sofar: readonly KeyLike[], table: readonly { strokes: Stroke[]; value: T }[]): Match<T> {
  let waiting = false;
  for (const { strokes, value } of table) {
    if (strokes.length < sofar.length) continue;
    if (!sofar.every((event, i) => isStroke(event, strokes[i] as Stroke))) continue;
    if (strokes.length === sofar.length) return { kind: "hit", value };
    waiting = true;
  }
  return waiting ? { kind: "waiting" } : { kind: "none" };
}
