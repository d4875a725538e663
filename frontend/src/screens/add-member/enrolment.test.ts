import { expect, test } from "vitest";

import { addressWrong, endpointOf, hostnameWrong, listOf, plainlyCovers, sourcesWrong } from "./address";
import { checklist, failedStep, minutes, STEPS } from "./checklist";
import { remedy, type Failed } from "./remedy";

const asked = { endpoint: "198.51.100.87:7443", source: "198.51.100.87", hostname: "edge-mad-4" };

test("the checklist is the host's lines, newest of each step, in the order of the enrolment", () => {
  const rows = checklist([
    { step: "relay-answers", state: "running", words: "", atMs: 0 }, { step: "relay-answers", state: "done", words: "", atMs: 12_000 },
    { step: "secret-accepted", state: "running", words: "", atMs: 12_100 }, { step: "something-new", state: "done", words: "", atMs: 3 },
  ], asked);
  expect(rows.map((row) => row.state)).toEqual(["done", "now", "todo", "todo", "todo", "todo"]);
  expect(rows[0]).toMatchObject({ title: "Relay answers at 198.51.100.87:7443", atMs: 12_000, glyph: "ready" });
  expect(rows[1]?.title).toBe("Proving the secret to each other");
});

test("what failed is named by the host, or is what was under way", () => {
  const line = (step: string, state: "running" | "done" | "failed") => ({ step, state, words: "", atMs: 0 });
  expect(failedStep([line("relay-answers", "done"), line("source-allowed", "failed")])).toBe("source-allowed");
  expect(failedStep([line("relay-answers", "done"), line("service-started", "running")])).toBe("service-started");
  expect(failedStep([])).toBeUndefined();
});

test("every failure names both sides and has a fix", () => {
  const base: Omit<Failed, "step" | "code"> = {
    message: "agent says host7", ip: "203.0.113.77", port: 7443, hostname: "edge-mad-4", name: "madrid", sources: ["198.51.100.87"],
  };
  const codes = ["unreachable", "conflict", "unauthorized", "forbidden", "throttled", "internal"] as const;
  for (const step of [...STEPS, undefined]) for (const code of codes) {
    const said = remedy({ ...base, step, code });
    expect(said.fixes.length, `${step} ${code}`).toBeGreaterThan(0);
    expect(`${said.title} ${said.body}`.length, `${step} ${code}`).toBeGreaterThan(20);
  }
  expect(remedy({ ...base, step: "source-allowed", code: "forbidden" }).title).toBe("Came from 203.0.113.77, allowed is 198.51.100.87. Allow it?");
  expect(remedy({ ...base, step: "relay-answers", code: "unreachable" }).commands[0]?.text).toBe("nc -vz 203.0.113.77 7443");
  expect(remedy({ ...base, step: "secret-accepted", code: "throttled" }).fixes).toEqual([{ do: "new-secret", text: "Make a new secret" }]);
});

test("addresses are judged as the host judges them", () => {
  expect(listOf("10.0.0.1, 10.0.0.2\n10.0.0.1")).toEqual(["10.0.0.1", "10.0.0.2"]);
  expect(sourcesWrong("10.0.0.1, 2001:db8::/32")).toBeUndefined();
  expect(sourcesWrong("10.0.0.256")).toBe("10.0.0.256 is no IPv4, IPv6 or CIDR");
  expect(sourcesWrong("10.0.0.0/33")).toBe("10.0.0.0/33 is no IPv4, IPv6 or CIDR");
  expect(sourcesWrong("")).toContain("at least one");
  expect(endpointOf("192.0.2.10")).toEqual({ ip: "192.0.2.10", port: 7443 });
  expect(endpointOf("[2001:db8::1]:7444")).toEqual({ ip: "2001:db8::1", port: 7444 });
  expect(addressWrong("edge-1.example.com")).toContain("is no address");
  expect(hostnameWrong("edge-1.example.com")).toBeUndefined();
  expect(hostnameWrong("-edge")).toBe("-edge is no hostname");
  expect([plainlyCovers("10.0.0.1", "10.0.0.1"), plainlyCovers("10.0.0.1", "10.0.0.2"), plainlyCovers("10.0.0.0/8", "10.1.1.1")]).toEqual([true, false, true]);
});

test("a clock of the dialog counts minutes", () => expect([minutes(17_400), minutes(61_000)]).toEqual(["0:17", "1:01"]));
