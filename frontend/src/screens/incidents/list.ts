// The list of incidents: what passes the filter, and by day. Pure.

import type { IncidentView } from "../../generated/api";
import { incidentTitle } from "../../live/activity";
import { causeWords, wayOf } from "./causes";

export type Kind = "all" | "automatic" | "manual" | "not-moved";

export interface Filter {
  kind: Kind;
  pool: string;
  text: string;
}

export function passes(one: IncidentView, { kind, pool, text }: Filter): boolean {
  if (pool !== "" && one.poolName !== pool) return false;
  if (kind === "automatic" && (wayOf(one) !== "automatic" || one.to === undefined)) return false;
  if (kind === "manual" && wayOf(one) !== "manual") return false;
  if (kind === "not-moved" && one.to !== undefined) return false;
  const wanted = text.trim().toLowerCase();
  return wanted === "" || `${incidentTitle(one)} ${causeWords(one)} ${one.poolName} ${one.from ?? ""} ${one.to ?? ""} ${one.id}`.toLowerCase().includes(wanted);
}

export interface Day {
  title: string;
  list: IncidentView[];
}

const DAY_MS = 86_400_000;

/** Open ones first, then by day in UTC, newest first. */
export function byDay(incidents: readonly IncidentView[], nowMs: number): Day[] {
  const newest = [...incidents].sort((a, b) => b.beganMs - a.beganMs);
  const out = new Map<string, IncidentView[]>();
  const open = newest.filter((one) => one.endedMs === undefined);
  if (open.length > 0) out.set("Open", open);
  for (const one of newest) {
    if (one.endedMs === undefined) continue;
    const title = dayTitle(one.beganMs, nowMs);
    out.set(title, [...(out.get(title) ?? []), one]);
  }
  return [...out].map(([title, list]) => ({ title, list }));
}

function dayTitle(ms: number, nowMs: number): string {
  const ago = Math.floor(nowMs / DAY_MS) - Math.floor(ms / DAY_MS);
  const date = new Date(ms).toISOString().slice(0, 10);
  return ago === 0 ? "Today" : ago === 1 ? "Yesterday" : date;
}

const ENDS: Record<IncidentView["outcome"], string> = {
  open: "Goes on", moved: "Moved and read back", "moved-unverified": "Moved, not read back", "moved-by-other": "Moved by another console",
  recovered: "Recovered by itself", held: "Held for a person", failed: "The provider refused",
};

/** How it stands or ended. */
export function endWords(one: IncidentView): string {
  return ENDS[one.outcome];
}
