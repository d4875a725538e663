//! What a machine begins with: who it works for, what it remembers, and the two signed documents it stands on.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use model::{ConsoleId, FleetId, Marker, MemberId, PoolId, Settings, Span, Time};
use serde::{Deserialize, Serialize};

use super::{Claim, Credential};

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
