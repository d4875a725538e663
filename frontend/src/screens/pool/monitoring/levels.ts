// What notifies, how loud, and with which words: as the desktop tells it.

import type { GlyphName } from "../../../live/posture";

export type Level = "urgent" | "high" | "normal";

export interface Rule {
  topic: string;
  glyph: GlyphName;
  what: string;
  then: string;
  level: Level;
  /** Only for pools with a managed name. */
  dns: boolean;
}

export const RULES: readonly Rule[] = [
  { topic: "moved", glyph: "active", what: "DNS moved", then: "Who took over, why, and after how many seconds", level: "urgent", dns: true },
  { topic: "no-target", glyph: "down", what: "The active member is down and nobody can take over", then: "DNS stays where it is", level: "urgent", dns: true },
  { topic: "cannot-confirm", glyph: "unknown", what: "It may be down, and this network cannot confirm", then: "Nothing moves without proof", level: "urgent", dns: true },
  { topic: "ask", glyph: "degraded", what: "A person must decide", then: "What is missing for an automatic move", level: "urgent", dns: true },
  { topic: "failed", glyph: "down", what: "DNS did not move", then: "The provider's own words", level: "urgent", dns: true },
  { topic: "locked", glyph: "degraded", what: "A third automatic move within two hours", then: "Automation waits until you have seen its moves", level: "urgent", dns: true },
  { topic: "standby-last", glyph: "degraded", what: "The last ready standby is lost", then: "If the active member fails, DNS stays where it is", level: "high", dns: true },
  { topic: "drift", glyph: "degraded", what: "Somebody else changed the record", then: "Adopt it or put it back", level: "high", dns: true },
  { topic: "not-read-back", glyph: "degraded", what: "A move is not read back yet", then: "The write was accepted", level: "high", dns: true },
  { topic: "no-provider", glyph: "degraded", what: "The DNS provider does not answer or refuses", then: "Clients are not touched; automatic failover waits", level: "high", dns: true },
  { topic: "watch-down", glyph: "unknown", what: "This pool is no longer watched here", then: "Its watch, its storage or its memory broke", level: "high", dns: false },
  { topic: "standby-lost", glyph: "degraded", what: "A standby is not ready", then: "How many ready ones are left", level: "normal", dns: true },
  { topic: "over", glyph: "ready", what: "It is well again", then: "Replaces the notice it answers", level: "normal", dns: false },
  { topic: "blind", glyph: "unknown", what: "This computer is offline", then: "After 30 s; the watch here is paused", level: "normal", dns: false },
];

export const LEVEL: Record<Level, string> = { urgent: "Urgent", high: "High", normal: "Normal" };

/** Whether a notice of this level appears outside the window now; urgent breaks quiet hours, nothing breaks a mute. */
export function appears(level: Level, told: { shown: boolean; muted: boolean; quiet: boolean }): { yes: boolean; why: string } {
  if (!told.shown) return { yes: false, why: "notices are off" };
  if (told.muted) return { yes: false, why: "muted" };
  if (told.quiet && level !== "urgent") return { yes: false, why: "quiet hours" };
  return { yes: true, why: "" };
}
