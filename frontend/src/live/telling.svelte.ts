// How this console tells people: shown, muted, quiet. Kept by the host; read when a screen needs it.

import type { NoticeSettings } from "../generated/api";
import { doChange } from "../host/change";
import { HostError, type Draft, type Host } from "../host/host";

class Telling {
  settings = $state.raw<NoticeSettings | undefined>();
  error = $state.raw<HostError | undefined>();

  async read(host: Host): Promise<void> {
    try {
      this.settings = await host.call("notice_settings_show", {});
      this.error = undefined;
    } catch (thrown) {
      this.error = HostError.of(thrown);
    }
  }

  /** Changes it at once; what is refused stays as it was and is said. */
  async set(host: Host, change: Draft<"notice_settings_set">): Promise<boolean> {
    try {
      this.settings = await doChange(host, "notice_settings_set", change);
      this.error = undefined;
      return true;
    } catch (thrown) {
      this.error = HostError.of(thrown);
      return false;
    }
  }
}

export const telling = new Telling();

const MINUTE_MS = 60_000;
const MINUTES = 1_440;
/** What "until tomorrow" ends at, by this computer's clock. */
const MORNING = 8;

/** How long until tomorrow 08:00 by this computer's clock. */
export function untilTomorrowMs(now: Date): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING).getTime() - now.getTime();
}

/** `22:30` of a minute of the day. */
export function clockOf(minute: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** The minute of the day of `22:30`; none for anything else. */
export function minuteOf(text: string): number | undefined {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  const minute = found ? Number(found[1]) * 60 + Number(found[2]) : Number.NaN;
  return minute >= 0 && minute < MINUTES && Number(found?.[2]) < 60 ? minute : undefined;
}

/** Whether a moment lies in the quiet hours. */
export function isQuiet({ fromMinute, toMinute }: NoticeSettings["quiet"], at: Date): boolean {
  const now = at.getHours() * 60 + at.getMinutes();
  if (fromMinute === toMinute) return false;
  return fromMinute < toMinute ? now >= fromMinute && now < toMinute : now >= fromMinute || now < toMinute;
}

/** How long a mute lasts still; 0 when there is none. */
export function mutedForMs(settings: NoticeSettings | undefined, nowMs: number): number {
  return Math.max(0, (settings?.mutedUntilMs ?? 0) - nowMs);
}

export const HOUR_MS = 60 * MINUTE_MS;
