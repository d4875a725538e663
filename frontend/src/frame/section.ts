// What the sidebar and the palette know of the screens; `screens/registry.ts` fills it.

import type { Live } from "../live/live.svelte";
import type { IconName } from "../ui/icons";

export interface Section {
  id: string;
  title: string;
  icon: IconName;
  place: string;
  /** Which first parts of a place belong to it. */
  owns: readonly string[];
  keys: string;
  count?: (live: Live) => number;
  countMeans?: string;
  atEnd?: boolean;
}
