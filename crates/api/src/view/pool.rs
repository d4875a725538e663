//! Pools: settings, status, moves, rehearsals.

use model::settings::Settings;
use model::{ConsoleId, IncidentId, MemberId, PoolId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::incident::Phase;
use super::member::MemberStatus;
use super::{Answer, Check, Evidence};

/// Every pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PoolList {
    /// In order of their names.
    pub pools: Vec<PoolView>,
}

/// One pool as it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct PoolView {
    /// Its id.
    #[ts(type = "string")]
    pub id: PoolId,
    /// Its name.
    pub name: String,
    /// The policy document's version.
    pub policy_version: u64,
    /// The managed hostname; none until DNS is set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Its settings, checked.
    #[ts(as = "crate::typescript::SettingsText")]
    pub settings: Settings,
    /// The member to move back to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub preferred: Option<MemberId>,
    /// The pause for everyone, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
    /// Why automatic moves are held although armed, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The newest rehearsal, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
    /// How many members and witnesses it has.
    pub members: u32,
}

/// A pause for everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PauseView {
    /// What is left of it.
    pub remaining_ms: u64,
    /// Who paused.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Status of several pools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatuses {
    /// The revision that this picture belongs to.
    pub revision: u64,
    /// In order of their names.
    pub pools: Vec<PoolStatus>,
}

/// The three answers of one pool, and what they rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct PoolStatus {
    /// Its id.
    #[ts(type = "string")]
    pub id: PoolId,
    /// Its name.
    pub name: String,
    /// The managed hostname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Is traffic on the active member?
    pub traffic: Answer,
    /// Are standbys ready?
    pub standbys: Answer,
    /// Would DNS move if the active member failed now?
    pub would_move: Answer,
    /// The machine's state, as safety.md names it; `OFF` while nothing watches here.
    pub state: String,
    /// Since when it stands there, as a length.
    pub state_age_ms: u64,
    /// Why, in one sentence.
    pub reason: String,
    /// The newest epoch known; 0 before adoption.
    pub epoch: u64,
    /// Who is active, by the marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub active: Option<MemberId>,
    /// Whether automatic failover is armed.
    pub armed: bool,
    /// The pause for everyone, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseView>,
    /// Who works.
    pub lease: LeaseView,
    /// How many voters are heard.
    pub voters: Voters,
    /// Whether the record follows the active member's own address, and why it does or does not. None before DNS is set
    /// up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_dns: Option<DynamicDnsView>,
    /// In the operator's order, active first.
    pub members: Vec<MemberStatus>,
    /// The register as read last; none before the first reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterView>,
    /// The open incident, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub incident: Option<IncidentId>,
    /// What cannot see the pool now; none while it is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind: Option<Blind>,
    /// How long clients may keep the record's old value, in seconds; none without a managed hostname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
}

/// What stands between a console and a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Blind {
    /// The console's own sight: nothing that it says of members counts.
    OwnSight,
    /// The DNS provider alone: members are seen, and nothing can be moved.
    Provider,
}

/// Who holds the watch lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
pub enum LeaseView {
    /// This console.
    Mine,
    /// Another console.
    Other {
        /// Which.
        #[ts(type = "string")]
        console: ConsoleId,
        /// Its name, when the roster knows it.
        name: String,
    },
    /// Nobody, and why.
    Nobody {
        /// Why.
        why: String,
    },
}

/// Voters of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Voters {
    /// Heard within 3 s, by any path.
    pub heard: u32,
    /// Needed for an automatic move.
    pub needed: u32,
    /// In the roster.
    pub total: u32,
}

/// The register as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct RegisterView {
    /// A records at the name.
    pub a: Vec<String>,
    /// Marker texts.
    pub markers: Vec<String>,
    /// Age of the reading.
    pub age_ms: u64,
    /// Why it could not be read again since, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Dynamic DNS of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DynamicDnsView {
    /// Whether the pool's policy turns it on.
    pub on: bool,
    /// What the members declare, who sees it, and what follows from it.
    pub words: String,
}

/// One move of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct MoveView {
    /// The pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// The epoch it wrote.
    pub epoch: u64,
    /// From whom; none when nobody was active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// To whom.
    pub to: String,
    /// What is proven about the write.
    pub outcome: MoveOutcome,
    /// Its stages with their times.
    pub phases: Vec<Phase>,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// Its incident, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub incident: Option<IncidentId>,
}

/// What is proven about a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MoveOutcome {
    /// Accepted and read back equal.
    Verified,
    /// Accepted; not read back yet.
    Accepted,
    /// Another console's write came first.
    Lost,
    /// Not known; the pool says so until it is.
    Unknown,
}

/// A rehearsal: everything that a failover needs, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Whether automatic failover may be armed on it.
    pub green: bool,
    /// When, Unix time.
    pub at_ms: u64,
    /// In order.
    pub checks: Vec<Check>,
    /// Which losses the pool survives, in words.
    pub survives: Vec<String>,
    /// Who may testify about whom, in words.
    pub vantages: Vec<String>,
}
