// Which shape stands for what, in one place (ux.md 2). Every screen asks here.

import type { Health, Role } from "../generated/api";

/** A state shape; `ui/glyphs` draws one for each. */
export type GlyphName =
  | "active" | "standby" | "ready" | "degraded" | "down" | "unknown" | "drain" | "maint" | "working" | "todo" | "dot";

interface MemberLike {
  role: Role;
  health: Health;
}

interface PoolLike {
  wouldMove: "yes" | "no" | "unknown";
  traffic: "yes" | "no" | "unknown";
  managed: boolean;
  members: readonly MemberLike[];
}

/** A member's glyph: Active if it carries traffic and is healthy, else its health. Nothing is claimed while we see nothing. */
export function memberGlyph(member: MemberLike, seeing: boolean): GlyphName {
  if (!seeing) return "unknown";
  return member.role === "active" && member.health.kind === "ready" ? "active" : member.health.kind;
}

/** A pool's glyph: its failover posture. A pool without a managed name has none, so its members stand for it. */
export function poolGlyph(pool: PoolLike, seeing: boolean): GlyphName {
  if (!seeing || pool.members.length === 0) return "unknown";
  const healthy = pool.members.filter((one) => one.health.kind === "ready" || one.health.kind === "degraded");
  if (healthy.length === 0) return pool.members.some((one) => one.health.kind === "down") ? "down" : "unknown";
  if (!pool.managed) {
    for (const kind of ["unknown", "down", "degraded"] as const) {
      if (pool.members.some((one) => one.health.kind === kind)) return kind === "down" ? "degraded" : kind;
    }
    return "ready";
  }
  if (pool.wouldMove === "yes") return "ready";
  return pool.wouldMove === "unknown" && pool.traffic === "unknown" ? "unknown" : "degraded";
}
