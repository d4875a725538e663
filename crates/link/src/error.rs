//! What can go wrong with a link.

use std::io;
use std::time::Duration;

use protocol::PublicKey;
use thiserror::Error;

/// Why a link did not open, or ended.
#[derive(Debug, Error)]
pub enum LinkError {
    /// No TCP connection.
    #[error("no connection to {peer}")]
    Connect {
        /// Whom.
        peer: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something took longer than it may.
    #[error("{peer}: {what} took longer than {} ms", limit.as_millis())]
    TimedOut {
        /// Whom.
        peer: String,
        /// Which step.
        what: &'static str,
        /// Its limit.
        limit: Duration,
    },
    /// TLS failed.
    #[error("TLS with {peer} failed")]
    Handshake {
        /// Whom.
        peer: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another key than the pinned one: an interceptor, or a host that was installed again.
    #[error("{peer} shows key {}, pinned is {}", found.fingerprint(), pinned.fingerprint())]
    WrongKey {
        /// Whom.
        peer: String,
        /// The key that was expected.
        pinned: PublicKey,
        /// The key that it showed.
        found: PublicKey,
    },
    /// Too many handshakes at once.
    #[error("{peer}: too many handshakes at once")]
    Busy {
        /// Whom.
        peer: String,
    },
    /// An own key that no certificate can be made of.
    #[error("no certificate can be made of the identity key: {detail}")]
    Identity {
        /// Why.
        detail: String,
    },
    /// The other side closed the link.
    #[error("{peer} closed the link")]
    Closed {
        /// Whom.
        peer: String,
    },
    /// Reading or writing failed.
    #[error("{what} {peer} failed")]
    Io {
        /// Whom.
        peer: String,
        /// `reading from` or `writing to`.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A frame longer than the limit.
    #[error("a frame of {bytes} bytes for or from {peer} is longer than {max}")]
    TooLong {
        /// Whom.
        peer: String,
        /// Its length.
        bytes: usize,
        /// Longest allowed now.
        max: usize,
    },
    /// More frames per second than allowed.
    #[error("{peer} sends more than {per_s} frames a second")]
    TooMany {
        /// Whom.
        peer: String,
        /// The limit.
        per_s: u32,
    },
    /// A frame that cannot be read.
    #[error("a frame from {peer} cannot be read: {detail}")]
    Garbage {
        /// Whom.
        peer: String,
        /// Where it broke, without its content.
        detail: String,
    },
}

impl LinkError {
    /// Whether trying again later may help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Handshake { .. }
            | Self::Busy { .. }
            | Self::Closed { .. }
            | Self::Io { .. } => true,
            Self::WrongKey { .. }
            | Self::Identity { .. }
            | Self::TooLong { .. }
            | Self::TooMany { .. }
            | Self::Garbage { .. } => false,
        }
    }
}
