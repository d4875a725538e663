// An incident as a report to keep or send: Markdown for people, JSON for programs. Pure.

import type { IncidentView } from "../../generated/api";
import { took, utcFull } from "../../lib/format";
import { incidentTitle } from "../../live/activity";
import { candidatesThen, thenWords } from "./candidates";
import { causeWords, wayOf } from "./causes";
import { probesOf } from "./probes";
import { movedAfterMs, reasonsOf, stagesOf, timelineOf, type Setting } from "./story";

const MARK = { yes: "x", no: " ", unknown: "?" } as const;

/** A cell of a table: no bar or line break of the data may end it. */
const cell = (text: string) => text.replace(/[\r\n]+/g, " ").replaceAll("\\", "\\\\").replaceAll("|", "\\|");
/** A line of text: what Markdown would read as markup stays text. */
const plain = (text: string) => text.replace(/[\r\n]+/g, " ").replace(/[\\`*_[\]<>#]/g, "\\$&");

/** A chapter, where there is something to tell. */
const section = (title: string, lines: readonly string[]) => (lines.length > 0 ? [`## ${title}`, "", ...lines, ""] : []);

/** `names` are the pool's members that can carry traffic. */
export function markdownOf(one: IncidentView, setting: Setting, names: readonly string[] = []): string {
  const moved = movedAfterMs(one);
  const why = reasonsOf(one, setting);
  const facts: [string, string][] = [
    ["Pool", one.poolName], ["Incident", one.id], ["Began", `${utcFull(one.beganMs)} UTC`],
    ["Ended", one.endedMs === undefined ? "still open" : `${utcFull(one.endedMs)} UTC, ${took(one.endedMs - one.beganMs)} later`],
    ["Began by", wayOf(one) === "manual" ? "a person" : "the watch"], ["Cause", causeWords(one)], ["Outcome", one.outcome],
    ...(one.from ? [["From", one.from] as [string, string]] : []), ...(one.to ? [["To", one.to] as [string, string]] : []),
    ...(one.epoch === undefined ? [] : [["Epoch", String(one.epoch)] as [string, string]]),
    ...(moved ? [["DNS moved", `${took(moved.ms)} after the ${moved.since}`] as [string, string]] : []),
    ...(one.heldReason ? [["Held because", one.heldReason] as [string, string]] : []),
  ];
  const lines = [
    `# ${plain(incidentTitle(one))}`, "",
    "| Fact | Value |", "|---|---|", ...facts.map(([name, value]) => `| ${name} | ${cell(value)} |`), "",
    "## Phases", "", "| Phase | Length | |", "|---|---|---|",
    ...stagesOf(one, setting).map((stage) => `| ${stage.name} | ${stage.length} | ${cell(stage.words)} |`), "",
    `## ${why.title}`, "", ...why.list.map((reason) => `- [${MARK[reason.held]}] ${plain(reason.title)}${reason.detail ? `: ${plain(reason.detail)}` : ""}`), "",
    ...section("Candidates at the decision", [...candidatesThen(one, names)].map(([name, then]) => `- ${plain(name)}: ${plain(thenWords(then))}`)),
    ...section("Probes of the service port", probesOf(one).map((probe) => `- \`${utcFull(probe.atMs)}\` ${plain(probe.about)}: ${probe.answered ? "answered" : "not answered"}`)),
    "## Timeline (UTC)", "",
    ...timelineOf(one).flatMap((line) => [
      `- \`${utcFull(line.atMs)}\` ${plain(line.title)}${line.detail ? `. ${plain(line.detail)}` : ""}`,
      ...line.evidence.map((piece) => `  - ${plain(piece.vantage)}: ${plain(piece.fact)}, ${took(piece.ageMs)} old`),
    ]), "",
  ];
  return lines.join("\n");
}

/** The incident as the host told it, with times for people beside the numbers. */
export function jsonOf(one: IncidentView): string {
  const began = `${utcFull(one.beganMs)} UTC`;
  return `${JSON.stringify({ title: incidentTitle(one), began, ...(one.endedMs === undefined ? {} : { ended: `${utcFull(one.endedMs)} UTC` }), incident: one }, null, 2)}\n`;
}

/** A file's name without anything that a file system minds. */
export function fileName(one: IncidentView, kind: "md" | "json"): string {
  const pool = one.poolName.replace(/[^A-Za-z0-9-]+/g, "-").slice(0, 60);
  return `incident-${pool}-${utcFull(one.beganMs).slice(0, 19).replace(/[: ]/g, "-")}.${kind}`;
}
