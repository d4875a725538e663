// What happened lately, out of incidents and the audit: one line each, newest first. Pure.

import type { AuditEntry, IncidentView } from "../generated/api";
import { causeWords } from "./causes";
import type { GlyphName } from "./posture";

export interface Happening {
  id: string;
  atMs: number;
  glyph: GlyphName;
  title: string;
  body: string;
  /** Where it leads; none for a line of the audit. */
  place?: string;
}

const OUTCOME: Record<IncidentView["outcome"], { glyph: GlyphName; says: (one: IncidentView) => string }> = {
  open: { glyph: "degraded", says: (one) => `${one.from ?? one.poolName} is in trouble` },
  moved: { glyph: "active", says: (one) => `Moved to ${one.to ?? "another member"}` },
  "moved-unverified": { glyph: "degraded", says: (one) => `Moved to ${one.to ?? "another member"}, not read back` },
  "moved-by-other": { glyph: "active", says: (one) => `Another console moved to ${one.to ?? "another member"}` },
  recovered: { glyph: "ready", says: (one) => `${one.from ?? one.poolName} recovered by itself` },
  held: { glyph: "degraded", says: (one) => `${one.poolName} did not move` },
  failed: { glyph: "down", says: (one) => `DNS did not move for ${one.poolName}` },
};

/** An incident's title in words; the incident page and every list say the same. */
export function incidentTitle(one: IncidentView): string {
  if (one.outcome === "moved" && one.from && one.to) return `Moved from ${one.from} to ${one.to}`;
  return OUTCOME[one.outcome].says(one);
}

export function incidentGlyph(one: IncidentView): GlyphName {
  return OUTCOME[one.outcome].glyph;
}

/** How long it took from its first line until the record was read back; none when nothing moved. */
export function movedInMs(one: IncidentView): number | undefined {
  const at = one.phases.find((phase) => phase.name === "accepted" || phase.name === "read-back");
  return at && one.to ? Math.max(0, at.atMs - one.beganMs) : undefined;
}

const DONE: Record<string, string> = {
  pool_create: "Pool created", pool_update: "Pool changed", pool_remove: "Pool removed", member_enrol: "Member enrolled",
  member_invite: "Member invited", member_update: "Member changed", member_remove: "Member removed", provider_add: "Provider added",
  provider_remove: "Provider removed", dns_set: "DNS name set", dns_adopt: "Record adopted", dns_release: "Record handed back",
  dns_test: "DNS tested", member_activate: "Made active", pool_cutover: "DNS cut to standby", pool_rehearse: "Rehearsed",
  pool_arm: "Automatic failover on", pool_disarm: "Automatic failover off", pool_pause: "Pool paused", pool_resume: "Pool resumed",
  pool_acknowledge: "Moves acknowledged", drift_resolve: "Drift resolved", watch_pause: "Watch paused", watch_resume: "Watch resumed",
  console_add: "Console added", fleet_join: "Fleet joined", profile_init: "Profile made", vault_unlock: "Vault unlocked",
};

export function happenings(incidents: readonly IncidentView[], audit: readonly AuditEntry[], max: number): Happening[] {
  const ofIncidents = incidents.map((one): Happening => ({
    id: one.id, atMs: one.beganMs, glyph: incidentGlyph(one), title: OUTCOME[one.outcome].says(one),
    body: `${one.poolName}: ${causeWords(one)}`, place: `incidents/${one.id}`,
  }));
  const ofAudit = audit.map((one): Happening => ({
    id: one.id, atMs: one.atMs, glyph: one.error ? "degraded" : "dot", title: DONE[one.command] ?? one.command,
    body: [subject(one.request), one.error ?? `by ${one.by}`].filter(Boolean).join(", "),
  }));
  return [...ofIncidents, ...ofAudit].sort((a, b) => b.atMs - a.atMs).slice(0, max);
}

function subject(request: unknown): string {
  const from = typeof request === "object" && request !== null ? (request as Record<string, unknown>) : {};
  for (const key of ["member", "hostname", "pool", "name", "provider"]) if (typeof from[key] === "string") return from[key];
  return "";
}
