// One pool's row: its status as the host watches it, and its settings as they are signed.

import type { Answer, LeaseView, PauseView, PoolStatus, PoolView, RegisterView, Voters } from "../generated/api";
import { plainReason } from "./causes";
import type { MemberRow } from "./member.svelte";
import { poolGlyph, type GlyphName } from "./posture";

const UNSAID: Answer = { verdict: "unknown", reason: "not read yet", evidence: [] };

/** States in which a move is under way, with what each does (safety.md 3). */
const MOVING = new Set(["CONFIRM", "REVIVE", "CLAIM", "WRITE", "UNKNOWN", "VERIFY", "ADOPT"]);

export class PoolRow {
  readonly id: string;
  name = $state("");
  hostname = $state<string | undefined>();
  traffic = $state.raw<Answer>(UNSAID);
  standbys = $state.raw<Answer>(UNSAID);
  wouldMove = $state.raw<Answer>(UNSAID);
  state = $state("");
  stateSinceMonoMs = $state(0);
  reason = $state("");
  epoch = $state(0);
  activeId = $state<string | undefined>();
  armed = $state(false);
  pause = $state.raw<PauseView | undefined>();
  lease = $state.raw<LeaseView>({ kind: "nobody", why: "not read yet" });
  voters = $state.raw<Voters>({ heard: 0, needed: 0, total: 0 });
  register = $state.raw<RegisterView | undefined>();
  registerMonoMs = $state<number | undefined>();
  incidentId = $state<string | undefined>();
  /** What cannot see it now, this console itself or the provider alone. */
  blind = $state<PoolStatus["blind"]>();
  /** Active first, then the operator's order; the host's order while nothing watches. */
  members = $state.raw<readonly MemberRow[]>([]);
  /** Its settings; comes with `pool_list`. */
  view = $state.raw<PoolView | undefined>();
  /** Whether a status came at all; until then the answers are not read yet. */
  known = $state(false);

  active: MemberRow | undefined = $derived(this.members.find((one) => one.id === this.activeId));
  standbyRows: readonly MemberRow[] = $derived(this.members.filter((one) => one.role === "standby" && one.id !== this.activeId));
  readyStandbys: readonly MemberRow[] = $derived(this.standbyRows.filter((one) => one.ready?.verdict === "yes"));
  moving: boolean = $derived(MOVING.has(this.state));
  watched: boolean = $derived(this.known && this.state !== "UNWATCHED");
  preset: "haproxy" | "generic" = $derived(this.view?.settings.preset ?? "haproxy");
  delayMs: number = $derived((this.view?.settings.delayS ?? 30) * 1000);

  constructor(id: string) {
    this.id = id;
  }

  /** Takes a status that was true at `atMonoMs`; `rowOf` finds or makes a member's row. */
  patch(status: PoolStatus, atMonoMs: number, rowOf: (memberId: string, poolId: string) => MemberRow): void {
    this.known = true;
    this.name = status.name;
    this.hostname = status.hostname;
    this.traffic = status.traffic;
    this.standbys = status.standbys;
    this.wouldMove = { ...status.wouldMove, reason: plainReason(status.wouldMove.reason) };
    this.state = status.state;
    this.stateSinceMonoMs = atMonoMs - status.stateAgeMs;
    this.reason = status.reason;
    this.epoch = status.epoch;
    this.activeId = status.active;
    this.armed = status.armed;
    this.pause = status.pause;
    this.lease = status.lease;
    this.voters = status.voters;
    this.register = status.register;
    this.registerMonoMs = status.register ? atMonoMs - status.register.ageMs : undefined;
    this.incidentId = status.incident;
    this.blind = status.blind;
    const rows = status.members.map((one) => {
      const row = rowOf(one.id, status.id);
      row.patch(one, atMonoMs);
      return row;
    });
    if (this.watched) this.seat(rows);
  }

  /** Takes the rows in order, without a change where nothing changed. */
  seat(rows: readonly MemberRow[]): void {
    const same = rows.length === this.members.length && rows.every((row, i) => row === this.members[i]);
    if (!same) this.members = rows;
  }

  glyph(seeing: boolean): GlyphName {
    return poolGlyph(
      {
        wouldMove: this.wouldMove.verdict,
        traffic: this.traffic.verdict,
        managed: this.hostname !== undefined,
        members: this.members,
      },
      seeing && this.watched,
    );
  }
}
