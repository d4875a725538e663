//! Opening a profile's database, and the ways in and out of it.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::StoreError;
use crate::schema::MIGRATIONS;

/// The database's name inside a profile.
pub(crate) const FILE: &str = "serversctl.db";
/// How long a reader of another process (a backup) may hold us up.
const BUSY: Duration = Duration::from_secs(5);

/// Runs a write that may wait for the disk; what it is given has to be run exactly once before it returns.
pub type Around = fn(&mut dyn FnMut());

/// One profile's database. Every method is blocking; all of them may be called from any thread. Reads never wait for a
/// write: they have a connection of their own and see what was committed last.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    start_counter: u64,
    writer: Mutex<Connection>,
    /// None for a database in memory, which lives in one connection.
    reader: Option<Mutex<Connection>>,
    around: Around,
}

impl Store {
    /// Opens the database in a profile directory, making both when they are missing, and counts this start. Only the
    /// process that holds the profile's lock may call it.
    ///
    /// # Errors
    /// A file that cannot be opened, is damaged, or was written by a newer version.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let failed = |source| StoreError::Open { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        // SQLite would make it with the process's umask; the file must never have been readable by others.
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
        let connection = Connection::open(&path)
            .map_err(|source| StoreError::of("opening the database", &path, source))?;
        let mut store = Self::start(path, connection)?;
        store.reader = Some(Mutex::new(store.open_reader()?));
        Ok(store)
    }

    /// The same, with every write run by `around`: an asynchronous host gives its thread away while a disk is slow.
    #[must_use]
    pub fn with_writes_run_by(self, around: Around) -> Self {
        Self { around, ..self }
    }

    fn open_reader(&self) -> Result<Connection, StoreError> {
        let opened = Connection::open(&self.path).and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            Ok(connection)
        });
        opened.map_err(|source| StoreError::of("opening the database", &self.path, source))
    }

    /// A database that lives in memory only, for tests and simulations.
    ///
    /// # Errors
    /// None in practice.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory()
            .map_err(|source| StoreError::of("opening the database", &path, source))?;
        Self::start(path, connection)
    }

    fn start(path: PathBuf, mut connection: Connection) -> Result<Self, StoreError> {
        prepare(&connection, "FULL")
            .map_err(|source| StoreError::of("opening the database", &path, source))?;
        migrate(&path, &mut connection)?;
        let counted = connection
            .query_row(
                "INSERT INTO profile (key, value) VALUES ('start_counter', '1')
                 ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
                 RETURNING CAST(value AS INTEGER)",
                [],
                |row| row.get(0),
            )
            .map_err(|source| StoreError::of("counting this start", &path, source))?;
        let writer = Mutex::new(connection);
        Ok(Self { path, start_counter: counted, writer, reader: None, around: |run| run() })
    }

    /// Which start of this profile this is; rises by one with every [`Store::open`].
    pub const fn start_counter(&self) -> u64 {
        self.start_counter
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that the database takes on disk, its log included.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        self.read("measuring the database", |connection| {
            connection.query_row(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                [],
                |row| row.get(0),
            )
        })
    }

    /// Copies the database into a new file while it is in use.
    ///
    /// # Errors
    /// A file that exists or cannot be written.
    pub fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(target)
            .map_err(|source| StoreError::Open { path: target.to_owned(), source })?;
        self.read("copying the database", |connection| connection.backup(rusqlite::MAIN_DB, target, None))
    }

    /// Makes the disk look full beyond this many pages.
    ///
    /// # Errors
    /// None in practice.
    #[doc(hidden)]
    pub fn limit_pages_for_tests(&self, pages: u64) -> Result<(), StoreError> {
        let sql = format!("PRAGMA max_page_count = {pages}");
        lock(&self.writer)
            .query_row(&sql, [], |_| Ok(()))
            .map_err(|source| StoreError::of("limiting the database", &self.path, source))
    }

    /// Holds the database as a writer that waits for a slow disk does, while `run` runs.
    #[doc(hidden)]
    pub fn hold_writes_for_tests<T>(&self, run: impl FnOnce() -> T) -> T {
        let _held = lock(&self.writer);
        run()
    }

    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = lock(self.reader.as_ref().unwrap_or(&self.writer));
        run(&connection).map_err(|source| StoreError::of(doing, &self.path, source))
    }

    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut run = Some(run);
        let mut result = None;
        (self.around)(&mut || {
            let Some(run) = run.take() else { return };
            let mut connection = lock(&self.writer);
            let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            result = Some(begun.and_then(|transaction| {
                let value = run(&transaction)?;
                transaction.commit()?;
                Ok(value)
            }));
        });
        let result = result.expect("whoever runs writes runs each of them");
        result.map_err(|source| StoreError::of(doing, &self.path, source))
    }
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    // A panic inside a transaction rolled it back when it was dropped.
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn prepare(connection: &Connection, synchronous: &str) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A file from elsewhere may not run code of its own through views and triggers.
    connection.pragma_update(None, "trusted_schema", false)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is non-exhaustive, and the rest is told alike")]
fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    use rusqlite_migration::{Error, MigrationDefinitionError};
    MIGRATIONS.to_latest(connection).map_err(|error| match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Newer { path: path.to_owned() }
        }
        Error::RusqliteError { err, .. } => StoreError::of("bringing the database up to date", path, err),
        other => StoreError::Migrate { path: path.to_owned(), source: Box::new(other) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promises_to_the_disk_are_set() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let pragma = |name: &str| {
            let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            lock(&store.writer).query_row(&sql, [], |row| row.get::<_, String>(0))
        };
        assert_eq!(pragma("journal_mode").unwrap(), "wal");
        assert_eq!(pragma("synchronous").unwrap(), "2", "FULL");
        assert_eq!(pragma("foreign_keys").unwrap(), "1");
    }

    #[test]
    fn a_read_never_waits_for_a_write_and_sees_what_was_committed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.set_profile(&[("name", "before")]).unwrap();
        // Under a lock that a read would wait at, this would never end.
        let read = store.hold_writes_for_tests(|| store.profile("name"));
        assert_eq!(read.unwrap().as_deref(), Some("before"));
        store.set_profile(&[("name", "after")]).unwrap();
        assert_eq!(store.profile("name").unwrap().as_deref(), Some("after"));
        let refused = store.read("writing where one reads", |connection| {
            connection.execute("DELETE FROM profile", []).map(drop)
        });
        assert!(refused.is_err());
    }
}
