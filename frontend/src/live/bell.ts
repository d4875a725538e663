// The lines of the bell. What the desktop told is told here in the same words; a notice from before this page opened, and
// every one in a browser, has no such words and is worded by `notice.ts`. Pure.

import type { NoticeView } from "../generated/api";
import type { Alert } from "../host/host";
import { sentence } from "../lib/format";
import { noticeGlyph, noticeTitle, SAME_MS } from "./notice";
import type { GlyphName } from "./posture";

/** A notice, the desktop's words for it, or both. */
export type Line =
  | { atMs: number; notice: NoticeView; alert?: Alert }
  | { atMs: number; notice?: undefined; alert: Alert };

/** Newest first, at most `max`. Each alert gives its words to one notice; one without a notice is a line of its own. */
export function bellLines(notices: readonly NoticeView[], alerts: readonly Alert[], max: number): Line[] {
  const pairs = notices
    .flatMap((notice) => alerts.filter((alert) => isOf(alert, notice)).map((alert) => ({ notice, alert, apartMs: Math.abs(alert.atMs - notice.atMs) })))
    .sort((a, b) => a.apartMs - b.apartMs);
  const words = new Map<NoticeView, Alert>();
  const used = new Set<Alert>();
  for (const { notice, alert } of pairs) {
    if (words.has(notice) || used.has(alert)) continue;
    words.set(notice, alert);
    used.add(alert);
  }
  const lines: Line[] = notices.map((notice) => {
    const alert = words.get(notice);
    return { atMs: notice.atMs, notice, ...(alert ? { alert } : {}) };
  });
  const alone = alerts.filter((alert) => !used.has(alert)).map((alert): Line => ({ atMs: alert.atMs, alert }));
  return [...lines, ...alone].sort((a, b) => b.atMs - a.atMs).slice(0, max);
}

/** Whether an alert says this notice. An event is dated when it is told, a row when it is written: a moment apart. */
function isOf(alert: Alert, notice: NoticeView): boolean {
  if (Math.abs(alert.atMs - notice.atMs) >= SAME_MS) return false;
  if (notice.incident) return alert.place === `incidents/${notice.incident}`;
  const about = alert.about === (notice.pool ?? "host") || alert.about === "this-computer";
  return about && alert.body.toLowerCase().startsWith(notice.text.slice(0, HEAD).trim().toLowerCase());
}

/** So much of a sentence tells it from others; its end may be worded on. */
const HEAD = 40;

export function lineGlyph({ notice, alert }: Line): GlyphName {
  if (notice) return noticeGlyph(notice);
  if (alert.isRecovery) return "ready";
  return ({ quiet: "dot", normal: "dot", high: "degraded", urgent: "down" } as const)[alert.level] ?? "dot";
}

/** The fact; `pool` and `to` are for those without the desktop's words. */
export function lineTitle(line: Line, pool: string | undefined, to?: string): string {
  return line.alert?.title ?? (line.notice ? noticeTitle(line.notice, pool, to) : "");
}

/** What it means. */
export function lineText(line: Line): string {
  return line.alert?.body ?? (line.notice ? sentence(line.notice.text) : "");
}

/** The pool that it is about, by id. */
export function linePool({ notice, alert }: Line): string | undefined {
  return notice ? notice.pool : alert.about;
}
