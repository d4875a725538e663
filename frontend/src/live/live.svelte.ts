// The live picture: rows by id, filled by snapshots, kept by deltas, applied once per frame. Screens read it and write
// nothing; what they want done goes through the host and comes back as a delta.

import type {
  Beat, Event, HostStatus, IncidentView, InvitationView, MemberView, NoticeView, PoolStatus, PoolView, ProviderView, Topic,
} from "../generated/api";
import { HostError, type Alert, type Host, type Subscription } from "../host/host";
import { readKept, writeKept } from "../lib/kept";
import { LATE_MS } from "./beats.svelte";
import { bellLines, type Line } from "./bell";
import { Clock } from "./clock.svelte";
import { MemberRow } from "./member.svelte";
import { mergeNotices } from "./notice";
import { PoolRow } from "./pool.svelte";

/** What the page itself knows about its host. */
export type Link =
  | { kind: "connecting"; sinceMonoMs: number }
  | { kind: "live" }
  | { kind: "lost"; sinceMs: number; error: HostError };

/** One look a second: it feeds the heartbeat strips and proves that the host still answers. */
const LOOK_MS = 1_000;
/** While heartbeats stream in, statuses are read again only this often: they come by themselves when they change. */
const STATUS_LOOKS = 5;
/** A fleet of hundreds is a long answer; for every so many members it is read a second later. */
const MEMBERS_A_LOOK = 25;
/** Heartbeats older than this prove nothing about the host. */
const FLOWING_MS = 2_500;
const TOPICS: Topic[] = ["host", "pools", "incidents", "notices", "beats"];
/** How often what changes seldom is read again: figures, settings, providers. */
const SURVEY_LOOKS = 10;
/** Without a word of the host for longer than this, what is not heard says nothing about a member. */
const HOST_SILENT_MS = 2_500;
/** Missed looks until the picture counts as old. */
const LOST_LOOKS = 3;
/** Entries kept in the page; the rest is on disk and read when a screen asks. */
const NOTICES_KEPT = 200;
const INCIDENTS_READ = 100;

const SEEN_KEY = "notices-seen";

function seenMs(): number {
  const kept = readKept(SEEN_KEY);
  return typeof kept === "number" ? kept : 0;
}

export class Live {
  readonly host: Host;
  readonly clock = new Clock();
  pools = $state.raw<readonly PoolRow[]>([]);
  members = $state.raw<ReadonlyMap<string, MemberRow>>(new Map());
  incidents = $state.raw<readonly IncidentView[]>([]);
  notices = $state.raw<readonly NoticeView[]>([]);
  /** What the desktop told since this page opened, in its words. */
  alerts = $state.raw<readonly Alert[]>([]);
  bell: readonly Line[] = $derived(bellLines(this.notices, this.alerts, NOTICES_KEPT));
  /** Notices newer than this are unread; kept on this computer. */
  noticesSeenMs = $state(seenMs());
  providers = $state.raw<readonly ProviderView[]>([]);
  invitations = $state.raw<readonly InvitationView[]>([]);
  hostStatus = $state.raw<HostStatus | undefined>();
  link = $state.raw<Link>({ kind: "connecting", sinceMonoMs: performance.now() });
  /** Which survey failed last, for the screens that show it as partial. */
  partial = $state.raw<HostError | undefined>();
  /** When the last look succeeded, on the monotonic clock. */
  seenMonoMs = $state(performance.now());

  /** The newest proof of life of anybody; kept as it comes, since a look at every member each second is one at hundreds. */
  newestHeardMonoMs = $state<number | undefined>();
  /** Every pool that is watched here says that this console's own sight is not to be trusted. */
  blind: PoolRow | undefined = $derived.by(() => {
    const watched = this.pools.filter((pool) => pool.watched);
    return watched.length > 0 && watched.every((pool) => pool.blind === "own-sight") ? watched[0] : undefined;
  });
  /** And no member is heard either: this computer is the one without a network. Whoever hears again is back. */
  offline: PoolRow | undefined = $derived.by(() => {
    const heard = this.newestHeardMonoMs;
    return heard !== undefined && this.clock.ageMs(heard) < LATE_MS ? undefined : this.blind;
  });
  /** Whether states may be claimed at all. */
  seeing: boolean = $derived(this.link.kind === "live" && this.blind === undefined);
  unreadNotices: number = $derived(this.bell.filter((one) => one.atMs > this.noticesSeenMs).length);
  openIncidents: readonly IncidentView[] = $derived(this.incidents.filter((one) => one.endedMs === undefined));

  #queue: Event[] = [];
  #frame: number | undefined;
  #subscription: Subscription | undefined;
  #opening: Promise<void> | undefined;
  #alerts: Promise<Subscription> | undefined;
  #pictured: (() => void) | undefined;
  /** Ends once there is something to draw: the pools as the host sees them, or why there are none. */
  readonly pictured = new Promise<void>((done) => (this.#pictured = done));
  #looks = 0;
  #beatMonoMs = Number.NEGATIVE_INFINITY;
  #missed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopClock: (() => void) | undefined;
  #stopped = false;

  constructor(host: Host) {
    this.host = host;
  }

  async start(): Promise<void> {
    this.#stopClock = this.clock.start(() => void this.#open(), () => this.#lookAtMembers());
    this.#alerts = this.host.shell?.onAlert((alert) => (this.alerts = [alert, ...this.alerts].slice(0, NOTICES_KEPT)));
    await this.#open();
    this.#again();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopClock?.();
    this.#subscription?.close();
    void this.#alerts?.then((one) => one.close());
    clearTimeout(this.#timer);
  }

  pool(nameOrId: string): PoolRow | undefined {
    return this.pools.find((row) => row.name === nameOrId || row.id === nameOrId);
  }

  membersOf(poolId: string): readonly MemberRow[] {
    return this.pools.find((row) => row.id === poolId)?.members ?? [];
  }

  /** Reads everything again; also what "try again" does. */
  async refresh(): Promise<void> {
    await this.#open();
  }

  markNoticesSeen(): void {
    this.noticesSeenMs = Math.max(this.noticesSeenMs, ...this.bell.map((one) => one.atMs));
    writeKept(SEEN_KEY, this.noticesSeenMs);
  }

  /** One at a time: two at once would leave a stream that nobody closes. Who asks meanwhile waits for the same. */
  #open(): Promise<void> {
    this.#opening ??= this.#reallyOpen().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #reallyOpen(): Promise<void> {
    this.#subscription?.close();
    this.#subscription = undefined;
    try {
      const [status, pools] = await Promise.allSettled([this.host.call("host_status", {}), this.#readPools()]);
      if (status.status === "rejected") throw status.reason;
      this.hostStatus = status.value;
      if (status.value.profile === "missing") {
        this.#reached();
        return;
      }
      if (pools.status === "rejected") throw pools.reason;
      const revision = pools.value;
      this.#pictured?.();
      this.#subscription = await this.host.subscribe({ topics: TOPICS, sinceRevision: revision }, (event) => this.#take(event));
      if (this.#stopped) return this.#subscription.close();
      this.#reached();
    } catch (thrown) {
      this.#lost(HostError.of(thrown));
      return;
    }
    await Promise.all([this.#survey(), this.#readNotices()]);
  }

  /** What was told before this page opened, and while it was not connected. */
  async #readNotices(): Promise<void> {
    try {
      const { notices } = await this.host.call("notice_list", { limit: NOTICES_KEPT });
      this.notices = mergeNotices(this.notices, notices, NOTICES_KEPT);
    } catch {
      // The bell shows what it has; events go on.
    }
  }

  async #readPools(): Promise<number> {
    const asked = performance.now();
    const { revision, pools } = await this.host.call("pool_status", {});
    // What the host said was true somewhere between asking and hearing; the older moment never flatters an age.
    this.#applyPools(pools, asked);
    return revision;
  }

  /** What changes seldom. One failing part leaves the others. */
  async #survey(): Promise<void> {
    const parts = [
      async () => this.#applyViews(await this.host.call("pool_list", {})),
      async () => this.#applyMembers(await this.host.call("member_list", {})),
      async () => (this.incidents = (await this.host.call("incident_list", { limit: INCIDENTS_READ })).incidents),
      async () => (this.providers = (await this.host.call("provider_list", {})).providers),
    ];
    const ends = await Promise.allSettled(parts.map((part) => part()));
    const failed = ends.find((end) => end.status === "rejected");
    this.partial = failed ? HostError.of(failed.reason) : undefined;
  }

  #again(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#again()), LOOK_MS);
  }

  async #look(): Promise<void> {
    this.#looks += 1;
    const more = Math.floor(this.members.size / MEMBERS_A_LOOK);
    try {
      if (this.link.kind === "lost") {
        await this.#open();
      } else if (this.hostStatus?.profile === "missing") {
        // A command line may make the profile meanwhile.
        const status = await this.host.call("host_status", {});
        this.#reached();
        if (status.profile !== "missing") await this.#open();
      } else if (this.hostStatus?.profile === "ready") {
        // Where there is nobody to be heard, silence is no news.
        const calm = this.members.size === 0 || performance.now() - this.#beatMonoMs < FLOWING_MS;
        if (!calm || this.#looks % (STATUS_LOOKS + more) === 0) await this.#readPools();
        this.#reached();
        if (this.#looks % (SURVEY_LOOKS + more) === 0) {
          this.hostStatus = await this.host.call("host_status", {});
          await this.#survey();
        }
      }
    } catch (thrown) {
      this.#missed += 1;
      if (this.#missed >= LOST_LOOKS) this.#lost(HostError.of(thrown));
    }
  }

  /** Once a second: one more bar in every strip. */
  #lookAtMembers(): void {
    const now = performance.now();
    const seeing = this.seeing && this.#missed === 0 && now - this.seenMonoMs < HOST_SILENT_MS;
    for (const pool of this.pools) for (const row of pool.members) row.lookNow(now, pool.delayMs, seeing);
  }

  #reached(): void {
    this.#missed = 0;
    this.#pictured?.();
    this.seenMonoMs = performance.now();
    if (this.link.kind !== "live") this.link = { kind: "live" };
  }

  #lost(error: HostError): void {
    this.#pictured?.();
    if (this.link.kind !== "lost") this.link = { kind: "lost", sinceMs: Date.now(), error };
  }

  #take(event: Event): void {
    this.#queue.push(event);
    if (this.#frame !== undefined) return;
    // A hidden page gets no frames; it must not collect events without end either.
    const soon: (work: () => void) => number =
      typeof requestAnimationFrame === "function" && !document.hidden
        ? requestAnimationFrame
        : (work) => setTimeout(work, 100) as unknown as number;
    this.#frame = soon(() => this.#flush());
  }

  #flush(): void {
    this.#frame = undefined;
    const events = this.#queue;
    this.#queue = [];
    if (events.some((event) => event.body.kind === "resync")) {
      void this.#open();
      return;
    }
    // Of each pool only the newest status counts in one frame.
    const newest = new Map<string, PoolStatus>();
    for (const { body } of events) {
      if (body.kind === "pool") newest.set(body.value.id, body.value);
      else if (body.kind === "pool-removed") {
        newest.delete(body.value);
        this.pools = this.pools.filter((row) => row.id !== body.value);
      } else if (body.kind === "host") this.hostStatus = body.value;
      else if (body.kind === "incident") this.#applyIncident(body.value);
      else if (body.kind === "beats") this.#applyBeats(body.value.beats);
      else if (body.kind === "notice") this.notices = mergeNotices([body.value], this.notices, NOTICES_KEPT);
    }
    if (newest.size > 0) this.#applyPools([...newest.values()], performance.now(), false);
  }

  #applyPools(statuses: readonly PoolStatus[], atMonoMs: number, whole = true): void {
    this.#addMembers(statuses.flatMap((status) => status.members.map((one) => ({ id: one.id, pool: status.id }))));
    const before = new Map(this.pools.map((row) => [row.id, row]));
    const rows = statuses.map((status) => {
      const row = before.get(status.id) ?? new PoolRow(status.id);
      row.patch(status, atMonoMs, (member, pool) => this.#memberRow(member, pool));
      before.set(status.id, row);
      for (const member of row.members) this.#heard(member.heardMonoMs);
      return row;
    });
    const next = (whole ? rows : [...before.values()]).sort((a, b) => a.name.localeCompare(b.name));
    const same = next.length === this.pools.length && next.every((row, i) => row === this.pools[i]);
    if (!same) this.pools = next;
  }

  #applyBeats(beats: readonly Beat[]): void {
    const now = performance.now();
    this.#beatMonoMs = now;
    this.seenMonoMs = now;
    for (const beat of beats) {
      const row = this.members.get(beat.member);
      row?.patchBeat(beat, now);
      this.#heard(row?.heardMonoMs);
    }
    this.clock.take();
  }

  #heard(atMonoMs: number | undefined): void {
    if (atMonoMs !== undefined && atMonoMs > (this.newestHeardMonoMs ?? Number.NEGATIVE_INFINITY)) this.newestHeardMonoMs = atMonoMs;
  }

  #applyViews(list: { pools: readonly PoolView[] }): void {
    for (const view of list.pools) {
      const row = this.pools.find((one) => one.id === view.id);
      if (row) row.view = view;
    }
  }

  #applyMembers(list: { members: readonly MemberView[]; invitations: readonly InvitationView[] }): void {
    const here = new Set(list.members.map((view) => view.id));
    this.#addMembers(list.members);
    for (const view of list.members) this.#memberRow(view.id, view.pool).patchView(view);
    if ([...this.members.keys()].some((id) => !here.has(id))) {
      this.members = new Map([...this.members].filter(([id]) => here.has(id)));
    }
    // A host that does not watch names no members in a status; the listing does.
    for (const pool of this.pools) {
      if (pool.watched) continue;
      pool.seat(list.members.filter((view) => view.pool === pool.id).map((view) => this.#memberRow(view.id, pool.id)));
    }
    this.invitations = list.invitations;
  }

  #applyIncident(incident: IncidentView): void {
    const others = this.incidents.filter((one) => one.id !== incident.id);
    this.incidents = [incident, ...others].sort((a, b) => b.beganMs - a.beganMs).slice(0, INCIDENTS_READ);
  }

  /** Makes the rows that are not there yet, all at once. */
  #addMembers(list: readonly { id: string; pool: string }[]): void {
    const fresh = list.filter((one) => !this.members.has(one.id));
    if (fresh.length === 0) return;
    this.members = new Map([...this.members, ...fresh.map((one) => [one.id, new MemberRow(one.id, one.pool)] as const)]);
  }

  #memberRow(id: string, poolId: string): MemberRow {
    const row = this.members.get(id);
    if (row) return row;
    this.#addMembers([{ id, pool: poolId }]);
    return this.members.get(id) ?? new MemberRow(id, poolId);
  }
}
