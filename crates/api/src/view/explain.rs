//! Why it stands where it stands, and what would happen if.

use model::PoolId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Evidence;
use super::pool::DynamicDnsView;

/// One line of the story: a transition, or a decision to stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct Entry {
    /// When, Unix time; none inside a thought experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// Since the story's first line.
    pub after_ms: u64,
    /// State before.
    pub from: String,
    /// State after; equal when only something was learned.
    pub to: String,
    /// Which rule.
    pub cause: String,
    /// Why, for people.
    pub reason: String,
    /// What it rests on, newest first.
    pub evidence: Vec<Evidence>,
}

/// Something that must hold before anything moves, and does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// What.
    pub what: String,
    /// What would bring it.
    pub remedy: String,
}

/// Something that will happen by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct Next {
    /// What.
    pub what: String,
    /// In how long, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_ms: Option<u64>,
}

/// Why a pool stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// Its name.
    pub name: String,
    /// The state.
    pub state: String,
    /// Since when, as a length.
    pub since_ms: u64,
    /// Why, in one sentence.
    pub reason: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What is missing for an automatic move.
    pub missing: Vec<Missing>,
    /// Whether the record follows the active member's own address, and why it does or does not. None before DNS is set
    /// up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_dns: Option<DynamicDnsView>,
    /// What will happen by itself.
    pub next: Vec<Next>,
    /// The newest lines of the story, newest first.
    pub entries: Vec<Entry>,
}

/// A thought experiment, played on a copy of the deciding machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct WhatIf {
    /// The pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// What was supposed, in words.
    pub supposed: String,
    /// How it ends, in one sentence.
    pub conclusion: String,
    /// Who would carry the traffic; none when nothing would move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How long until the write is sent; none when nothing would move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_after_ms: Option<u64>,
    /// The story, oldest first.
    pub entries: Vec<Entry>,
}
