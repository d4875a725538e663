// What one look at HAProxy's statistics says beside the look before it: rates, sums, problems. Pure.

import type { StatRow, StatView } from "../generated/api";
import type { GlyphName } from "./posture";

export interface StatLook {
  atMonoMs: number;
  view: StatView;
}

/** One row with what only two looks can say. */
export interface StatNow {
  key: string;
  row: StatRow;
  /** Requests a second where HTTP is spoken, else new sessions a second. */
  rate: number;
  inPerS: number | undefined;
  outPerS: number | undefined;
}

export interface StatTotals {
  rate: number;
  /** What `rate` counts: `mixed` when some frontends speak no HTTP. */
  rateOf: "requests" | "sessions" | "mixed";
  sessions: number;
  /** The limit of all frontends together; none while one of them has none. */
  limit: number | undefined;
  inPerS: number | undefined;
  outPerS: number | undefined;
  /** HTTP answers since HAProxy started, as `StatRow.responses`; empty where no HTTP is spoken. */
  responses: readonly number[];
}

export interface BackendNow {
  name: string;
  rate: number;
  up: number;
  all: number;
  glyph: GlyphName;
  /** `1 of 2 servers up, adm-02 is down`. */
  words: string;
}

/** Every row of `now`; the look before gives the speed of its counters. */
export function statRows(now: StatLook, before: StatLook | undefined): StatNow[] {
  const seen = new Map<string, number>();
  const keyOf = (row: StatRow): string => {
    const plain = `${row.kind}/${row.proxy}/${row.name}`;
    const times = seen.get(plain) ?? 0;
    seen.set(plain, times + 1);
    return times === 0 ? plain : `${plain}/${times}`;
  };
  const earlier = new Map<string, StatRow>();
  for (const row of before?.view.rows ?? []) earlier.set(keyOf(row), row);
  seen.clear();
  const tookMs = before ? now.atMonoMs - before.atMonoMs : 0;
  return now.view.rows.map((row): StatNow => {
    const key = keyOf(row);
    const was = earlier.get(key);
    const speed = (count: number | undefined, past: number | undefined) => perSecond(count, past, tookMs);
    return {
      key, row, inPerS: speed(row.inBytes, was?.inBytes), outPerS: speed(row.outBytes, was?.outBytes),
      rate: row.requestRate ?? speed(row.requestsTotal, was?.requestsTotal) ?? row.sessionRate,
    };
  });
}

/** A counter's speed; none without a look before, or when HAProxy was started anew in between. */
export function perSecond(now: number | undefined, before: number | undefined, tookMs: number): number | undefined {
  if (now === undefined || before === undefined || tookMs <= 0 || now < before) return undefined;
  return ((now - before) * 1000) / tookMs;
}

export function statTotals(rows: readonly StatNow[]): StatTotals {
  const fronts = rows.filter(({ row }) => row.kind === "frontend");
  const http = fronts.filter(({ row }) => row.requestRate !== undefined).length;
  const sum = (value: (one: StatNow) => number) => fronts.reduce((all, one) => all + value(one), 0);
  const whole = (value: (one: StatNow) => number | undefined) =>
    fronts.length === 0 || fronts.some((one) => value(one) === undefined) ? undefined : sum((one) => value(one) ?? 0);
  const classes = Math.max(0, ...fronts.map(({ row }) => row.responses.length));
  return {
    rate: sum((one) => one.rate), rateOf: http === 0 ? "sessions" : http === fronts.length ? "requests" : "mixed",
    sessions: sum(({ row }) => row.sessions), limit: whole(({ row }) => row.sessionsLimit),
    inPerS: whole((one) => one.inPerS), outPerS: whole((one) => one.outPerS),
    responses: Array.from({ length: classes }, (_, i) => sum(({ row }) => row.responses[i] ?? 0)),
  };
}

export function statGlyph(row: StatRow): GlyphName {
  switch (row.state) {
    case "up": return "ready";
    case "shaky": return "degraded";
    case "down": return "down";
    case "drain": return "drain";
    case "maintenance": return "maint";
    case "unchecked": return "todo";
    default: return "unknown";
  }
}

/** What somebody should look at. Drain and maintenance are somebody's choice and no fault. */
export function isProblem(row: StatRow): boolean {
  return row.state === "down" || row.state === "shaky" || (row.kind !== "frontend" && row.queued > 0);
}

/** The backends in HAProxy's order, so that none moves under the pointer; where not all fit, those in trouble come first. */
export function backendsNow(rows: readonly StatNow[], most: number): { shown: BackendNow[]; more: number } {
  const worst: Partial<Record<GlyphName, number>> = { down: 0, degraded: 1, unknown: 2 };
  const rank = (one: BackendNow) => worst[one.glyph] ?? 3;
  const all = rows.filter(({ row }) => row.kind === "backend").map((one): BackendNow => {
    const servers = rows.filter(({ row }) => row.kind === "server" && row.proxy === one.row.proxy).map(({ row }) => row);
    const up = servers.filter((row) => row.state === "up" || row.state === "shaky" || row.state === "unchecked").length;
    const down = servers.filter((row) => row.state === "down");
    const glyph: GlyphName = one.row.state === "up" && down.length > 0 ? "degraded" : statGlyph(one.row);
    const first = down[0];
    const drained = servers.filter((row) => row.state === "drain" || row.state === "maintenance");
    const why = first ? (down.length === 1 ? `, ${first.name} is down` : `, ${down.length} are down`)
      : drained[0] ? (drained.length === 1 ? `, ${drained[0].name} in ${drained[0].state}` : `, ${drained.length} set aside`) : "";
    return {
      name: one.row.proxy, rate: one.rate, up, all: servers.length, glyph,
      words: servers.length === 0 ? "no servers" : `${up} of ${servers.length} ${servers.length === 1 ? "server" : "servers"} up${why}`,
    };
  });
  const kept = new Set([...all].sort((a, b) => rank(a) - rank(b)).slice(0, most));
  return { shown: all.filter((one) => kept.has(one)), more: all.length - kept.size };
}
