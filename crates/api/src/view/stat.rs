//! HAProxy's statistics of one member, as its runtime socket gave them.

use model::MemberId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StatView {
    /// Of which member.
    #[ts(type = "string")]
    pub member: MemberId,
    /// How long the member took to answer, roads included.
    pub took_ms: u64,
    /// In HAProxy's order.
    pub rows: Vec<StatRow>,
}

/// What a row describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StatKind {
    /// A frontend's totals.
    Frontend,
    /// A backend's totals.
    Backend,
    /// One server.
    Server,
    /// One `bind` line.
    Listener,
}

/// How it stands, by HAProxy's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum StatState {
    /// Takes traffic.
    Up,
    /// Takes traffic, and its checks begin to fail or it is at a limit.
    Shaky,
    /// Down, or stopped.
    Down,
    /// In drain: no new sessions.
    Drain,
    /// In maintenance.
    Maintenance,
    /// Runs without a health check.
    Unchecked,
    /// A word of another version.
    Unknown,
}

/// One frontend, backend, server or listener. Counters count since HAProxy started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct StatRow {
    /// The proxy it belongs to.
    pub proxy: String,
    /// `FRONTEND`, `BACKEND`, or its own name.
    pub name: String,
    /// What it is.
    pub kind: StatKind,
    /// How it stands.
    pub state: StatState,
    /// The same in HAProxy's words.
    pub status: String,
    /// `tcp`, `http` or another mode; empty in versions that do not say.
    pub mode: String,
    /// Its address; empty when the socket's level hides it.
    pub address: String,
    /// Sessions now.
    pub sessions: u64,
    /// Most sessions at one time.
    pub sessions_max: u64,
    /// Limit of sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_limit: Option<u64>,
    /// Sessions in all.
    pub sessions_total: u64,
    /// New sessions in the last second.
    pub session_rate: u64,
    /// HTTP requests in the last second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_rate: Option<u64>,
    /// HTTP requests in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_total: Option<u64>,
    /// Requests waiting for a server.
    pub queued: u64,
    /// Bytes in.
    pub in_bytes: u64,
    /// Bytes out.
    pub out_bytes: u64,
    /// Faulty requests, failed connections and faulty answers.
    pub errors: u64,
    /// Retried connections.
    pub retries: u64,
    /// Effective weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u64>,
    /// Serves only when others cannot.
    pub backup: bool,
    /// Times it went down.
    pub downs: u64,
    /// Seconds since the status changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_s: Option<u64>,
    /// Seconds spent down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_s: Option<u64>,
    /// HTTP answers: 1xx, 2xx, 3xx, 4xx, 5xx, others; empty where no HTTP is spoken.
    pub responses: Vec<u64>,
    /// What its health check said last, in HAProxy's words; empty without a check.
    pub check: String,
    /// How long that check took, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_ms: Option<u64>,
}
