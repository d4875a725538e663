//! Error codes that a surface branches on. A code exists only if somebody branches on it.

use serde::{Deserialize, Serialize};

/// What kind of refusal or failure an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The request is malformed or out of range.
    Invalid,
    /// The thing named does not exist.
    NotFound,
    /// It exists already, or another request with the same key carried other content.
    Conflict,
    /// A precondition refused it; nothing was done. Shown as a notice, not as a failure.
    Refused,
    /// The credential is unknown or wrong (401).
    Unauthorized,
    /// The credential is known, but source, hostname or role forbid it (403).
    Forbidden,
    /// The secrets' store is locked or absent.
    VaultLocked,
    /// The other side did not answer; what it did is unknown.
    Unreachable,
    /// Too much at once; try later.
    Throttled,
    /// No host holds this profile; start `serversctl watch` or the desktop.
    NoHost,
    /// A fault of ours.
    Internal,
}
