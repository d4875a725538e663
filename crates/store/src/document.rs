//! The three shared forms: rosters, policies, records.

use model::PoolId;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::profile::{MAKING, set_facts};
use crate::{Store, StoreError};

/// Rosters kept, so that a sleeper can follow.
pub const ROSTERS_KEPT: u64 = 20;
/// Records kept per pool.
pub const RECORDS_KEPT: u64 = 500;

/// Which signed document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// The fleet's roster.
    Roster,
    /// One pool's policy.
    Policy(PoolId),
}

impl DocumentKind {
    fn columns(self) -> (&'static str, String) {
        match self {
            Self::Roster => ("roster", String::new()),
            Self::Policy(pool) => ("policy", pool.to_string()),
        }
    }

    const fn kept(self) -> u64 {
        match self {
            Self::Roster => ROSTERS_KEPT,
            Self::Policy(_) => 1,
        }
    }
}

/// A signed document as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its version; only ever grows.
    pub version: u64,
    /// Its hash, as the protocol writes it.
    pub hash: String,
    /// The document with its signature.
    pub json: String,
}

/// One of a pool's shared records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id; the same on every console and relay.
    pub id: String,
    /// A record of the same id that says more has a higher revision and takes its place.
    pub revision: u32,
    /// When, Unix time; for the order of the ring.
    pub at_ms: u64,
    /// The record with its signature.
    pub json: String,
}

impl Store {
    /// Keeps a document. One of the same version and hash is kept already.
    ///
    /// # Errors
    /// [`StoreError::Document`] for an older version, or another document of the same version.
    pub fn put_document(&self, kind: DocumentKind, document: &Document) -> Result<(), StoreError> {
        let (name, subject) = kind.columns();
        let refused = self.write("keeping a document", |transaction| {
            let newest: Option<(u64, String)> = transaction
                .query_row(
                    "SELECT version, hash FROM document WHERE kind = ?1 AND subject = ?2 ORDER BY version DESC LIMIT 1",
                    [name, &subject],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            match newest {
                Some((version, _)) if version > document.version => return Ok(Some((version, "older"))),
                Some((version, hash)) if version == document.version => {
                    return Ok((hash != document.hash).then_some((version, "other")));
                }
                Some(_) | None => {}
            }
            transaction.execute(
                "INSERT INTO document (kind, subject, version, hash, json) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![name, subject, document.version, document.hash, document.json],
            )?;
            transaction.execute(
                "DELETE FROM document WHERE kind = ?1 AND subject = ?2 AND version <= ?3",
                params![name, subject, document.version.saturating_sub(kind.kept())],
            )?;
            Ok(None)
        })?;
        match refused {
            None => Ok(()),
            Some((version, "older")) => Err(StoreError::Document(format!(
                "this {name} has version {}, the one kept here has {version}",
                document.version
            ))),
            Some((version, _)) => {
                Err(StoreError::Document(format!("another {name} of version {version} is kept here already")))
            }
        }
    }

    /// The newest document of a kind.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn document(&self, kind: DocumentKind) -> Result<Option<Document>, StoreError> {
        let (name, subject) = kind.columns();
        self.read("reading a document", |connection| {
            connection
                .query_row(
                    "SELECT version, hash, json FROM document WHERE kind = ?1 AND subject = ?2
                     ORDER BY version DESC LIMIT 1",
                    [name, &subject],
                    document,
                )
                .optional()
        })
    }

    /// The rosters that are kept, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn rosters(&self) -> Result<Vec<Document>, StoreError> {
        self.read("reading the rosters", |connection| {
            connection
                .prepare_cached(
                    "SELECT version, hash, json FROM document WHERE kind = 'roster' ORDER BY version",
                )?
                .query_map([], document)?
                .collect()
        })
    }

    /// The newest policy of every pool.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn policies(&self) -> Result<Vec<(PoolId, Document)>, StoreError> {
        self.read("reading the policies", |connection| {
            connection
                .prepare_cached(
                    "SELECT version, hash, json, subject FROM document WHERE kind = 'policy' ORDER BY subject, version",
                )?
                .query_map([], |row| Ok((id(row, 3)?, document(row)?)))?
                .collect()
        })
    }

    /// Forgets a pool: its policy, records and memory. Incidents and audit stay.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn forget_pool(&self, pool: PoolId) -> Result<(), StoreError> {
        let pool = pool.to_string();
        self.write("forgetting a pool", |transaction| {
            transaction.execute("DELETE FROM document WHERE kind = 'policy' AND subject = ?1", [&pool])?;
            transaction.execute("DELETE FROM record WHERE pool = ?1", [&pool])?;
            transaction.execute("DELETE FROM memory WHERE pool = ?1", [&pool])?;
            transaction.execute("DELETE FROM invitation WHERE pool = ?1", [&pool])?;
            Ok(())
        })
    }

    /// Makes these documents all there are, forgets every record and memory, and sets these facts about the profile: all
    /// or nothing. This one write founds a profile, and this one takes it into another fleet.
    ///
    /// # Errors
    /// A database that cannot be written; then everything is as it was.
    pub fn found(
        &self,
        facts: &[(&str, &str)],
        documents: &[(DocumentKind, Document)],
    ) -> Result<(), StoreError> {
        self.write("founding the profile", |transaction| {
            transaction.execute_batch("DELETE FROM document; DELETE FROM record; DELETE FROM memory;")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO document (kind, subject, version, hash, json) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for (kind, document) in documents {
                let (name, subject) = kind.columns();
                insert.execute(params![name, subject, document.version, document.hash, document.json])?;
            }
            transaction.execute("DELETE FROM profile WHERE key = ?1", [MAKING])?;
            set_facts(transaction, facts)
        })
    }

    /// Merges records by id into a pool's ring and says how many were new or said more.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn merge_records(&self, pool: PoolId, records: &[Record]) -> Result<usize, StoreError> {
        self.write("merging records", |transaction| merge_records(transaction, pool, records))
    }

    /// A pool's records, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn records(&self, pool: PoolId) -> Result<Vec<Record>, StoreError> {
        self.read("reading records", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, revision, at_ms, json FROM record WHERE pool = ?1 ORDER BY at_ms, id",
                )?
                .query_map([pool.to_string()], |row| {
                    Ok(Record {
                        id: row.get(0)?,
                        revision: row.get(1)?,
                        at_ms: row.get(2)?,
                        json: row.get(3)?,
                    })
                })?
                .collect()
        })
    }
}

pub(crate) fn merge_records(
    transaction: &rusqlite::Transaction<'_>,
    pool: PoolId,
    records: &[Record],
) -> rusqlite::Result<usize> {
    let pool = pool.to_string();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO record (pool, id, revision, at_ms, json) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (pool, id) DO UPDATE SET revision = excluded.revision, json = excluded.json
                 WHERE excluded.revision > record.revision",
    )?;
    let mut fresh = 0;
    for record in records {
        fresh += insert.execute(params![pool, record.id, record.revision, record.at_ms, record.json])?;
    }
    if fresh > 0 {
        transaction.execute(
            "DELETE FROM record WHERE pool = ?1 AND id IN
                 (SELECT id FROM record WHERE pool = ?1 ORDER BY at_ms DESC, id DESC LIMIT -1 OFFSET ?2)",
            params![pool, RECORDS_KEPT],
        )?;
    }
    Ok(fresh)
}

/// An id column; one that cannot be read is reported as such, never skipped.
pub(crate) fn id<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    Ok(Document { version: row.get(0)?, hash: row.get(1)?, json: row.get(2)? })
}
