// In which of the five states the live picture as a whole is; screens begin with this.

import { utc } from "../lib/format";
import type { Live } from "../live/live.svelte";
import type { Standing } from "../ui/StateFrame.svelte";

export function standingOf(live: Live): Standing {
  const cached = live.pools.length > 0;
  if (live.link.kind === "connecting" && !cached) return { kind: "loading", what: "the engine" };
  if (live.link.kind === "lost" && !cached) {
    return { kind: "error", title: "The engine does not answer", error: live.link.error, retry: () => void live.refresh() };
  }
  if (live.link.kind === "lost") return { kind: "stale", since: `${utc(live.link.sinceMs)} UTC`, why: "Values stay as they were; actions wait until the engine answers." };
  if (live.partial) return { kind: "partial", words: [live.partial.error.message, live.partial.error.detail].filter(Boolean).join(": "), error: live.partial };
  return { kind: "full" };
}

/** Why nothing can be done now; none when something can. */
export function barOf(live: Live): string | undefined {
  if (live.link.kind === "lost") return "the engine does not answer";
  if (live.offline) return "this computer is offline";
  return live.blind ? "this console looks again before it says anything" : undefined;
}
