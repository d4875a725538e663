// A notice's title and shape, by its topic. The sentence itself comes from the host.

import type { NoticeView } from "../generated/api";
import type { GlyphName } from "./posture";

const TOPICS: Record<string, { glyph: GlyphName; title: (pool: string) => string }> = {
  moved: { glyph: "active", title: (pool) => `${pool} moved` },
  ask: { glyph: "degraded", title: (pool) => `${pool} waits for you` },
  "no-target": { glyph: "down", title: (pool) => `${pool} cannot move` },
  drift: { glyph: "degraded", title: (pool) => `The record of ${pool} was changed by others` },
  failed: { glyph: "down", title: (pool) => `DNS did not move for ${pool}` },
  blind: { glyph: "unknown", title: (pool) => `${pool} cannot be seen from here` },
  locked: { glyph: "degraded", title: (pool) => `${pool} waits until you have seen its moves` },
  "not-read-back": { glyph: "degraded", title: (pool) => `The new record of ${pool} was not read back` },
  "cannot-confirm": { glyph: "unknown", title: (pool) => `${pool} may be down` },
  over: { glyph: "ready", title: (pool) => `${pool} is well again` },
};

export function noticeGlyph(notice: NoticeView): GlyphName {
  return TOPICS[notice.topic]?.glyph ?? "dot";
}

export function noticeTitle(notice: NoticeView, pool: string | undefined): string {
  return TOPICS[notice.topic]?.title(pool ?? "A pool") ?? (pool ?? "ServersCTL");
}
