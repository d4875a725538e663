//! Heartbeats in numbers, for what moves on a screen each second.

use model::{MemberId, PoolId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What changed since the last one on this stream: only members of whom something newer was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Beats {
    /// One for each member heard anew; its newest heartbeat, however many there were.
    pub beats: Vec<Beat>,
}

/// One member's newest heartbeat in numbers. It is shown and never decides: verdicts come with the pool's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct Beat {
    /// The member.
    #[ts(type = "string")]
    pub member: MemberId,
    /// Its pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// How long ago this console received it, when the event was made.
    pub age_ms: u64,
    /// Its number within one run of the agent; a gap is a missed heartbeat.
    pub seq: u64,
    /// How many logical processors it has.
    pub cpus: u32,
    /// Load average over one minute, times 100.
    pub load_centi: u32,
    /// Memory in use, in bytes.
    pub memory_used_bytes: u64,
    /// Memory in all, in bytes.
    pub memory_total_bytes: u64,
    /// Space used on `/`, in bytes.
    pub disk_used_bytes: u64,
    /// Space in all on `/`, in bytes.
    pub disk_total_bytes: u64,
    /// Its HAProxy's totals; none without HAProxy or while its socket is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub haproxy: Option<BeatTotals>,
}

/// HAProxy's totals of one heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct BeatTotals {
    /// Sessions now, over all frontends.
    pub sessions: u64,
    /// Sessions per second now, over all frontends.
    pub session_rate: u64,
    /// Servers that take traffic.
    pub servers_up: u32,
    /// Servers that failed their checks.
    pub servers_down: u32,
    /// Backends without a usable server.
    pub backends_down: u32,
}
