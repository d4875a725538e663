import { expect, test } from "vitest";

import { answers, type Asked } from "./answers";

const yes = (reason: string) => ({ verdict: "yes" as const, reason });
const no = (reason: string) => ({ verdict: "no" as const, reason });
const well: Asked = {
  seeing: true, hostname: "lb.example.com", traffic: yes("edge-ams-2 is up"), standbys: yes("edge-fra-1 is ready"), wouldMove: yes("to edge-fra-1 within 11 s"),
  activeName: "edge-ams-2", activeAddress: "198.51.100.24", registerA: ["198.51.100.24"], registerAgeMs: 9_000, registerFault: undefined,
  readyCount: 2, standbyCount: 2, delayS: 10, armed: true,
};

test("a healthy pool says yes three times, with what it rests on", () => {
  const [traffic, standbys, move] = answers(well);
  expect(traffic).toMatchObject({ answer: "Yes, on edge-ams-2", evidence: "DNS answers 198.51.100.24, read 9.0 s ago", glyph: "active" });
  expect(standbys).toMatchObject({ answer: "Yes, 2 of 2", glyph: "ready" });
  expect(move).toMatchObject({ answer: "Yes, after 10 s of silence", glyph: "ready" });
});

test("a record that points elsewhere is no yes", () => {
  expect(answers({ ...well, registerA: ["192.0.2.1"] })[0]).toMatchObject({ answer: "No, the record does not point at edge-ams-2", glyph: "down" });
});

test("while we see nothing, nothing is red and nothing is promised", () => {
  const said = answers({ ...well, seeing: false, traffic: no("edge-ams-2 is down") });
  expect(said.map((one) => one.glyph)).toEqual(["unknown", "unknown", "unknown"]);
});

test("no standby is said as such", () => {
  const said = answers({ ...well, standbys: no("the pool has only one member"), wouldMove: no("no standby is ready"), readyCount: 0, standbyCount: 0 });
  expect(said[1]).toMatchObject({ answer: "No, there is none", evidence: "The pool has only one member", glyph: "degraded" });
  expect(said[2]).toMatchObject({ answer: "No", evidence: "No standby is ready" });
});
