//! The engine's only door: hosting a profile in this process.

use std::path::Path;
use std::sync::Arc;

use api::{ApiError, Host};

/// What this process hosts a profile for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To watch it, until told to stop.
    Headless,
    /// To answer one command; nothing is watched.
    Brief,
}

/// A profile that this process hosts.
pub(crate) struct Opened {
    pub(crate) api: Arc<dyn Host>,
}

impl Opened {
    /// Ends hosting in order: what is under way is kept, then the profile is free.
    pub(crate) async fn close(self) {
        drop(self.api);
    }
}

/// Takes the profile's lock and starts an engine on it.
///
/// # Errors
/// [`model::Code::Conflict`] when another process holds the profile.
pub(crate) async fn open(profile: &Path, mode: Mode) -> Result<Opened, ApiError> {
    Err(ApiError::internal(format!("this build has no engine for {} ({mode:?})", profile.display())))
}
