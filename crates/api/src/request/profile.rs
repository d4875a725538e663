//! Requests about the host, its profile and the fleet's consoles.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::bare;
use crate::{Change, SecretText};

bare! {
    /// Asks who hosts this profile.
    HostStatusRequest;
    /// Asks for this console's card.
    ConsoleIdRequest;
    /// Asks for the fleet's consoles.
    ConsoleListRequest;
}

/// Where a profile keeps its secrets. Chosen once, never fallen back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum VaultChoice {
    /// The operating system's keychain.
    Keychain,
    /// An age file under a passphrase.
    File,
    /// The same file, its passphrase given by systemd as a credential.
    Credential,
}

/// Makes a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct ProfileInit {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// This console's name.
    pub name: String,
    /// Where secrets go.
    pub vault: VaultChoice,
    /// The passphrase, when the vault is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
}

/// Unlocks the host's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VaultUnlock {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// The passphrase.
    pub secret: SecretText,
}

/// What a console may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ConsoleRole {
    /// Rosters and policies.
    Owner,
    /// Policies.
    Operator,
}

/// Signs a console into the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct ConsoleAdd {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// The other console's card, as it printed it.
    pub card: String,
    /// What it may sign.
    pub role: ConsoleRole,
    /// Its name; the card's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Joins a fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetJoin {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// The pool file's text. It holds no secret.
    pub file: String,
}

/// Pauses this computer's watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct WatchPause {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// For how long; until resumed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

/// Resumes this computer's watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WatchResume {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
}
