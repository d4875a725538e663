// Actions that every place offers: going somewhere, the palette, the keys, theme and density, this computer's watch.

import { doChange } from "../host/change";
import { HostError, type Shell } from "../host/host";
import { moment } from "../lib/format";
import { incidentTitle } from "../live/activity";
import { demo } from "../live/demo.svelte";
import { desktop } from "../live/desktop.svelte";
import type { Live } from "../live/live.svelte";
import { HOUR_MS, mutedForMs, telling, untilTomorrowMs } from "../live/telling.svelte";
import { HIDDEN, no, YES, type Action } from "../ui/actions/action";
import { looks, type Theme } from "../ui/looks.svelte";
import { toasts } from "../ui/toasts/toasts.svelte";
import { nextRegion } from "./keyboard.svelte";
import { panels } from "./panels.svelte";
import { router } from "./router.svelte";
import type { Section } from "./section";

const HALF_HOUR_MS = 1_800_000;

export function frameActions(live: Live, sections: readonly Section[]): readonly Action[] {
  const shell = live.host.shell;
  return [
    { id: "palette.open", title: "Search or run a command", group: "Window", icon: "search", keys: "Ctrl+K", run: () => (panels.palette = true) },
    { id: "keys.show", title: "Show the keys of this screen", group: "Window", icon: "help", keys: "?", run: () => (panels.keys = true) },
    { id: "notices.show", title: "Show notices", group: "Window", icon: "bell", keys: "G N", run: () => (panels.notices = true) },
    { id: "region.next", title: "Go to the next part of the window", group: "Window", keys: "F6", run: nextRegion },
    { id: "live.refresh", title: "Read everything again", group: "Window", icon: "refresh", keys: "F5", run: () => void live.refresh() },
    ...sections.map((section): Action => ({
      id: `go.${section.id}`, title: `Open ${section.title}`, group: "Go to", icon: section.icon, keys: section.keys,
      run: () => router.go(section.place),
    })),
    ...live.pools.map((pool, i): Action => ({
      id: `go.pool/${pool.id}`, title: `Open ${pool.name}`, group: "Pools", icon: "server", hint: pool.hostname ?? "no failover hostname", opens: { kind: "pool", name: pool.name },
      ...(i < 9 ? { keys: `Ctrl+${i + 1}` } : {}), run: () => router.go(`pool/${pool.name}/overview`),
    })),
    ...incidentActions(live),
    ...zoomActions(),
    ...(shell ? windowActions(shell) : []),
    ...looksActions(),
    ...watchActions(live),
    ...noticeActions(live),
  ];
}

function windowActions(shell: Shell): Action[] {
  const kept = desktop.state?.preferences;
  return [
    { id: "window.minimise", title: "Minimise the window", group: "Window", icon: "min", run: () => shell.minimise() },
    { id: "window.maximise", title: "Maximise or restore the window", group: "Window", icon: "sq", run: () => shell.toggleMaximise() },
    { id: "window.hide", title: demo.isOne ? "Close and end the demo" : desktop.state?.tray === false ? "Put the window away" : "Hide to the tray", group: "Window", icon: "x", keys: "Ctrl+W", run: () => shell.close() },
    {
      id: "window.autostart", title: kept?.autostart ? "Do not start at login" : "Start at login", group: "Window", icon: "play", words: "autostart session boot",
      available: () => (kept ? YES : no("the desktop has not said how it is")), run: () => void autostart(shell, !kept?.autostart),
    },
  ];
}

async function autostart(shell: Shell, on: boolean): Promise<void> {
  if (await desktop.prefer(shell, { autostart: on })) toasts.show({ glyph: "dot", title: on ? "Starts at login from now on" : "Does not start at login any more", action: { text: "Undo", run: () => void desktop.prefer(shell, { autostart: !on }) } });
  else if (desktop.error) toasts.show({ glyph: "degraded", title: desktop.error.error.message, ...(desktop.error.error.detail ? { body: desktop.error.error.detail } : {}) });
}

const INCIDENTS = 20;

function incidentActions(live: Live): Action[] {
  return live.incidents.slice(0, INCIDENTS).map((one): Action => ({
    id: `go.incident/${one.id}`, title: incidentTitle(one), group: "Incidents", icon: "pulse", hint: `${one.poolName}, ${moment(one.beganMs, Date.now())}`,
    run: () => router.go(`incidents/${one.id}`),
  }));
}

function zoomActions(): Action[] {
  return [
    { id: "zoom.in", title: "Larger", group: "Appearance", icon: "plus", keys: "Ctrl++", words: "zoom in", run: () => looks.zoomBy(1) },
    { id: "zoom.out", title: "Smaller", group: "Appearance", icon: "minus", keys: "Ctrl+-", words: "zoom out", run: () => looks.zoomBy(-1) },
    { id: "zoom.reset", title: "Size of 100 %", group: "Appearance", icon: "eye", keys: "Ctrl+0", words: "zoom reset", run: () => looks.set({ zoom: 100 }) },
  ];
}

function looksActions(): Action[] {
  const themes: [Theme, string][] = [
    ["system", "Theme of the system"], ["light", "Light theme"], ["dark", "Dark theme"], ["contrast", "High contrast, light"],
    ["contrast-dark", "High contrast, dark"],
  ];
  return [
    ...themes.map(([theme, title]): Action => ({
      id: `theme.${theme}`, title, group: "Appearance", icon: "eye", words: "theme colour",
      available: () => (looks.theme === theme ? no("in use") : YES), run: () => looks.set({ theme }),
    })),
    ...(["comfortable", "standard", "compact"] as const).map((density): Action => ({
      id: `density.${density}`, title: `${density.charAt(0).toUpperCase()}${density.slice(1)} density`, group: "Appearance", icon: "cols",
      available: () => (looks.density === density ? no("in use") : YES), run: () => looks.set({ density }),
    })),
    {
      id: "motion", title: looks.motion === "reduced" ? "Follow the system's motion" : "Reduce motion", group: "Appearance", icon: "pause", words: "animation",
      run: () => looks.set({ motion: looks.motion === "reduced" ? "system" : "reduced" }),
    },
    {
      id: "letters", title: looks.letters ? "Turn single-letter keys off" : "Turn single-letter keys on", group: "Appearance", icon: "jobs", words: "shortcuts keyboard dictate",
      run: () => looks.set({ letters: !looks.letters }),
    },
  ];
}

function noticeActions(live: Live): Action[] {
  // The clock is followed only while there is a mute to end.
  const mutedMs = telling.settings?.mutedUntilMs ? mutedForMs(telling.settings, live.clock.wallMs) : 0;
  const mute = async (muteMs: number) => {
    if (!(await telling.set(live.host, { muteMs })) && telling.error) toasts.show({ glyph: "degraded", title: telling.error.error.message });
  };
  const can = () => (live.link.kind === "lost" ? no("the engine does not answer") : YES);
  const muting: Pick<Action, "group" | "icon" | "words" | "available"> = { group: "Notices", icon: "bell", words: "notifications quiet silence", available: can };
  return mutedMs > 0
    ? [{ id: "notices.unmute", title: "End mute", ...muting, run: () => void mute(0) }]
    : [
        { id: "notices.mute-hour", title: "Mute notices for 1 hour", ...muting, run: () => void mute(HOUR_MS) },
        { id: "notices.mute-morning", title: "Mute notices until tomorrow 08:00", ...muting, run: () => void mute(untilTomorrowMs(new Date())) },
      ];
}

function watchActions(live: Live): Action[] {
  const watch = () => live.hostStatus?.watch.kind;
  const change = async (command: "watch_pause" | "watch_resume", forMs?: number) => {
    try {
      if (command === "watch_pause") live.hostStatus = await doChange(live.host, command, forMs ? { forMs } : {});
      else live.hostStatus = await doChange(live.host, command, {});
    } catch (thrown) {
      const { error } = HostError.of(thrown);
      toasts.show({ glyph: "degraded", title: error.message, ...(error.detail ? { body: error.detail } : {}) });
    }
  };
  const lost = () => (live.link.kind === "lost" ? no("the engine does not answer") : undefined);
  const paused = () => lost() ?? (watch() === "on" ? YES : watch() === "paused" ? no("paused already") : HIDDEN);
  return [
    {
      id: "watch.pause-30", title: "Pause this computer's watch for 30 minutes", group: "Failover watch", icon: "pause",
      available: paused, run: () => void change("watch_pause", HALF_HOUR_MS),
    },
    {
      id: "watch.pause", title: "Pause this computer's watch until I resume", group: "Failover watch", icon: "pause",
      available: paused, run: () => void change("watch_pause"),
    },
    {
      id: "watch.resume", title: "Resume this computer's watch", group: "Failover watch", icon: "play",
      available: () => (watch() === "paused" ? (lost() ?? YES) : HIDDEN), run: () => void change("watch_resume"),
    },
  ];
}
