// A pool's settings while they are being changed: what differs, as a patch and in words. Pure.

import type { AgentLost, DoubleFault, PoolView, Preset, SettingsPatch, Targets } from "../../../generated/api";

export interface Draft {
  name: string;
  preset: Preset;
  delayS: number;
  voices: number;
  agentLost: AgentLost;
  doubleFault: DoubleFault;
  targets: Targets;
  /** Empty: no port is probed. */
  probePort: string;
  /** A member's id; empty: nobody is preferred. */
  preferred: string;
}

export const DELAY = { min: 10, max: 120, marks: [10, 30, 60, 120] } as const;
export const VOICES = { min: 2, max: 20 } as const;

export function draftOf(view: PoolView): Draft {
  const { preset, delayS, voices, agentLost, doubleFault, targets, probePort } = view.settings;
  return { name: view.name, preset, delayS, voices, agentLost, doubleFault, targets, probePort: probePort === null ? "" : String(probePort), preferred: view.preferred ?? "" };
}

const TOLD: Record<keyof Draft, string> = {
  name: "name", preset: "preset", delayS: "recovery time", voices: "voices", agentLost: "silent agent", doubleFault: "double fault", targets: "targets",
  probePort: "probed port", preferred: "preferred member",
};

/** What differs, in words; empty when nothing does. */
export function changed(view: PoolView, draft: Draft): string[] {
  const before = draftOf(view);
  return (Object.keys(TOLD) as (keyof Draft)[]).filter((key) => before[key] !== draft[key]).map((key) => TOLD[key]);
}

/** The request's part: only what differs. */
export function patchOf(view: PoolView, draft: Draft): { name?: string; settings: SettingsPatch } {
  const before = draftOf(view);
  const settings: Record<string, unknown> = {};
  for (const key of ["preset", "delayS", "voices", "agentLost", "doubleFault", "targets"] as const) {
    if (before[key] !== draft[key]) settings[key] = draft[key];
  }
  const probePort: SettingsPatch["probePort"] =
    before.probePort === draft.probePort ? { kind: "keep" } : draft.probePort === "" ? { kind: "clear" } : { kind: "to", value: Number(draft.probePort) };
  const preferred: SettingsPatch["preferred"] =
    before.preferred === draft.preferred ? { kind: "keep" } : draft.preferred === "" ? { kind: "clear" } : { kind: "to", value: draft.preferred };
  return { ...(before.name === draft.name ? {} : { name: draft.name }), settings: { ...settings, probePort, preferred } };
}

export function portWrong(text: string): string | undefined {
  if (text === "") return undefined;
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? undefined : "1 to 65535, or nothing";
}

/** `After 30 s of silence DNS moves; clients follow within the 60 s TTL.` */
export function delaySentence(delayS: number, ttl: string, armed: boolean): string {
  const moves = armed ? "DNS moves" : "DNS would move, once automatic failover is on";
  const haste = delayS < 20 ? " Short: a slow network can look like a death." : delayS > 60 ? " Long: clients wait for it." : "";
  return `After ${delayS} s of silence ${moves}; clients follow within the ${ttl} TTL.${haste}`;
}

/** The list with one element at another place. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const at = Math.max(0, Math.min(list.length - 1, to));
  const rest = list.filter((_, i) => i !== from);
  const one = list[from];
  return one === undefined ? [...list] : [...rest.slice(0, at), one, ...rest.slice(at)];
}
