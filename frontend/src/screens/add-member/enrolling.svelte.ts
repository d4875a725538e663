// One enrolment under way. It lives outside the dialog: closing that keeps it, opening it again finds it. The secret is
// held only while it can be copied, and is gone with the dialog or when it was used.

import type { InvitationView, MemberView, Progress, Template } from "../../generated/api";
import { doChange } from "../../host/change";
import { HostError } from "../../host/host";
import type { Live } from "../../live/live.svelte";
import type { PoolRow } from "../../live/pool.svelte";
import { toasts } from "../../ui/toasts/toasts.svelte";
import { endpointOf, listOf } from "./address";

export interface Draft {
  template: Template;
  name: string;
  hostname: string;
  address: string;
  sources: string;
}

/** For how long the machine is called: enough to log in there and run the command. */
const CALLING_MS = 300_000;

export class Enrolling {
  readonly #live: Live;
  readonly pool: string;
  draft: Draft;
  stage = $state<"identity" | "install" | "heard">("identity");
  invitation = $state.raw<InvitationView | undefined>();
  command = $state("");
  fingerprint = $state("");
  secret = $state<string | undefined>();
  /** The secret was made before this dialog was opened: it was shown then and never again. */
  resumed = $state(false);
  inviting = $state(false);
  calling = $state(false);
  beganMonoMs = $state(0);
  endedMonoMs = $state<number | undefined>();
  lines = $state.raw<readonly Progress[]>([]);
  /** Why making the secret failed. */
  refused = $state.raw<HostError | undefined>();
  error = $state.raw<HostError | undefined>();
  member = $state.raw<MemberView | undefined>();
  /** The dialog is closed; what happens is told by a toast. */
  aside = false;
  /** Lines of a call that was given up are not this one's. */
  #call = 0;
  #invitedAs = "";

  constructor(live: Live, pool: PoolRow) {
    this.#live = live;
    this.pool = pool.id;
    this.draft = $state({ template: pool.preset === "generic" ? "generic-linux" : "haproxy-edge", name: "", hostname: "", address: "", sources: "" });
  }

  /** Takes an invitation up whose secret was made earlier. */
  resume(invitation: InvitationView): void {
    const source = invitation.sources.find((one) => endpointOf(one) !== undefined) ?? "";
    Object.assign(this.draft, { name: invitation.name, hostname: invitation.hostname, sources: invitation.sources.join(", "), address: source });
    this.invitation = invitation;
    this.command = `balctl-agent enrol --hostname ${invitation.hostname}`;
    this.fingerprint = this.#live.hostStatus?.fleet?.slice(0, 8) ?? "";
    this.resumed = true;
    this.#invitedAs = this.#identity();
    this.stage = "install";
  }

  get ip(): string {
    return endpointOf(this.draft.address)?.ip ?? this.draft.address;
  }

  get port(): number {
    return endpointOf(this.draft.address)?.port ?? 7443;
  }

  get called(): string {
    return this.draft.name || this.draft.hostname;
  }

  /** Makes the secret, unless one was made for this very identity, and calls. */
  async proceed(): Promise<void> {
    if (this.inviting) return;
    if (this.invitation === undefined || this.#invitedAs !== this.#identity()) await this.renew();
    else this.stage = "install";
    if (this.stage === "install" && !this.calling) void this.call();
  }

  /** A new invitation with a new secret. */
  async renew(): Promise<void> {
    this.inviting = true;
    this.refused = undefined;
    this.forgetSecret();
    const { draft } = this;
    const order = this.#live.membersOf(this.pool).map((row) => row.view?.priority ?? 0);
    try {
      const made = await doChange(this.#live.host, "member_invite", {
        pool: this.pool, hostname: draft.hostname, sources: listOf(draft.sources), template: draft.template, priority: Math.max(0, ...order) + 1,
        ...(draft.name ? { name: draft.name } : {}),
      });
      this.invitation = made.invitation;
      this.command = made.command;
      this.fingerprint = made.fleetFingerprint;
      this.secret = made.secret;
      this.resumed = false;
      this.#invitedAs = this.#identity();
      this.stage = "install";
      this.#call += 1;
      this.calling = false;
      this.error = undefined;
      this.lines = [];
    } catch (thrown) {
      this.refused = HostError.of(thrown);
      if (this.stage !== "install") this.stage = "identity";
    } finally {
      this.inviting = false;
    }
  }

  /** Calls the machine until it answers, and enrols it. */
  async call(): Promise<void> {
    if (!this.invitation || this.calling) return;
    const mine = (this.#call += 1);
    Object.assign(this, { calling: true, error: undefined, lines: [], beganMonoMs: performance.now(), endedMonoMs: undefined });
    try {
      const member = await doChange(
        this.#live.host, "member_enrol", { invitation: this.invitation.id, address: this.draft.address, timeoutMs: CALLING_MS },
        (line) => {
          if (mine !== this.#call) return;
          this.lines = [...this.lines, line];
          if (line.step === "secret-accepted" && line.state === "done") this.forgetSecret();
        },
      );
      if (mine !== this.#call) return;
      this.member = member;
      this.stage = "heard";
      this.forgetSecret();
      if (this.aside) toasts.show({ glyph: "ready", title: `${this.called} is ready`, body: "Its first heartbeat was heard." });
      await this.#live.refresh();
    } catch (thrown) {
      if (mine !== this.#call) return;
      this.error = HostError.of(thrown);
      if (this.aside) toasts.show({ glyph: "degraded", title: `${this.called} was not enrolled`, body: this.error.message });
    } finally {
      if (mine === this.#call) Object.assign(this, { calling: false, endedMonoMs: performance.now() });
    }
  }

  /** Back to who it is. What runs may go on; its lines are no longer shown. */
  back(): void {
    this.#call += 1;
    this.calling = false;
    this.error = undefined;
    this.stage = "identity";
  }

  forgetSecret(): void {
    this.secret = undefined;
  }

  #identity(): string {
    const { template, name, hostname, sources } = this.draft;
    return JSON.stringify([template, name, hostname, listOf(sources)]);
  }
}

/** Those that a closed dialog left behind, by invitation. */
const open = new Map<string, Enrolling>();

/** The enrolment that the dialog shows: the one of this invitation, or a new one. */
export function enrolmentOf(live: Live, pool: PoolRow, invitationId: string | undefined): Enrolling {
  const kept = invitationId === undefined ? undefined : open.get(invitationId);
  if (kept) {
    kept.aside = false;
    return kept;
  }
  const fresh = new Enrolling(live, pool);
  const invitation = live.invitations.find((one) => one.id === invitationId);
  if (invitation) fresh.resume(invitation);
  return fresh;
}

/** The dialog closed: what is under way is kept, its secret is not. */
export function putAside(enrolling: Enrolling): void {
  enrolling.forgetSecret();
  enrolling.resumed = true;
  enrolling.aside = true;
  if (enrolling.invitation && !enrolling.member) open.set(enrolling.invitation.id, enrolling);
}
