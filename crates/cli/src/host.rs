//! The engine's only door: hosting a profile in this process.

use std::path::Path;
use std::sync::Arc;

use api::{ApiError, Host};
use engine::{Kind, OpenError};
use model::Code;

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
    engine: Arc<engine::Host>,
}

impl Opened {
    /// Ends once every pool's watch has taken a turn.
    pub(crate) async fn pulse(&self) {
        self.engine.pulse().await;
    }

    /// Ends hosting in order: what is under way is kept, then the profile is free.
    pub(crate) async fn close(self) {
        self.engine.close().await;
    }
}

/// Takes the profile's lock and starts an engine on it.
///
/// # Errors
/// [`Code::Conflict`] when another process holds the profile.
pub(crate) fn open(profile: &Path, mode: Mode) -> Result<Opened, ApiError> {
    let kind = match mode {
        Mode::Headless => Kind::Headless,
        Mode::Brief => Kind::Brief,
    };
    let engine = engine::Host::open(profile, kind).map_err(|error| match &error {
        OpenError::Taken { .. } => ApiError::new(Code::Conflict, error.to_string()),
        OpenError::Profile { .. } => ApiError::internal(error.to_string()),
    })?;
    Ok(Opened { api: Arc::clone(&engine) as Arc<dyn Host>, engine })
}
