// One member's row. Fields are separate, so that a new age touches one cell.

import type { Answer, Beat, BeatTotals, Evidence, Health, Lights, MemberStatus, MemberView, Role, Verdict } from "../generated/api";
import { Beats, look } from "./beats.svelte";
import { readFigures, readReport, type Figures, type Report } from "./haproxy";

export class MemberRow {
  readonly id: string;
  readonly poolId: string;
  name = $state("");
  address = $state("");
  role = $state<Role>("standby");
  verdict = $state<Verdict>("unknown");
  health = $state.raw<Health>({ kind: "unknown", reason: "not heard yet" });
  ready = $state.raw<Answer | undefined>();
  evidence = $state.raw<readonly Evidence[]>([]);
  lights = $state.raw<Lights | undefined>();
  /** When its status was true, on the monotonic clock: ages in it count from here. */
  saidMonoMs = $state(0);
  /** When its newest life was proven, on the monotonic clock; none when never heard. */
  heardMonoMs = $state<number | undefined>();
  /** Everything else about it; comes with `member_list`. */
  view = $state.raw<MemberView | undefined>();
  report: Report | undefined = $derived(readReport(this.view?.haproxy));
  /** Its newest heartbeat in numbers; comes once a second while it is heard. */
  beat = $state.raw<Beat | undefined>();
  figures: Omit<Figures, "uptimeS" | "os"> | undefined = $derived(this.beat ?? readFigures(this.view?.figures));
  facts: Figures | undefined = $derived(readFigures(this.view?.figures));
  /** HAProxy's totals, as new as they come. */
  totals: BeatTotals | undefined = $derived(this.beat ? this.beat.haproxy : this.report?.stat);
  readonly beats = new Beats();

  constructor(id: string, poolId: string) {
    this.id = id;
    this.poolId = poolId;
  }

  /** Takes a status that was true at `atMonoMs`. */
  patch(status: MemberStatus, atMonoMs: number): void {
    this.name = status.name;
    this.address = status.address;
    this.role = status.role;
    this.verdict = status.verdict;
    if (!sameHealth(this.health, status.health)) this.health = status.health;
    this.ready = status.ready;
    this.evidence = status.evidence;
    this.lights = status.lights;
    this.saidMonoMs = atMonoMs;
    this.heardMonoMs = status.ageMs === undefined ? undefined : atMonoMs - status.ageMs;
  }

  /** Takes one heartbeat that arrived here at `atMonoMs`. */
  patchBeat(beat: Beat, atMonoMs: number): void {
    this.beat = beat;
    const heard = atMonoMs - beat.ageMs;
    if (this.heardMonoMs === undefined || heard > this.heardMonoMs) this.heardMonoMs = heard;
  }

  /** Takes the listing; its name stands in while nothing watches. */
  patchView(view: MemberView): void {
    this.view = view;
    this.name = view.name;
    this.address = view.address;
  }

  /** One look of the heartbeat strip. `seeing` is false while the host itself is not heard. */
  lookNow(nowMonoMs: number, delayMs: number, seeing: boolean): void {
    const heard = this.heardMonoMs;
    const ageMs = !seeing || heard === undefined ? undefined : Math.max(0, nowMonoMs - heard);
    this.beats.push(look(ageMs, delayMs, this.health.kind === "down"));
  }

  get agentOnline(): boolean {
    return this.lights?.agent.state === "on";
  }
}

function sameHealth(a: Health, b: Health): boolean {
  const reason = (h: Health) => ("reason" in h ? h.reason : "");
  return a.kind === b.kind && reason(a) === reason(b);
}
