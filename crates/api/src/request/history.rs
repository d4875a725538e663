//! Requests about what happened.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::bare;
use crate::names::IncidentRef;
use crate::view::incident::QuietHours;
use crate::{Change, PoolRef};

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

/// Asks for notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct NoticeListRequest {
    /// At most this many; 50 when absent, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

bare! {
    /// Asks how this console tells people.
    NoticeSettingsShow;
}

/// Changes how this console tells people; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct NoticeSettingsSet {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Whether the desktop shows notices at all; they are kept in the list either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
    /// No notices for this long from now, in ms, 7 days at most; 0 ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute_ms: Option<u64>,
    /// Hours of every day in which only urgent ones are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
}
