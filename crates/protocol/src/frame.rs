//! Everything that crosses a link, one JSON object per frame with its `kind`.
//!
//! The side that dialled speaks first with [`Hello`] and gets [`Welcome`] or [`Refused`](Refusal). On a **peer link**
//! (member to member) both sides then send their own heartbeats and pass beacons on. On a **console link** the console
//! gives beacons, asks for the lease, announces intents, puts documents and records, and the relay reports. On an
//! **enrolment link** only [`EnrolMessage`]s cross. A frame of an unknown kind reads as [`Frame::Unknown`] and is
//! skipped: later versions may say more.

use std::collections::BTreeMap;

use model::{ConsoleId, MemberId, Nonce, PoolId};
use serde::{Deserialize, Deserializer, Serialize};

use crate::check::Refusal;
use crate::docs::{DocKind, Fork, SignedDoc};
use crate::enrol::EnrolMessage;
use crate::intents::{Intent, OpenIntent};
use crate::lease;
use crate::limits;
use crate::records::RecordId;
use crate::sign::Signed;

/// One frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Frame {
    /// First frame of the side that dialled.
    Hello(Hello),
    /// The hello was accepted.
    Welcome(Welcome),
    /// The hello, or what came later, was refused; the link ends.
    Refused(Refusal),
    /// A console's beacon, from itself or passed on by a peer relay.
    Beacon(Beacon),
    /// The sender's own heartbeat.
    Heartbeat(Signed),
    /// What this relay heard, for a console.
    Report(Report),
    /// The rhythm in which a console wants reports.
    Poll {
        /// Between 250 and 10,000.
        every_ms: u32,
    },
    /// A console asks for the lease.
    LeaseRequest(lease::Request),
    /// The answer.
    LeaseAnswer(lease::Answer),
    /// A console gives the lease back.
    LeaseRelease {
        /// Which pool.
        pool: PoolId,
        /// The nonce of the start that held it.
        nonce: Nonce,
    },
    /// A console announces a claim.
    IntentPut(Intent),
    /// The intent is on this relay's disk.
    IntentStored {
        /// Which pool.
        pool: PoolId,
        /// The intent's nonce.
        nonce: Nonce,
    },
    /// The intent is not kept.
    IntentRefused {
        /// Which pool.
        pool: PoolId,
        /// The intent's nonce.
        nonce: Nonce,
        /// Why.
        reason: String,
    },
    /// The intent is settled.
    IntentClose {
        /// Which pool.
        pool: PoolId,
        /// Its epoch.
        epoch: u64,
        /// Its nonce.
        nonce: Nonce,
    },
    /// A newer document.
    DocPut(SignedDoc),
    /// The document is on this relay's disk.
    DocStored(DocStored),
    /// The document is not taken.
    DocRefused(DocRefused),
    /// Asks for documents.
    DocGet(DocGet),
    /// Documents, rosters first and oldest first.
    Docs(Docs),
    /// A new or rewritten record.
    RecordPut(Signed),
    /// The record is on this relay's disk.
    RecordStored {
        /// Which pool.
        pool: PoolId,
        /// Its name.
        id: RecordId,
    },
    /// Asks for a pool's records.
    RecordsGet {
        /// Which pool.
        pool: PoolId,
    },
    /// A pool's records.
    Records(Records),
    /// A console tells a member who is active now.
    Role(Role),
    /// A console asks a member for its HAProxy's statistics.
    StatGet {
        /// Given back with each part of the answer.
        number: u64,
    },
    /// A part of the statistics.
    StatPart(StatPart),
    /// No statistics.
    StatFailed {
        /// From the question.
        number: u64,
        /// Why, in words.
        reason: String,
    },
    /// A step of an enrolment.
    Enrol(EnrolMessage),
    /// Asks for a sign of life of the link.
    Ping {
        /// Given back.
        number: u64,
    },
    /// The answer.
    Pong {
        /// From the ping.
        number: u64,
    },
    /// The sender ends the link on purpose.
    Goodbye {
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

/// What the dialling side says it is. Who it is, its key has proven already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelloRole {
    /// A member, to a peer's relay.
    Member,
    /// A console, to a relay.
    Console,
    /// Either side of an enrolment.
    Enrol,
}

/// The first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// What it is.
    pub role: HelloRole,
    /// Its version, for people.
    pub version: String,
    /// The roster it goes by; 0 without one.
    #[serde(default)]
    pub roster_version: u64,
    /// The hostname a member calls itself.
    #[serde(default)]
    pub hostname: Option<String>,
}

/// The accepting side's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Who answers; none while it waits to be enrolled.
    #[serde(default)]
    pub member: Option<MemberId>,
    /// Its version, for people.
    pub version: String,
    /// The roster it goes by; 0 without one.
    #[serde(default)]
    pub roster_version: u64,
    /// The hostname it calls itself.
    #[serde(default)]
    pub hostname: String,
    /// From where it sees the dialling side.
    #[serde(default)]
    pub seen_from: Option<std::net::IpAddr>,
    /// Nothing but heartbeats is taken over this link, and why: the caller's source is not in its list, and dynamic DNS
    /// is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeats_alone: Option<String>,
}

/// A console's beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Beacon {
    /// Whose.
    pub console: ConsoleId,
    /// A random number.
    pub nonce: Nonce,
}

/// One heartbeat in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// As the member signed it.
    pub signed: Signed,
    /// How long ago this relay heard it, on its own clock: for the dead direction and for display only.
    pub heard_ms_ago: u64,
    /// Its sequence went backwards under one boot.
    #[serde(default)]
    pub time_travel: bool,
}

/// Where this relay stands for one pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PoolHead {
    /// Highest epoch it has seen.
    pub epoch_max: u64,
    /// Changes whenever its records of the pool do; a number of this relay alone. 0 without records.
    pub records_head: u64,
    /// The policy it keeps; 0 without one.
    pub policy_version: u64,
}

/// What a relay heard since its last report to the same console. Heartbeats are deltas, the rest is whole each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// Newer than in the last report, at most one per member.
    #[serde(deserialize_with = "bounded::<_, _, { limits::REPORT_HEARTBEATS_MAX }>")]
    pub heartbeats: Vec<Heard>,
    /// All open intents.
    pub intents: Vec<OpenIntent>,
    /// By pool.
    pub pools: BTreeMap<PoolId, PoolHead>,
    /// The roster it keeps.
    pub roster_version: u64,
    /// Forks that nobody has ended yet.
    pub forks: Vec<Fork>,
}

/// A document was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocStored {
    /// Which document.
    pub doc: DocKind,
    /// Of which pool; none for the roster.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// The newest version kept now.
    pub version: u64,
}

/// A document was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocRefused {
    /// Which document.
    pub doc: DocKind,
    /// Of which pool, if that could be read.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// The newest version kept.
    pub kept_version: u64,
    /// Why, in words.
    pub reason: String,
    /// Both sides, when it is a fork.
    #[serde(default)]
    pub fork: Option<Fork>,
}

/// Asks for documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DocGet {
    /// Rosters newer than this.
    pub roster_since: u64,
    /// Policies newer than these; pools that are not named count as 0.
    pub policies_since: BTreeMap<PoolId, u64>,
}

/// Documents. A long answer comes in several frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Docs {
    /// Rosters first, oldest first.
    pub docs: Vec<SignedDoc>,
    /// Another frame follows.
    pub more: bool,
}

/// One record in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgedSigned {
    /// As a console signed it.
    pub signed: Signed,
    /// How long this relay has had its id, on its own clock.
    pub age_ms: u64,
}

/// A pool's records. A long answer comes in several frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Records {
    /// Which pool.
    pub pool: PoolId,
    /// The head they belong to.
    #[serde(default)]
    pub head: u64,
    /// Oldest first.
    #[serde(default, deserialize_with = "bounded::<_, _, { limits::RECORDS_MAX }>")]
    pub records: Vec<AgedSigned>,
    /// Another frame follows.
    #[serde(default)]
    pub more: bool,
}

/// A part of HAProxy's own text, as its runtime socket gave it: whoever asked reads it, and reads it as hostile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatPart {
    /// From the question.
    pub number: u64,
    /// At most [`limits::STAT_PART_BYTES_MAX`] bytes.
    pub text: String,
    /// Another part follows.
    #[serde(default)]
    pub more: bool,
}

/// Who is active now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Which pool.
    pub pool: PoolId,
    /// The epoch that made it so.
    pub epoch: u64,
    /// The active member.
    pub active: MemberId,
}

/// Reads a list of at most `N` items and stops at the next one.
pub(crate) fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    d: D,
) -> Result<Vec<T>, D::Error> {
    struct Bounded<T, const N: usize>(std::marker::PhantomData<T>);
    impl<'de, T: Deserialize<'de>, const N: usize> serde::de::Visitor<'de> for Bounded<T, N> {
        type Value = Vec<T>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "a list of at most {N}")
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = seq.next_element()? {
                if items.len() == N {
                    return Err(serde::de::Error::invalid_length(N + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }
    d.deserialize_seq(Bounded::<T, N>(std::marker::PhantomData))
}

#[cfg(test)]
mod tests;
