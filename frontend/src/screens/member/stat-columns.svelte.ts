// Which columns of the statistics table a person wants to see; kept in this browser profile.

export const STAT_COLUMNS = [
  { id: "name", title: "Name", width: "190px", fixed: true },
  { id: "status", title: "Status", width: "98px", fixed: true },
  { id: "check", title: "Last check", width: "140px" },
  { id: "queue", title: "Queue", right: true, width: "56px" },
  { id: "rate", title: "Per s", right: true, width: "62px" },
  { id: "sessions", title: "Sess", right: true, width: "60px" },
  { id: "max", title: "Max", right: true, width: "60px" },
  { id: "in", title: "In", right: true, width: "84px" },
  { id: "out", title: "Out", right: true, width: "84px" },
  { id: "errors", title: "Err", right: true, width: "48px" },
  { id: "retries", title: "Retry", right: true, width: "52px" },
  { id: "weight", title: "Weight", right: true, width: "62px" },
  { id: "downtime", title: "Down for", right: true, width: "74px" },
] as const;

export type StatColumn = (typeof STAT_COLUMNS)[number]["id"];

const KEY = "stat-columns-hidden";

class HiddenColumns {
  list = $state.raw<readonly string[]>(read());

  toggle(id: StatColumn): void {
    this.list = this.list.includes(id) ? this.list.filter((one) => one !== id) : [...this.list, id];
    try {
      localStorage.setItem(KEY, JSON.stringify(this.list));
    } catch {
      // A profile that keeps nothing: the choice lasts as long as the page.
    }
  }
}

function read(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => STAT_COLUMNS.some((column) => column.id === one)) : [];
  } catch {
    return [];
  }
}

export const hidden = new HiddenColumns();
