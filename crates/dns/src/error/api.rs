//! What can go wrong with a provider that is an HTTPS API. Words of the server are cut, freed of control characters and
//! of the credential before they get here.

use crate::Fqdn;

/// Why an API did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiFault {
    /// A setting of this provider cannot be used. Never holds the credential.
    #[error("{what} cannot be used: {reason}")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The credential is unknown, expired, or lacks the right or the address it is used from.
    #[error("the token was refused ({code}): {words}")]
    Credential {
        /// The API's own code, or the HTTP status.
        code: i64,
        /// The API's own words.
        words: String,
    },
    /// This credential sees no such zone.
    #[error("this token sees no zone {zone} there: {words}")]
    NoSuchZone {
        /// The configured zone.
        zone: Fqdn,
        /// What the API said or did not say.
        words: String,
    },
    /// Several zones bear the name, and nothing says which one is meant.
    #[error("{count} zones are called {zone}: name the account that holds the right one")]
    AmbiguousZone {
        /// The configured zone.
        zone: Fqdn,
        /// How many.
        count: usize,
    },
    /// What a write relies on is not so any more; nothing was written.
    #[error("what the write relies on has changed ({code}): {words}")]
    Precondition {
        /// The API's own code.
        code: i64,
        /// The API's own words.
        words: String,
    },
    /// Refused for another reason, by code.
    #[error("refused ({code}): {words}")]
    Refused {
        /// The API's own code, or 0 where it has none.
        code: i64,
        /// The API's own words.
        words: String,
    },
    /// The API asks to wait, or the shared budget of calls is used up.
    #[error("no calls are left for {} s", retry_after_ms.div_ceil(1_000))]
    Throttled {
        /// How long, in milliseconds.
        retry_after_ms: u64,
    },
    /// The API failed on its side; whether it had done its work is unknown.
    #[error("it failed on its side (HTTP {status}) {words}")]
    ServerFailure {
        /// The HTTP status.
        status: u16,
        /// Its words, if it had any.
        words: String,
    },
    /// What answered is not the API: a login page, a proxy, a captive portal.
    #[error("the answer is {what} (HTTP {status}) and not the API's")]
    NotTheApi {
        /// The HTTP status.
        status: u16,
        /// What came instead of the API's JSON.
        what: &'static str,
    },
    /// The answer is the API's and breaks its rules.
    #[error("the answer cannot be used: {reason}")]
    Undecodable {
        /// What is wrong with it.
        reason: String,
    },
    /// The answer is longer than any that is expected.
    #[error("the answer is longer than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was reached.
        limit_bytes: usize,
    },
    /// The records changed while they were listed, again and again.
    #[error("the records changed while they were listed")]
    Torn,
    /// No connection could be made; nothing was sent.
    #[error("no connection: {}", causes(source))]
    Unreachable {
        /// Why. Its address was taken out.
        source: reqwest::Error,
    },
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer did: {}", causes(source))]
    Cut {
        /// Why. Its address was taken out.
        source: reqwest::Error,
    },
    /// Nothing came in time.
    #[error("no answer within {timeout_ms} ms")]
    Timeout {
        /// The limit that was reached.
        timeout_ms: u64,
    },
}

impl ApiFault {
    /// True when the same request may succeed later without anybody changing a setting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::ServerFailure { .. }
            | Self::NotTheApi { .. }
            | Self::Torn
            | Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Timeout { .. } => true,
            Self::Setting { .. }
            | Self::Credential { .. }
            | Self::NoSuchZone { .. }
            | Self::AmbiguousZone { .. }
            | Self::Precondition { .. }
            | Self::Refused { .. }
            | Self::Undecodable { .. }
            | Self::TooLarge { .. } => false,
        }
    }
}

/// The innermost cause names the certificate, the refused port or the unknown host; the layers above only say "error".
fn causes(error: &reqwest::Error) -> String {
    let mut words = String::new();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    if words.is_empty() { error.to_string() } else { words.chars().take(200).collect() }
}
