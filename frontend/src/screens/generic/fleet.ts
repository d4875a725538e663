// A pool of generic servers as a whole: how many are well, whose agent is old, what needs nobody. Pure.

import type { Health } from "../../generated/api";
import type { Stack } from "../../live/told";

export interface ServerLike {
  name: string;
  health: Health;
  agentOnline: boolean;
  agentVersion: string;
  stacks: readonly Stack[];
}

export interface FleetSum {
  healthy: number;
  online: number;
  /** Share of members that are ready, in whole percent; none without members. */
  percent: number | undefined;
  /** Members whose agent is older than this console. */
  outdated: string[];
  /** Members whose agent said no version yet. */
  untold: number;
  cpanel: string[];
  attention: string[];
}

export function sumOf(servers: readonly ServerLike[], consoleVersion: string | undefined): FleetSum {
  const names = (list: readonly ServerLike[]) => list.map((one) => one.name);
  const healthy = servers.filter((one) => one.health.kind === "ready").length;
  return {
    healthy, online: servers.filter((one) => one.agentOnline).length,
    // Never rounded up to a whole that is not there.
    percent: servers.length === 0 ? undefined : Math.floor((100 * healthy) / servers.length),
    outdated: names(servers.filter((one) => consoleVersion !== undefined && isOlder(one.agentVersion, consoleVersion))),
    untold: servers.filter((one) => one.agentVersion === "").length,
    cpanel: names(servers.filter(isCpanel)), attention: names(servers.filter((one) => one.health.kind !== "ready")),
  };
}

export function isCpanel(server: Pick<ServerLike, "stacks">): boolean {
  return server.stacks.some((stack) => stack.name.toLowerCase().startsWith("cpanel"));
}

/** Whether a version is an earlier one, by its numbers; words behind them say nothing. */
export function isOlder(version: string, than: string): boolean {
  if (version === "") return false;
  const numbers = (text: string) => (/^\d+(?:\.\d+)*/.exec(text)?.[0] ?? "").split(".").map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const by = (a[i] ?? 0) - (b[i] ?? 0);
    if (by !== 0) return by < 0;
  }
  return false;
}
