// Every screen: where it is, what draws it, and whether it stands in the sidebar. A new screen is one line here.

import type { Component } from "svelte";

import type { Section } from "../frame/section";
import Overview from "./overview/Overview.svelte";
import PoolScreen from "./pool/PoolScreen.svelte";
import { isBroken } from "./providers/provider";

type Drawn = Component<{ params: Record<string, string> }>;

export interface Screen {
  /** `incidents/:incident`; the values become `params`. */
  pattern: string;
  /** Drawn at once; for what belongs to the first paint. */
  component?: Drawn;
  /** Fetched when it is first opened; the rule for everything else. */
  load?: () => Promise<{ default: Drawn }>;
}

export const SCREENS: readonly Screen[] = [
  { pattern: "overview", component: Overview },
  { pattern: "incidents", load: () => import("./incidents/Incidents.svelte") },
  { pattern: "incidents/:incident", load: () => import("./incidents/Incident.svelte") },
  { pattern: "providers", load: () => import("./providers/Providers.svelte") },
  { pattern: "settings", load: () => import("./settings/Settings.svelte") },
  { pattern: "settings/:part", load: () => import("./settings/Settings.svelte") },
  { pattern: "pool/:pool", component: PoolScreen },
  { pattern: "pool/:pool/:tab", component: PoolScreen },
  { pattern: "pool/:pool/member/:member", component: PoolScreen },
  { pattern: "pool/:pool/member/:member/:sub", component: PoolScreen },
];

export const SECTIONS: readonly Section[] = [
  { id: "overview", title: "Overview", icon: "grid", place: "overview", owns: ["overview"], keys: "G O" },
  { id: "incidents", title: "Incidents", icon: "pulse", place: "incidents", owns: ["incidents"], keys: "G I", count: (live) => live.openIncidents.length, countMeans: "open" },
  { id: "providers", title: "Providers", icon: "key", place: "providers", owns: ["providers"], keys: "G P", count: (live) => live.providers.filter(isBroken).length, countMeans: "broken" },
  { id: "settings", title: "Settings", icon: "gear", place: "settings/general", owns: ["settings"], keys: "G S", atEnd: true },
];
