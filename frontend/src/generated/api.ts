// Written by `cargo xtask codegen` from crates/api; never edited by hand.

/**
 * Mirrors `model::settings::AgentLost`.
 */
export type AgentLost = "heartbeat" | "service-confirmed";

/**
 * A yes or no with the reason.
 */
export type Answer = { 
/**
 * The answer itself.
 */
verdict: YesNo, 
/**
 * Why, in one sentence.
 */
reason: string, 
/**
 * What it rests on.
 */
evidence: Array<Evidence>, };

/**
 * What every command answers when it does not answer.
 */
export type ApiError = { 
/**
 * What kind; surfaces branch on this and on nothing else.
 */
code: Code, 
/**
 * One sentence for people.
 */
message: string, 
/**
 * The chain of causes, empty when there is none.
 */
detail: string, 
/**
 * Whether asking again can help.
 */
retry: Retry, };

/**
 * Mirrors `model::settings::Arming`.
 */
export type Arming = "shadow" | "armed";

/**
 * Who changed what.
 */
export type AuditEntry = { 
/**
 * Its id, for paging.
 */
id: string, 
/**
 * When, Unix time.
 */
atMs: number, 
/**
 * Who.
 */
by: string, 
/**
 * Which command.
 */
command: string, 
/**
 * The request, without secrets.
 */
request: unknown, 
/**
 * Why it failed; none when it did not.
 */
error?: string, };

/**
 * The audit.
 */
export type AuditList = { 
/**
 * Newest first.
 */
entries: Array<AuditEntry>, };

/**
 * Asks who changed what.
 */
export type AuditListRequest = { 
/**
 * At most this many; 50 when absent, 500 at most.
 */
limit?: number, 
/**
 * Only entries older than this one, for paging.
 */
before?: string, };

/**
 * One member's newest heartbeat in numbers. It is shown and never decides: verdicts come with the pool's status.
 */
export type Beat = { 
/**
 * The member.
 */
member: string, 
/**
 * Its pool.
 */
pool: string, 
/**
 * How long ago this console received it, when the event was made.
 */
ageMs: number, 
/**
 * Its number within one run of the agent; a gap is a missed heartbeat.
 */
seq: number, 
/**
 * How many logical processors it has.
 */
cpus: number, 
/**
 * Load average over one minute, times 100.
 */
loadCenti: number, 
/**
 * Memory in use, in bytes.
 */
memoryUsedBytes: number, 
/**
 * Memory in all, in bytes.
 */
memoryTotalBytes: number, 
/**
 * Space used on `/`, in bytes.
 */
diskUsedBytes: number, 
/**
 * Space in all on `/`, in bytes.
 */
diskTotalBytes: number, 
/**
 * Its HAProxy's totals; none without HAProxy or while its socket is silent.
 */
haproxy?: BeatTotals, };

/**
 * HAProxy's totals of one heartbeat.
 */
export type BeatTotals = { 
/**
 * Sessions now, over all frontends.
 */
sessions: number, 
/**
 * Sessions per second now, over all frontends.
 */
sessionRate: number, 
/**
 * Servers that take traffic.
 */
serversUp: number, 
/**
 * Servers that failed their checks.
 */
serversDown: number, 
/**
 * Backends without a usable server.
 */
backendsDown: number, };

/**
 * What changed since the last one on this stream: only members of whom something newer was heard.
 */
export type Beats = { 
/**
 * One for each member heard anew; its newest heartbeat, however many there were.
 */
beats: Array<Beat>, };

/**
 * What stands between a console and a pool.
 */
export type Blind = "own-sight" | "provider";

/**
 * The part that every changing request carries.
 */
export type Change = { 
/**
 * Only say what would be done.
 */
dryRun: boolean, 
/**
 * The same key with the same request is done once and answered alike; with another request it is a conflict.
 */
idempotencyKey?: string, };

/**
 * One check of a test or rehearsal.
 */
export type Check = { 
/**
 * What was checked.
 */
name: string, 
/**
 * How it ended.
 */
outcome: CheckOutcome, 
/**
 * What was found, in words.
 */
words: string, 
/**
 * How long it took.
 */
tookMs: number, };

/**
 * How a check ended.
 */
export type CheckOutcome = "passed" | "warned" | "failed" | "skipped";

/**
 * Mirrors `model::Code`.
 */
export type Code = "invalid" | "not-found" | "conflict" | "refused" | "unauthorized" | "forbidden" | "vault-locked" | "unreachable" | "throttled" | "no-host" | "internal";

/**
 * Signs a console into the fleet.
 */
export type ConsoleAdd = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * The other console's card, as it printed it.
 */
card: string, 
/**
 * What it may sign.
 */
role: ConsoleRole, 
/**
 * Its name; the card's own when absent.
 */
name?: string, };

/**
 * A console's public card.
 */
export type ConsoleCard = { 
/**
 * The console.
 */
console: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The card as text, to hand to an owner. Public.
 */
card: string, 
/**
 * Its key's fingerprint, to compare by voice.
 */
fingerprint: string, };

/**
 * Asks for this console's card.
 */
export type ConsoleIdRequest = Record<symbol, never>;

/**
 * The fleet's consoles.
 */
export type ConsoleList = { 
/**
 * In order of their names.
 */
consoles: Array<ConsoleView>, };

/**
 * Asks for the fleet's consoles.
 */
export type ConsoleListRequest = Record<symbol, never>;

/**
 * What a console may sign.
 */
export type ConsoleRole = "owner" | "operator";

/**
 * One console.
 */
export type ConsoleView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * What it may sign.
 */
role: ConsoleRole, 
/**
 * Its key's fingerprint.
 */
fingerprint: string, 
/**
 * Whether it is the one that answers.
 */
thisOne: boolean, };

/**
 * Takes a record over.
 */
export type DnsAdopt = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, 
/**
 * Who is active. When absent: whoever the record points at.
 */
member?: MemberRef, 
/**
 * The A record as the operator was shown it; anything else refuses. Read afresh when absent.
 */
shown?: string, 
/**
 * What to do with another fleet's marker.
 */
foreignMarker: ForeignMarker, };

/**
 * Hands the record back.
 */
export type DnsRelease = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Says which name a pool manages.
 */
export type DnsSet = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, 
/**
 * At which provider.
 */
provider: ProviderName, 
/**
 * The label inside the provider's zone, or the whole name.
 */
label: string, 
/**
 * The record's TTL; the pool's present setting when absent.
 */
ttlS?: number, };

/**
 * Asks for a pool's managed name.
 */
export type DnsShow = { 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * How far a name is ours.
 */
export type DnsState = "unset" | "not-adopted" | "managed" | "drift" | "unreadable";

/**
 * Runs the claim probe.
 */
export type DnsTest = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * A pool's managed name.
 */
export type DnsView = { 
/**
 * The pool.
 */
pool: string, 
/**
 * The managed hostname; none until it is set.
 */
hostname?: string, 
/**
 * At which provider.
 */
provider?: ProviderName, 
/**
 * In which zone.
 */
zone?: string, 
/**
 * The record's TTL.
 */
ttlS: number, 
/**
 * How far the name is ours.
 */
state: DnsState, 
/**
 * The state in words.
 */
words: string, 
/**
 * The epoch in the marker; 0 when there is none.
 */
epoch: number, 
/**
 * The member that the record points at, by name.
 */
target?: string, 
/**
 * Until when old answers may live, Unix time, after the TTL was lowered.
 */
oldAnswersUntilMs?: number, 
/**
 * The register as read for this answer.
 */
register?: RegisterView, 
/**
 * The newest claim probe.
 */
probe?: TestReport, };

/**
 * Mirrors `model::settings::DoubleFault`.
 */
export type DoubleFault = "ask" | "move";

/**
 * Ends DRIFT.
 */
export type DriftResolve = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, 
/**
 * How.
 */
way: DriftWay, };

/**
 * How DRIFT ends.
 */
export type DriftWay = "adopt" | "restore";

/**
 * Mirrors `model::settings::DynamicDns`.
 */
export type DynamicDns = "off" | "on";

/**
 * Dynamic DNS of a pool.
 */
export type DynamicDnsView = { 
/**
 * Whether the pool's policy turns it on.
 */
on: boolean, 
/**
 * What the members declare, who sees it, and what follows from it.
 */
words: string, };

/**
 * One line of the story: a transition, or a decision to stay.
 */
export type Entry = { 
/**
 * When, Unix time; none inside a thought experiment.
 */
atMs?: number, 
/**
 * Since the story's first line.
 */
afterMs: number, 
/**
 * State before.
 */
from: string, 
/**
 * State after; equal when only something was learned.
 */
to: string, 
/**
 * Which rule.
 */
cause: string, 
/**
 * Why, for people.
 */
reason: string, 
/**
 * What it rests on, newest first.
 */
evidence: Array<Evidence>, };

/**
 * One event.
 */
export type Event = { 
/**
 * Rises by one with each event of a host's life.
 */
revision: number, 
/**
 * What happened.
 */
body: EventBody, };

/**
 * What happened.
 */
export type EventBody = { "kind": "resync" } | { "kind": "host", "value": HostStatus } | { "kind": "pool", "value": PoolStatus } | { "kind": "pool-removed", "value": string } | { "kind": "incident", "value": IncidentView } | { "kind": "notice", "value": NoticeView } | { "kind": "beats", "value": Beats };

/**
 * One piece of evidence.
 */
export type Evidence = { 
/**
 * Who saw it: a member's name, or `this console`.
 */
vantage: string, 
/**
 * About whom.
 */
about: string, 
/**
 * What was seen, in words.
 */
fact: string, 
/**
 * How old it is, or was at the decision.
 */
ageMs: number, };

/**
 * Why a pool stands where it stands.
 */
export type Explanation = { 
/**
 * The pool.
 */
pool: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The state.
 */
state: string, 
/**
 * Since when, as a length.
 */
sinceMs: number, 
/**
 * Why, in one sentence.
 */
reason: string, 
/**
 * What it rests on.
 */
evidence: Array<Evidence>, 
/**
 * What is missing for an automatic move.
 */
missing: Array<Missing>, 
/**
 * Whether the record follows the active member's own address, and why it does or does not. None before DNS is set
 * up.
 */
dynamicDns?: DynamicDnsView | null, 
/**
 * What will happen by itself.
 */
next: Array<Next>, 
/**
 * The newest lines of the story, newest first.
 */
entries: Array<Entry>, };

/**
 * What a thought experiment breaks.
 */
export type Fault = "dies" | "service-stops";

/**
 * Joins a fleet.
 */
export type FleetJoin = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * The pool file's text. It holds no secret.
 */
file: string, };

/**
 * A fleet that was joined.
 */
export type FleetJoined = { 
/**
 * The fleet.
 */
fleet: string, 
/**
 * Names of its pools.
 */
pools: Array<string>, 
/**
 * What this console must still be given, for example the DNS key of a zone.
 */
missing: Array<string>, };

/**
 * What to do with a marker that another fleet left.
 */
export type ForeignMarker = "respect" | "take-over";

/**
 * Mirrors `model::Health`.
 */
export type Health = { "kind": "ready" } | { "kind": "degraded", "reason": string } | { "kind": "down", "reason": string } | { "kind": "unknown", "reason": string };

/**
 * What kind of process hosts a profile.
 */
export type HostKind = "desktop" | "headless" | "brief";

/**
 * Who hosts this profile.
 */
export type HostStatus = { 
/**
 * The host's version.
 */
version: string, 
/**
 * Whether the profile exists yet.
 */
profile: ProfileState, 
/**
 * This console, once the profile exists.
 */
console?: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The fleet, once there is a roster.
 */
fleet?: string, 
/**
 * What kind of process hosts.
 */
kind: HostKind, 
/**
 * Its process id, for people.
 */
pid: number, 
/**
 * How long it has been up.
 */
upMs: number, 
/**
 * The watch of this computer.
 */
watch: WatchView, 
/**
 * The vault.
 */
vault: VaultView, 
/**
 * The newest event's revision.
 */
revision: number, };

/**
 * Asks who hosts this profile.
 */
export type HostStatusRequest = Record<symbol, never>;

/**
 * Incidents.
 */
export type IncidentList = { 
/**
 * Newest first; without entries and evidence.
 */
incidents: Array<IncidentView>, };

/**
 * Asks for incidents.
 */
export type IncidentListRequest = { 
/**
 * Of which pool; of every pool when absent.
 */
pool?: PoolRef, 
/**
 * At most this many; 50 when absent, 500 at most.
 */
limit?: number, };

/**
 * How an incident stands or ended.
 */
export type IncidentOutcome = "open" | "moved" | "moved-unverified" | "moved-by-other" | "recovered" | "held" | "failed";

/**
 * An incident as named by a person; its id or the first eight digits.
 */
export type IncidentRef = string;

/**
 * Asks for one incident.
 */
export type IncidentShow = { 
/**
 * Which.
 */
incident: IncidentRef, };

/**
 * One incident.
 */
export type IncidentView = { 
/**
 * Its id, the same on every console.
 */
id: string, 
/**
 * The pool.
 */
pool: string, 
/**
 * Its name.
 */
poolName: string, 
/**
 * Why it began, in plain words.
 */
cause: string, 
/**
 * Who was active.
 */
from?: string, 
/**
 * Who took over; none when nobody did.
 */
to?: string, 
/**
 * The epoch that the move wrote.
 */
epoch?: number, 
/**
 * When it began, Unix time.
 */
beganMs: number, 
/**
 * When it ended, Unix time; none while it is open.
 */
endedMs?: number, 
/**
 * Its stages, in order.
 */
phases: Array<Phase>, 
/**
 * Its story, oldest first.
 */
entries: Array<Entry>, 
/**
 * What the decision rested on.
 */
evidence: Array<Evidence>, 
/**
 * How it stands or ended.
 */
outcome: IncidentOutcome, 
/**
 * Why nothing moved, if nothing did.
 */
heldReason?: string, };

/**
 * A fresh invitation; the only time that its secret is seen.
 */
export type Invitation = { 
/**
 * What stays of it.
 */
invitation: InvitationView, 
/**
 * 48 characters, shown once, valid once.
 */
secret: SecretText, 
/**
 * The command to run on the VM. It asks for the secret; it does not hold it.
 */
command: string, 
/**
 * What the agent shows, to compare.
 */
fleetFingerprint: string, };

/**
 * An open invitation, without its secret.
 */
export type InvitationView = { 
/**
 * Its id.
 */
id: string, 
/**
 * The member it will make.
 */
member: string, 
/**
 * Its pool.
 */
pool: string, 
/**
 * The hostname it is for.
 */
hostname: string, 
/**
 * The name it will have.
 */
name: string, 
/**
 * Where it may call from.
 */
sources: Array<string>, 
/**
 * When it ends, Unix time.
 */
expiresMs: number, };

/**
 * Who holds the watch lease.
 */
export type LeaseView = { "kind": "mine" } | { "kind": "other", 
/**
 * Which.
 */
console: string, 
/**
 * Its name, when the roster knows it.
 */
name: string, } | { "kind": "nobody", 
/**
 * Why.
 */
why: string, };

/**
 * One of the four lights.
 */
export type Light = { 
/**
 * On, off, or not known.
 */
state: LightState, 
/**
 * Age of what it rests on; none when nothing was ever seen.
 */
ageMs?: number, 
/**
 * Who saw it; empty when nobody did.
 */
vantage: string, 
/**
 * What was seen, or why nothing is known.
 */
words: string, };

/**
 * The state of a light.
 */
export type LightState = "on" | "off" | "unknown";

/**
 * Four lights, not one.
 */
export type Lights = { 
/**
 * The agent lives: a fresh signed heartbeat.
 */
agent: Light, 
/**
 * Its relay is reachable.
 */
relay: Light, 
/**
 * SSH is reachable.
 */
ssh: Light, 
/**
 * Its service answers.
 */
service: Light, };

/**
 * Moves the record to one member.
 */
export type MemberActivate = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * In which pool.
 */
pool: PoolRef, 
/**
 * To whom.
 */
member: MemberRef, 
/**
 * Whether readiness may be missing. The compare-and-set is never skipped.
 */
readiness: Readiness, };

/**
 * Enrols an invited VM.
 */
export type MemberEnrol = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which invitation: its id or its hostname.
 */
invitation: string, 
/**
 * The relay to call, `host` or `host:port`; the port is 7443 when absent.
 */
address: string, 
/**
 * Come through this member's relay instead of directly.
 */
via?: MemberRef, 
/**
 * How long to go on trying; two minutes when absent.
 */
timeoutMs?: number, };

/**
 * Invites a VM.
 */
export type MemberInvite = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Into which pool.
 */
pool: PoolRef, 
/**
 * The hostname it must report.
 */
hostname: string, 
/**
 * Its name for people; the hostname when absent.
 */
name?: string, 
/**
 * Where it may call from: IPv4, IPv6 and CIDR.
 */
sources: Array<string>, 
/**
 * The IPv4 that DNS publishes for it; the one it declares when absent.
 */
address?: string, 
/**
 * What it is for.
 */
template: Template, 
/**
 * Operator's order; lower is preferred.
 */
priority: number, };

/**
 * Members and invitations.
 */
export type MemberList = { 
/**
 * In the operator's order.
 */
members: Array<MemberView>, 
/**
 * Invitations that are neither spent nor expired.
 */
invitations: Array<InvitationView>, };

/**
 * Asks for members.
 */
export type MemberListRequest = { 
/**
 * Of which pool; of every pool when absent.
 */
pool?: PoolRef, };

/**
 * A member as named by a person.
 */
export type MemberRef = string;

/**
 * Removes a member.
 */
export type MemberRemove = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which.
 */
member: MemberRef, };

/**
 * Asks for one member.
 */
export type MemberShow = { 
/**
 * Which.
 */
member: MemberRef, };

/**
 * Asks a member for its HAProxy's statistics.
 */
export type MemberStat = { 
/**
 * Which.
 */
member: MemberRef, };

/**
 * One member inside a pool's status.
 */
export type MemberStatus = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The IPv4 that DNS publishes for it.
 */
address: string, 
/**
 * What it is to the pool.
 */
role: Role, 
/**
 * The evaluator's verdict: what moves DNS.
 */
verdict: Verdict, 
/**
 * The health shown to people.
 */
health: Health, 
/**
 * Whether it could take over now, or why not.
 */
ready: Answer, 
/**
 * Age of its newest proven life; none when never heard.
 */
ageMs?: number, 
/**
 * What the verdict rests on, newest first.
 */
evidence: Array<Evidence>, 
/**
 * Agent, relay, SSH, service.
 */
lights: Lights, };

/**
 * Changes a member; what is absent stays.
 */
export type MemberUpdate = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which.
 */
member: MemberRef, 
/**
 * Its new name.
 */
name?: string, 
/**
 * Its new list of sources, whole.
 */
sources?: Array<string>, 
/**
 * Its new IPv4: what DNS publishes for it. Its old one leaves the sources and the relay's address, too.
 */
address?: string, 
/**
 * Its new place in the order.
 */
priority?: number, 
/**
 * Where it stands, for the map: name, degrees north, degrees east, as in `Amsterdam, 52.37, 4.90`; empty for nowhere.
 */
place?: string, };

/**
 * One member with everything.
 */
export type MemberView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its pool.
 */
pool: string, 
/**
 * Its pool's name.
 */
poolName: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The hostname it was enrolled with.
 */
hostname: string, 
/**
 * The IPv4 that DNS publishes for it.
 */
address: string, 
/**
 * Where its relay listens.
 */
relay: string, 
/**
 * Where it may call from.
 */
sources: Array<string>, 
/**
 * What it is for.
 */
template: Template, 
/**
 * Operator's order.
 */
priority: number, 
/**
 * Its key's fingerprint.
 */
fingerprint: string, 
/**
 * When it was enrolled, Unix time.
 */
enrolledMs: number, 
/**
 * Its agent's version; empty before the first heartbeat.
 */
agentVersion: string, 
/**
 * How it stands; none while nothing watches here.
 */
status?: MemberStatus, 
/**
 * Where it stands, if somebody said so.
 */
place?: PlaceView, 
/**
 * What it says about its HAProxy.
 */
haproxy?: unknown, 
/**
 * What it says about its host.
 */
figures?: unknown, };

/**
 * Something that must hold before anything moves, and does not.
 */
export type Missing = { 
/**
 * What.
 */
what: string, 
/**
 * What would bring it.
 */
remedy: string, };

/**
 * What is proven about a write.
 */
export type MoveOutcome = "verified" | "accepted" | "lost" | "unknown";

/**
 * One move of the record.
 */
export type MoveView = { 
/**
 * The pool.
 */
pool: string, 
/**
 * The epoch it wrote.
 */
epoch: number, 
/**
 * From whom; none when nobody was active.
 */
from?: string, 
/**
 * To whom.
 */
to: string, 
/**
 * What is proven about the write.
 */
outcome: MoveOutcome, 
/**
 * Its stages with their times.
 */
phases: Array<Phase>, 
/**
 * What it rests on.
 */
evidence: Array<Evidence>, 
/**
 * Its incident, if it belongs to one.
 */
incident?: string, };

/**
 * Something that will happen by itself.
 */
export type Next = { 
/**
 * What.
 */
what: string, 
/**
 * In how long, when that is known.
 */
inMs?: number, };

/**
 * Notices.
 */
export type NoticeList = { 
/**
 * Newest first.
 */
notices: Array<NoticeView>, };

/**
 * Asks for notices.
 */
export type NoticeListRequest = { 
/**
 * At most this many; 50 when absent, 500 at most.
 */
limit?: number, };

/**
 * How this console tells people.
 */
export type NoticeSettings = { 
/**
 * Whether the desktop shows notices at all.
 */
shown: boolean, 
/**
 * Until when none are shown, Unix time; 0 for not muted.
 */
mutedUntilMs: number, 
/**
 * Hours in which only urgent ones are shown.
 */
quiet: QuietHours, };

/**
 * Changes how this console tells people; what is absent stays.
 */
export type NoticeSettingsSet = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Whether the desktop shows notices at all; they are kept in the list either way.
 */
shown?: boolean, 
/**
 * No notices for this long from now, in ms, 7 days at most; 0 ends it.
 */
muteMs?: number, 
/**
 * Hours of every day in which only urgent ones are shown.
 */
quiet?: QuietHours, };

/**
 * Asks how this console tells people.
 */
export type NoticeSettingsShow = Record<symbol, never>;

/**
 * Something people should be told.
 */
export type NoticeView = { 
/**
 * Which kind, as the evaluator names it: `moved`, `ask`, `no-target`, …
 */
topic: string, 
/**
 * The pool.
 */
pool?: string, 
/**
 * The incident, if it belongs to one; doubles fold by it.
 */
incident?: string, 
/**
 * One sentence.
 */
text: string, 
/**
 * When, Unix time.
 */
atMs: number, };

/**
 * What became of a change.
 */
export type Outcome<T> = { "kind": "planned", 
/**
 * What would be done.
 */
plan: Plan, } | { "kind": "done", 
/**
 * What was done.
 */
plan: Plan, 
/**
 * The thing as it stands now.
 */
result: T, };

/**
 * A pause for everyone.
 */
export type PauseView = { 
/**
 * What is left of it.
 */
remainingMs: number, 
/**
 * Who paused.
 */
by: string, 
/**
 * Why.
 */
why: string, };

/**
 * One stage of a move or an incident.
 */
export type Phase = { 
/**
 * Which: `suspect`, `confirmed`, `decided`, `sent`, `accepted`, `read-back`, `served`, `role-told`.
 */
name: string, 
/**
 * When, Unix time.
 */
atMs: number, 
/**
 * How long it took; none while it runs.
 */
tookMs?: number, };

/**
 * Where a member stands, for a map.
 */
export type PlaceView = { 
/**
 * What people call it.
 */
name: string, 
/**
 * Degrees north, in millionths.
 */
northMicro: number, 
/**
 * Degrees east, in millionths.
 */
eastMicro: number, };

/**
 * What a change does, step by step, in words.
 */
export type Plan = { 
/**
 * One sentence.
 */
summary: string, 
/**
 * In order.
 */
steps: Array<PlanStep>, 
/**
 * What a person should know first; none of it forbids the change.
 */
warnings: Array<string>, };

/**
 * One step of a plan.
 */
export type PlanStep = { 
/**
 * What is touched: a member, a record, a document.
 */
object: string, 
/**
 * What happens to it.
 */
action: string, 
/**
 * Its value now, when it has one.
 */
from?: string, 
/**
 * Its value afterwards.
 */
to?: string, };

/**
 * Acknowledges the third automatic move.
 */
export type PoolAcknowledge = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Turns automatic failover on.
 */
export type PoolArm = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Creates a pool.
 */
export type PoolCreate = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Its name, unique in the fleet.
 */
name: string, 
/**
 * Settings that differ from the defaults.
 */
settings: SettingsPatch, };

/**
 * Moves to the next ready standby.
 */
export type PoolCutover = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Turns automatic failover off.
 */
export type PoolDisarm = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Asks why a pool stands where it stands.
 */
export type PoolExplain = { 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * A pool file for another console.
 */
export type PoolFile = { 
/**
 * The console it is for.
 */
console: ConsoleView, 
/**
 * Its text: addresses, keys, roster, policies; no secret.
 */
file: string, };

/**
 * Every pool.
 */
export type PoolList = { 
/**
 * In order of their names.
 */
pools: Array<PoolView>, };

/**
 * Asks for the pools.
 */
export type PoolListRequest = Record<symbol, never>;

/**
 * Pauses a pool for everyone.
 */
export type PoolPause = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, 
/**
 * For how long; 24 hours at most.
 */
forMs: number, 
/**
 * Why, for everybody to read.
 */
why: string, };

/**
 * A pool as named by a person: its name, its id, or the id's first eight digits.
 */
export type PoolRef = string;

/**
 * Checks everything that a failover needs.
 */
export type PoolRehearse = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Removes a pool.
 */
export type PoolRemove = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Ends a pause.
 */
export type PoolResume = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * Asks for one pool.
 */
export type PoolShow = { 
/**
 * Which pool.
 */
pool: PoolRef, };

/**
 * The three answers of one pool, and what they rest on.
 */
export type PoolStatus = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The managed hostname.
 */
hostname?: string, 
/**
 * Is traffic on the active member?
 */
traffic: Answer, 
/**
 * Are standbys ready?
 */
standbys: Answer, 
/**
 * Would DNS move if the active member failed now?
 */
wouldMove: Answer, 
/**
 * The machine's state, as safety.md names it; `OFF` while nothing watches here.
 */
state: string, 
/**
 * Since when it stands there, as a length.
 */
stateAgeMs: number, 
/**
 * Why, in one sentence.
 */
reason: string, 
/**
 * The newest epoch known; 0 before adoption.
 */
epoch: number, 
/**
 * Who is active, by the marker.
 */
active?: string, 
/**
 * Whether automatic failover is armed.
 */
armed: boolean, 
/**
 * The pause for everyone, if one runs.
 */
pause?: PauseView, 
/**
 * Who works.
 */
lease: LeaseView, 
/**
 * How many voters are heard.
 */
voters: Voters, 
/**
 * Whether the record follows the active member's own address, and why it does or does not. None before DNS is set
 * up.
 */
dynamicDns?: DynamicDnsView, 
/**
 * In the operator's order, active first.
 */
members: Array<MemberStatus>, 
/**
 * The register as read last; none before the first reading.
 */
register?: RegisterView, 
/**
 * The open incident, if there is one.
 */
incident?: string, 
/**
 * What cannot see the pool now; none while it is seen.
 */
blind?: Blind, 
/**
 * How long clients may keep the record's old value, in seconds; none without a managed hostname.
 */
ttlS?: number, };

/**
 * Asks for the status of every pool, or of one.
 */
export type PoolStatusRequest = { 
/**
 * Which; every pool when absent.
 */
pool?: PoolRef, };

/**
 * Status of several pools.
 */
export type PoolStatuses = { 
/**
 * The revision that this picture belongs to.
 */
revision: number, 
/**
 * In order of their names.
 */
pools: Array<PoolStatus>, };

/**
 * Changes a pool.
 */
export type PoolUpdate = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which.
 */
pool: PoolRef, 
/**
 * Its new name.
 */
name?: string, 
/**
 * New values.
 */
settings: SettingsPatch, };

/**
 * One pool as it is set up.
 */
export type PoolView = { 
/**
 * Its id.
 */
id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * The policy document's version.
 */
policyVersion: number, 
/**
 * The managed hostname; none until DNS is set up.
 */
hostname?: string, 
/**
 * Its settings, checked.
 */
settings: Settings, 
/**
 * The member to move back to, if any.
 */
preferred?: string, 
/**
 * The pause for everyone, if one runs.
 */
pause?: PauseView, 
/**
 * Why automatic moves are held although armed, if they are.
 */
held?: string, 
/**
 * The newest rehearsal, if there was one.
 */
rehearsal?: Rehearsal, 
/**
 * How many members and witnesses it has.
 */
members: number, };

/**
 * Asks what would happen.
 */
export type PoolWhatIf = { 
/**
 * Which pool.
 */
pool: PoolRef, 
/**
 * Which member; the active one when absent.
 */
member?: MemberRef, 
/**
 * What happens to it.
 */
fault: Fault, };

/**
 * Mirrors `model::settings::Preset`.
 */
export type Preset = "haproxy" | "generic";

/**
 * Makes a profile.
 */
export type ProfileInit = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * This console's name.
 */
name: string, 
/**
 * Where secrets go.
 */
vault: VaultChoice, 
/**
 * The passphrase, when the vault is a file.
 */
secret?: SecretText, };

/**
 * Whether a profile exists.
 */
export type ProfileState = "missing" | "ready";

/**
 * One line of progress of a long command.
 */
export type Progress = { 
/**
 * A stable name, for example `secret-accepted`.
 */
step: string, 
/**
 * How far it is.
 */
state: ProgressState, 
/**
 * What is happening, for people.
 */
words: string, 
/**
 * Since the command began.
 */
atMs: number, };

/**
 * How far one step is.
 */
export type ProgressState = "running" | "done" | "failed";

/**
 * Adds a provider.
 */
export type ProviderAdd = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * A name of the operator's choice.
 */
name: ProviderName, 
/**
 * How to talk to it.
 */
link: ProviderLink, 
/**
 * The key itself; for TSIG its base64.
 */
secret: SecretText, };

/**
 * How to talk to a provider; its secret travels apart.
 */
export type ProviderLink = { "kind": "rfc2136", 
/**
 * The primary's address, `host` or `host:port`; the port is 53 when absent.
 */
server: string, 
/**
 * The zone it is primary for.
 */
zone: string, 
/**
 * The key's name.
 */
keyName: string, 
/**
 * The key's algorithm, for example `hmac-sha256`.
 */
algorithm: string, };

/**
 * Every provider.
 */
export type ProviderList = { 
/**
 * In order of their names.
 */
providers: Array<ProviderView>, };

/**
 * Asks for the providers.
 */
export type ProviderListRequest = Record<symbol, never>;

/**
 * The name of a DNS provider's entry in this profile; unique, chosen by the operator.
 */
export type ProviderName = string;

/**
 * Removes a provider.
 */
export type ProviderRemove = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * Which.
 */
provider: ProviderName, };

/**
 * Tests a provider.
 */
export type ProviderTest = { 
/**
 * Which.
 */
provider: ProviderName, };

/**
 * One provider, without its secret.
 */
export type ProviderView = { 
/**
 * Its name.
 */
name: ProviderName, 
/**
 * How it is talked to.
 */
link: ProviderLink, 
/**
 * Where its secret is, in words.
 */
secretPlace: string, 
/**
 * Names of the pools that use it.
 */
pools: Array<string>, 
/**
 * What the newest test found.
 */
tested?: TestReport, };

/**
 * Hours of every day, by this computer's clock, in which only urgent notices are shown.
 */
export type QuietHours = { 
/**
 * Their first minute of the day, 0 to 1439.
 */
fromMinute: number, 
/**
 * The first minute after them, 0 to 1439; the same as `from_minute` for none, smaller for hours over midnight.
 */
toMinute: number, };

/**
 * How much readiness a move by hand asks for.
 */
export type Readiness = "required" | "overridden";

/**
 * The register as read.
 */
export type RegisterView = { 
/**
 * A records at the name.
 */
a: Array<string>, 
/**
 * Marker texts.
 */
markers: Array<string>, 
/**
 * Age of the reading.
 */
ageMs: number, 
/**
 * Why it could not be read again since, if it could not.
 */
fault?: string, };

/**
 * A rehearsal: everything that a failover needs, checked.
 */
export type Rehearsal = { 
/**
 * Whether automatic failover may be armed on it.
 */
green: boolean, 
/**
 * When, Unix time.
 */
atMs: number, 
/**
 * In order.
 */
checks: Array<Check>, 
/**
 * Which losses the pool survives, in words.
 */
survives: Array<string>, 
/**
 * Who may testify about whom, in words.
 */
vantages: Array<string>, };

/**
 * What is left to know after something was removed.
 */
export type Removed = { 
/**
 * One sentence for each thing that stays behind; empty when nothing does.
 */
leftBehind: Array<string>, };

/**
 * Whether asking again can help.
 */
export type Retry = { "kind": "never" } | { "kind": "now" } | { "kind": "after", 
/**
 * Length of the wait.
 */
waitMs: number, };

/**
 * What a member is to its pool right now.
 */
export type Role = "active" | "standby" | "witness";

/**
 * A text that is never shown: `Debug` redacts it and dropping it wipes it. Fields of this type are always named
 * `secret`, which is what [`redact`] looks for.
 */
export type SecretText = string;

/**
 * A new value for a setting that may also be empty.
 */
export type Set<T> = { "kind": "keep" } | { "kind": "clear" } | { "kind": "to", "value": T };

/**
 * Mirrors `model::Settings`.
 */
export type Settings = { preset: Preset, delayS: number, ttlS: number, voices: number, targets: Targets, agentLost: AgentLost, doubleFault: DoubleFault, arming: Arming, probePort: number | null, dynamicDns: DynamicDns, };

/**
 * New values for a pool's settings; what is absent stays.
 */
export type SettingsPatch = { 
/**
 * What the pool protects.
 */
preset?: Preset, 
/**
 * Failover delay in seconds, 10–120.
 */
delayS?: number, 
/**
 * TTL of the managed record in seconds.
 */
ttlS?: number, 
/**
 * Voices of silence needed to call a member down.
 */
voices?: number, 
/**
 * Which addresses may be published.
 */
targets?: Targets, 
/**
 * What to do when only the agent is silent.
 */
agentLost?: AgentLost, 
/**
 * What a minority does.
 */
doubleFault?: DoubleFault, 
/**
 * Whether a member's address may change by itself.
 */
dynamicDns?: DynamicDns, 
/**
 * The probed port.
 */
probePort: Set<number>, 
/**
 * The member to move back to when it has been ready for long.
 */
preferred: Set<MemberRef>, };

/**
 * What a row describes.
 */
export type StatKind = "frontend" | "backend" | "server" | "listener";

/**
 * One frontend, backend, server or listener. Counters count since HAProxy started.
 */
export type StatRow = { 
/**
 * The proxy it belongs to.
 */
proxy: string, 
/**
 * `FRONTEND`, `BACKEND`, or its own name.
 */
name: string, 
/**
 * What it is.
 */
kind: StatKind, 
/**
 * How it stands.
 */
state: StatState, 
/**
 * The same in HAProxy's words.
 */
status: string, 
/**
 * `tcp`, `http` or another mode; empty in versions that do not say.
 */
mode: string, 
/**
 * Its address; empty when the socket's level hides it.
 */
address: string, 
/**
 * Sessions now.
 */
sessions: number, 
/**
 * Most sessions at one time.
 */
sessionsMax: number, 
/**
 * Limit of sessions.
 */
sessionsLimit?: number, 
/**
 * Sessions in all.
 */
sessionsTotal: number, 
/**
 * New sessions in the last second.
 */
sessionRate: number, 
/**
 * HTTP requests in the last second.
 */
requestRate?: number, 
/**
 * HTTP requests in all.
 */
requestsTotal?: number, 
/**
 * Requests waiting for a server.
 */
queued: number, 
/**
 * Bytes in.
 */
inBytes: number, 
/**
 * Bytes out.
 */
outBytes: number, 
/**
 * Faulty requests, failed connections and faulty answers.
 */
errors: number, 
/**
 * Retried connections.
 */
retries: number, 
/**
 * Effective weight.
 */
weight?: number, 
/**
 * Serves only when others cannot.
 */
backup: boolean, 
/**
 * Times it went down.
 */
downs: number, 
/**
 * Seconds since the status changed.
 */
changedS?: number, 
/**
 * Seconds spent down.
 */
downtimeS?: number, 
/**
 * HTTP answers: 1xx, 2xx, 3xx, 4xx, 5xx, others; empty where no HTTP is spoken.
 */
responses: Array<number>, 
/**
 * What its health check said last, in HAProxy's words; empty without a check.
 */
check: string, 
/**
 * How long that check took, in ms.
 */
checkMs?: number, };

/**
 * How it stands, by HAProxy's word.
 */
export type StatState = "up" | "shaky" | "down" | "drain" | "maintenance" | "unchecked" | "unknown";

/**
 * The table.
 */
export type StatView = { 
/**
 * Of which member.
 */
member: string, 
/**
 * How long the member took to answer, roads included.
 */
tookMs: number, 
/**
 * In HAProxy's order.
 */
rows: Array<StatRow>, };

/**
 * A subscription.
 */
export type Subscribe = { 
/**
 * About what; empty means everything but [`Topic::Beats`].
 */
topics: Array<Topic>, 
/**
 * The newest revision the subscriber knows; 0 for none.
 */
sinceRevision: number, };

/**
 * Mirrors `model::settings::Targets`.
 */
export type Targets = "public" | "any";

/**
 * What a VM is enrolled for.
 */
export type Template = "haproxy-edge" | "generic-linux" | "witness";

/**
 * What a test found.
 */
export type TestReport = { 
/**
 * Whether everything that must pass passed.
 */
passed: boolean, 
/**
 * When, Unix time.
 */
atMs: number, 
/**
 * One sentence.
 */
summary: string, 
/**
 * In order.
 */
checks: Array<Check>, };

/**
 * What a subscription is about.
 */
export type Topic = "host" | "pools" | "incidents" | "notices" | "beats";

/**
 * Where a profile keeps its secrets. Chosen once, never fallen back from.
 */
export type VaultChoice = "keychain" | "file" | "credential";

/**
 * Whether secrets can be read.
 */
export type VaultState = "open" | "locked" | "absent";

/**
 * Unlocks the host's vault.
 */
export type VaultUnlock = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * The passphrase.
 */
secret: SecretText, };

/**
 * The vault.
 */
export type VaultView = { 
/**
 * Where secrets are; none before the profile exists.
 */
choice?: VaultChoice, 
/**
 * Whether they can be read.
 */
state: VaultState, 
/**
 * What is wrong and what to do; empty when open.
 */
words: string, };

/**
 * The evaluator's verdict on a member.
 */
export type Verdict = "unknown" | "up" | "suspect" | "down" | "service-down" | "agent-lost";

/**
 * Voters of a pool.
 */
export type Voters = { 
/**
 * Heard within 3 s, by any path.
 */
heard: number, 
/**
 * Needed for an automatic move.
 */
needed: number, 
/**
 * In the roster.
 */
total: number, };

/**
 * Pauses this computer's watch.
 */
export type WatchPause = { 
/**
 * Dry run and key.
 */
change: Change, 
/**
 * For how long; until resumed when absent.
 */
forMs?: number, };

/**
 * Resumes this computer's watch.
 */
export type WatchResume = { 
/**
 * Dry run and key.
 */
change: Change, };

/**
 * The watch of this computer.
 */
export type WatchView = { "kind": "on" } | { "kind": "paused", 
/**
 * What is left; none until resumed.
 */
remainingMs?: number, 
/**
 * Since when, Unix time.
 */
sinceMs: number, } | { "kind": "off" };

/**
 * A thought experiment, played on a copy of the deciding machine.
 */
export type WhatIf = { 
/**
 * The pool.
 */
pool: string, 
/**
 * What was supposed, in words.
 */
supposed: string, 
/**
 * How it ends, in one sentence.
 */
conclusion: string, 
/**
 * Who would carry the traffic; none when nothing would move.
 */
target?: string, 
/**
 * How long until the write is sent; none when nothing would move.
 */
writeAfterMs?: number, 
/**
 * The story, oldest first.
 */
entries: Array<Entry>, };

/**
 * Yes, no, or no proof either way.
 */
export type YesNo = "yes" | "no" | "unknown";

/** Every command with its request and its answer. */
export type Commands = {
  host_status: { request: HostStatusRequest; answer: HostStatus };
  console_id: { request: ConsoleIdRequest; answer: ConsoleCard };
  console_list: { request: ConsoleListRequest; answer: ConsoleList };
  pool_list: { request: PoolListRequest; answer: PoolList };
  pool_show: { request: PoolShow; answer: PoolView };
  pool_status: { request: PoolStatusRequest; answer: PoolStatuses };
  pool_explain: { request: PoolExplain; answer: Explanation };
  pool_what_if: { request: PoolWhatIf; answer: WhatIf };
  member_list: { request: MemberListRequest; answer: MemberList };
  member_show: { request: MemberShow; answer: MemberView };
  member_stat: { request: MemberStat; answer: StatView };
  provider_list: { request: ProviderListRequest; answer: ProviderList };
  provider_test: { request: ProviderTest; answer: TestReport };
  dns_show: { request: DnsShow; answer: DnsView };
  incident_list: { request: IncidentListRequest; answer: IncidentList };
  incident_show: { request: IncidentShow; answer: IncidentView };
  notice_list: { request: NoticeListRequest; answer: NoticeList };
  notice_settings_show: { request: NoticeSettingsShow; answer: NoticeSettings };
  audit_list: { request: AuditListRequest; answer: AuditList };
  profile_init: { request: ProfileInit; answer: Outcome<ConsoleCard> };
  vault_unlock: { request: VaultUnlock; answer: Outcome<VaultView> };
  console_add: { request: ConsoleAdd; answer: Outcome<PoolFile> };
  fleet_join: { request: FleetJoin; answer: Outcome<FleetJoined> };
  pool_create: { request: PoolCreate; answer: Outcome<PoolView> };
  pool_update: { request: PoolUpdate; answer: Outcome<PoolView> };
  pool_remove: { request: PoolRemove; answer: Outcome<Removed> };
  member_enrol: { request: MemberEnrol; answer: Outcome<MemberView> };
  member_update: { request: MemberUpdate; answer: Outcome<MemberView> };
  member_remove: { request: MemberRemove; answer: Outcome<Removed> };
  provider_add: { request: ProviderAdd; answer: Outcome<ProviderView> };
  provider_remove: { request: ProviderRemove; answer: Outcome<Removed> };
  dns_set: { request: DnsSet; answer: Outcome<DnsView> };
  dns_adopt: { request: DnsAdopt; answer: Outcome<DnsView> };
  dns_release: { request: DnsRelease; answer: Outcome<DnsView> };
  dns_test: { request: DnsTest; answer: Outcome<TestReport> };
  member_activate: { request: MemberActivate; answer: Outcome<MoveView> };
  pool_cutover: { request: PoolCutover; answer: Outcome<MoveView> };
  pool_rehearse: { request: PoolRehearse; answer: Outcome<Rehearsal> };
  pool_arm: { request: PoolArm; answer: Outcome<PoolView> };
  pool_disarm: { request: PoolDisarm; answer: Outcome<PoolView> };
  pool_pause: { request: PoolPause; answer: Outcome<PoolView> };
  pool_resume: { request: PoolResume; answer: Outcome<PoolView> };
  pool_acknowledge: { request: PoolAcknowledge; answer: Outcome<PoolStatus> };
  drift_resolve: { request: DriftResolve; answer: Outcome<DnsView> };
  notice_settings_set: { request: NoticeSettingsSet; answer: Outcome<NoticeSettings> };
  watch_pause: { request: WatchPause; answer: Outcome<HostStatus> };
  watch_resume: { request: WatchResume; answer: Outcome<HostStatus> };
  member_invite: { request: MemberInvite; answer: Outcome<Invitation> };
};

/** The name of a command. */
export type CommandName = keyof Commands;
