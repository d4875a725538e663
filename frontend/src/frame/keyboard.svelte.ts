// The keyboard map: strokes to declared actions. Sequences wait a second; letters do nothing inside text fields.

import { isTyping, match, parseKeys, type KeyLike } from "../lib/keys";
import { registry, runAction } from "../ui/actions/registry.svelte";
import { hints } from "../ui/hints.svelte";
import { looks } from "../ui/looks.svelte";

const SEQUENCE_MS = 1_000;
/** How long the first stroke waits until the keys are shown in place, and how long they then stand. */
const HINT_MS = 600;
const HINTED_MS = 5_000;

export function startKeyboard(): () => void {
  let sofar: KeyLike[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hinting: ReturnType<typeof setTimeout> | undefined;
  const hint = (shown: "G" | "Alt") => (hinting ??= setTimeout(() => (hints.shown = shown), HINT_MS));
  const noHint = () => {
    clearTimeout(hinting);
    hinting = undefined;
    hints.shown = "";
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Alt") hint("Alt");
    if (event.defaultPrevented || ["Control", "Shift", "Alt", "Meta"].includes(event.key)) return;
    // The space bar presses what has the focus before it is anybody's key.
    if (event.key === " " && event.target instanceof Element && event.target.closest("button,a,summary,[role^=menuitem],[role=option]")) return;
    const writing = inTextField(event.target);
    // Inside a dialog only its own keys count, and the palette.
    const inDialog = event.target instanceof Element && event.target.closest("[role=dialog],[role=menu]") !== null;
    const table = registry.all
      .filter((action) => action.keys)
      .map((action) => ({ strokes: parseKeys(action.keys ?? ""), value: action }))
      .filter(({ strokes }) => !strokes.some(isTyping) || (!writing && !inDialog && looks.letters))
      .filter(({ value }) => !inDialog || value.id === "palette.open")
      .reverse();
    clearTimeout(timer);
    noHint();
    sofar = [...sofar, event];
    let found = match(sofar, table);
    if (found.kind === "none" && sofar.length > 1) {
      sofar = [event];
      found = match(sofar, table);
    }
    if (found.kind === "waiting") {
      const isG = event.key.toLowerCase() === "g";
      if (isG) hint("G");
      timer = setTimeout(() => {
        sofar = [];
        noHint();
      }, isG ? HINTED_MS : SEQUENCE_MS);
      return;
    }
    sofar = [];
    if (found.kind === "none") return;
    event.preventDefault();
    runAction(found.value);
  };
  const onUp = (event: KeyboardEvent) => {
    if (event.key === "Alt") noHint();
  };
  addEventListener("keydown", onKey);
  addEventListener("keyup", onUp);
  addEventListener("blur", noHint);
  return () => {
    removeEventListener("keydown", onKey);
    removeEventListener("keyup", onUp);
    removeEventListener("blur", noHint);
  };
}

function inTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Moves the focus to the next part of the window: title bar, sidebar, main, status bar. */
export function nextRegion(): void {
  const regions = [...document.querySelectorAll<HTMLElement>("[data-region]")];
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const next = regions[(at + 1) % regions.length];
  next?.querySelector<HTMLElement>("a[href],button,input,[tabindex='0']")?.focus();
}
