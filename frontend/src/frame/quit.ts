// Quitting while the watch runs here is asked first; nothing else about a window is.

import type { Host } from "../host/host";
import { confirm } from "../ui/dialogs/confirm.svelte";

export function askToQuit(host: Host, question: string): void {
  void confirm.open({
    level: 2,
    title: "Quit ServersCTL?",
    body: `${question} In the tray it goes on without a window.`,
    verb: "Quit anyway",
    keep: "Keep in tray",
    plan: () => Promise.resolve({ summary: question, steps: [], warnings: [] }),
    act: () => Promise.resolve(host.shell?.quit()),
  });
}
