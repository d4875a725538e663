//! The ledger of idempotency keys: the same key with the same request is done once and answered alike.

use rusqlite::{OptionalExtension as _, params};

use crate::{Store, StoreError};

/// How long a key is remembered.
pub const LEDGER_AGE_MS_MAX: u64 = 7 * 24 * 3_600_000;

/// What the ledger answers when something is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The key is new, and now noted as begun.
    Now,
    /// It was done: this was the answer.
    Done(String),
    /// It is being done by this very start of the host.
    Running,
    /// An earlier start began it and never wrote its end.
    Unknown,
    /// The key was used for something else.
    Other,
}

impl Store {
    /// Notes that a deed begins under a key, unless the key is known. `digest` is of the request without its secrets.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn begin_deed(
        &self,
        key: &str,
        command: &str,
        digest: &str,
        now_ms: u64,
    ) -> Result<Begun, StoreError> {
        let start = self.start_counter();
        self.write("looking up an idempotency key", |transaction| {
            transaction
                .execute("DELETE FROM deed WHERE at_ms < ?1", [now_ms.saturating_sub(LEDGER_AGE_MS_MAX)])?;
            let known: Option<(String, String, u64, Option<String>)> = transaction
                .query_row("SELECT command, digest, start, answer FROM deed WHERE key = ?1", [key], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .optional()?;
            Ok(match known {
                Some((old_command, old_digest, ..)) if old_command != command || old_digest != digest => {
                    Begun::Other
                }
                Some((.., Some(answer))) => Begun::Done(answer),
                Some((_, _, begun, None)) if begun == start => Begun::Running,
                Some((.., None)) => Begun::Unknown,
                None => {
                    transaction.execute(
                        "INSERT INTO deed (key, command, digest, start, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![key, command, digest, start, now_ms],
                    )?;
                    Begun::Now
                }
            })
        })
    }

    /// Keeps the answer of a deed under its key.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn end_deed(&self, key: &str, answer: &str) -> Result<(), StoreError> {
        self.write("keeping an answer", |transaction| {
            transaction.execute("UPDATE deed SET answer = ?2 WHERE key = ?1", [key, answer]).map(drop)
        })
    }

    /// Frees a key whose deed did nothing.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn drop_deed(&self, key: &str) -> Result<(), StoreError> {
        self.write("freeing an idempotency key", |transaction| {
            transaction.execute("DELETE FROM deed WHERE key = ?1 AND answer IS NULL", [key]).map(drop)
        })
    }
}
