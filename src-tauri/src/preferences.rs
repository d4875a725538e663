//! What the shell has to know before there is a page: a small file of this user, on this computer.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use api::ApiError;
use serde::{Deserialize, Serialize};

use crate::{autostart, surroundings};

/// A file that is longer is not ours.
const BYTES_MAX: u64 = 64 << 10;

/// The colours of the first paint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// What the page tells the shell to remember.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Preferences {
    pub(crate) theme: Theme,
    /// Whether it starts with the session, in the tray.
    pub(crate) autostart: bool,
    /// That this desktop has no tray was said once.
    pub(crate) told_no_tray: bool,
}

/// What becomes of preferences that are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// They stand in this user's file.
    File,
    /// They are forgotten with the program.
    Nothing,
}

/// The preferences as they stand, and their file.
pub(crate) struct Preferring {
    keeping: Keeping,
    path: Option<PathBuf>,
    now: Mutex<Preferences>,
}

impl Preferring {
    /// Reads them; what cannot be read counts as not there, since nothing in it is worth not starting for.
    pub(crate) fn read(keeping: Keeping) -> Self {
        let path = surroundings::config().map(|dir| dir.join("desktop.json"));
        let text = path.as_ref().filter(|path| fs::metadata(path).is_ok_and(|meta| meta.len() <= BYTES_MAX));
        let read =
            text.and_then(|path| fs::read(path).ok()).and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut now: Preferences = read.unwrap_or_default();
        // The session's own file is the truth: people remove it by hand.
        now.autostart = autostart::is_on();
        Self { keeping, path, now: Mutex::new(now) }
    }

    pub(crate) fn get(&self) -> Preferences {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set(&self, preferences: Preferences) -> Result<(), ApiError> {
        if self.keeping == Keeping::Nothing {
            *self.now.lock().unwrap_or_else(PoisonError::into_inner) = preferences;
            return Ok(());
        }
        if preferences.autostart != autostart::is_on() {
            autostart::set(preferences.autostart)
                .map_err(|error| ApiError::internal("writing the autostart file").because(&error))?;
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.path else {
            *now = preferences;
            return Ok(());
        };
        let failed =
            |error: std::io::Error| ApiError::internal("keeping the desktop's preferences").because(&error);
        let text = serde_json::to_vec_pretty(&preferences)
            .map_err(|error| ApiError::internal("writing the desktop's preferences").because(&error))?;
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let fresh = path.with_extension("new");
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path)).map_err(failed)?;
        *now = preferences;
        Ok(())
    }
}
