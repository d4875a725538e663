// What can be done with an incident: back to normal, and a report to keep.

import type { IncidentView } from "../../generated/api";
import type { Live } from "../../live/live.svelte";
import { HIDDEN, type Action } from "../../ui/actions/action";
import { copyText } from "../../ui/copy";
import { saveText } from "../../ui/save";
import { toasts } from "../../ui/toasts/toasts.svelte";
import { activateAction } from "../pool/pool-actions";
import { fileName, jsonOf, markdownOf } from "./export";
import type { Setting } from "./story";

const GROUP = "This incident";

/** Moves the record back to whom it was moved from, while it still stands where this incident put it. */
export function failBack(live: Live, one: IncidentView): Action {
  const pool = live.pool(one.pool);
  const before = pool?.members.find((row) => row.name === one.from);
  const moved = one.to !== undefined && pool?.active?.name === one.to;
  if (!pool || !before || !moved) return { id: "incident.fail-back", title: "Fail back…", group: GROUP, available: () => HIDDEN, run: () => undefined };
  return { ...activateAction(live, pool, before), id: "incident.fail-back", title: "Fail back…", group: GROUP, icon: "back", words: "make active undo" };
}

export function exportActions(live: Live, one: IncidentView, setting: Setting): Action[] {
  const report = () => markdownOf(one, setting, live.membersOf(one.pool).filter((row) => row.role !== "witness").map((row) => row.name));
  return [
    { id: "incident.save-md", title: "Save report as Markdown", group: GROUP, icon: "dl", keys: "Ctrl+Shift+E", words: "export", run: () => save(fileName(one, "md"), "text/markdown", report()) },
    { id: "incident.save-json", title: "Save report as JSON", group: GROUP, icon: "dl", words: "export", run: () => save(fileName(one, "json"), "application/json", jsonOf(one)) },
    { id: "incident.copy", title: "Copy report as Markdown", group: GROUP, icon: "copy", words: "export", run: () => void copy(report()) },
  ];
}

function save(name: string, type: string, text: string): void {
  saveText(name, type, text);
  toasts.show({ glyph: "ready", title: "Report saved", body: `${name}, in your downloads` });
}

async function copy(text: string): Promise<void> {
  if (await copyText(text, "Save the report as a file instead.")) toasts.show({ glyph: "ready", title: "Report copied" });
}
