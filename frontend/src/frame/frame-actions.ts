// Actions that every place offers: going somewhere, the palette, the keys, theme and density, this computer's watch.

import { doChange } from "../host/change";
import { HostError } from "../host/host";
import { moment } from "../lib/format";
import { incidentTitle } from "../live/activity";
import type { Live } from "../live/live.svelte";
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
    ...(shell ? [{ id: "window.hide", title: "Hide to the tray", group: "Window", icon: "x", keys: "Ctrl+W", run: () => shell.close() } satisfies Action] : []),
    ...looksActions(),
    ...watchActions(live),
  ];
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
