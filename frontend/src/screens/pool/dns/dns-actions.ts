// What can be done with a pool's managed name, declared once for buttons and palette.

import type { DnsView, DriftWay } from "../../../generated/api";
import type { Live } from "../../../live/live.svelte";
import type { PoolRow } from "../../../live/pool.svelte";
import { HIDDEN, no, YES, type Action, type Availability } from "../../../ui/actions/action";
import { askChange } from "../../../ui/dialogs/confirm.svelte";
import { toasts } from "../../../ui/toasts/toasts.svelte";
import { barOf } from "../../standing";

export interface Dns {
  live: Live;
  pool: PoolRow;
  view: DnsView | undefined;
  /** The member that is to be active; empty: whoever the record points at. */
  member: string;
  testing: boolean;
  test: () => void;
  took: (view: DnsView) => void;
}

export function dnsActions(dns: Dns): Action[] {
  const group = dns.pool.name;
  return [
    {
      id: "dns.test", title: "Test", group, icon: "play", words: "connectivity claim probe", hint: "writes and deletes a record beside the name",
      available: () => (!dns.pool.hostname ? HIDDEN : bar(dns, dns.testing ? "it is being tested" : undefined)), run: dns.test,
    },
    adopt(dns), drift(dns, "adopt"), drift(dns, "restore"), release(dns),
  ];
}

function bar({ live }: Dns, more?: string): Availability {
  const why = barOf(live) ?? more;
  return why ? no(why) : YES;
}

/** The record as it is shown; what is not shown is not adopted. */
const shownA = (view: DnsView): string => (view.register?.a.length === 1 ? (view.register.a[0] ?? "") : "");

function adopt(dns: Dns): Action {
  const { live, pool, view } = dns;
  const foreign = view?.state === "drift" && pool.state !== "DRIFT";
  return {
    id: "dns.adopt", title: foreign ? "Take over another fleet's record…" : "Make active…", group: pool.name, icon: "swap", level: foreign ? 3 : 2, words: "adopt take over record",
    available: () => {
      if (!view || (view.state !== "not-adopted" && !foreign)) return HIDDEN;
      const empty = view.register?.a.length !== 1 && dns.member === "";
      return bar(dns, pool.members.length === 0 ? "enrol a member first" : empty ? "choose who is to be active: the record names nobody" : undefined);
    },
    run: () => {
      if (!view?.hostname) return;
      const name = pool.members.find((row) => row.id === dns.member)?.name;
      askChange(live.host, "dns_adopt", {
        pool: pool.id, shown: shownA(view), foreignMarker: foreign ? "take-over" : "respect", ...(dns.member ? { member: dns.member } : {}),
      }, {
        level: foreign ? 3 : 2, title: name ? `Make ${name} active?` : `Take ${view.hostname} over as it stands?`, verb: name ? `Make ${name} active` : "Take it over", keep: "Keep as it is",
        body: `From then on this fleet writes ${view.hostname} and marks it as its own. The TTL becomes ${view.ttlS} s; answers given before live on for as long as they were promised.`,
        ...(foreign ? { name: view.hostname, removed: "the other fleet's marker; its consoles stop moving this name", stays: "the record's address until the plan above says otherwise" } : {}),
      }, (next) => {
        dns.took(next);
        toasts.show({ glyph: "active", title: `${view.hostname} is managed`, body: "The record was written and read back." });
      });
    },
  };
}

function drift(dns: Dns, way: DriftWay): Action {
  const { live, pool, view } = dns;
  const taking = way === "adopt";
  const a = view?.register?.a.join(", ") || "no address";
  return {
    id: `drift.${way}`, title: taking ? "Adopt as it stands…" : "Restore…", group: pool.name, icon: taking ? "check" : "back", level: 2, words: "drift repair record",
    available: () => (pool.state === "DRIFT" ? bar(dns) : HIDDEN),
    run: () => askChange(live.host, "drift_resolve", { pool: pool.id, way }, {
      level: 2, title: taking ? `Adopt ${a} for ${pool.hostname}?` : `Restore ${pool.hostname} to ${pool.active?.name ?? "the last active member"}?`,
      verb: taking ? "Adopt as it stands" : "Restore the record", keep: "Decide later",
      body: taking ? `Whoever ${a} belongs to becomes the active member. Traffic stays where the record sends it now.` : `The record goes back to ${pool.active?.address ?? "what this fleet wrote last"}. Clients follow within ${view?.ttlS ?? 60} s. Whoever changed it may change it again.`,
    }, (next) => {
      dns.took(next);
      toasts.show({ glyph: "ready", title: taking ? "The record was adopted" : "The record was restored" });
    }),
  };
}

function release(dns: Dns): Action {
  const { live, pool } = dns;
  return {
    id: "dns.release", title: "Stop managing this name…", group: pool.name, icon: "minus", level: 2, words: "release hand back",
    available: () => (!pool.hostname ? HIDDEN : bar(dns, pool.armed ? "turn automatic failover off first" : undefined)),
    run: () => askChange(live.host, "dns_release", { pool: pool.id }, {
      level: 2, title: `Stop managing ${pool.hostname}?`, verb: "Stop managing it", keep: "Keep managing it",
      body: "The record stays as it is, so traffic stays where it is. The marker is removed and nobody moves this name any more. You can take it over again at any time.",
    }, (next) => {
      dns.took(next);
      toasts.show({ glyph: "dot", title: "The name was handed back" });
    }),
  };
}
