// What sets up a fleet and a pool, declared once for buttons, palette and keys.

import { router } from "../../frame/router.svelte";
import { seconds } from "../../lib/format";
import type { Live } from "../../live/live.svelte";
import type { PoolRow } from "../../live/pool.svelte";
import { HIDDEN, no, YES, type Action, type Availability } from "../../ui/actions/action";
import { askChange } from "../../ui/dialogs/confirm.svelte";
import { toasts } from "../../ui/toasts/toasts.svelte";
import { barOf } from "../standing";
import { setup } from "./panel.svelte";
import { armBar } from "./rehearsed";
import { change } from "./tell";

export function setupActions(live: Live): readonly Action[] {
  const pool = router.parts[0] === "pool" ? live.pool(router.parts[1] ?? "") : undefined;
  return [addPool(live, pool === undefined), unlockAction(live), joinAction(live), ...(pool ? poolSetup(live, pool) : [])];
}

/** Only what needs the engine to answer; this computer may be offline. */
const answers = (live: Live): Availability => (live.link.kind === "lost" ? no("the engine does not answer") : YES);
const reachable = (live: Live): Availability => {
  const bar = barOf(live);
  return bar ? no(bar) : YES;
};

function addPool(live: Live, alone: boolean): Action {
  return {
    id: "pool.add", title: "Add pool", group: "Pools", icon: "plus", words: "create new pool", ...(alone ? { keys: "N" } : {}),
    available: () => (live.hostStatus?.profile === "missing" ? HIDDEN : answers(live)), run: () => (setup.panel = { kind: "add-pool" }),
  };
}

/** A console with members of its own has a fleet that it would leave behind. */
function joinAction(live: Live): Action {
  return {
    id: "fleet.join", title: "Join a fleet…", group: "This console", icon: "users", words: "pool file second console card",
    available: () => (live.hostStatus?.profile !== "ready" ? HIDDEN : live.members.size > 0 ? no("this console's own fleet has members") : answers(live)),
    run: () => (setup.panel = { kind: "join" }),
  };
}

function unlockAction(live: Live): Action {
  return {
    id: "vault.unlock", title: "Unlock the vault", group: "This console", icon: "lock", words: "passphrase keychain",
    available: () => (live.hostStatus?.profile === "ready" && live.hostStatus.vault.state !== "open" && live.link.kind === "live" ? YES : HIDDEN),
    run: () => (setup.panel = { kind: "unlock" }),
  };
}

function poolSetup(live: Live, pool: PoolRow): Action[] {
  const generic = pool.preset === "generic";
  const group = pool.name;
  return [
    {
      id: "member.add", title: generic ? "Add server" : "Add member", group, icon: "plus", keys: "N", words: "enrol enroll invite standby",
      available: () => reachable(live), run: () => (setup.panel = { kind: "add-member", pool: pool.id }),
    },
    ...live.invitations.filter((one) => one.pool === pool.id).map((one): Action => ({
      id: `member.enrol/${one.id}`, title: `Go on enrolling ${one.name}`, group, icon: "plus", hint: "its secret was made and not used",
      available: () => reachable(live), run: () => (setup.panel = { kind: "add-member", pool: pool.id, invitation: one.id }),
    })),
    { id: "pool.settings", title: generic ? "Pool settings" : "Settings", group, icon: "gear", hint: `of ${pool.name}`, run: () => router.go(`pool/${pool.name}/settings`) },
    { id: "pool.dns", title: "Managed DNS", group, icon: "globe", hint: pool.hostname ?? "not connected", run: () => router.go(`pool/${pool.name}/dns`) },
    {
      id: "pool.rehearse", title: "Rehearse", group, icon: "play", words: "drill test failover checks",
      available: () => (generic && !pool.hostname ? HIDDEN : reachable(live)), run: () => (setup.panel = { kind: "rehearse", pool: pool.id }),
    },
    armAction(live, pool), disarmAction(live, pool), pauseAction(live, pool), resumeAction(live, pool), removeAction(live, pool),
  ];
}

function armAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.arm", title: "Turn on automatic failover…", group: pool.name, icon: "shield", level: 2, words: "arm",
    available: () => {
      if (pool.armed || (pool.preset === "generic" && !pool.hostname)) return HIDDEN;
      const bar = barOf(live) ?? armBar(pool.view?.rehearsal, live.clock.wallMs);
      return bar ? no(bar) : YES;
    },
    run: () => {
      const s = pool.view?.settings;
      askChange(live.host, "pool_arm", { pool: pool.id }, {
        level: 2, title: `Turn on automatic failover of ${pool.name}?`, verb: "Turn it on", keep: "Keep it off",
        body: `After ${pool.delayMs / 1000} s of silence, seen by ${s?.voices ?? 2} vantage points, DNS moves to the next ready standby without asking. Clients follow within ${seconds(s?.ttlS ?? 60)}. You can turn it off at any time.`,
      }, () => {
        toasts.show({ glyph: "ready", title: `Automatic failover of ${pool.name} is on` });
        void live.refresh();
      });
    },
  };
}

function disarmAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.disarm", title: "Turn off automatic failover…", group: pool.name, icon: "shield", level: 2, words: "disarm shadow",
    available: () => (pool.armed ? answers(live) : HIDDEN),
    run: () => askChange(live.host, "pool_disarm", { pool: pool.id }, {
      level: 2, title: `Turn off automatic failover of ${pool.name}?`, verb: "Turn it off", keep: "Keep it on",
      body: `If ${pool.active?.name ?? "the active member"} fails, DNS stays where it is until somebody moves it. The watch goes on deciding and explaining. Turning it on again needs a green rehearsal of the last 24 h.`,
    }, () => {
      toasts.show({ glyph: "degraded", title: `Automatic failover of ${pool.name} is off` });
      void live.refresh();
    }),
  };
}

function pauseAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.pause", title: "Pause for everyone…", group: pool.name, icon: "pause", words: "maintenance",
    available: () => (pool.pause || !pool.hostname ? HIDDEN : answers(live)), run: () => (setup.panel = { kind: "pause", pool: pool.id }),
  };
}

function resumeAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.resume", title: "End the pause", group: pool.name, icon: "play", available: () => (pool.pause ? answers(live) : HIDDEN),
    run: () => void change(live, "pool_resume", { pool: pool.id }, `${pool.name} is watched again`),
  };
}

function removeAction(live: Live, pool: PoolRow): Action {
  return {
    id: "pool.remove", title: "Remove pool…", group: pool.name, icon: "trash", level: 3, words: "delete",
    available: () => {
      if (pool.hostname) return no("it still manages a name: hand it back first");
      return pool.members.length > 0 ? no("it still has members: remove them first") : answers(live);
    },
    run: () => {
      const open = live.openIncidents.some((one) => one.pool === pool.id);
      askChange(live.host, "pool_remove", { pool: pool.id }, {
        level: 3, title: `Remove pool ${pool.name}?`, verb: "Remove pool", keep: "Keep pool", name: pool.name,
        body: `Nobody watches it afterwards.${open ? " An incident of it is open." : ""}`,
        removed: "its settings and its rehearsal on this console", stays: "agents installed on the machines, incident reports",
      }, () => {
        toasts.show({ glyph: "dot", title: `${pool.name} was removed` });
        router.go("overview");
      });
    },
  };
}
