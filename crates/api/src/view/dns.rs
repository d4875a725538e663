//! A pool's managed name.

use model::PoolId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::pool::RegisterView;
use super::provider::TestReport;
use crate::ProviderName;

/// A pool's managed name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct DnsView {
    /// The pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// The managed hostname; none until it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// At which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// In which zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The record's TTL.
    pub ttl_s: u32,
    /// How far the name is ours.
    pub state: DnsState,
    /// The state in words.
    pub words: String,
    /// The epoch in the marker; 0 when there is none.
    pub epoch: u64,
    /// The member that the record points at, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Until when old answers may live, Unix time, after the TTL was lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_answers_until_ms: Option<u64>,
    /// The register as read for this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterView>,
    /// The newest claim probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<TestReport>,
}

/// How far a name is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DnsState {
    /// No name is set.
    Unset,
    /// A name is set and its record is not adopted.
    NotAdopted,
    /// The record carries our marker and matches it.
    Managed,
    /// The record or its marker is not what our epoch says.
    Drift,
    /// It could not be read.
    Unreadable,
}
