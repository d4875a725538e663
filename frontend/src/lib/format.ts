// Numbers, ages and moments as people read them. Pure; words of a screen live beside the screen.

/** An age or length: `0.4 s`, `12 s`, `3 min 12 s`, `33 min`, `2 h 6 min`, `12 days`. */
export function span(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${(Math.floor(s * 10) / 10).toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const min = Math.floor(s / 60);
  if (min < 10) return min * 60 === Math.floor(s) ? `${min} min` : `${min} min ${Math.floor(s) % 60} s`;
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return h < 10 && min % 60 > 0 ? `${h} h ${min % 60} min` : `${h} h`;
  return plural(Math.floor(h / 24), "day", "days");
}

/** A length that was measured: one decimal up to a minute. */
export function took(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms);
}

/** A whole number of seconds as a setting: `10 s`, `2 min`. */
export function seconds(s: number): string {
  return s % 60 === 0 && s >= 120 ? `${s / 60} min` : `${s} s`;
}

const GROUPED = new Intl.NumberFormat("en-US");

/** `1,284` */
export function count(n: number): string {
  return GROUPED.format(n);
}

/** `1 day`, `2 days` */
export function plural(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `9.4 GB`, in steps of 1000. */
export function bytes(n: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let i = 0;
  let value = n;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i += 1;
  }
  return `${i === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[i]}`;
}

const two = (n: number) => String(n).padStart(2, "0");

/** `14:32:08`, UTC. */
export function utc(ms: number): string {
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
}

/** `14:32`, UTC. */
export function utcShort(ms: number): string {
  return utc(ms).slice(0, 5);
}

/** `2026-11-20 14:32:08.120`, UTC: for timelines and exports. */
export function utcFull(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}

/** Time of day if it was today, else the date: what a list shows. */
export function moment(ms: number, nowMs: number): string {
  const day = (t: number) => Math.floor(t / 86_400_000);
  return day(ms) === day(nowMs) ? utcShort(ms) : new Date(ms).toISOString().slice(0, 10);
}

/** First letter large: the host's sentences begin small. A name such as `edge-fra-1` stays as it is written. */
export function sentence(text: string): string {
  return /^[a-z]+(?=[\s,;:]|$)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
