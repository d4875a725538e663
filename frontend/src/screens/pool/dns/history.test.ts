import { expect, test } from "vitest";

import type { AuditEntry, IncidentView } from "../../../generated/api";
import { history, preview, ttlSentence } from "./history";

const pool = { id: "0123456789abcdef", name: "edge" };
const entry = (id: string, command: string, request: unknown, rest: Partial<AuditEntry> = {}): AuditEntry => ({ id, atMs: Number(id), by: "ops", command, request, ...rest });

test("the history is what touched this pool's name, newest first, with whoever did it", () => {
  const audit = [
    entry("3", "member_activate", { pool: "edge", member: "m2" }, { error: "refused" }), entry("2", "dns_set", { pool: "01234567", label: "lb" }),
    entry("1", "dns_test", { pool: "other" }), entry("4", "pool_update", { pool: "edge" }), entry("5", "dns_adopt", { pool: "edge", change: { dryRun: true } }),
    entry("6", "dns_release", "odd"),
  ];
  const move = { id: "i", pool: pool.id, to: "edge-2", cause: "manual", beganMs: 1, endedMs: 9 } as IncidentView;
  expect(history(pool, audit, [move], (id) => (id === "m2" ? "edge-2" : id))).toEqual([
    { id: "i", atMs: 9, title: "Moved to edge-2", who: "Moved by hand", incident: "i" },
    { id: "3", atMs: 3, title: "Made edge-2 active", who: "ops", failed: "refused" },
    { id: "2", atMs: 2, title: "Name set to lb", who: "ops" },
  ]);
});

test("the label becomes the whole name", () => {
  expect(preview("lb", "example.com")).toEqual({ fqdn: "lb.example.com" });
  expect(preview("LB.example.com.", "example.com")).toEqual({ fqdn: "lb.example.com" });
  expect(preview("example.com", "example.com")).toEqual({ fqdn: "example.com" });
  expect(preview("lb.example.net", "example.com")).toEqual({ wrong: "lb.example.net is not within example.com" });
  expect(preview("", "example.com")).toHaveProperty("wrong");
  expect(preview("-lb", "example.com")).toHaveProperty("wrong");
  expect(preview("l b", "example.com")).toHaveProperty("wrong");
});

test("the TTL says what it costs", () => {
  expect(ttlSentence(60)).toBe("Clients follow a move within 60 s. Resolvers keep an answer for so long.");
  expect(ttlSentence(0)).toBe("1 to 86400 seconds");
});
