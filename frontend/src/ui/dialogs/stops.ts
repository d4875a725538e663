// Where Tab goes in a dialog. What the browser does within is left to it; only the ends are joined.

const STOPS = "a[href],button:not([disabled]),input:not([disabled]),select:not([disabled]),textarea:not([disabled]),summary,[tabindex]";

/** The stop that follows the last, or precedes the first; none where the browser finds the next by itself. */
export function joined<T>(stops: readonly T[], at: T, back: boolean): T | undefined {
  const end = back ? stops[0] : stops.at(-1);
  return at === end ? (back ? stops.at(-1) : stops[0]) : undefined;
}

/** What Tab stops at in a box, in its order. */
export function stopsOf(box: HTMLElement): HTMLElement[] {
  const all = [...box.querySelectorAll<HTMLElement>(STOPS)].filter((one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }));
  // Of radio buttons that belong together only the chosen one is a stop.
  const chosen = new Set(all.flatMap((one) => (isRadio(one) && one.checked ? one.name : [])));
  return all.filter((one) => !isRadio(one) || one.checked || !chosen.has(one.name));
}

function isRadio(one: HTMLElement): one is HTMLInputElement {
  return one instanceof HTMLInputElement && one.type === "radio";
}
