// Who changed the managed name, out of the audit and the incidents. Pure.

import type { AuditEntry, IncidentView } from "../../../generated/api";
import { causeWords } from "../../../live/causes";

export interface Deed {
  id: string;
  atMs: number;
  title: string;
  who: string;
  failed?: string;
  incident?: string;
}

interface PoolLike {
  id: string;
  name: string;
}

const TITLES: Record<string, (request: Record<string, unknown>) => string> = {
  dns_set: (r) => (typeof r["label"] === "string" ? `Name set to ${r["label"]}` : "Name set"),
  dns_adopt: () => "Record adopted",
  dns_release: () => "Record handed back",
  dns_test: () => "Tested",
  drift_resolve: (r) => (r["way"] === "restore" ? "Record put back after others changed it" : "Record taken over as others left it"),
  member_activate: (r) => (typeof r["member"] === "string" ? `Made ${r["member"]} active` : "Made active"),
  pool_cutover: () => "Cut to a standby",
};

/** Newest first. `nameOf` turns a member's id into its name. */
export function history(pool: PoolLike, audit: readonly AuditEntry[], incidents: readonly IncidentView[], nameOf: (member: string) => string): Deed[] {
  const deeds = audit.flatMap((entry): Deed[] => {
    const request = entry.request;
    if (typeof request !== "object" || request === null || !(entry.command in TITLES)) return [];
    const fields = { ...(request as Record<string, unknown>) };
    const ref = fields["pool"];
    const ours = typeof ref === "string" && (ref === pool.id || ref === pool.name || (ref.length === 8 && pool.id.startsWith(ref)));
    const change = fields["change"];
    const looked = typeof change === "object" && change !== null && (change as Record<string, unknown>)["dryRun"] === true;
    if (!ours || looked) return [];
    if (typeof fields["member"] === "string") fields["member"] = nameOf(fields["member"]);
    return [{ id: entry.id, atMs: entry.atMs, title: TITLES[entry.command]?.(fields) ?? entry.command, who: entry.by, ...(entry.error ? { failed: entry.error } : {}) }];
  });
  const moves = incidents.filter((one) => one.pool === pool.id && one.to !== undefined && one.endedMs !== undefined).map((one): Deed => ({
    id: one.id, atMs: one.endedMs ?? one.beganMs, title: `Moved to ${one.to}`, who: causeWords(one), incident: one.id,
  }));
  return [...deeds, ...moves].sort((a, b) => b.atMs - a.atMs);
}

/** `lb` in `example.com` is `lb.example.com`; a name within the zone stays; another one with dots is not in the zone. */
export function preview(label: string, zone: string): { fqdn: string } | { wrong: string } {
  const name = label.trim().toLowerCase().replace(/\.$/, "");
  const apex = zone.toLowerCase().replace(/\.$/, "");
  if (name === "") return { wrong: "A label, for example lb" };
  if (!/^(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*$/.test(name)) return { wrong: "Letters, digits, hyphens and dots" };
  const fqdn = name === apex || name.endsWith(`.${apex}`) ? name : `${name}.${apex}`;
  if (fqdn !== name && name.includes(".")) return { wrong: `${name} is not within ${apex}` };
  return fqdn.length > 253 ? { wrong: "At most 253 letters" } : { fqdn };
}

export const TTL = { min: 1, max: 86_400, usual: 60 } as const;

export function ttlSentence(ttlS: number): string {
  if (!Number.isInteger(ttlS) || ttlS < TTL.min || ttlS > TTL.max) return `${TTL.min} to ${TTL.max} seconds`;
  const words = ttlS < 30 ? "Short: many questions, and some resolvers keep it longer anyway." : ttlS > 300 ? "Long: clients stay on a lost member for that long." : "Resolvers keep an answer for so long.";
  return `Clients follow a move within ${ttlS} s. ${words}`;
}
