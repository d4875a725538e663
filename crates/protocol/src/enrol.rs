//! Enrolment: how a new member gets in (safety.md 7.1).
//!
//! The console makes a secret of 48 hex characters, shows it once and keeps only a SCRAM verifier. The agent makes its
//! own keys. Inside a TLS channel whose certificates nobody knows yet, both prove the secret to each other with
//! SCRAM-SHA-256-PLUS bound to that channel; keys, hostname and SSH host keys ride inside the authenticated messages.
//!
//! ```text
//! agent (Joiner, SCRAM client)              console (Admitter, SCRAM server)
//!   client-first  n=<selector>, r=nonce  ->
//!                                        <-  server-first  s, i=1, d=<console's card>
//!   client-final  c=<binding>, d=<agent's card>, p=proof  ->
//!                                        <-  server-final  v=<server's proof>, or refused
//!                                        <-  admitted {member, fleet, rosters}
//!   joined  ->
//! ```
//!
//! Whoever dialled, the agent is the SCRAM client. The checks come in this order, each with its own words: secret
//! (401), source (403), hostname (403), expired (401), used already (409). Details are given only to a side that has
//! proven the secret; one that has not learns that the secret is wrong and nothing else.

mod admitter;
mod joiner;
mod secret;

use std::net::IpAddr;

use model::{ConsoleId, FleetId, MemberId};
use serde::{Deserialize, Serialize};

use crate::check::Refusal;
use crate::docs::SignedDoc;
use crate::key::PublicKey;
use crate::scram::Verifier;
use crate::sources::Source;

pub use admitter::{Admitted, Admitter, AdmitterStep};
pub use joiner::{Joiner, JoinerStep, Pinned};
pub use secret::{Secret, SecretError};

/// A message of the enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum EnrolMessage {
    /// Agent: SCRAM client-first-message.
    ClientFirst {
        /// Its text.
        text: String,
    },
    /// Console: SCRAM server-first-message.
    ServerFirst {
        /// Its text.
        text: String,
    },
    /// Agent: SCRAM client-final-message.
    ClientFinal {
        /// Its text.
        text: String,
    },
    /// Console: SCRAM server-final-message.
    ServerFinal {
        /// Its text.
        text: String,
    },
    /// Console: the agent is in.
    Admitted(Welcomed),
    /// Agent: it has stored everything.
    Joined,
    /// Console: the agent stays out.
    Refused(Refusal),
    /// A step of a later version.
    #[serde(other)]
    Unknown,
}

/// What an admitted agent is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcomed {
    /// Its id from now on.
    pub member: MemberId,
    /// The roster that lists it.
    pub roster: SignedDoc,
}

/// What the console says of itself inside the authenticated exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleCard {
    /// Its fleet.
    pub fleet: FleetId,
    /// Its id.
    pub console: ConsoleId,
    /// Its identity: the key of this channel.
    pub key: PublicKey,
}

/// What the agent says of itself inside the authenticated exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentCard {
    /// Its identity: the key of this channel.
    pub key: PublicKey,
    /// The hostname it calls itself.
    pub hostname: String,
    /// The host's SSH keys, as lines of `ssh-keyscan` without the host, at most 8.
    #[serde(default)]
    pub ssh_host_keys: Vec<String>,
    /// Its version, for people.
    #[serde(default)]
    pub agent_version: String,
    /// The public IPv4 it declares or probed.
    #[serde(default)]
    pub ip: Option<std::net::Ipv4Addr>,
}

/// An enrolment as the console keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Enrolment {
    /// The member's id to be.
    pub member: MemberId,
    /// For people.
    pub name: String,
    /// The hostname it must call itself.
    pub hostname: String,
    /// Where it may be.
    pub sources: Vec<Source>,
    /// Tells which secret belongs here without knowing it.
    pub selector: String,
    /// The only thing kept of the secret; gone once it was used.
    #[serde(default)]
    pub verifier: Option<Verifier>,
    /// Wrong tries so far.
    #[serde(default)]
    pub tries: u32,
    /// Who used it, in words, once somebody did.
    #[serde(default)]
    pub used_by: Option<String>,
}

/// What the console knows about the channel and the time when it admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// RFC 9266 exporter of this channel.
    pub binding: [u8; 32],
    /// The key that the other side proved in TLS.
    pub peer_key: PublicKey,
    /// The socket's peer address.
    pub source: IpAddr,
    /// Whether the 24 h are over, on the console's clock.
    pub term: Term,
}

/// Whether a secret may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Within its 24 h.
    Open,
    /// Past them.
    Over,
}

#[cfg(test)]
mod tests;
