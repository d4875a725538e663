//! Requests about members.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Change, MemberRef, PoolRef};

/// What a VM is enrolled for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// "HAProxy balancer": its HAProxy is watched.
    #[default]
    HaproxyEdge,
    /// "Generic Linux server": the heartbeat alone counts.
    GenericLinux,
    /// Testifies and votes only; never carries traffic.
    Witness,
}

/// Invites a VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct MemberInvite {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Into which pool.
    pub pool: PoolRef,
    /// The hostname it must report.
    pub hostname: String,
    /// Its name for people; the hostname when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it may call from: IPv4, IPv6 and CIDR.
    pub sources: Vec<String>,
    /// The IPv4 that DNS publishes for it; the one it declares when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub template: Template,
    /// Operator's order; lower is preferred.
    #[serde(default)]
    pub priority: u32,
}

/// Enrols an invited VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct MemberEnrol {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which invitation: its id or its hostname.
    pub invitation: String,
    /// The relay to call, `host` or `host:port`; the port is 7443 when absent.
    pub address: String,
    /// Come through this member's relay instead of directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<MemberRef>,
    /// How long to go on trying; two minutes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// Asks for members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct MemberListRequest {
    /// Of which pool; of every pool when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolRef>,
}

/// Asks for one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberShow {
    /// Which.
    pub member: MemberRef,
}

/// Changes a member; what is absent stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct MemberUpdate {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which.
    pub member: MemberRef,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its new list of sources, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
    /// Its new IPv4: what DNS publishes for it. Its old one leaves the sources and the relay's address, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its new place in the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Where it stands, for the map: name, degrees north, degrees east, as in `Amsterdam, 52.37, 4.90`; empty for nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Removes a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberRemove {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which.
    pub member: MemberRef,
}

/// Moves the record to one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberActivate {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// In which pool.
    pub pool: PoolRef,
    /// To whom.
    pub member: MemberRef,
    /// Whether readiness may be missing. The compare-and-set is never skipped.
    #[serde(default)]
    pub readiness: Readiness,
}

/// How much readiness a move by hand asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// The target must be ready.
    #[default]
    Required,
    /// Move even to a member that is not.
    Overridden,
}

/// Asks a member for its HAProxy's statistics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberStat {
    /// Which.
    pub member: MemberRef,
}
