// One round by Tab through a part of the page: which stops it has, whether each shows its ring unhidden, what it misses.

const STOPS_MAX = 600;

/** Faults of the round, in words. `trap` says that Tab must never leave the part. */
export async function tabRound(page, { inside = "body", trap = false } = {}) {
  await page.evaluate(begin, inside);
  const faults = new Set();
  let outside = 0;
  let stops = 0;
  for (; stops < STOPS_MAX; stops += 1) {
    await page.keyboard.press("Tab");
    let at = await page.evaluate(look, { inside });
    if (at.again) break;
    if (at.faults?.length > 0) {
      // A tooltip of the stop before may be going still, a popover finding its place.
      await page.clock.runFor(400);
      at = await page.evaluate(look, { inside, oncemore: true });
    }
    if (at.outside) {
      if (trap) faults.add(`Tab leaves to ${at.outside}`);
      outside += 1;
      // The browser's own controls lie between the last stop and the first.
      if (outside > 3 && inside === "body") break;
      if (trap) break;
      continue;
    }
    for (const fault of at.faults) faults.add(fault);
  }
  if (stops === STOPS_MAX) faults.add(`Tab has no end after ${STOPS_MAX} stops`);
  for (const fault of await page.evaluate(missed, inside)) faults.add(fault);
  return [...faults];
}

function begin(inside) {
  globalThis.reached = new Set();
  globalThis.called = (one) => {
    const name = (one.getAttribute("aria-label") ?? one.innerText ?? one.getAttribute("placeholder") ?? "").replace(/\s+/g, " ").trim().slice(0, 48);
    return `${one.tagName.toLowerCase()} "${name || one.className}"`;
  };
  // The dialog chose its first stop; a page begins at its beginning.
  if (inside === "body") document.activeElement?.blur?.();
}

/** What has the focus now, and whether one can see that. */
function look({ inside, oncemore = false }) {
  const one = document.activeElement;
  if (!one || one === document.body) return { outside: "the browser" };
  if (!one.closest(inside)) return { outside: globalThis.called(one) };
  if (globalThis.reached.has(one) && !oncemore) return { again: true };
  globalThis.reached.add(one);
  const faults = [];
  const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const seats = [
    [one, getComputedStyle(one)], [one.closest(".tile") ?? one, getComputedStyle(one, "::after")],
    ...[...[one.closest(".inp, .pi")].filter(Boolean)].map((box) => [box, getComputedStyle(box)]),
  ];
  const seat = seats.find(([, style]) => outlined(style));
  if (!seat) return { faults: [`${globalThis.called(one)} shows no focus ring`] };
  const [box, style] = seat;
  const reach = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
  const rect = box.getBoundingClientRect();
  const ring = { left: rect.left - reach, top: rect.top - reach, right: rect.right + reach, bottom: rect.bottom + reach };
  const hidden = [];
  if (ring.left < -0.5 || ring.right > innerWidth + 0.5) hidden.push("side of the window");
  for (let up = box.parentElement; up && up !== document.documentElement; up = up.parentElement) {
    const over = getComputedStyle(up);
    const clip = up.getBoundingClientRect();
    // A row may be wider than its table's box; its upper and lower sides show it.
    if (over.overflowX !== "visible" && !(one.matches("tr") && up.scrollWidth > up.clientWidth)) {
      if (ring.left < clip.left - 0.5) hidden.push(`left side by ${up.className || up.tagName}`);
      if (ring.right > clip.right + 0.5) hidden.push(`right side by ${up.className || up.tagName}`);
    }
    if (over.overflowY !== "visible") {
      if (ring.top < clip.top - 0.5) hidden.push(`upper side by ${up.className || up.tagName}`);
      if (ring.bottom > clip.bottom + 0.5) hidden.push(`lower side by ${up.className || up.tagName}`);
    }
    if (over.position === "fixed") break;
  }
  if (hidden.length > 0) faults.push(`the ring of ${globalThis.called(one)} is cut: ${hidden.join(", ")}`);
  const [x, y] = [(Math.max(0, rect.left) + Math.min(innerWidth, rect.right)) / 2, (Math.max(0, rect.top) + Math.min(innerHeight, rect.bottom)) / 2];
  const upon = document.elementFromPoint(x, y);
  const own = upon && (box.contains(upon) || upon.contains(box) || upon.closest("label")?.contains(box));
  if (!own) faults.push(`${globalThis.called(one)} has the focus and is covered by ${upon ? globalThis.called(upon) : "nothing that is seen"}`);
  return { faults };
}

/** What can be pressed or filled and was no stop. */
function missed(inside) {
  const root = document.querySelector(inside);
  const reached = [...globalThis.reached];
  const all = root ? [...root.querySelectorAll("a[href],button,input,select,textarea,summary,[tabindex='0'],[role=button],[role=link],[role=switch],[role=slider],[contenteditable]")] : [];
  return all.flatMap((one) => {
    const rect = one.getBoundingClientRect();
    const seen = one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && rect.width > 1 && rect.height > 1;
    if (!seen || globalThis.reached.has(one) || one.disabled || one.closest("[aria-hidden=true],[inert]")) return [];
    // Arrow keys move within a group of radio buttons, J and K within a table; Enter does there what the row's button does.
    const group = one.closest("[role=radiogroup]");
    if (group && reached.some((each) => group.contains(each))) return [];
    if (one.type === "radio" && reached.some((each) => each.name === one.name)) return [];
    const table = one.closest("tr[data-row]") && one.closest("table");
    if (one.tabIndex < 0 && table && reached.some((each) => table.contains(each) && each.matches("tr[data-row]"))) return [];
    if (one.matches("tr[data-row]") && reached.some((each) => one.closest("table")?.contains(each))) return [];
    return [`${globalThis.called(one)} is not reached by Tab`];
  });
}
