//! The error envelope: a code to branch on, a message for people, the chain as detail.

use std::fmt;

use model::Code;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Whether asking again can help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
pub enum Retry {
    /// Not before something changes.
    #[default]
    Never,
    /// At once, with the same idempotency key.
    Now,
    /// After this long.
    After {
        /// Length of the wait.
        wait_ms: u64,
    },
}

/// What every command answers when it does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// What kind; surfaces branch on this and on nothing else.
    #[ts(type = "Code")]
    pub code: Code,
    /// One sentence for people.
    pub message: String,
    /// The chain of causes, empty when there is none.
    #[serde(default)]
    pub detail: String,
    /// Whether asking again can help.
    #[serde(default)]
    pub retry: Retry,
}

impl ApiError {
    /// An error without detail that is not worth a retry.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: String::new(), retry: Retry::Never }
    }

    /// The same with the chain of causes.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same with an error and all its sources as detail.
    #[must_use]
    pub fn because(self, cause: &(dyn std::error::Error + 'static)) -> Self {
        self.with_detail(model::chain(cause))
    }

    /// The same with advice about a retry.
    #[must_use]
    pub const fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// A malformed or out-of-range request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// Something named does not exist.
    pub fn not_found(noun: &str, name: &impl fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("no {noun} is called {name}"))
    }

    /// A precondition refused it; nothing was done.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, " ({})", self.detail) }
    }
}
