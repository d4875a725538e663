// The lines of the statistics table: grouped by proxy in HAProxy's order, filtered, folded. Pure.

import type { StatNow } from "../../live/stat";
import { isProblem } from "../../live/stat";

export type Shown = "all" | "frontends" | "backends" | "problems";

export interface Line {
  now: StatNow;
  /** A frontend or backend, or one that belongs to it. */
  depth: 0 | 1;
  /** How many stand under it; none for what cannot be folded. */
  under: number;
  folded: boolean;
}

export interface Wish {
  shown: Shown;
  /** Part of a name. */
  filter: string;
  folded: ReadonlySet<string>;
}

export function statLines(rows: readonly StatNow[], { shown, filter, folded }: Wish): Line[] {
  const wanted = filter.trim().toLowerCase();
  const named = (now: StatNow) => wanted === "" || now.row.name.toLowerCase().includes(wanted) || now.row.address.toLowerCase().includes(wanted);
  const out: Line[] = [];
  for (const [proxy, own] of byProxy(rows)) {
    const whole = wanted === "" || proxy.toLowerCase().includes(wanted);
    const put = (head: StatNow | undefined, under: readonly StatNow[]) => {
      const left = under.filter((one) => (whole || named(one)) && (shown !== "problems" || isProblem(one.row)));
      const self = head && (whole || left.length > 0) && (shown !== "problems" || left.length > 0 || isProblem(head.row));
      // What was asked for by name or as a problem is shown, folded or not.
      const shut = head !== undefined && folded.has(head.key) && wanted === "" && shown !== "problems";
      if (head && self) out.push({ now: head, depth: 0, under: left.length, folded: shut });
      if (!shut) for (const one of left) out.push({ now: one, depth: 1, under: 0, folded: false });
    };
    const pick = (kind: StatNow["row"]["kind"]) => own.filter(({ row }) => row.kind === kind);
    if (shown !== "backends") put(pick("frontend")[0], pick("listener"));
    if (shown !== "frontends") put(pick("backend")[0], pick("server"));
  }
  return out;
}

export function problemsIn(rows: readonly StatNow[]): number {
  return rows.filter(({ row }) => (row.kind === "server" || row.kind === "frontend") && isProblem(row)).length;
}

function byProxy(rows: readonly StatNow[]): Map<string, StatNow[]> {
  const groups = new Map<string, StatNow[]>();
  for (const one of rows) {
    const own = groups.get(one.row.proxy);
    if (own) own.push(one);
    else groups.set(one.row.proxy, [one]);
  }
  return groups;
}
