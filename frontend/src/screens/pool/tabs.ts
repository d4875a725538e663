// The tabs of a pool and of a member. A tab exists only when one action in it works; add it here with the screen it opens.

import type { Component } from "svelte";

import type { MemberRow } from "../../live/member.svelte";
import type { PoolRow } from "../../live/pool.svelte";
import MemberStanding from "../member/MemberStanding.svelte";
import PoolOverview from "./PoolOverview.svelte";

interface Tab<P extends Record<string, unknown>> {
  id: string;
  title: string;
  shows: (row: P extends { member: MemberRow } ? MemberRow : PoolRow) => boolean;
  component?: Component<P>;
  load?: () => Promise<{ default: Component<P> }>;
}

export type PoolTab = Tab<{ pool: PoolRow }>;
export type MemberTab = Tab<{ pool: PoolRow; member: MemberRow }>;

/** The first is the landing; the others stand after the members, in this order. */
export const POOL_TABS: readonly PoolTab[] = [
  { id: "overview", title: "Overview", shows: (row) => row.preset !== "generic", component: PoolOverview },
  { id: "overview", title: "Overview", shows: (row) => row.preset === "generic", load: () => import("../generic/GenericOverview.svelte") },
  { id: "monitoring", title: "Monitoring", shows: () => true, load: () => import("./monitoring/PoolMonitoring.svelte") },
  { id: "settings", title: "Settings", shows: () => true, load: () => import("./settings/PoolSettings.svelte") },
  { id: "dns", title: "Managed DNS", shows: () => true, load: () => import("./dns/ManagedDns.svelte") },
];

/** The first is the landing. */
export const MEMBER_TABS: readonly MemberTab[] = [
  { id: "standing", title: "Overview", shows: () => true, component: MemberStanding },
  { id: "status", title: "Status", shows: (row) => row.report !== undefined && row.report.version !== undefined, load: () => import("../member/MemberStatus.svelte") },
  { id: "settings", title: "Settings", shows: () => true, load: () => import("../member/MemberSettings.svelte") },
];
