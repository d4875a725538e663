// Order of the palette: the best fit first, groups kept together, lately used first when nothing was typed. Pure.

import { score } from "../lib/score";
import type { Action } from "../ui/actions/action";

const GROUP = 995;
/** What happened names pools and members too, and must not stand before what can be done with them. */
const PAST = "Incidents";
const PAST_WEIGHT = 0.5;

export function rank(actions: readonly Action[], query: string, recent: readonly string[]): Action[] {
  const wanted = query.trim().toLowerCase();
  const scored = actions
    .map((action) => ({ action, points: points(action, wanted, recent) }))
    .filter((one) => one.points > 0);
  const best = new Map<string, number>();
  for (const { action, points: own } of scored) best.set(action.group, Math.max(best.get(action.group) ?? 0, own));
  return scored
    .sort((a, b) => (best.get(b.action.group) ?? 0) - (best.get(a.action.group) ?? 0) || a.action.group.localeCompare(b.action.group) || b.points - a.points)
    .map((one) => one.action);
}

function points(action: Action, wanted: string, recent: readonly string[]): number {
  const used = recent.indexOf(action.id);
  const fresh = used < 0 ? 0 : 8 - used;
  if (wanted === "") return 1 + fresh;
  const fit = Math.max(
    score(wanted, action.title.toLowerCase()),
    // Naming the object lists what can be done with it, in the order of its declaration.
    action.group.toLowerCase().startsWith(wanted) ? GROUP : score(wanted, `${action.group} ${action.title}`.toLowerCase()) * 0.8,
    score(wanted, `${action.hint ?? ""} ${action.words ?? ""}`.toLowerCase()) * 0.6,
  );
  return fit > 0 ? (action.group === PAST ? fit * PAST_WEIGHT : fit) + fresh : 0;
}
