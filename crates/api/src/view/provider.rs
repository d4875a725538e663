//! DNS providers.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Check;
use crate::ProviderName;
use crate::request::ProviderLink;

/// Every provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProviderList {
    /// In order of their names.
    pub providers: Vec<ProviderView>,
}

/// One provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct ProviderView {
    /// Its name.
    pub name: ProviderName,
    /// How it is talked to.
    pub link: ProviderLink,
    /// Where its secret is, in words.
    pub secret_place: String,
    /// Names of the pools that use it.
    pub pools: Vec<String>,
    /// What the newest test found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<TestReport>,
}

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// Whether everything that must pass passed.
    pub passed: bool,
    /// When, Unix time.
    pub at_ms: u64,
    /// One sentence.
    pub summary: String,
    /// In order.
    pub checks: Vec<Check>,
}
