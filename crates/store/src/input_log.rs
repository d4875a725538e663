//! The input log: what went into a deciding machine, so that an incident can be replayed.
//!
//! A file of its own, because it may be lost: it is written in batches, synced lazily, and never stands between a
//! decision and its deed. A ring of 24 hours or 256 MB, whichever is less.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use model::PoolId;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::document::id;
use crate::store::prepare;

/// The log reaches back this far.
pub const LOG_AGE_MS_MAX: u64 = 24 * 3_600_000;
/// The log is not larger than this.
pub const LOG_BYTES_MAX: u64 = 256 << 20;
/// Rows that one trim takes away at most, so that it stays short.
const TRIM_ROWS: u64 = 20_000;

/// One input as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRow {
    /// Whose machine.
    pub pool: PoolId,
    /// When, Unix time.
    pub at_ms: u64,
    /// On the machine's own clock.
    pub clock_ms: u64,
    /// The input.
    pub json: String,
}

/// The input log of one profile. Not shared between threads: it belongs to the one that writes it.
#[derive(Debug)]
pub struct InputLog {
    path: PathBuf,
    connection: Connection,
    bytes_max: u64,
}

impl InputLog {
    /// Opens the log in a profile directory that exists. A damaged log is replaced by an empty one: it may be lost.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_limited(directory, LOG_BYTES_MAX)
    }

    /// The same with another limit, for tests.
    ///
    /// # Errors
    /// A file that cannot be made.
    pub fn open_limited(directory: &Path, bytes_max: u64) -> Result<Self, StoreError> {
        let path = directory.join("inputs.db");
        match Self::start(&path, bytes_max) {
            Err(StoreError::Corrupt { .. }) => {
                for end in ["", "-wal", "-shm"] {
                    let mut name = path.clone().into_os_string();
                    name.push(end);
                    // What is not there need not go; what cannot go fails the second start.
                    let _ = std::fs::remove_file(name);
                }
                Self::start(&path, bytes_max)
            }
            other => other,
        }
    }

    fn start(path: &Path, bytes_max: u64) -> Result<Self, StoreError> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        let connection = Connection::open(path)
            .and_then(|connection| {
                // Only a fresh file takes it; with it, trimming gives pages back to the disk.
                connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
                prepare(&connection, "NORMAL")?;
                connection.execute_batch(
                    "CREATE TABLE IF NOT EXISTS input (
                         id INTEGER PRIMARY KEY, pool TEXT NOT NULL, at_ms INTEGER NOT NULL,
                         clock_ms INTEGER NOT NULL, json TEXT NOT NULL
                     ) STRICT",
                )?;
                Ok(connection)
            })
            .map_err(|source| StoreError::of("opening the input log", path, source))?;
        Ok(Self { path: path.to_owned(), connection, bytes_max })
    }

    /// Appends a batch and trims the ring.
    ///
    /// # Errors
    /// A log that cannot be written; the watch goes on without it.
    pub fn append(&mut self, batch: &[InputRow]) -> Result<(), StoreError> {
        let Some(newest) = batch.last() else { return Ok(()) };
        let oldest_ms = newest.at_ms.saturating_sub(LOG_AGE_MS_MAX);
        let result = self.connection.transaction().and_then(|transaction| {
            let mut insert = transaction
                .prepare_cached("INSERT INTO input (pool, at_ms, clock_ms, json) VALUES (?1, ?2, ?3, ?4)")?;
            for row in batch {
                insert.execute(params![row.pool.to_string(), row.at_ms, row.clock_ms, row.json])?;
            }
            drop(insert);
            trim(&transaction, oldest_ms, self.bytes_max)?;
            transaction.commit()
        });
        result
            .and_then(|()| self.connection.execute_batch("PRAGMA incremental_vacuum"))
            .map_err(|source| StoreError::of("writing the input log", &self.path, source))
    }

    /// A pool's inputs between two moments (Unix time), oldest first.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn between(&self, pool: PoolId, from_ms: u64, to_ms: u64) -> Result<Vec<InputRow>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT pool, at_ms, clock_ms, json FROM input
                     WHERE pool = ?1 AND at_ms BETWEEN ?2 AND ?3 ORDER BY id",
                )?
                .query_map(params![pool.to_string(), from_ms, to_ms], |row| {
                    Ok(InputRow {
                        pool: id(row, 0)?,
                        at_ms: row.get(1)?,
                        clock_ms: row.get(2)?,
                        json: row.get(3)?,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| StoreError::of("reading the input log", &self.path, source))
    }

    /// Bytes in use.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn size_bytes(&self) -> Result<u64, StoreError> {
        size_bytes(&self.connection)
            .map_err(|source| StoreError::of("measuring the input log", &self.path, source))
    }
}

fn trim(connection: &Connection, oldest_ms: u64, bytes_max: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM input WHERE id IN (SELECT id FROM input ORDER BY id LIMIT ?2) AND at_ms < ?1",
        )?
        .execute(params![oldest_ms, TRIM_ROWS])?;
    // A tenth at a time, so that a full ring is not trimmed at every batch.
    while size_bytes(connection)? > bytes_max {
        let gone = connection
            .prepare_cached(
                "DELETE FROM input WHERE id <= (SELECT min(id) + max(1, (max(id) - min(id)) / 10) FROM input)",
            )?
            .execute([])?;
        if gone == 0 {
            break;
        }
    }
    Ok(())
}

/// Pages that hold something; freed ones count as gone.
fn size_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
        [],
        |row| row.get(0),
    )
}
