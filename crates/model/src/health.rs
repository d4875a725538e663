//! Display health: what a glyph shows. Another scale than the evaluator's verdict; only verdicts move DNS.

use serde::{Deserialize, Serialize};

/// The health of a member as shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "reason")]
pub enum Health {
    /// It could take the traffic now.
    Ready,
    /// It lives, but something is wrong; the reason in words.
    Degraded(String),
    /// It is silent while our own link is proven, or says itself that its service is down.
    Down(String),
    /// We cannot tell, and why.
    Unknown(String),
}

impl Health {
    /// The word of the scale.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Degraded(_) => "Degraded",
            Self::Down(_) => "Down",
            Self::Unknown(_) => "Unknown",
        }
    }

    /// Why, in words; empty for ready.
    pub fn reason(&self) -> &str {
        match self {
            Self::Ready => "",
            Self::Degraded(why) | Self::Down(why) | Self::Unknown(why) => why,
        }
    }
}
