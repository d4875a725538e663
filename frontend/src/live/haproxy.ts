// What a member says about its HAProxy and its host. The api passes both through untyped, so they are read with care:
// an absent or odd field is absent here, never zero.

export interface Report {
  monitored: boolean;
  unit: string;
  down: string;
  version?: string;
  cfgSha256?: string;
  cfgValid?: boolean;
  stat?: StatTotals;
}

export interface StatTotals {
  serversUp: number;
  serversDown: number;
  serversDrain: number;
  serversMaint: number;
  backendsDown: number;
  sessions: number;
  sessionRate: number;
}

export interface Figures {
  loadCenti: number;
  cpus: number;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
  diskUsedBytes: number;
  diskTotalBytes: number;
  uptimeS: number;
  os: string;
}

export function readReport(value: unknown): Report | undefined {
  const from = fields(value);
  if (!from) return undefined;
  const report: Report = { monitored: from["monitored"] === true, unit: text(from["unit"]), down: text(from["down"]) };
  if (text(from["version"])) report.version = text(from["version"]);
  if (text(from["cfgSha256"])) report.cfgSha256 = text(from["cfgSha256"]);
  if (typeof from["cfgValid"] === "boolean") report.cfgValid = from["cfgValid"];
  const stat = numbers(from["stat"], [
    "serversUp", "serversDown", "serversDrain", "serversMaint", "backendsDown", "sessions", "sessionRate",
  ]);
  if (stat) report.stat = stat;
  return report;
}

export function readFigures(value: unknown): Figures | undefined {
  const figures = numbers(value, [
    "loadCenti", "cpus", "memoryUsedBytes", "memoryTotalBytes", "diskUsedBytes", "diskTotalBytes", "uptimeS",
  ]);
  return figures && figures.memoryTotalBytes > 0 ? { ...figures, os: text(fields(value)?.["os"]) } : undefined;
}

function fields(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numbers<K extends string>(value: unknown, keys: readonly K[]): Record<K, number> | undefined {
  const from = fields(value);
  if (!from) return undefined;
  const out = {} as Record<K, number>;
  for (const key of keys) {
    const n = from[key];
    if (typeof n !== "number" || !Number.isFinite(n)) return undefined;
    out[key] = n;
  }
  return out;
}
