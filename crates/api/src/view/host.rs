//! The host, its profile, and the fleet's consoles.

use model::{ConsoleId, FleetId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::request::{ConsoleRole, VaultChoice};

/// Who hosts this profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct HostStatus {
    /// The host's version.
    pub version: String,
    /// Whether the profile exists yet.
    pub profile: ProfileState,
    /// This console, once the profile exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub console: Option<ConsoleId>,
    /// Its name.
    pub name: String,
    /// The fleet, once there is a roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string")]
    pub fleet: Option<FleetId>,
    /// What kind of process hosts.
    pub kind: HostKind,
    /// Its process id, for people.
    pub pid: u32,
    /// How long it has been up.
    pub up_ms: u64,
    /// The watch of this computer.
    pub watch: WatchView,
    /// The vault.
    pub vault: VaultView,
    /// The newest event's revision.
    pub revision: u64,
}

/// Whether a profile exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileState {
    /// Not yet: run `profile_init`.
    Missing,
    /// It exists.
    Ready,
}

/// What kind of process hosts a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum HostKind {
    /// The desktop.
    Desktop,
    /// `serversctl watch`.
    Headless,
    /// One command's own short-lived host; it watches nothing.
    Brief,
}

/// The watch of this computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
#[ts(optional_fields)]
pub enum WatchView {
    /// It decides about failover here.
    On,
    /// It rests until resumed, or for this much longer.
    Paused {
        /// What is left; none until resumed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remaining_ms: Option<u64>,
        /// Since when, Unix time.
        since_ms: u64,
    },
    /// Nothing watches in this process.
    Off,
}

/// The vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct VaultView {
    /// Where secrets are; none before the profile exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<VaultChoice>,
    /// Whether they can be read.
    pub state: VaultState,
    /// What is wrong and what to do; empty when open.
    pub words: String,
}

/// Whether secrets can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VaultState {
    /// They can.
    Open,
    /// A passphrase or a person is needed.
    Locked,
    /// There is no such store on this computer.
    Absent,
}

/// A console's public card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleCard {
    /// The console.
    #[ts(type = "string")]
    pub console: ConsoleId,
    /// Its name.
    pub name: String,
    /// The card as text, to hand to an owner. Public.
    pub card: String,
    /// Its key's fingerprint, to compare by voice.
    pub fingerprint: String,
}

/// The fleet's consoles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleList {
    /// In order of their names.
    pub consoles: Vec<ConsoleView>,
}

/// One console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleView {
    /// Its id.
    #[ts(type = "string")]
    pub id: ConsoleId,
    /// Its name.
    pub name: String,
    /// What it may sign.
    pub role: ConsoleRole,
    /// Its key's fingerprint.
    pub fingerprint: String,
    /// Whether it is the one that answers.
    pub this_one: bool,
}

/// A pool file for another console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PoolFile {
    /// The console it is for.
    pub console: ConsoleView,
    /// Its text: addresses, keys, roster, policies; no secret.
    pub file: String,
}

/// A fleet that was joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FleetJoined {
    /// The fleet.
    #[ts(type = "string")]
    pub fleet: FleetId,
    /// Names of its pools.
    pub pools: Vec<String>,
    /// What this console must still be given, for example the DNS key of a zone.
    pub missing: Vec<String>,
}
