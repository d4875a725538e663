//! Requests about DNS providers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::bare;
use crate::{Change, ProviderName, SecretText};

bare! {
    /// Asks for the providers.
    ProviderListRequest;
}

/// How to talk to a provider; its secret travels apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
pub enum ProviderLink {
    /// Dynamic update with TSIG.
    Rfc2136 {
        /// The primary's address, `host` or `host:port`; the port is 53 when absent.
        server: String,
        /// The zone it is primary for.
        zone: String,
        /// The key's name.
        key_name: String,
        /// The key's algorithm, for example `hmac-sha256`.
        algorithm: String,
    },
}

/// Adds a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderAdd {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// A name of the operator's choice.
    pub name: ProviderName,
    /// How to talk to it.
    pub link: ProviderLink,
    /// The key itself; for TSIG its base64.
    pub secret: SecretText,
}

/// Tests a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderTest {
    /// Which.
    pub provider: ProviderName,
}

/// Removes a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderRemove {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which.
    pub provider: ProviderName,
}
