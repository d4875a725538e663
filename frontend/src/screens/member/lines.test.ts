import { expect, test } from "vitest";

import type { StatRow } from "../../generated/api";
import type { StatNow } from "../../live/stat";
import { problemsIn, statLines } from "./lines";

const row = (proxy: string, name: string, kind: StatRow["kind"], state: StatRow["state"] = "up"): StatNow => ({
  key: `${kind}/${proxy}/${name}`, rate: 0, inPerS: 0, outPerS: 0,
  row: { proxy, name, kind, state, status: "", mode: "", address: "", sessions: 0, sessionsMax: 0, sessionsTotal: 0, sessionRate: 0, queued: 0, inBytes: 0, outBytes: 0, errors: 0, retries: 0, backup: false, downs: 0, responses: [], check: "" },
});
const ROWS = [
  row("in", "FRONTEND", "frontend"), row("web", "web-01", "server"), row("web", "web-02", "server", "down"), row("web", "BACKEND", "backend"),
  row("both", "FRONTEND", "frontend"), row("both", "x-01", "server"), row("both", "BACKEND", "backend"),
];
const names = (wish: Partial<Parameters<typeof statLines>[1]>) =>
  statLines(ROWS, { shown: "all", filter: "", folded: new Set(), ...wish }).map((line) => `${line.depth}${line.now.row.proxy}/${line.now.row.name}`);

test("a backend stands above its servers, whatever HAProxy's order", () => {
  expect(names({})).toEqual(["0in/FRONTEND", "0web/BACKEND", "1web/web-01", "1web/web-02", "0both/FRONTEND", "0both/BACKEND", "1both/x-01"]);
  expect(names({ shown: "frontends" })).toEqual(["0in/FRONTEND", "0both/FRONTEND"]);
  expect(names({ folded: new Set(["backend/web/BACKEND"]), shown: "backends" })).toEqual(["0web/BACKEND", "0both/BACKEND", "1both/x-01"]);
});

test("a problem and a name are found below a folded backend, with their backend above them", () => {
  const folded = new Set(["backend/web/BACKEND"]);
  expect(names({ shown: "problems", folded })).toEqual(["0web/BACKEND", "1web/web-02"]);
  expect(names({ filter: "WEB-01", folded })).toEqual(["0web/BACKEND", "1web/web-01"]);
  expect(names({ filter: "both" })).toEqual(["0both/FRONTEND", "0both/BACKEND", "1both/x-01"]);
  expect(names({ filter: "nothing" })).toEqual([]);
  expect(problemsIn(ROWS)).toBe(1);
});
