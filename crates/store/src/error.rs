//! What can go wrong with a profile's database, in words that say what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// How SQLite says that the system refused a write: with the code of the call, whatever the reason was.
const REFUSED_WRITES: [i32; 4] = [
    rusqlite::ffi::SQLITE_IOERR_WRITE,
    rusqlite::ffi::SQLITE_IOERR_FSYNC,
    rusqlite::ffi::SQLITE_IOERR_TRUNCATE,
    rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
];

/// A failure of the store, with the operation and its object.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is no database of ours, or a damaged one.
    #[error(
        "the database {path} is damaged; stop every host of this profile, keep the file aside, and restore an export"
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// No room left. Nothing of the operation was kept.
    #[error("the disk is full while {doing}; nothing of it was kept")]
    DiskFull {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// The disk takes no writes at all. Nothing of the operation was kept.
    #[error("the disk takes no writes while {doing}; nothing of it was kept")]
    ReadOnly {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process writes, longer than the patience.
    #[error("another process holds the database while {doing}")]
    Busy {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer version of the program wrote this file.
    #[error("the database {path} was written by a newer version; update this one")]
    Newer {
        /// Which file.
        path: PathBuf,
    },
    /// The schema could not be brought up to date.
    #[error("bringing the database {path} up to date")]
    Migrate {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<rusqlite_migration::Error>,
    },
    /// The file could not be made or opened.
    #[error("opening the database {path}")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A document that may not take the stored one's place.
    #[error("{0}")]
    Document(String),
    /// Anything else that SQLite refuses.
    #[error("{doing}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Whether the same call may work later without any change of ours.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::DiskFull { .. } | Self::ReadOnly { .. } => true,
            Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::Migrate { .. }
            | Self::Open { .. }
            | Self::Document(_)
            | Self::Sqlite { .. } => false,
        }
    }

    pub(crate) fn of(doing: &'static str, path: &Path, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: path.to_owned(), source }
            }
            Some(ErrorCode::DiskFull) => Self::DiskFull { doing, source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { doing, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { doing, source },
            _ if is_refused_write(&source) => Self::ReadOnly { doing, source },
            _ => Self::Sqlite { doing, source },
        }
    }
}

fn is_refused_write(source: &rusqlite::Error) -> bool {
    source.sqlite_error().is_some_and(|error| REFUSED_WRITES.contains(&error.extended_code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_the_system_refuses_is_said_of_the_disk_and_may_work_later() {
        let refused = |code| {
            let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
            StoreError::of("keeping a step", Path::new("/p"), source)
        };
        for code in REFUSED_WRITES {
            let error = refused(code);
            assert!(matches!(error, StoreError::ReadOnly { .. }) && error.is_transient(), "{error:?}");
        }
        let unread = refused(rusqlite::ffi::SQLITE_IOERR_READ);
        assert!(matches!(unread, StoreError::Sqlite { .. }), "{unread:?}");
    }
}
