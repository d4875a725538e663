// A row of HAProxy's statistics for tests; a test names only what it is about.

import type { StatRow } from "../generated/api";

export const statRow = (rest: Partial<StatRow>): StatRow => ({
  proxy: "web", name: "web-01", kind: "server", state: "up", status: "UP", mode: "http", address: "", sessions: 1, sessionsMax: 2, sessionsTotal: 10,
  sessionRate: 3, queued: 0, inBytes: 0, outBytes: 0, errors: 0, retries: 0, backup: false, downs: 0, responses: [], check: "", ...rest,
});
