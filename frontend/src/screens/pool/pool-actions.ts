// What can be done with a pool and its members, declared once for buttons, palette and keys.

import { router } from "../../frame/router.svelte";
import { seconds, sentence, span } from "../../lib/format";
import type { Live } from "../../live/live.svelte";
import type { MemberRow } from "../../live/member.svelte";
import type { PoolRow } from "../../live/pool.svelte";
import { availability, HIDDEN, no, YES, type Action, type Availability } from "../../ui/actions/action";
import { askChange, type AskCheck } from "../../ui/dialogs/confirm.svelte";
import { toasts } from "../../ui/toasts/toasts.svelte";
import { removeAction } from "../member/member-actions";
import { barOf } from "../standing";

export function poolActions(live: Live, pool: PoolRow): Action[] {
  return [cutAction(live, pool), acknowledgeAction(live, pool), ...pool.members.flatMap((member, i) => memberActions(live, pool, member, i))];
}

/** Moves the record to the next ready standby. */
export function cutAction(live: Live, pool: PoolRow): Action {
  const available = (): Availability => {
    if (pool.preset === "generic" && !pool.hostname) return HIDDEN;
    const bar = barOf(live) ?? moveBar(pool);
    if (bar) return no(bar);
    return pool.readyStandbys.length === 0 ? no(pool.standbyRows.length === 0 ? "there is no standby" : "no standby is ready") : YES;
  };
  return {
    id: "pool.cut", title: "Cut DNS to standby", group: pool.name, icon: "swap", keys: "C", level: 2, words: "failover move dns", available,
    run: () => {
      const next = pool.readyStandbys[0];
      if (!next) return;
      askChange(live.host, "pool_cutover", { pool: pool.id }, {
        level: 2, title: `Cut DNS of ${pool.name} to ${next.name}?`, body: moveBody(pool), verb: `Cut DNS to ${next.name}`,
        keep: keepWords(pool), checks: () => checksOf(live, next),
      }, (moved) => done(pool, moved.to));
    },
  };
}

/** After the third automatic move automation waits; a person who has seen why lets it go on. */
export function acknowledgeAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.acknowledge", title: "Acknowledge the moves…", group: pool.name, icon: "check", level: 2, words: "third automatic move locked waits resume",
    available: () => {
      if (pool.state !== "LOCKED") return HIDDEN;
      const bar = barOf(live);
      return bar ? no(bar) : YES;
    },
    run: () => askChange(live.host, "pool_acknowledge", { pool: pool.id }, {
      level: 2, title: `Let ${pool.name} move by itself again?`, verb: "Acknowledge the moves", keep: "Keep waiting",
      body: `${sentence(pool.reason)}. From then on automation goes on as before: if ${pool.active?.name ?? "the active member"} is still lost, DNS may move at once.`,
    }, () => {
      toasts.show({ glyph: "dot", title: `${pool.name} moves by itself again` });
      void live.refresh();
    }),
  };
}

/**
 * Opens the dialog of a move to this member, as tray and notices ask for it. They named the member, so it is that move
 * or none: the cut where it is the next in line, its own otherwise, and else the reason why not.
 */
export function askCutTo(live: Live, pool: PoolRow, name: string): void {
  const member = pool.members.find((row) => row.name === name || row.id === name);
  const action = member && (pool.readyStandbys[0] === member ? cutAction(live, pool) : activateAction(live, pool, member));
  const can = action ? availability(action) : no(`${pool.name} has no such member`);
  if (action && can.kind === "yes") action.run();
  else {
    const why = can.kind === "no" ? can.reason : pool.hostname ? "it is a witness" : "DNS is not connected";
    toasts.show({ glyph: "degraded", title: `DNS of ${pool.name} cannot be cut to ${name}`, body: sentence(why) });
  }
}

/** Moves the record to this member. */
export function activateAction(live: Live, pool: PoolRow, member: MemberRow): Action {
  const available = (): Availability => {
    if (!pool.hostname || member.role === "witness") return HIDDEN;
    if (member.id === pool.activeId) return no("it is active");
    const bar = barOf(live) ?? moveBar(pool);
    if (bar) return no(bar);
    return member.ready?.verdict === "yes" ? YES : no(member.ready?.reason ?? "it is not known to be ready");
  };
  return {
    id: `member.activate/${member.id}`, title: "Make active…", group: member.name, icon: "swap", level: 2, words: `make ${member.name} active`,
    hint: pool.hostname ? `moves DNS for ${pool.hostname}` : "", available,
    run: () => {
      askChange(live.host, "member_activate", { pool: pool.id, member: member.id, readiness: "required" }, {
        level: 2, title: `Make ${member.name} active?`, body: moveBody(pool), verb: `Make ${member.name} active`, keep: keepWords(pool),
        checks: () => checksOf(live, member),
      }, (moved) => done(pool, moved.to));
    },
  };
}

function memberActions(live: Live, pool: PoolRow, member: MemberRow, i: number): Action[] {
  const open: Action = {
    id: `member.open/${member.id}`, title: `Open ${member.name}`, group: member.name, icon: "server", opens: { kind: "member", name: member.name },
    hint: `${pool.name}, ${member.role}, ${member.health.kind}`, ...(i < 9 ? { keys: `Alt+${i + 1}` } : {}),
    run: () => router.go(`pool/${pool.name}/member/${member.name}`),
  };
  return [open, activateAction(live, pool, member), removeAction(live, pool, member)];
}

/** Why the record cannot be moved by hand now. */
function moveBar(pool: PoolRow): string | undefined {
  if (!pool.hostname) return "DNS is not connected";
  if (!pool.watched) return "nobody watches on this computer";
  return pool.moving ? "a move is under way" : undefined;
}

function moveBody(pool: PoolRow): string {
  const leaves = pool.active ? `Traffic for ${pool.name} leaves ${pool.active.name}.` : `Traffic for ${pool.name} begins there.`;
  return `${leaves} Clients follow within ${seconds(pool.view?.settings.ttlS ?? 60)}. You can move it back the same way.`;
}

function keepWords(pool: PoolRow): string {
  return pool.active ? `Keep ${pool.active.name}` : "Keep as it is";
}

/** What is known of the target, as it changes while the dialog is open. */
function checksOf(live: Live, member: MemberRow): AskCheck[] {
  const ageMs = member.heardMonoMs === undefined ? undefined : live.clock.ageMs(member.heardMonoMs);
  const ready = member.ready;
  return [
    {
      glyph: ageMs !== undefined && ageMs < 3_000 ? "ready" : "degraded", name: "Heartbeat",
      words: ageMs === undefined ? "never heard" : `${span(ageMs)} old`,
    },
    ...(member.report?.monitored ? [{ glyph: member.report.down === "none" ? "ready" as const : "down" as const, name: "HAProxy", words: member.report.unit }] : []),
    ...(member.report?.cfgValid === undefined ? []
      : [{ glyph: member.report.cfgValid ? "ready" as const : "degraded" as const, name: "Configuration", words: member.report.cfgValid ? "valid" : "not valid" }]),
    { glyph: ready?.verdict === "yes" ? "ready" : "degraded", name: "Readiness", words: ready?.reason ?? "not known" },
  ];
}

function done(pool: PoolRow, to: string): void {
  toasts.show({ glyph: "active", title: `${pool.name} moved to ${to}`, body: "The record was written and read back. Clients follow within the TTL." });
}
