//! What happened: incidents, notices, audit.

use model::{IncidentId, PoolId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Evidence;
use super::explain::Entry;

/// Incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct IncidentList {
    /// Newest first; without entries and evidence.
    pub incidents: Vec<IncidentView>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct IncidentView {
    /// Its id, the same on every console.
    #[ts(type = "string")]
    pub id: IncidentId,
    /// The pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// Its name.
    pub pool_name: String,
    /// Why it began, in plain words.
    pub cause: String,
    /// Who was active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who took over; none when nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The epoch that the move wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// When it began, Unix time.
    pub began_ms: u64,
    /// When it ended, Unix time; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// Its stages, in order.
    pub phases: Vec<Phase>,
    /// Its story, oldest first.
    pub entries: Vec<Entry>,
    /// What the decision rested on.
    pub evidence: Vec<Evidence>,
    /// How it stands or ended.
    pub outcome: IncidentOutcome,
    /// Why nothing moved, if nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_reason: Option<String>,
}

/// How an incident stands or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentOutcome {
    /// It goes on.
    Open,
    /// The record moved and was read back.
    Moved,
    /// The record was accepted but not read back.
    MovedUnverified,
    /// Another console moved it.
    MovedByOther,
    /// It recovered by itself; nothing moved.
    Recovered,
    /// Nothing moved, for the reason beside.
    Held,
    /// The provider refused.
    Failed,
}

/// One stage of a move or an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct Phase {
    /// Which: `suspect`, `confirmed`, `decided`, `sent`, `accepted`, `read-back`, `served`, `role-told`.
    pub name: String,
    /// When, Unix time.
    pub at_ms: u64,
    /// How long it took; none while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

/// Something people should be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct NoticeView {
    /// Which kind, as the evaluator names it: `moved`, `ask`, `no-target`, …
    pub topic: String,
    /// The pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub pool: Option<PoolId>,
    /// The incident, if it belongs to one; doubles fold by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub incident: Option<IncidentId>,
    /// One sentence.
    pub text: String,
    /// When, Unix time.
    pub at_ms: u64,
}

/// Notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NoticeList {
    /// Newest first.
    pub notices: Vec<NoticeView>,
}

/// Hours of every day, by this computer's clock, in which only urgent notices are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuietHours {
    /// Their first minute of the day, 0 to 1439.
    pub from_minute: u16,
    /// The first minute after them, 0 to 1439; the same as `from_minute` for none, smaller for hours over midnight.
    pub to_minute: u16,
}

/// How this console tells people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct NoticeSettings {
    /// Whether the desktop shows notices at all.
    pub shown: bool,
    /// Until when none are shown, Unix time; 0 for not muted.
    pub muted_until_ms: u64,
    /// Hours in which only urgent ones are shown.
    pub quiet: QuietHours,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { shown: true, muted_until_ms: 0, quiet: QuietHours::default() }
    }
}

/// The audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AuditList {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
}

/// Who changed what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct AuditEntry {
    /// Its id, for paging.
    pub id: String,
    /// When, Unix time.
    pub at_ms: u64,
    /// Who.
    pub by: String,
    /// Which command.
    pub command: String,
    /// The request, without secrets.
    #[ts(type = "unknown")]
    pub request: serde_json::Value,
    /// Why it failed; none when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
