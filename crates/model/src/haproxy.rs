//! What a member says about its HAProxy.

use serde::{Deserialize, Serialize};

/// The member's own judgement that its HAProxy does not serve (safety.md 2.4; measured on HAProxy 2.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Down {
    /// The unit is failed or inactive with no job queued, or starting or stopping for more than 3 s.
    Stopped,
    /// It restarts again and again: three times in 60 s, or 5 s out of any 30 s not running.
    CrashLoop,
    /// It runs, but its own listener gives no answer for 3 s.
    Hung,
    /// It serves, as far as the member can tell. Also what a judgement of a later version reads as: a word that we do
    /// not know must not make a heartbeat unreadable, nor a member dead.
    #[default]
    #[serde(other)]
    None,
}

/// The state of the unit as systemd names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// No such unit on this host.
    #[default]
    NotFound,
    /// Running.
    Active,
    /// Running while it loads a new configuration.
    Reloading,
    /// Not running.
    Inactive,
    /// Ended in failure.
    Failed,
    /// On its way up.
    Activating,
    /// On its way down.
    Deactivating,
    /// A state that this version does not know.
    #[serde(other)]
    Other,
}

/// One address that HAProxy is configured to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// The frontend or listen section.
    pub section: String,
    /// The address as configured, for example `*:443` or `10.0.0.4:80`.
    pub address: String,
    /// The port, when it has one.
    pub port: Option<u16>,
    /// Whether the section speaks HTTP.
    pub http: bool,
    /// Whether the bind line carries `ssl`.
    pub tls: bool,
    /// The newest answer of the member's own probe: `None` when it has not been probed.
    pub answers: Option<bool>,
}

impl Report {
    /// Whether plain HTTP is spoken on this port, as far as the member says.
    pub fn speaks_http(&self, port: u16) -> bool {
        let mut of_port = self.listeners.iter().filter(|listener| listener.port == Some(port)).peekable();
        of_port.peek().is_some() && of_port.all(|listener| listener.http && !listener.tls)
    }
}

/// Totals over `show stat`, small enough to travel in a heartbeat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatTotals {
    /// Servers that take traffic.
    pub servers_up: u32,
    /// Servers that failed their checks.
    pub servers_down: u32,
    /// Servers in drain.
    pub servers_drain: u32,
    /// Servers in maintenance.
    pub servers_maint: u32,
    /// Backends without a usable server.
    pub backends_down: u32,
    /// Sessions now, over all frontends.
    pub sessions: u64,
    /// Sessions per second now, over all frontends.
    pub session_rate: u64,
}

/// The `haproxy` block of a heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// Whether this member is meant to run HAProxy and is watched for it.
    pub monitored: bool,
    /// The unit's state.
    pub unit: UnitState,
    /// The member's judgement.
    pub down: Down,
    /// The judgement in words, empty when there is nothing to say.
    pub reason: String,
    /// SHA-256 of the configuration that runs, hex; empty when unknown.
    pub cfg_sha256: String,
    /// What `haproxy -c` said of that very configuration; `None` before the first check.
    pub cfg_valid: Option<bool>,
    /// HAProxy's version, empty when unknown.
    pub version: String,
    /// Restarts that systemd made by itself.
    pub restarts: u32,
    /// Listening addresses, at most 64.
    pub listeners: Vec<Listener>,
    /// Totals over `show stat`, when the socket answers.
    pub stat: Option<StatTotals>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_of_a_later_version_is_no_death() {
        let report: Report =
            serde_json::from_str(r#"{"monitored":true,"down":"asleep","unit":"napping"}"#).unwrap();
        assert_eq!((report.down, report.unit), (Down::None, UnitState::Other));
        assert_eq!(serde_json::to_string(&Down::None).unwrap(), "\"none\"");
        assert_eq!(serde_json::from_str::<Down>("\"crash-loop\"").unwrap(), Down::CrashLoop);
    }
}
