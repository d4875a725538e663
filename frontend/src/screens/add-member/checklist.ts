// The enrolment's checklist out of the host's own progress lines. Pure.

import type { Progress } from "../../generated/api";
import type { GlyphName } from "../../live/posture";

export const STEPS = ["relay-answers", "secret-accepted", "source-allowed", "hostname-equal", "service-started", "first-heartbeat"] as const;
export type StepId = (typeof STEPS)[number];

export interface Row {
  id: StepId;
  glyph: GlyphName;
  title: string;
  /** What is happening, while it is. */
  sub?: string;
  atMs?: number;
  state: "todo" | "now" | "done" | "failed";
}

export interface Asked {
  /** `198.51.100.87:7443` */
  endpoint: string;
  /** Without its port. */
  source: string;
  hostname: string;
}

const TITLES: Record<StepId, (asked: Asked) => { done: string; now: string; failed: string; sub?: string }> = {
  "relay-answers": ({ endpoint }) => ({
    done: `Relay answers at ${endpoint}`, now: `Calling ${endpoint}`, failed: `Nothing answers at ${endpoint}`, sub: "it answers once the command runs there",
  }),
  "secret-accepted": () => ({ done: "Secret accepted on both sides, keys pinned", now: "Proving the secret to each other", failed: "The secret was not accepted" }),
  "source-allowed": ({ source }) => ({ done: `Source ${source} is allowed`, now: `Checking the source ${source}`, failed: `Source ${source} is not allowed` }),
  "hostname-equal": ({ hostname }) => ({ done: `Reports the hostname ${hostname}`, now: "Checking the hostname", failed: `Reports another hostname than ${hostname}` }),
  "service-started": () => ({
    done: "balctl-heartbeat.service started", now: "Starting balctl-heartbeat.service", failed: "balctl-heartbeat.service did not start", sub: "the agent stores everything first, usually takes 3 s",
  }),
  "first-heartbeat": () => ({ done: "First heartbeat", now: "Waiting for the first heartbeat", failed: "No heartbeat", sub: "at most 60 s" }),
};

const GLYPHS: Record<Row["state"], GlyphName> = { todo: "todo", now: "working", done: "ready", failed: "down" };
const WAITING: Record<StepId, string> = {
  "relay-answers": "Relay answers", "secret-accepted": "Secret accepted", "source-allowed": "Source allowed", "hostname-equal": "Hostname equal",
  "service-started": "balctl-heartbeat.service started", "first-heartbeat": "First heartbeat",
};

export function checklist(lines: readonly Progress[], asked: Asked): Row[] {
  return STEPS.map((id): Row => {
    const line = lines.findLast((one) => one.step === id);
    const state = !line ? "todo" : line.state === "running" ? "now" : line.state;
    const words = TITLES[id](asked);
    return {
      id, state, glyph: GLYPHS[state], title: state === "todo" ? WAITING[id] : words[state],
      ...(state === "now" && words.sub ? { sub: words.sub } : {}), ...(line ? { atMs: line.atMs } : {}),
    };
  });
}

/** The step that failed, as the host named it; the one under way when the call ended without naming one. */
export function failedStep(lines: readonly Progress[]): StepId | undefined {
  const at = (state: Progress["state"]) => STEPS.find((id) => lines.findLast((one) => one.step === id)?.state === state);
  return at("failed") ?? at("running");
}

/** `0:17` */
export function minutes(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
