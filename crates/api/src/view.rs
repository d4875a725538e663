//! What commands answer. Every claim carries its evidence and its age.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub mod beat;
pub mod dns;
pub mod explain;
pub mod host;
pub mod incident;
pub mod member;
pub mod pool;
pub mod provider;
pub mod stat;

/// What is left to know after something was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// One sentence for each thing that stays behind; empty when nothing does.
    pub left_behind: Vec<String>,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Who saw it: a member's name, or `this console`.
    pub vantage: String,
    /// About whom.
    pub about: String,
    /// What was seen, in words.
    pub fact: String,
    /// How old it is, or was at the decision.
    pub age_ms: u64,
}

/// A yes or no with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The answer itself.
    pub verdict: YesNo,
    /// Why, in one sentence.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
}

/// Yes, no, or no proof either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody can tell.
    Unknown,
}

/// One check of a test or rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// What was found, in words.
    pub words: String,
    /// How long it took.
    pub took_ms: u64,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Good.
    Passed,
    /// Not good, but it blocks nothing.
    Warned,
    /// Not good.
    Failed,
    /// Not tried, because something before it failed.
    Skipped,
}
