import { expect, test } from "vitest";

import type { NoticeView } from "../generated/api";
import type { Alert } from "../host/host";
import { bellLines, lineGlyph, linePool, lineText, lineTitle } from "./bell";

const notice = (atMs: number, text: string, more: Partial<NoticeView> = {}): NoticeView => ({ topic: "ask", pool: "p1", text, atMs, ...more });
const alert = (atMs: number, title: string, body: string, more: Partial<Alert> = {}): Alert => ({
  about: "p1", title, body, level: "high", isRecovery: false, place: "pool/edge/overview", atMs, ...more,
});
const titles = (notices: NoticeView[], alerts: Alert[]) => bellLines(notices, alerts, 10).map((line) => lineTitle(line, "edge"));

test("a notice is told in the desktop's words, once, and in the page's own where there are none", () => {
  const moved = notice(5_000, "edge-1 moved: it is silent", { topic: "moved", incident: "i1" });
  const said = alert(5_000, "edge moved to edge-2", "It is silent. DNS moved in 11.2 s", { place: "incidents/i1", level: "urgent" });
  const [line, ...others] = bellLines([moved], [said], 10);
  expect(others).toEqual([]);
  expect(line && [lineTitle(line, "edge"), lineText(line), lineGlyph(line), linePool(line)]).toEqual(["edge moved to edge-2", "It is silent. DNS moved in 11.2 s", "active", "p1"]);
  expect(titles([moved], [])).toEqual(["edge moved"]);
});

test("the row on disk is dated a moment later and is still the same; another incident's is not", () => {
  const row = notice(5_900, "it is silent", { incident: "i1" });
  expect(titles([row], [alert(5_000, "edge waits for you now", "It is silent", { place: "incidents/i1" })])).toEqual(["edge waits for you now"]);
  expect(titles([row], [alert(5_000, "other", "It is silent", { place: "incidents/i2" })])).toEqual(["edge waits for you", "other"]);
  expect(titles([row], [alert(1_000, "earlier", "It is silent", { place: "incidents/i1" })])).toEqual(["edge waits for you", "earlier"]);
});

test("two notices of one incident keep their own words", () => {
  const place = "incidents/i1";
  const notices = [notice(6_000, "second", { incident: "i1" }), notice(5_000, "first", { incident: "i1" })];
  expect(titles(notices, [alert(5_000, "A", "First", { place }), alert(6_000, "B", "Second", { place })])).toEqual(["B", "A"]);
});

test("what only the desktop tells stands as a line of its own, with a shape by its weight", () => {
  const lost = alert(5_100, "edge has no ready standby", "If edge-1 fails, DNS stays where it is");
  const back = alert(9_000, "edge-2 is ready again", "It stays standby", { isRecovery: true, level: "normal" });
  const lines = bellLines([notice(5_000, "the provider does not answer")], [lost, back], 10);
  expect(lines.map((line) => lineTitle(line, "edge"))).toEqual(["edge-2 is ready again", "edge has no ready standby", "edge waits for you"]);
  expect(lines.map(lineGlyph)).toEqual(["ready", "degraded", "degraded"]);
  expect(bellLines([], [lost, back], 1)).toHaveLength(1);
});

test("what is about this computer finds its notice, whatever pool says it", () => {
  const blind = notice(5_000, "nothing answers from here", { topic: "blind" });
  const said = alert(5_000, "ServersCTL is offline", "Nothing answers from here. Failover watch here is paused", { about: "this-computer" });
  expect(titles([blind], [said])).toEqual(["ServersCTL is offline"]);
});
