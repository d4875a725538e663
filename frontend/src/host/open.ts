// Picks the host: the real one inside the desktop, a scenario in a browser built for it.

import type { Host } from "./host";

export async function openHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) {
    const { TauriHost } = await import("./tauri");
    return new TauriHost();
  }
  if (__SCENARIO__) {
    const { openScenario } = await import("./scenario/scenario-host");
    return openScenario(new URLSearchParams(location.search).get("scenario") ?? "full");
  }
  throw new Error("This page belongs into the ServersCTL desktop.");
}
