//! Requests about what happened.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::PoolRef;
use crate::names::IncidentRef;

/// Asks for incidents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct IncidentListRequest {
    /// Of which pool; of every pool when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolRef>,
    /// At most this many; 50 when absent, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Asks for one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IncidentShow {
    /// Which.
    pub incident: IncidentRef,
}

/// Asks who changed what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct AuditListRequest {
    /// At most this many; 50 when absent, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only entries older than this one, for paging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}
