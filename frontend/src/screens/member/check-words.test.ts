import { expect, test } from "vitest";

import { statRow } from "../../live/stat-row.fixture";
import { checkBrief, readCheck, whyDown } from "./check-words";

test("a check is read as the engine tells it", () => {
  expect(readCheck("L7STS 503: Layer7 wrong status")).toEqual({ status: "L7STS", code: "503", said: "Layer7 wrong status" });
  expect(readCheck("* L4TOUT")).toEqual({ status: "L4TOUT", code: "", said: "" });
  expect(readCheck("something else entirely")).toBeUndefined();
});

test("the table shows code and time", () => {
  expect(checkBrief(statRow({ check: "L7OK 200", checkMs: 4 }))).toBe("L7OK 200 in 4 ms");
  expect(checkBrief(statRow({ check: "L4TOUT", checkMs: 2_000 }))).toBe("L4TOUT after 2 s");
  expect(checkBrief(statRow({ check: "" }))).toBe("");
});

test("why a server is down, and what that means", () => {
  const down = statRow({ name: "adm-02", state: "down", status: "DOWN", address: "10.0.0.9:80", check: "L4TOUT", checkMs: 2_000, changedS: 1_020, downs: 2 });
  expect(whyDown(down, [down, statRow({})])).toEqual([
    "The last check of adm-02 (10.0.0.9:80) got no answer when it tried to connect for 2 s.",
    "The machine may be off, a firewall may drop the packets, or nothing routes there.",
    "It stands like that for 17 min and went down 2 times since HAProxy started.",
    "1 other server of web carries its share.",
  ]);
  expect(whyDown({ ...down, check: "" }, [down]).at(-1)).toBe("No server of web takes traffic: its clients get errors.");
});
