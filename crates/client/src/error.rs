//! Why there is no connection to a host.

use std::io;
use std::path::PathBuf;

use api::ApiError;
use model::Code;

/// A connection that did not come about. What goes wrong later is an [`ApiError`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody hosts this profile.
    #[error("no host runs for the profile {profile}; start `serversctl watch` or the desktop")]
    NoHost {
        /// Which profile.
        profile: PathBuf,
    },
    /// The socket could not be reached or made.
    #[error("{action} {path}")]
    Socket {
        /// What was being done.
        action: &'static str,
        /// To which socket.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The other end did not say what a host says.
    #[error("greeting the host: {0}")]
    Greeting(String),
}

impl ClientError {
    /// Whether trying again can help: a host may be starting.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NoHost { .. } => true,
            Self::Socket { .. } | Self::Greeting(_) => false,
        }
    }
}

impl From<ClientError> for ApiError {
    fn from(error: ClientError) -> Self {
        let code = match &error {
            ClientError::NoHost { .. } => Code::NoHost,
            ClientError::Socket { .. } | ClientError::Greeting(_) => Code::Unreachable,
        };
        let plain = Self::new(code, error.to_string());
        match std::error::Error::source(&error) {
            Some(source) => plain.because(source),
            None => plain,
        }
    }
}
