//! What goes into a machine and what comes out. Plain values: storable, replayable, comparable.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use model::haproxy::Down;
use model::{BootId, ConsoleId, FleetId, IncidentId, Marker, MemberId, Nonce, PoolId, Settings, Span, Time};
use serde::{Deserialize, Serialize};

/// How a machine is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The fleet.
    pub fleet: FleetId,
    /// The pool.
    pub pool: PoolId,
    /// This console.
    pub console: ConsoleId,
    /// This console's lease rank: headless 200, desktop on mains 100, on battery 50.
    pub rank: u32,
    /// Starts of this console so far, kept on disk; a higher one takes its own lease over.
    pub start_counter: u64,
    /// Seed of the machine's own number generator (nonces), fresh from the OS at each start.
    pub seed: u64,
    /// Present network attachment: gateway's hardware address and own prefix, hashed.
    pub attachment: u64,
    /// The pool's members and witnesses.
    pub roster: Roster,
    /// The pool's policy.
    pub policy: Policy,
    /// Whether a DNS credential can be used.
    pub credential: Credential,
    /// What the machine asked to keep before the last stop; default at the first start.
    pub memory: Memory,
}

/// The part of the state that survives a restart. The engine stores it, in the same transaction as the outputs,
/// whenever a step changed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The newest marker this console believes in.
    pub marker: Option<Marker>,
    /// Own claim whose outcome is not settled.
    pub intent: Option<Claim>,
    /// The abort claim sent to consume the same marker as [`Memory::intent`], if one was.
    pub abort: Option<Claim>,
    /// When this console last heard each member directly, and on which attachment. The engine turns the ages into
    /// this start's clock.
    pub baselines: BTreeMap<MemberId, Baseline>,
    /// Why automation is off after a record was changed by others, if it is.
    pub drift: Option<String>,
    /// Claims that were open when the record was found changed: their requests may still land.
    pub left: Vec<Claim>,
    /// A move that only the register has shown: whoever made it has not recorded it yet.
    pub unrecorded: Option<Unrecorded>,
}

/// A move without a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unrecorded {
    /// Epoch that it wrote.
    pub epoch: u64,
    /// From whom, if known.
    pub from: Option<MemberId>,
    /// To whom.
    pub to: MemberId,
}

/// When a vantage point last heard a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// On the clock of the console that decides.
    pub heard: Time,
    /// The attachment at that moment.
    pub attachment: u64,
}

/// The members and witnesses of one pool, out of the fleet's roster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// The roster document's version.
    pub version: u64,
    /// Everybody with a relay that counts as a voter.
    pub members: BTreeMap<MemberId, Member>,
}

/// One entry of the roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// For people.
    pub name: String,
    /// The enrolled IPv4.
    pub address: Ipv4Addr,
    /// Whether it may carry the traffic, or only testify.
    pub part: Part,
    /// Operator's order; lower is preferred.
    pub priority: u32,
    /// Whether this console runs on that very host: then both count as one vantage point.
    pub same_host: bool,
}

/// What a roster entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// May become active.
    Member,
    /// Testifies and votes only.
    Witness,
}

/// One pool's policy, out of the policy document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The document's version.
    pub version: u64,
    /// The managed hostname; none until DNS is set up.
    pub hostname: Option<String>,
    /// Checked settings.
    pub settings: Settings,
    /// The pool's pause, with what is left of it.
    pub pause: Option<Pause>,
    /// Preferred member that may be moved back to when it has been ready for long; off when none.
    pub preferred: Option<MemberId>,
    /// Why automatic moves are held although armed (a failed daily check, a provider that failed its probe).
    pub held: Option<String>,
}

/// A pool's pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What is left when the document was handed over.
    pub remaining: Span,
    /// Who paused.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Whether this console could write DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Credential {
    /// It can be used.
    Working,
    /// None, or the vault is locked; the words say which.
    Missing(String),
}

/// Everything that can happen to a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Time passed: every 250 ms and whenever [`Output::WakeAt`] asked for it. Steps further apart than 1.25 s forbid
    /// acting for 5 s, further apart than 3 s count as [`OwnFault::Stalled`].
    Tick,
    /// What one relay told this console.
    Report(Report),
    /// The state of this console's own connection to a relay.
    Relay {
        /// Whose relay.
        relay: MemberId,
        /// Its state.
        link: Link,
    },
    /// A relay's answer to a lease request.
    Lease {
        /// Whose relay.
        relay: MemberId,
        /// What it said.
        answer: LeaseAnswer,
    },
    /// A relay stored an intent.
    IntentStored {
        /// Whose relay.
        relay: MemberId,
        /// The intent's nonce.
        nonce: Nonce,
    },
    /// A relay does not keep an intent.
    IntentRefused {
        /// Whose relay.
        relay: MemberId,
        /// The intent's nonce.
        nonce: Nonce,
        /// Why, in its own words.
        reason: String,
    },
    /// This console's own probe of a member's service port.
    Probe {
        /// Whose port.
        member: MemberId,
        /// Whether it answered.
        answered: bool,
    },
    /// A round of anchors: how many were asked and how many answered.
    Anchors {
        /// Anchors asked.
        asked: u32,
        /// Anchors that answered.
        answered: u32,
    },
    /// The register was read, or could not be.
    DnsRead(Result<Reading, DnsFault>),
    /// The outcome of the compare-and-set with this nonce.
    DnsWrite {
        /// The claim's nonce.
        nonce: Nonce,
        /// What is known.
        outcome: WriteOutcome,
    },
    /// This console slept, stalled or changed networks.
    Fault(OwnFault),
    /// An operator wants something.
    Operator(Command),
    /// A newer policy document.
    Policy(Policy),
    /// A newer roster.
    Roster(Roster),
    /// The shared records of moves, complete as far as any relay could tell. Owed after each start and whenever they
    /// change; until the first arrives no earlier move is known.
    Records(Records),
    /// The DNS credential appeared or went away.
    Credential(Credential),
    /// REVIVE finished; what was tried, in words.
    Revived(String),
    /// The fleet guard, judged over all pools by the runtime: more than half of the members turned stale within
    /// 30 s. `true` while it holds for this pool.
    FleetGuard(bool),
    /// Dynamic DNS is on for this pool, and this many vantage points see the member's heartbeats come from `ip`.
    /// The record follows the active member's address when at least two do and the member declares it itself.
    SourceSeen {
        /// Whose heartbeats.
        member: MemberId,
        /// Where they come from.
        ip: Ipv4Addr,
        /// How many vantage points see that.
        vantages: u32,
    },
}

/// What one relay told this console in one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whose relay. Lives of other members in it were heard by that relay, not by this console.
    pub relay: MemberId,
    /// Heartbeats that are new since the last report, signatures verified.
    pub lives: Vec<Life>,
    /// Testimonies of any member, signatures verified.
    pub testimonies: Vec<Testimony>,
    /// Open intents that the relay keeps for this pool.
    pub intents: Vec<ForeignIntent>,
    /// Highest epoch that the relay has seen for this pool.
    pub epoch_max: u64,
}

/// One heartbeat's facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// Whose.
    pub member: MemberId,
    /// The host's boot.
    pub boot: BootId,
    /// Starts of the agent.
    pub incarnation: u64,
    /// Rises with each heartbeat of an incarnation.
    pub seq: u64,
    /// It was certainly made after this moment, proven by the beacon of ours that it echoes.
    pub made_after: Option<Time>,
    /// Whether the member runs HAProxy under watch.
    pub monitored: bool,
    /// Its own judgement of its HAProxy.
    pub down: Down,
    /// SHA-256 of the running configuration, shortened to 8 bytes; 0 when unknown.
    pub cfg: u64,
    /// What `haproxy -c` said of it.
    pub cfg_valid: Option<bool>,
    /// The address it declares.
    pub ip: Option<Ipv4Addr>,
    /// Planned work is going on for this much longer.
    pub planned: Option<Span>,
    /// In maintenance.
    pub maintenance: bool,
    /// Its sequence went backwards under one boot: restored from a memory snapshot.
    pub time_travel: bool,
    /// Said when the agent stops cleanly.
    pub goodbye: Option<Goodbye>,
    /// The agent did not stall lately.
    pub fit: bool,
    /// How long the agent has been up.
    pub up: Span,
    /// The agent's version, for people.
    pub agent_version: String,
}

/// Why an agent stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goodbye {
    /// The host goes down: counts as service down at once.
    HostShutdown,
    /// Only the agent stops: never moves anything by itself.
    AgentStop,
}

/// What one member says about another's silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Testimony {
    /// Who says it.
    pub by: MemberId,
    /// About whom.
    pub about: MemberId,
    /// Newest incarnation and seq it heard.
    pub last: (u64, u64),
    /// How long it has heard nothing new, on its own clock.
    pub silent: Span,
    /// It has a baseline for `about`.
    pub baseline: bool,
    /// It hears at least one other party now.
    pub hears_other: bool,
    /// Whether the service port answered its probe within the last 3 s; none when probing is off.
    pub service_answers: Option<bool>,
    /// It was certainly made after this moment.
    pub made_after: Option<Time>,
    /// The witness did not stall lately.
    pub fit: bool,
    /// How long the witness has been up.
    pub up: Span,
}

/// An intent of any console, as a relay keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignIntent {
    /// Whose.
    pub console: ConsoleId,
    /// Epoch it wants to write.
    pub epoch: u64,
    /// Its nonce.
    pub nonce: Nonce,
    /// Its target.
    pub target: MemberId,
    /// How old it is on the relay's clock.
    pub age: Span,
}

/// The state of a connection to a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Connected and answering.
    Up,
    /// Tried, no answer.
    Down,
    /// Something answered with another key: interception, or a reinstalled host.
    WrongKey,
}

/// What a relay said about the lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseAnswer {
    /// When the request was sent, on this console's clock.
    pub sent: Time,
    /// Whether this console holds it there.
    pub granted: bool,
    /// The live holder, if it is another console.
    pub holder: Option<Holder>,
    /// A console of higher rank that asks for it.
    pub wanted_by: Option<Holder>,
    /// Why it was refused although nobody else holds it (a clone of this console, a relay that just lost its file).
    pub refusal: Option<String>,
}

/// A lease holder, in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holder {
    /// Higher wins.
    pub rank: u32,
    /// Decides between equal ranks.
    pub console: ConsoleId,
}

/// One reading of the register: A and marker out of one list call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When the question was sent.
    pub asked: Time,
    /// All A records at the name.
    pub a: Vec<Ipv4Addr>,
    /// Markers at `_sctl.<label>`, as read.
    pub markers: Vec<MarkerText>,
    /// An AAAA stands at the name.
    pub aaaa: bool,
    /// A CNAME stands at the name.
    pub cname: bool,
}

/// A TXT text at the marker's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkerText {
    /// A marker.
    Marker(Marker),
    /// Something else.
    Foreign(String),
}

/// Why the register could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DnsFault {
    /// No answer; nothing is known.
    Unreachable(String),
    /// The provider refuses this credential or this zone.
    Refused(String),
}

/// What is known about a compare-and-set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteOutcome {
    /// The provider accepted it.
    Accepted,
    /// A precondition did not hold; read back before concluding.
    Conflict,
    /// The provider refuses for good; the words are its own.
    Rejected(String),
    /// Too many requests; not before this span.
    Throttled(Span),
    /// No answer, or one that proves nothing.
    Unknown(String),
    /// The executor came too late, or could not store it: this request never left and never will.
    NotSent(String),
}

/// What happened to this console itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnFault {
    /// The machine slept for about this long.
    Suspended(Span),
    /// The process did not run for about this long.
    Stalled(Span),
    /// The network attachment changed to this one.
    NetworkChanged(u64),
}

/// What an operator can ask of a pool's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Move to this member.
    Activate {
        /// The target.
        member: MemberId,
        /// Do it although the member is not ready.
        even_if_not_ready: bool,
        /// Who asks, for the record.
        by: String,
    },
    /// Move to the next ready standby.
    Cutover {
        /// Who asks.
        by: String,
    },
    /// The third automatic move was seen.
    Acknowledge {
        /// Who acknowledges.
        by: String,
    },
    /// End DRIFT: take the record as it stands.
    AdoptRecord {
        /// Who decides.
        by: String,
    },
    /// End DRIFT: put the record back to what the last epoch said.
    RestoreRecord {
        /// Who decides.
        by: String,
    },
    /// Pause or resume this computer's watch only.
    Watch(Watch),
}

/// This computer's watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Watch {
    /// Asks for the lease.
    On,
    /// Releases it and asks for none.
    Off,
}

/// The shared records of moves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Newest last, at most 32.
    pub moves: Vec<MoveRecord>,
    /// No relay could give them: counts as one move just made.
    pub unreadable: bool,
}

/// One move. Records of one epoch are one move: `acknowledged` and `verified` only ever become true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRecord {
    /// Epoch that it wrote.
    pub epoch: u64,
    /// Age on the relays' clocks.
    pub age: Span,
    /// Why.
    pub cause: Cause,
    /// From whom, if known.
    pub from: Option<MemberId>,
    /// To whom.
    pub to: MemberId,
    /// A person has seen it.
    pub acknowledged: bool,
    /// Its read-back was seen equal.
    pub verified: bool,
}

/// Why a claim is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The active member is confirmed down.
    Down,
    /// The active member says that its service is down.
    ServiceDown,
    /// The active member's agent stayed silent after REVIVE.
    AgentLost,
    /// A person asked.
    Manual,
    /// The preferred member is ready again.
    Preferred,
    /// The active member's own address changed.
    Ddns,
    /// Consumes the marker so that an older request can no longer land; A unchanged.
    Abort,
    /// Takes the record over as it stands, or puts it back, at an operator's word.
    Adopt,
}

impl Cause {
    /// Whether it moves traffic without a person's word.
    pub const fn is_automatic_move(self) -> bool {
        match self {
            Self::Down | Self::ServiceDown | Self::AgentLost | Self::Preferred => true,
            Self::Manual | Self::Ddns | Self::Abort | Self::Adopt => false,
        }
    }

    /// Whether it moves traffic to another member.
    pub const fn is_move(self) -> bool {
        self.is_automatic_move() || matches!(self, Self::Manual)
    }
}

/// One compare-and-set: replaces `expect_a` and `expect_marker` by `set_a` and `set_marker`, or does nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// This write's single-use number.
    pub nonce: Nonce,
    /// The epoch it writes: that of `expect_marker` plus one, or above every epoch known when somebody took it away.
    pub epoch: u64,
    /// Why.
    pub cause: Cause,
    /// The target.
    pub member: MemberId,
    /// The A record that must stand.
    pub expect_a: Ipv4Addr,
    /// The marker that must stand alone; none: no text at all may stand at the marker's name. Only an adoption
    /// expects that.
    pub expect_marker: Option<Marker>,
    /// The A record to write.
    pub set_a: Ipv4Addr,
    /// The marker to write.
    pub set_marker: Marker,
    /// Why, in words.
    pub reason: String,
    /// The incident it belongs to, if it is one.
    pub incident: Option<IncidentId>,
}

/// Everything a machine can ask for. Executing one twice is harmless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Output {
    /// Call [`Input::Tick`] no later than this. Given only when it lies closer than the regular ticks reach (1.25 s);
    /// a later one does not cancel an earlier one, and a tick too many is harmless.
    WakeAt(Time),
    /// Read relays at this rhythm from now on.
    Poll(Span),
    /// Ask every relay for the lease, or renew it.
    LeaseRequest {
        /// Highest epoch this console has seen.
        epoch_max: u64,
    },
    /// Give the lease back everywhere.
    LeaseRelease,
    /// Store this intent on every relay that answers.
    IntentAnnounce(Claim),
    /// The intent with this nonce is settled; relays may forget it.
    IntentClose {
        /// The intent's nonce.
        nonce: Nonce,
        /// Its epoch.
        epoch: u64,
    },
    /// Read the register.
    DnsRead,
    /// Try this compare-and-set, once, with this deadline.
    DnsCas {
        /// What to write.
        claim: Claim,
        /// Latest moment on this console's clock by which an answer is waited for.
        deadline: Time,
        /// Not to be sent after this moment on this console's clock: the guards were true at the decision, and nobody
        /// has looked since. An executor that is later drops it and says [`WriteOutcome::NotSent`].
        not_after: Time,
    },
    /// Tell the new active and the old one their roles.
    Role {
        /// The new epoch.
        epoch: u64,
        /// The new active.
        active: MemberId,
        /// The one that was active.
        former: Option<MemberId>,
    },
    /// Try to bring the agent of this member back over SSH.
    Revive(MemberId),
    /// A move was made, read back or acknowledged: write it into the shared records. The same epoch comes again with
    /// more flags set; records of one epoch are merged, flags only ever become true.
    Moved(MoveRecord, IncidentId),
    /// Tell people.
    Notify(Notice),
    /// One line for the incident's story and the input log.
    Journal(Entry),
}

/// Something people should be told. The same incident gives the same id on every console, so doubles fold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The incident, if it belongs to one.
    pub incident: Option<IncidentId>,
    /// What kind.
    pub kind: NoticeKind,
    /// One sentence.
    pub text: String,
    /// Whether this console sends it to others too (the holder), or shows it here only.
    pub reach: Reach,
}

/// How far a notice goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// This console only.
    Here,
    /// Everybody.
    Shared,
}

/// Kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// The record moved.
    Moved,
    /// The active member seems lost and a person must decide.
    Ask,
    /// The active member is lost and nobody can take over.
    NoTarget,
    /// The record was changed by others; automation is off.
    Drift,
    /// The provider refuses us.
    Failed,
    /// This console cannot see; nothing moves.
    Blind,
    /// The third automatic move within two hours; automation waits.
    Locked,
    /// The write was accepted but not read back.
    NotReadBack,
    /// It may be down, and this console cannot confirm it.
    CannotConfirm,
    /// What was wrong is over.
    Over,
}

/// One line of the story: a transition or a decision, with its reason and evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, on this console's clock.
    pub at: Time,
    /// State before.
    pub from: State,
    /// State after; equal when only something was learned.
    pub to: State,
    /// Which rule.
    pub cause: String,
    /// Why, for people.
    pub reason: String,
    /// What it rests on, newest first, each with its age.
    pub evidence: Vec<Evidence>,
    /// The incident, if one is open.
    pub incident: Option<IncidentId>,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Who saw it: a member's name, or `this console`.
    pub vantage: String,
    /// About whom.
    pub about: String,
    /// What was seen, in words.
    pub fact: String,
    /// How old it was at the decision, in ms.
    pub age_ms: u64,
}

/// The states of safety.md, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is a row of the state table in `state`")]
pub enum State {
    Cold,
    Route,
    Blind,
    Follow,
    Steady,
    Suspect,
    Confirm,
    Revive,
    Ask,
    NoTarget,
    Claim,
    Write,
    Unknown,
    Verify,
    Adopt,
    Hold,
    Failed,
    Drift,
    Paused,
    Locked,
}
