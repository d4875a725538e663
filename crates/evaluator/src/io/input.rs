//! What goes in: heartbeats, testimonies, answers, commands. Everything that was sensed, nothing that was concluded.

use std::net::Ipv4Addr;

use model::haproxy::Down;
use model::{BootId, ConsoleId, Marker, MemberId, Nonce, Span, Time};
use serde::{Deserialize, Serialize};

use super::{MoveRecord, Policy, Roster};

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
    /// Time passed: every 250 ms and whenever [`Output::WakeAt`](super::Output::WakeAt) asked for it. Steps further apart than 1.25 s forbid
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
