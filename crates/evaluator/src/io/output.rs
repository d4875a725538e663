//! What comes out: what is to be done, what people are told, and the machine's states.

use std::net::Ipv4Addr;

use model::{IncidentId, Marker, MemberId, Nonce, Span, Time};
use serde::{Deserialize, Serialize};

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

impl Output {
    /// Whether it may only be carried out once it, and the machine that gave it, are stored: what a restart must neither
    /// forget nor do again.
    pub const fn is_stored_first(&self) -> bool {
        match self {
            Self::DnsCas { .. }
            | Self::IntentAnnounce(_)
            | Self::IntentClose { .. }
            | Self::Role { .. }
            | Self::Moved(..)
            | Self::Notify(_)
            | Self::Journal(_) => true,
            Self::WakeAt(_)
            | Self::Poll(_)
            | Self::LeaseRequest { .. }
            | Self::LeaseRelease
            | Self::DnsRead
            | Self::Revive(_) => false,
        }
    }
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
    /// Call [`Input::Tick`](super::Input::Tick) no later than this. Given only when it lies closer than the regular ticks reach (1.25 s);
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
        /// has looked since. An executor that is later drops it and says [`WriteOutcome::NotSent`](super::WriteOutcome::NotSent).
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
    /// This console sees, but its DNS provider does not answer, refuses, or takes no credential; nothing moves.
    NoProvider,
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
