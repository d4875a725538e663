//! A pool's settings, each with its range. A [`Settings`] value that exists keeps every timer inequality that safety
//! needs; [`Settings::check`] is the only door.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::Span;

/// What a pool protects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// HAProxy edge: the unit and its listeners count as the service.
    #[default]
    Haproxy,
    /// Generic Linux: the heartbeat alone counts, plus a probed port if one is set.
    Generic,
}

/// Which addresses a pool may publish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// Globally reachable IPv4 only.
    #[default]
    Public,
    /// Any IPv4, by explicit choice: internal zones, tests, the demo.
    Any,
}

/// What to do when the heartbeat is lost while the service still answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentLost {
    /// Revive the agent for one more delay, then move: the documented rule.
    #[default]
    Heartbeat,
    /// Revive for three delays, then ask a person.
    ServiceConfirmed,
}

/// What a minority side does when a majority of the voters is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoubleFault {
    /// Ask a person.
    #[default]
    Ask,
    /// Move all the same.
    Move,
}

/// Whether automatic failover may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arming {
    /// It decides and explains, but never writes by itself.
    #[default]
    Shadow,
    /// It moves the record by itself.
    Armed,
}

/// Whether the record and the roster follow a member's own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DynamicDns {
    /// Addresses are those that were enrolled.
    #[default]
    Off,
    /// An address that the member declares and two vantage points see is followed.
    On,
}

/// A pool's settings as they stand in its policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// What the pool protects.
    pub preset: Preset,
    /// Failover delay D in seconds: how long the active member may be silent. 10–120, default 30.
    pub delay_s: u32,
    /// TTL of the managed record in seconds. 1–86,400, default 60.
    pub ttl_s: u32,
    /// Voices of silence needed to call a member down, N. 2–20, default 2.
    pub voices: u32,
    /// Which addresses may be published.
    pub targets: Targets,
    /// What to do when only the agent is silent.
    pub agent_lost: AgentLost,
    /// What a minority does.
    pub double_fault: DoubleFault,
    /// Whether automatic failover may write.
    pub arming: Arming,
    /// TCP port that vantage points probe on every member; none means that no port is probed.
    pub probe_port: Option<u16>,
    /// Whether a member's address may change by itself.
    pub dynamic_dns: DynamicDns,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            delay_s: 30,
            ttl_s: 60,
            voices: 2,
            targets: Targets::default(),
            agent_lost: AgentLost::default(),
            double_fault: DoubleFault::default(),
            arming: Arming::default(),
            probe_port: None,
            dynamic_dns: DynamicDns::default(),
        }
    }
}

/// Heartbeat interval h.
pub const HEARTBEAT: Span = Span::from_s(1);
/// How often a console reads what a relay heard, at the slowest.
pub const POLL: Span = Span::from_s(1);
/// 99th percentile of one message's way over a bad link.
pub const TRANSIT: Span = Span::from_ms(1500);
/// How long a console counts its own lease, from sending.
pub const LEASE_CONSOLE: Span = Span::from_s(12);
/// How long a relay keeps a grant, from receipt.
pub const LEASE_RELAY: Span = Span::from_s(20);
/// How long one compare-and-set may take.
pub const WRITE_DEADLINE: Span = Span::from_s(8);
/// COLD lasts at least this long.
pub const COLD: Span = Span::from_s(5);
/// An intent older than this is closed by the holder.
pub const INTENT_OLD: Span = Span::from_s(60);

/// A setting outside its range, or a broken inequality between timers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A number outside its range.
    #[error("{name} is {value}; allowed is {min} to {max}{unit}")]
    Range {
        /// The setting as the user knows it.
        name: &'static str,
        /// The refused value.
        value: u64,
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
        /// Unit with a leading space, or empty.
        unit: &'static str,
    },
    /// Two timers contradict each other.
    #[error("timers contradict each other: {0}")]
    Inequality(&'static str),
}

impl Settings {
    /// Checks every range and every inequality, and gives the settings back.
    ///
    /// # Errors
    /// The first setting that is out of range, or the inequality that does not hold.
    pub fn check(self) -> Result<Self, SettingsError> {
        range("failover delay", self.delay_s, 10, 120, " seconds")?;
        range("TTL", self.ttl_s, 1, 86_400, " seconds")?;
        range("voices", self.voices, 2, 20, "")?;
        if self.probe_port == Some(0) {
            return Err(SettingsError::Range { name: "probe port", value: 0, min: 1, max: 65_535, unit: "" });
        }
        // Patroni's idea: the timers are right together or not at all.
        let needed = HEARTBEAT.times(5) + POLL.times(2) + TRANSIT;
        if self.delay() < needed {
            return Err(SettingsError::Inequality("failover delay >= 5 heartbeats + 2 polls + transit"));
        }
        const { assert!(LEASE_CONSOLE.as_ms() + WRITE_DEADLINE.as_ms() <= LEASE_RELAY.as_ms()) };
        Ok(self)
    }

    /// Failover delay D.
    pub const fn delay(&self) -> Span {
        Span::from_s(self.delay_s as u64)
    }

    /// Age at which the active member becomes suspect: max(3 s, D/2).
    pub fn suspect_after(&self) -> Span {
        Span::from_s(3).max(self.delay().over(2))
    }

    /// Confirmation window: max(2 s, D/5).
    pub fn confirm_window(&self) -> Span {
        Span::from_s(2).max(self.delay().over(5))
    }

    /// Hold-down H1 after an automatic move: max(120 s, 2 x TTL, 3 x D).
    pub fn hold_down(&self) -> Span {
        Span::from_s(120).max(Span::from_s(u64::from(self.ttl_s)).times(2)).max(self.delay().times(3))
    }

    /// How long REVIVE waits: D, or 3 x D when a person decides.
    pub const fn revive(&self) -> Span {
        match self.agent_lost {
            AgentLost::Heartbeat => self.delay(),
            AgentLost::ServiceConfirmed => self.delay().times(3),
        }
    }
}

fn range(
    name: &'static str,
    value: u32,
    min: u32,
    max: u32,
    unit: &'static str,
) -> Result<(), SettingsError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(SettingsError::Range { name, value: value.into(), min: min.into(), max: max.into(), unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_follow_the_table_for_the_three_delays() {
        for (d, suspect, confirm, hold) in [(10, 5, 2, 120), (30, 15, 6, 120), (120, 60, 24, 360)] {
            let settings = Settings { delay_s: d, ..Settings::default() }.check().unwrap();
            assert_eq!(settings.suspect_after(), Span::from_s(suspect));
            assert_eq!(settings.confirm_window(), Span::from_s(confirm));
            assert_eq!(settings.hold_down(), Span::from_s(hold));
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_in_words() {
        for d in [0, 9, 121, u32::MAX] {
            let error = Settings { delay_s: d, ..Settings::default() }.check().unwrap_err();
            assert_eq!(error.to_string(), format!("failover delay is {d}; allowed is 10 to 120 seconds"));
        }
        assert!(Settings { voices: 1, ..Settings::default() }.check().is_err());
        assert!(Settings { ttl_s: 0, ..Settings::default() }.check().is_err());
        assert!(Settings { probe_port: Some(0), ..Settings::default() }.check().is_err());
    }

    #[test]
    fn a_document_of_an_earlier_version_follows_no_address() {
        let old: Settings = serde_json::from_str(r#"{"delayS":10}"#).unwrap();
        assert_eq!((old.delay_s, old.dynamic_dns), (10, DynamicDns::Off));
        let on: Settings = serde_json::from_str(r#"{"dynamicDns":"on"}"#).unwrap();
        assert_eq!(on.dynamic_dns, DynamicDns::On);
    }
}
