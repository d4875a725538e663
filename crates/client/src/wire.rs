//! What is said on a connection.
//!
//! The client greets first, the host greets back or refuses; then calls, subscriptions and their ends flow freely.
//! The host ends a connection that breaks a rule: a frame over the limit, a message it cannot read, a number in use.

use api::{ApiError, Event, Progress, Subscribe};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this wire. Client and host of one machine are updated together, so there is no range.
pub const VERSION: u32 = 1;
/// Longest frame to a host: the largest request is a pool file.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Longest frame from a host: the largest answer is an incident with its whole story.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Calls and subscriptions that one connection may have open.
pub const OPEN_MAX: usize = 64;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum ToHost {
    /// First of all.
    Hello {
        /// [`VERSION`].
        version: u32,
        /// Who calls, for the audit.
        by: String,
    },
    /// Calls a command.
    Call {
        /// The call's number, not in use on this connection.
        id: u64,
        /// The command.
        command: String,
        /// Its request.
        payload: Value,
    },
    /// Opens a stream of events.
    Subscribe {
        /// The stream's number.
        id: u64,
        /// What is wanted.
        request: Subscribe,
    },
    /// Ends a stream, or stops waiting for a call. A change that has begun is finished all the same.
    Drop {
        /// The number.
        id: u64,
    },
}

/// What a host says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum FromHost {
    /// The greeting is accepted.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// The greeting, or the connection, is refused; it ends here.
    Refused {
        /// Why.
        error: ApiError,
    },
    /// A call's answer.
    Answer {
        /// The call's number.
        id: u64,
        /// The answer.
        value: Value,
    },
    /// A call's or stream's failure.
    Error {
        /// The number.
        id: u64,
        /// What went wrong.
        error: ApiError,
    },
    /// A call's progress.
    Progress {
        /// The call's number.
        id: u64,
        /// How far it is.
        progress: Progress,
    },
    /// A stream's event.
    Event {
        /// The stream's number.
        id: u64,
        /// What happened.
        event: Box<Event>,
    },
    /// A stream is over.
    End {
        /// The stream's number.
        id: u64,
    },
}
