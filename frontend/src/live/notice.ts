// A notice's title and shape, by its topic. The sentence itself comes from the host.

import type { NoticeView } from "../generated/api";
import type { GlyphName } from "./posture";

/** So far apart two dates of one notice may lie. */
export const SAME_MS = 2_000;

const TOPICS: Record<string, { glyph: GlyphName; title: (pool: string) => string }> = {
  moved: { glyph: "active", title: (pool) => `${pool} moved` },
  ask: { glyph: "degraded", title: (pool) => `${pool} waits for you` },
  "no-target": { glyph: "down", title: (pool) => `${pool} cannot move` },
  drift: { glyph: "degraded", title: (pool) => `The record of ${pool} was changed by others` },
  failed: { glyph: "down", title: (pool) => `DNS did not move for ${pool}` },
  blind: { glyph: "unknown", title: (pool) => `${pool} cannot be seen from here` },
  "no-provider": { glyph: "degraded", title: (pool) => `DNS of ${pool} cannot be moved from here` },
  locked: { glyph: "degraded", title: (pool) => `${pool} waits until you have seen its moves` },
  "not-read-back": { glyph: "degraded", title: (pool) => `The new record of ${pool} was not read back` },
  "cannot-confirm": { glyph: "unknown", title: (pool) => `${pool} may be down` },
  "watch-down": { glyph: "unknown", title: (pool) => `${pool} is not watched here` },
  "watch-broke": { glyph: "unknown", title: (pool) => `${pool} is not watched here` },
  storage: { glyph: "degraded", title: (pool) => `The story of ${pool} cannot be written` },
  over: { glyph: "ready", title: (pool) => `${pool} is well again` },
};

/** Both lists as one, newest first; what came by event and stands on disk is told once. */
export function mergeNotices(fresh: readonly NoticeView[], known: readonly NoticeView[], max: number): NoticeView[] {
  const key = (one: NoticeView) => `${one.topic}/${one.pool ?? ""}/${one.incident ?? ""}/${one.text}`;
  const out: NoticeView[] = [];
  for (const one of [...fresh, ...known].sort((a, b) => b.atMs - a.atMs)) {
    // An event is dated when it is told, the row when it is written: a moment apart.
    if (!out.some((other) => key(other) === key(one) && Math.abs(other.atMs - one.atMs) < SAME_MS)) out.push(one);
  }
  return out.slice(0, max);
}

export function noticeGlyph(notice: NoticeView): GlyphName {
  return TOPICS[notice.topic]?.glyph ?? "dot";
}

export function noticeTitle(notice: NoticeView, pool: string | undefined, to?: string): string {
  if (notice.topic === "moved" && to) return `${pool ?? "A pool"} moved to ${to}`;
  return TOPICS[notice.topic]?.title(pool ?? "A pool") ?? (pool ?? "ServersCTL");
}
