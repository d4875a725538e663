// Order of the palette. What was named exactly stands first, then what holds the words, then what has their letters
// somewhere; among equals pools, members, what can be done, what happened. Groups are kept together. Pure.

import { score } from "../lib/score";
import type { Action } from "../ui/actions/action";

const GROUP = 995;
const PAST = "Incidents";

/** How well it fits; the greater, the earlier. */
const NAMED = 2;
const HELD = 1;
const SCATTERED = 0;

/** What it is; the smaller, the earlier. */
const POOL = 0;
const MEMBER = 1;
const DEED = 2;
const STORY = 3;

interface Place {
  action: Action;
  fit: number;
  kind: number;
  points: number;
}

export function rank(actions: readonly Action[], query: string, recent: readonly string[]): Action[] {
  const wanted = query.trim().toLowerCase();
  const placed = actions.flatMap((action) => place(action, wanted, recent) ?? []);
  const heads = new Map<string, Place>();
  for (const one of placed) {
    const head = heads.get(one.action.group);
    if (!head || order(one, head) < 0) heads.set(one.action.group, one);
  }
  const groups = [...heads].sort(([nameA, a], [nameB, b]) => order(a, b) || nameA.localeCompare(nameB));
  const at = new Map(groups.map(([name], i) => [name, i]));
  return placed
    .sort((a, b) => (at.get(a.action.group) ?? 0) - (at.get(b.action.group) ?? 0) || b.fit - a.fit || b.points - a.points)
    .map((one) => one.action);
}

function order(a: Place, b: Place): number {
  return b.fit - a.fit || a.kind - b.kind || b.points - a.points;
}

function place(action: Action, wanted: string, recent: readonly string[]): Place | undefined {
  const used = recent.indexOf(action.id);
  const fresh = used < 0 ? 0 : 8 - used;
  // Nothing was typed: only what was used lately counts.
  if (wanted === "") return { action, fit: SCATTERED, kind: DEED, points: 1 + fresh };
  const [title, group, words] = [action.title.toLowerCase(), action.group.toLowerCase(), (action.words ?? "").toLowerCase()];
  const whole = `${group} ${title}`;
  const points = Math.max(
    score(wanted, title),
    // Naming the object lists what can be done with it, in the order of its declaration.
    group.startsWith(wanted) ? GROUP : score(wanted, whole) * 0.8,
    score(wanted, `${action.hint ?? ""} ${words}`.toLowerCase()) * 0.6,
  );
  if (points === 0) return undefined;
  const kind = action.opens?.kind === "pool" ? POOL : action.opens ? MEMBER : action.group === PAST ? STORY : DEED;
  // A hint only describes; it makes nothing a better fit than what is called so.
  const fit = action.opens?.name.toLowerCase() === wanted ? NAMED : whole.includes(wanted) || words.includes(wanted) ? HELD : SCATTERED;
  return { action, fit, kind, points: points + fresh };
}
