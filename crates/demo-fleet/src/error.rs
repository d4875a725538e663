//! What can go wrong with a demo.

use std::io;
use std::path::PathBuf;

use api::ApiError;

/// Why a demo does not run.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Another process runs a demo in this directory.
    #[error("a demo runs already in {}", path.display())]
    Taken {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something else; it is left alone.
    #[error("{} is not a directory of a demo, so nothing in it is touched", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// A file or directory of the demo.
    #[error("{action} {}", path.display())]
    Directory {
        /// What was tried.
        action: &'static str,
        /// At what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No addresses, or none that are free.
    #[error("no free block of loopback addresses was found")]
    NoGround,
    /// A ground that cannot be read.
    #[error("`{text}` is no ground: it is written as 127.77.3+0")]
    OddGround {
        /// What was given.
        text: String,
    },
    /// This program could not be started again with the environment that a demo needs.
    #[error("starting this program again for a demo")]
    Restart(#[source] io::Error),
    /// No random numbers.
    #[error("the system gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// The name server.
    #[error("starting the name server of the demo")]
    Dns(#[source] dns::demo::DemoError),
    /// A name or key of the name server.
    #[error("making the zone of the demo")]
    Zone(#[source] dns::DnsError),
    /// A pretended host.
    #[error("starting the pretended host {name}")]
    Machine {
        /// Which.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The engine refused something.
    #[error("{what}")]
    Refused {
        /// What was asked of it.
        what: String,
        /// Its answer.
        #[source]
        source: ApiError,
    },
    /// Something did not come to be in time.
    #[error("{what} did not come to be in time: {seen}")]
    Late {
        /// What.
        what: String,
        /// How it stood last.
        seen: String,
    },
    /// An act that cannot be done now.
    #[error("{why}")]
    NotNow {
        /// Why.
        why: String,
    },
}

impl DemoError {
    /// Whether the same may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Taken { .. } | Self::NoGround | Self::Late { .. } | Self::NotNow { .. } => true,
            Self::NotOurs { .. }
            | Self::Directory { .. }
            | Self::OddGround { .. }
            | Self::Restart(_)
            | Self::Random(_)
            | Self::Dns(_)
            | Self::Zone(_)
            | Self::Machine { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// The error with its sources, in one line.
    pub fn chain(&self) -> String {
        model::chain(self)
    }
}
