// What needs a person, out of the live rows: one matter, one line, one place to go. Pure.

import type { Health } from "../generated/api";
import { sentence } from "../lib/format";
import type { GlyphName } from "./posture";

export interface Matter {
  id: string;
  glyph: GlyphName;
  /** The fact, as a sentence. */
  title: string;
  /** What it means. */
  body: string;
  pool: string;
  /** What helps: a place, as the router writes it. */
  place: string;
  help: "pool" | "member" | "incident" | "dns";
  member?: string;
  /** Only a person can end it. */
  decision: boolean;
}

interface MemberLike {
  id: string;
  name: string;
  role: string;
  health: Health;
}

export interface PoolLike {
  id: string;
  name: string;
  state: string;
  blind: "own-sight" | "provider" | undefined;
  reason: string;
  watched: boolean;
  armed: boolean;
  hostname: string | undefined;
  incidentId: string | undefined;
  standbys: { verdict: string; reason: string };
  wouldMove: { verdict: string; reason: string };
  active: MemberLike | undefined;
  members: readonly MemberLike[];
  standbyRows: readonly unknown[];
  view: { held?: string } | undefined;
}

const DECIDE = new Set(["ASK", "NO_TARGET", "LOCKED", "DRIFT", "FAILED"]);

/** What matters in pools that are seen. One whose provider alone does not answer is seen. */
export function matters(pools: readonly PoolLike[]): Matter[] {
  return pools.filter((pool) => pool.watched && pool.blind !== "own-sight").flatMap(ofPool).sort((a, b) => rank(a) - rank(b));
}

function rank(matter: Matter): number {
  return (matter.decision ? 0 : 10) + ["down", "degraded", "unknown"].indexOf(matter.glyph);
}

function ofPool(pool: PoolLike): Matter[] {
  const out: Matter[] = [];
  const place = `pool/${pool.name}/overview`;
  const one = (id: string, rest: Omit<Matter, "id" | "pool">) => out.push({ id: `${pool.id}/${id}`, pool: pool.name, ...rest });
  const decide = DECIDE.has(pool.state);
  if (decide) {
    const help = pool.state === "DRIFT" || pool.state === "FAILED" ? "dns" : pool.incidentId ? "incident" : "pool";
    const to = help === "dns" ? `pool/${pool.name}/dns` : help === "incident" ? `incidents/${pool.incidentId}` : place;
    one("state", {
      glyph: pool.state === "NO_TARGET" || pool.state === "ASK" ? "down" : "degraded",
      title: `${pool.name} waits for you.`, body: said(pool.reason), place: to, help, decision: true,
    });
  } else if (pool.incidentId) {
    one("incident", {
      glyph: "degraded", title: `${pool.name} has an open incident.`, body: said(pool.reason),
      place: `incidents/${pool.incidentId}`, help: "incident", decision: false,
    });
  }
  if (pool.blind === "provider") {
    one("provider", {
      glyph: "degraded", title: `DNS of ${pool.name} cannot be moved from here.`, body: said(pool.reason), place: `pool/${pool.name}/dns`, help: "dns", decision: false,
    });
  }
  if (pool.view?.held) {
    one("held", {
      glyph: "degraded", title: `Automatic moves of ${pool.name} are held.`, body: said(pool.view.held), place, help: "pool", decision: true,
    });
  }
  if (!decide && pool.hostname && pool.standbys.verdict === "no") {
    const lone = pool.standbyRows.length === 0;
    const after = pool.active ? `If ${pool.active.name} fails, DNS stays where it is.` : "Nobody could take over.";
    one("standbys", {
      glyph: "degraded", title: `${pool.name} has no ${lone ? "standby" : "ready standby"}.`,
      body: lone ? after : `${after} ${said(pool.standbys.reason)}`, place, help: "pool", decision: false,
    });
  }
  for (const member of pool.members) {
    const kind = member.health.kind;
    if (kind === "ready" || (decide && member.role === "active")) continue;
    const reason = "reason" in member.health ? member.health.reason : "";
    one(member.id, {
      glyph: kind, title: `${member.name} is ${kind}.`, body: said(reason),
      place: `pool/${pool.name}/member/${member.name}`, help: "member", member: member.name, decision: false,
    });
  }
  return out;
}

function said(text: string): string {
  return text === "" ? "" : `${sentence(text)}${/[.!?]$/.test(text) ? "" : "."}`;
}
