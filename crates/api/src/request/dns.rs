//! Requests about a pool's managed name.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Change, MemberRef, PoolRef, ProviderName};

/// Says which name a pool manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct DnsSet {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which pool.
    pub pool: PoolRef,
    /// At which provider.
    pub provider: ProviderName,
    /// The label inside the provider's zone, or the whole name.
    pub label: String,
    /// The record's TTL; the pool's present setting when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
}

/// What to do with a marker that another fleet left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ForeignMarker {
    /// It blocks the adoption.
    #[default]
    Respect,
    /// Replace it: that fleet can no longer move this name.
    TakeOver,
}

/// Takes a record over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct DnsAdopt {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which pool.
    pub pool: PoolRef,
    /// Who is active. When absent: whoever the record points at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberRef>,
    /// The A record as the operator was shown it; anything else refuses. Read afresh when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// What to do with another fleet's marker.
    #[serde(default)]
    pub foreign_marker: ForeignMarker,
}
