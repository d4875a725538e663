import { expect, test } from "vitest";

import { automatic, past } from "../../host/scenario/incidents";
import { fleet } from "../../host/scenario/cast";
import { candidatesThen } from "./candidates";
import { stopsOf, wayOf, wouldPromote } from "./causes";
import { jsonOf, markdownOf } from "./export";
import { byDay, passes } from "./list";
import { probesOf, probeWords } from "./probes";
import { movedAfterMs, reasonsOf, stagesOf, timelineOf } from "./story";

const NOW = Date.UTC(2026, 10, 20, 14, 31, 8);
const pools = fleet();
const all = past(pools, NOW);
const edge = pools[0]!;
const moved = automatic(42, edge, NOW - 60_000, "edge-fra-1", "edge-ams-2", ["edge-ams-2", "edge-waw-3"], 42);
const setting = { delayS: 10, ttlS: 60 };

test("a move has five phases with its measured lengths", () => {
  expect(stagesOf(moved, setting).map((one) => `${one.name} ${one.length}`)).toEqual(["Silence 10.0 s", "Decision 0.4 s", "DNS change 0.7 s", "Verified 0.9 s", "Clients follow ≤ 60 s"]);
  expect(movedAfterMs(moved)).toEqual({ ms: 11_078, since: "last heartbeat" });
});

test("what was not measured is not made up", () => {
  const learnt = all.find((one) => one.outcome === "moved-by-other")!;
  expect(stagesOf(learnt, { delayS: undefined, ttlS: undefined }).map((one) => one.length)).toEqual(["–", "–", "–", "–", "–"]);
  const held = all.find((one) => one.outcome === "held")!;
  expect(stagesOf(held, setting).map((one) => one.words).slice(1)).toEqual(["a check did not pass", "not reached", "not reached", "not reached"]);
});

test("the timeline begins with the last heartbeat; what takes no way is no key event", () => {
  const lines = timelineOf(moved);
  expect(lines[0]).toMatchObject({ title: "Last heartbeat from edge-fra-1", atMs: moved.beganMs - 10_002, detail: "Signed heartbeat, HAProxy serves" });
  expect(lines.filter((one) => !one.key).map((one) => one.detail || one.title)).toEqual([`Epoch 42: the provider accepted it`]);
  expect(lines.map((one) => one.atMs)).toEqual([...lines.map((one) => one.atMs)].sort((a, b) => a - b));
});

test("why it moved: four inputs, each held", () => {
  const why = reasonsOf(moved, setting);
  expect(why.title).toBe("Why it moved");
  expect(why.list.map((one) => one.held)).toEqual(["yes", "yes", "yes", "yes"]);
  expect(why.list[0]?.detail).toBe("10.0 s against a setting of 10 s. Its last report: HAProxy serves");
  expect(why.list[1]?.detail).toBe("edge-ams-2 and edge-waw-3 did not hear it either");
});

test("a voice that may not testify proves nothing about this computer", () => {
  const lone = structuredClone(moved);
  for (const entry of lone.entries) entry.evidence = entry.evidence.map((piece) => (piece.vantage.startsWith("edge-fra") ? piece : { ...piece, fact: `${piece.fact} (may not testify)` }));
  expect(reasonsOf(lone, setting).list[1]).toMatchObject({ held: "unknown", title: "The fault was not this computer" });
});

test("why it did not move: what stopped it, and what to change", () => {
  const held = all.find((one) => one.outcome === "held")!;
  const why = reasonsOf(held, setting);
  expect(why.title).toBe("Why it did not move");
  expect(why.list.filter((one) => one.held === "no").map((one) => one.title)).toEqual(["Automatic failover is off", "There is no standby"]);
  expect(why.list.find((one) => one.title === "Automatic failover is off")?.place).toBe("pool/staging-edge/settings");
});

test("every reason of the guards has words; an unknown one keeps the host's", () => {
  expect(stopsOf("majority-lost: 1 of 3 voters heard, 2 needed; would promote edge-2")).toMatchObject([{ what: "1 of 3 members were heard" }]);
  expect(wouldPromote("majority-lost: 1 of 3 voters heard, 2 needed; would promote edge-2")).toBe("edge-2");
  expect(stopsOf("no usable DNS credential: the vault is locked")).toMatchObject([{ what: "No usable DNS credential", remedy: "The vault is locked", place: "providers" }]);
  expect(stopsOf("something of a later host")).toEqual([{ what: "Something of a later host", remedy: "" }]);
});

test("candidates stand as the story keeps them", () => {
  const then = candidatesThen(moved, ["edge-ams-2", "edge-waw-3", "edge-fra-1"]);
  expect(then.get("edge-ams-2")).toEqual({ ready: "yes", words: "chosen", word: { fact: "silent for 10 s", ageMs: 250 } });
  expect(then.get("edge-waw-3")).toEqual({ ready: "unknown", words: "not kept", word: { fact: "silent for 10 s", ageMs: 430 } });
  expect(then.has("edge-fra-1")).toBe(false);
});

test("where nobody was ready each one's bar is told, and only its own", () => {
  const reason = "no standby is ready: edge-2 was restored from a memory snapshot; restart its agent, edge-20 is silent; majority-lost: 1 of 3 voters heard, 2 needed";
  const none = { ...all.find((one) => one.outcome === "held")!, heldReason: reason };
  const then = candidatesThen(none, ["edge-2", "edge-20", "edge-3"]);
  expect([...then.values()].map((one) => [one.ready, one.words])).toEqual([
    ["no", "was restored from a memory snapshot; restart its agent"], ["no", "is silent"], ["unknown", "not kept"],
  ]);
  const held = { ...none, heldReason: "majority-lost: 1 of 3 voters heard, 2 needed; would promote edge-3" };
  expect(candidatesThen(held, ["edge-3"]).get("edge-3")).toMatchObject({ ready: "yes", words: "would have been chosen" });
});

test("probes are counted once each and never made up", () => {
  const probes = probesOf(moved);
  expect(probes.map((one) => [one.about, one.answered])).toEqual([["edge-fra-1", false], ["edge-fra-1", false], ["edge-ams-2", true]]);
  expect(probeWords(probes)).toBe("1 of 3 probes answered");
  expect(new Set(probes.map((one) => one.atMs)).size).toBe(probes.length);
  const entry = moved.entries[0]!;
  const quote = (atMs: number, fact: string, ageMs: number) => ({ ...entry, atMs, evidence: [{ vantage: "this console", about: "x", fact, ageMs }] });
  const story = { ...moved, entries: [quote(1_000, "port answers", 200), quote(1_400, "port answers", 600), quote(3_000, "port is silent", 100), quote(3_000, "port 443 open", 5)] };
  expect(probesOf(story)).toEqual([{ atMs: 800, about: "x", answered: true }, { atMs: 2_900, about: "x", answered: false }]);
  expect(probesOf({ ...moved, entries: [] })).toEqual([]);
});

test("an incident is found by kind, pool and words, and stands under its day", () => {
  const kind = (wanted: "manual" | "automatic" | "not-moved") => all.filter((one) => passes(one, { kind: wanted, pool: "", text: "" })).length;
  expect([kind("automatic"), kind("manual"), kind("not-moved")]).toEqual([2, 1, 2]);
  expect(all.filter((one) => passes(one, { kind: "all", pool: "staging-edge", text: "" }))).toHaveLength(1);
  expect(all.filter((one) => passes(one, { kind: "all", pool: "", text: "waw" }))).toHaveLength(1);
  const { endedMs: _, ...open } = moved;
  expect(byDay([...all, { ...open, outcome: "open" }], NOW).map((day) => `${day.title} ${day.list.length}`)).toEqual(["Open 1", "Today 2", "Yesterday 2", "2026-11-08 1"]);
  expect(wayOf({ cause: "manual" })).toBe("manual");
});

test("the report in Markdown holds the story and lets no data become markup", () => {
  const text = markdownOf(moved, setting, ["edge-fra-1", "edge-ams-2"]);
  expect(text).toContain("- edge-ams-2: ready, chosen; its word \"silent for 10 s\" was 250 ms old");
  expect(text).toContain("## Probes of the service port");
  expect(text).toContain("# Moved from edge-fra-1 to edge-ams-2");
  expect(text).toContain("| DNS moved | 11.1 s after the last heartbeat |");
  expect(text).toContain("- [x] The active member was silent for longer than your delay: 10.0 s");
  expect(text).toContain("  - edge-waw-3: silent for 10 s, 430 ms old");
  const hostile = markdownOf({ ...moved, poolName: "a|b\n# x", from: "<img>" }, setting);
  expect(hostile).toContain("| Pool | a\\|b # x |");
  expect(hostile).not.toMatch(/^# x/m);
  expect(hostile).toContain("Moved from \\<img\\> to");
});

test("the report in JSON is the incident whole", () => {
  const back = JSON.parse(jsonOf(moved)) as { title: string; incident: unknown };
  expect(back.incident).toEqual(moved);
  expect(back.title).toBe("Moved from edge-fra-1 to edge-ams-2");
});
