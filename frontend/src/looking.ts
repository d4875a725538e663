// What the browser tests may look into: the declared actions, every place, and the host to count what was done. Built in
// with the scenarios only.

import type { Live } from "./live/live.svelte";
import { MEMBER_TABS, POOL_TABS } from "./screens/pool/tabs";
import { SCREENS } from "./screens/registry";
import { PARTS } from "./screens/settings/parts";
import { availability } from "./ui/actions/action";
import { registry } from "./ui/actions/registry.svelte";

export function letLook(live: Live): void {
  const looking = {
    host: live.host,
    actions: () => registry.all.map((action) => ({ id: action.id, title: action.title, group: action.group, keys: action.keys, level: action.level ?? 0, can: availability(action) })),
    /** A place for every pattern, every tab of every pool, and every tab of each pool's first two members. */
    places: () => [
      ...SCREENS.filter(({ pattern }) => !pattern.includes(":")).map(({ pattern }) => pattern),
      ...live.incidents.map((one) => `incidents/${one.id}`),
      ...PARTS.map((part) => `settings/${part.id}`),
      ...live.pools.flatMap((pool) => [
        ...POOL_TABS.filter((tab) => tab.shows(pool)).map((tab) => `pool/${pool.name}/${tab.id}`),
        ...pool.members.slice(0, 2).flatMap((member) => MEMBER_TABS.filter((tab) => tab.shows(member)).map((tab) => `pool/${pool.name}/member/${member.name}/${tab.id}`)),
      ]),
    ],
    patterns: SCREENS.map(({ pattern }) => pattern),
  };
  Object.assign(globalThis, { looking });
}
