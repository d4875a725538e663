// The two kinds of pool in words, and what a pool may be called. Pure.

import type { Preset } from "../../generated/api";

export const PRESETS = [
  {
    value: "haproxy" as Preset, title: "HAProxy", icon: "swap" as const, line: "Two or more load balancers; one carries the traffic, the others stand by.",
    points: ["One name that follows the active member", "HAProxy itself is watched, not only the machine", "Sessions, backends and checks per member"],
  },
  {
    value: "generic" as Preset, title: "Generic Linux", icon: "server" as const, line: "Any servers, seen together; failover by DNS can be added when it is wanted.",
    points: ["Heartbeat, load, memory and disk of each", "A TCP port can be probed as the service", "Failover hostname is optional"],
  },
] as const;

const SUGGESTED: Record<Preset, string> = { haproxy: "production-edge", generic: "servers" };
const BYTES_MAX = 64;

/** The suggested name, or the next one that nobody has. */
export function freeName(preset: Preset, taken: readonly string[]): string {
  const base = SUGGESTED[preset];
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** What is wrong with a name; none when it can be used. */
export function nameWrong(name: string, taken: readonly string[]): string | undefined {
  if (name.trim() === "") return "A pool needs a name";
  if (name.includes("/")) return "A slash cannot stand in a name";
  if (new TextEncoder().encode(name).length > BYTES_MAX) return `At most ${BYTES_MAX} bytes`;
  return taken.includes(name) ? `A pool called ${name} exists already` : undefined;
}
