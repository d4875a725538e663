//! The heartbeat: about once a second, and at once on change, signed by the member.
//!
//! It echoes the newest beacon of each console, which proves when it was made at the earliest whatever a relay
//! withholds. What a member has to say about the silence of others rides in it, under the same signature.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::haproxy::{Down, Report};
use model::host::Figures;
use model::{BootId, ConsoleId, MemberId, Nonce};
use serde::{Deserialize, Serialize};

use crate::key::{PublicKey, SecretKey};
use crate::limits;
use crate::sign::{Kind, SignError, Signed, Signer};

/// A console's beacon, given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Echo {
    /// Whose beacon.
    pub console: ConsoleId,
    /// The beacon.
    pub nonce: Nonce,
}

/// Why an agent stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goodbye {
    /// The host goes down: counts as service down at once.
    HostShutdown,
    /// Only the agent stops: never moves anything by itself. Also what a later version's reason reads as.
    #[serde(other)]
    AgentStop,
}

/// What a member says about another's silence, or about its port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Testimony {
    /// About whom.
    pub about: MemberId,
    /// Newest incarnation heard; 0 when never heard.
    #[serde(default)]
    pub incarnation: u64,
    /// Newest seq heard of that incarnation.
    #[serde(default)]
    pub seq: u64,
    /// How long nothing new was heard, on the witness's own clock (since its start when never heard).
    pub silent_ms: u64,
    /// The witness has a baseline for it.
    #[serde(default)]
    pub baseline: bool,
    /// The witness hears at least one other party now.
    #[serde(default)]
    pub hears_other: bool,
    /// Whether its service port answered a probe within the last 3 s; none when it was not probed.
    #[serde(default)]
    pub service_answers: Option<bool>,
}

/// From where a witness gets another member's heartbeats: the other end of a link on which that member proved its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenFrom {
    /// Whose heartbeats.
    pub member: MemberId,
    /// Their source.
    pub source: IpAddr,
}

/// One heartbeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// Whose.
    pub member: MemberId,
    /// The hostname it calls itself.
    pub hostname: String,
    /// The host's boot.
    pub boot_id: BootId,
    /// Starts of the agent, counted on disk.
    pub incarnation: u64,
    /// Rises with each heartbeat of an incarnation.
    pub seq: u64,
    /// Newest beacons, at most 8.
    #[serde(default)]
    pub beacons: Vec<Echo>,
    /// The public IPv4 it declares or probed.
    #[serde(default)]
    pub ip: Option<Ipv4Addr>,
    /// Its HAProxy.
    #[serde(default)]
    pub haproxy: Report,
    /// Its host.
    #[serde(default)]
    pub host: Figures,
    /// Highest epoch of a role it was told.
    #[serde(default)]
    pub role_epoch: u64,
    /// The roster it goes by.
    #[serde(default)]
    pub roster_version: u64,
    /// The agent's version, for people.
    #[serde(default)]
    pub agent_version: String,
    /// Planned work goes on for this much longer.
    #[serde(default)]
    pub planned_until_ms: Option<u64>,
    /// In maintenance.
    #[serde(default)]
    pub maintenance: bool,
    /// Said when the agent stops cleanly.
    #[serde(default)]
    pub goodbye: Option<Goodbye>,
    /// The agent did not stall within the failover delay.
    #[serde(default)]
    pub fit: bool,
    /// How long the agent has been up.
    #[serde(default)]
    pub up_ms: u64,
    /// What it says about others.
    #[serde(default)]
    pub testimonies: Vec<Testimony>,
    /// From where it gets the heartbeats of others, in pools with dynamic DNS only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_from: Vec<SeenFrom>,
}

impl Heartbeat {
    /// A heartbeat that says nothing but that the member lives.
    pub fn bare(member: MemberId, boot_id: BootId, incarnation: u64, seq: u64) -> Self {
        Self {
            member,
            hostname: String::new(),
            boot_id,
            incarnation,
            seq,
            beacons: Vec::new(),
            ip: None,
            haproxy: Report::default(),
            host: Figures::default(),
            role_epoch: 0,
            roster_version: 0,
            agent_version: String::new(),
            planned_until_ms: None,
            maintenance: false,
            goodbye: None,
            fit: true,
            up_ms: 0,
            testimonies: Vec::new(),
            seen_from: Vec::new(),
        }
    }

    /// Signs it.
    pub fn seal(&self, key: &SecretKey) -> Signed {
        Signed::seal(Kind::Heartbeat, Signer::Member(self.member), key, self)
    }

    /// Opens a heartbeat: length, signature, shape, bounds, and that it speaks for its signer.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn open(signed: &Signed, key: &PublicKey) -> Result<Self, SignError> {
        let heartbeat: Self = signed.open(Kind::Heartbeat, key)?;
        heartbeat.check_bounds()?;
        if signed.by != Signer::Member(heartbeat.member) {
            return Err(SignError::OtherSigner { kind: Kind::Heartbeat });
        }
        Ok(heartbeat)
    }

    /// Whether the member says that its service does not serve.
    pub fn says_down(&self) -> bool {
        self.goodbye == Some(Goodbye::HostShutdown)
            || (self.haproxy.monitored && self.haproxy.down != Down::None)
    }

    fn check_bounds(&self) -> Result<(), SignError> {
        let short = |text: &str| text.len() <= limits::TEXT_BYTES_MAX;
        let haproxy = &self.haproxy;
        let listeners_short =
            || haproxy.listeners.iter().all(|listener| short(&listener.section) && short(&listener.address));
        // Numbers that others count on from; incarnation and seq are only ever compared.
        let counters = [self.role_epoch, self.roster_version];
        let checks: [(&'static str, bool); 11] = [
            ("counters", counters.into_iter().all(|counter| counter <= limits::COUNTER_MAX)),
            ("hostname", self.hostname.len() <= limits::HOSTNAME_BYTES_MAX),
            ("beacons", self.beacons.len() <= limits::BEACONS_MAX),
            ("testimonies", self.testimonies.len() <= limits::TESTIMONIES_MAX),
            ("seenFrom", self.seen_from.len() <= limits::TESTIMONIES_MAX),
            ("haproxy.listeners", haproxy.listeners.len() <= limits::LISTENERS_MAX && listeners_short()),
            ("haproxy.reason", short(&haproxy.reason)),
            ("haproxy.cfgSha256", haproxy.cfg_sha256.len() <= 64),
            ("haproxy.version", short(&haproxy.version)),
            ("agentVersion", self.agent_version.len() <= limits::NAME_BYTES_MAX),
            ("host.os", short(&self.host.os)),
        ];
        match checks.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(SignError::Bounds { kind: Kind::Heartbeat, field }),
            None => Ok(()),
        }
    }
}

/// A verified heartbeat, with the signed text when it came over a wire. Cheap to clone.
///
/// The machines work on the heartbeat; the signed text is only passed on, so a simulation needs no cryptography.
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    /// What it says.
    pub heartbeat: Arc<Heartbeat>,
    /// As it was signed; none in a simulation.
    pub signed: Option<Arc<Signed>>,
}

impl Beat {
    /// A heartbeat without its signature: for simulations and tests.
    pub fn unsigned(heartbeat: Heartbeat) -> Self {
        Self { heartbeat: Arc::new(heartbeat), signed: None }
    }

    /// Signs an own heartbeat.
    pub fn seal(heartbeat: Heartbeat, key: &SecretKey) -> Self {
        let signed = heartbeat.seal(key);
        Self { heartbeat: Arc::new(heartbeat), signed: Some(Arc::new(signed)) }
    }

    /// Opens one that came over a wire.
    ///
    /// # Errors
    /// As [`Heartbeat::open`].
    pub fn open(signed: Signed, key: &PublicKey) -> Result<Self, SignError> {
        let heartbeat = Heartbeat::open(&signed, key)?;
        Ok(Self { heartbeat: Arc::new(heartbeat), signed: Some(Arc::new(signed)) })
    }
}

#[cfg(test)]
mod tests;
