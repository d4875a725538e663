//! What can go wrong with a DNS provider, each with words that name the server and what to change.

use std::{io, net::SocketAddr};

pub use self::api::ApiFault;
use crate::Fqdn;

mod api;

/// Why an operation on a provider failed or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// Text that is not a host name.
    #[error("{name:?} is not a usable DNS name: {reason}")]
    Name {
        /// The text, cut to a bounded length.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A TSIG key that cannot be used. Never holds the secret.
    #[error("the TSIG key cannot be used: {reason}")]
    Key {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A text that does not fit one TXT record.
    #[error("a marker of {length} bytes does not fit one TXT string (255)")]
    MarkerTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The label is not in the zone, seen here or said by the server (NOTZONE).
    #[error("{label} is not inside the zone {zone}")]
    OutsideZone {
        /// The managed name.
        label: Fqdn,
        /// The configured zone.
        zone: Fqdn,
    },
    /// The server does not serve the zone.
    #[error("{server} does not serve the zone {zone}: {reason}")]
    WrongZone {
        /// The server asked.
        server: SocketAddr,
        /// The configured zone.
        zone: Fqdn,
        /// What it answered.
        reason: String,
    },
    /// The server answered without authority, so its records may be old.
    #[error("{server} answered for {name} without authority (no AA): it is not the primary of this name")]
    NotAuthoritative {
        /// The server asked.
        server: SocketAddr,
        /// The name asked for.
        name: Fqdn,
    },
    /// The server says that it does not know the key or that the secret is wrong (BADKEY, BADSIG, BADTRUNC).
    #[error("{server} refused the TSIG key {key}: {fault}")]
    WrongKey {
        /// The server asked.
        server: SocketAddr,
        /// The key's name.
        key: String,
        /// Its own word for it.
        fault: KeyFault,
    },
    /// An unsigned refusal: the server may not know the key, or not allow it, and nothing proves who said so.
    #[error(
        "{server} refused ({code}), reason unauthenticated: check the TSIG key {key}, its grant and the zone"
    )]
    Unauthenticated {
        /// The server asked.
        server: SocketAddr,
        /// The key's name.
        key: String,
        /// The response code.
        code: String,
    },
    /// The clocks differ by more than TSIG allows, even after one try with the server's time.
    #[error("{server} refused the time of the signature: {}", skew_words(*skew_s))]
    BadTime {
        /// The server asked.
        server: SocketAddr,
        /// The server's clock in Unix seconds, if it said so in a signed answer.
        server_time_s: Option<u64>,
        /// This computer's clock minus the server's.
        skew_s: Option<i64>,
    },
    /// The server's policy does not allow this (REFUSED, signed).
    #[error("{server} refused {operation} by its policy: the key may not do this in {zone}")]
    Refused {
        /// The server asked.
        server: SocketAddr,
        /// The configured zone.
        zone: Fqdn,
        /// What was tried.
        operation: &'static str,
    },
    /// The server does not understand the request (FORMERR, NOTIMP and the like).
    #[error("{server} does not support {operation}: it answered {code}")]
    Unsupported {
        /// The server asked.
        server: SocketAddr,
        /// What was tried.
        operation: &'static str,
        /// The response code.
        code: String,
    },
    /// The server failed on its side.
    #[error("{server} failed at {operation}: {code}")]
    ServerFailure {
        /// The server asked.
        server: SocketAddr,
        /// What was tried.
        operation: &'static str,
        /// The response code.
        code: String,
    },
    /// No connection could be made.
    #[error("cannot reach {server} over TCP")]
    Unreachable {
        /// The server asked.
        server: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection ended before the answer was complete.
    #[error("{server} closed the connection during {operation}")]
    Cut {
        /// The server asked.
        server: SocketAddr,
        /// What was going on.
        operation: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing came in time.
    #[error("{server} did not finish {operation} within {timeout_ms} ms")]
    Timeout {
        /// The server asked.
        server: SocketAddr,
        /// What was going on.
        operation: &'static str,
        /// The limit that was reached.
        timeout_ms: u64,
    },
    /// A signed request got an answer without a signature.
    #[error("{server} did not sign its answer to {operation}")]
    Unsigned {
        /// The server asked.
        server: SocketAddr,
        /// What was tried.
        operation: &'static str,
    },
    /// The answer breaks the protocol or carries a wrong signature.
    #[error("{server} gave an answer to {operation} that cannot be used: {reason}")]
    Protocol {
        /// The server asked.
        server: SocketAddr,
        /// What was tried.
        operation: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// An HTTPS API did not do what it was asked.
    #[error("{operation} at {endpoint}")]
    Api {
        /// The API's host, with its port where that is not the usual one.
        endpoint: String,
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        #[source]
        fault: ApiFault,
    },
    /// This computer cannot give random numbers.
    #[error("no random numbers from the operating system")]
    Random {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The server's own word for a key that it does not take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFault {
    /// The signature is wrong: the secret differs.
    BadSig,
    /// No such key, or another algorithm for it.
    BadKey,
    /// The signature was cut short.
    BadTrunc,
}

impl std::fmt::Display for KeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BadSig => "the secret is wrong (BADSIG)",
            Self::BadKey => "no such key, or not with this algorithm, or not for this zone (BADKEY)",
            Self::BadTrunc => "the signature was cut short (BADTRUNC)",
        })
    }
}

impl DnsError {
    /// True when the same request may succeed later without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ServerFailure { .. }
            | Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Timeout { .. }
            | Self::Random { .. } => true,
            Self::Name { .. }
            | Self::Key { .. }
            | Self::MarkerTooLong { .. }
            | Self::OutsideZone { .. }
            | Self::WrongZone { .. }
            | Self::NotAuthoritative { .. }
            | Self::WrongKey { .. }
            | Self::Unauthenticated { .. }
            | Self::BadTime { .. }
            | Self::Refused { .. }
            | Self::Unsupported { .. }
            | Self::Unsigned { .. }
            | Self::Protocol { .. } => false,
            Self::Api { fault, .. } => fault.is_transient(),
        }
    }

    /// True when the server refused the credential, whether or not that can be proven.
    pub fn is_credential(&self) -> bool {
        matches!(
            self,
            Self::WrongKey { .. }
                | Self::Unauthenticated { .. }
                | Self::Api { fault: ApiFault::Credential { .. }, .. }
        )
    }

    /// True when the server does not serve the zone, or not to this credential.
    pub fn is_wrong_zone(&self) -> bool {
        matches!(
            self,
            Self::WrongZone { .. }
                | Self::Api { fault: ApiFault::NoSuchZone { .. } | ApiFault::AmbiguousZone { .. }, .. }
        )
    }

    /// The error and its causes in one line, for an outcome that is kept as text.
    pub fn chain(&self) -> String {
        let mut words = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            words.push_str(": ");
            words.push_str(&inner.to_string());
            cause = inner.source();
        }
        words
    }
}

fn skew_words(skew_s: Option<i64>) -> String {
    match skew_s {
        Some(skew) if skew >= 0 => format!("this computer's clock is {skew} s ahead of it"),
        Some(skew) => format!("this computer's clock is {} s behind it", skew.unsigned_abs()),
        None => "the clocks differ by more than 300 s (BADTIME)".to_owned(),
    }
}
