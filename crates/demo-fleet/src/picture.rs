//! What whoever shows a demo needs to know of it.

use serde::Serialize;

use crate::setup::STEPS;

/// How far a demo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is being made.
    Building,
    /// It stands.
    Ready,
    /// It could not be made.
    Failed,
}

/// Something that can be done to the pretended hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// What [`crate::Fleet::act`] takes.
    pub id: &'static str,
    /// What it does, for a button.
    pub title: String,
    /// Why it cannot be done now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// A demo as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Picture {
    /// How far it is.
    pub stage: Stage,
    /// What happens, in a sentence.
    pub words: String,
    /// Steps of the set-up that are done.
    pub done: u32,
    /// All of them.
    pub steps: u32,
    /// Why the record would not follow a loss of power now, as the engine says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// What can be done.
    pub acts: Vec<Act>,
}

impl Default for Picture {
    /// The beginning.
    fn default() -> Self {
        let words = "Making a profile of its own".to_owned();
        Self { stage: Stage::Building, words, done: 0, steps: STEPS, held: None, acts: Vec::new() }
    }
}
