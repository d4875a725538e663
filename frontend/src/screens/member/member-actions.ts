// What can be done with one member beyond its traffic.

import { router } from "../../frame/router.svelte";
import { plural } from "../../lib/format";
import type { Live } from "../../live/live.svelte";
import type { MemberRow } from "../../live/member.svelte";
import type { PoolRow } from "../../live/pool.svelte";
import { no, YES, type Action } from "../../ui/actions/action";
import { askChange } from "../../ui/dialogs/confirm.svelte";
import { toasts } from "../../ui/toasts/toasts.svelte";
import { barOf } from "../standing";

/** Level 3. A silent member is removed all the same and is turned away when it returns. */
export function removeAction(live: Live, pool: PoolRow, member: MemberRow): Action {
  return {
    id: `member.remove/${member.id}`, title: "Remove member…", group: member.name, icon: "trash", level: 3, words: `remove ${member.name} delete from ${pool.name}`,
    available: () => {
      const bar = live.link.kind === "lost" ? barOf(live) : undefined;
      if (bar) return no(bar);
      return member.id === pool.activeId ? no("it is active: cut DNS first") : YES;
    },
    run: () => {
      const left = pool.members.length - 1;
      const after = left === 1 && pool.hostname ? " With one member left nothing can take over: automatic failover has nobody to move to." : "";
      const open = live.openIncidents.some((one) => one.pool === pool.id) ? " An incident of this pool is open." : "";
      const heard = member.agentOnline ? "Its key is refused from then on." : "It is not heard now; when it returns it is turned away.";
      askChange(live.host, "member_remove", { member: member.id }, {
        level: 3, name: member.name, title: `Remove ${member.name} from ${pool.name}?`, verb: `Remove ${member.name}`, keep: `Keep ${member.name}`,
        body: `${heard}${after}${open}`, removed: `the enrolment of ${member.name}; ${plural(left, "member stays", "members stay")}`,
        stays: "the agent installed on the machine, the DNS record, incident reports",
      }, (gone) => {
        toasts.show({ glyph: "ready", title: `${member.name} was removed`, ...(gone.leftBehind.length > 0 ? { body: `Stays behind: ${gone.leftBehind.join("; ")}` } : {}) });
        if (router.parts[2] === "member") router.go(`pool/${pool.name}/overview`);
        void live.refresh();
      });
    },
  };
}
