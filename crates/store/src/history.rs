//! Reading what happened: incidents, entries, notices, audit.

use model::{IncidentId, PoolId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::document::id;
use crate::{Phase, Store, StoreError};

/// Audit entries kept.
const AUDIT_KEPT: u64 = 20_000;

/// One incident as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Its pool.
    pub pool: PoolId,
    /// Why it began.
    pub cause: String,
    /// Who was active.
    pub from: Option<String>,
    /// Who took over.
    pub to: Option<String>,
    /// The epoch that the move wrote.
    pub epoch: Option<u64>,
    /// When it began, Unix time.
    pub began_ms: u64,
    /// When it ended, Unix time.
    pub ended_ms: Option<u64>,
    /// How it stands or ended.
    pub outcome: String,
    /// Why nothing moved.
    pub held_reason: Option<String>,
    /// What the decision rested on, as JSON.
    pub evidence: String,
    /// Its stages, in order.
    pub phases: Vec<Phase>,
}

/// Which incidents are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Of this pool only.
    pub pool: Option<PoolId>,
    /// At most this many.
    pub limit: u32,
}

/// One line of the story as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Rises with each line.
    pub id: u64,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// When, Unix time.
    pub at_ms: u64,
    /// The line.
    pub json: String,
}

/// One notice as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    /// Its pool.
    pub pool: PoolId,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// Which kind.
    pub kind: String,
    /// When, Unix time.
    pub at_ms: u64,
    /// One sentence.
    pub text: String,
}

/// A new audit entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit<'a> {
    /// When, Unix time.
    pub at_ms: u64,
    /// Who.
    pub by: &'a str,
    /// Which command.
    pub command: &'a str,
    /// The request as JSON, without secrets.
    pub request: &'a str,
    /// Why it failed.
    pub error: Option<&'a str>,
}

/// One audit entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Rises with each entry.
    pub id: u64,
    /// When, Unix time.
    pub at_ms: u64,
    /// Who.
    pub by: String,
    /// Which command.
    pub command: String,
    /// The request as JSON.
    pub request: String,
    /// Why it failed.
    pub error: Option<String>,
}

impl Store {
    /// Incidents, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn incidents(&self, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        self.read("reading incidents", |connection| {
            let mut incidents = connection
                .prepare_cached(
                    "SELECT * FROM incident WHERE ?1 IS NULL OR pool = ?1 ORDER BY began_ms DESC, id LIMIT ?2",
                )?
                .query_map(params![filter.pool.map(|pool| pool.to_string()), filter.limit], incident)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            for incident in &mut incidents {
                incident.phases = phases(connection, incident.id)?;
            }
            Ok(incidents)
        })
    }

    /// One incident.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.read("reading an incident", |connection| {
            let found = connection
                .query_row("SELECT * FROM incident WHERE id = ?1", [id.to_string()], incident)
                .optional()?;
            found.map(|found| Ok(Incident { phases: phases(connection, id)?, ..found })).transpose()
        })
    }

    /// An incident's lines, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn incident_entries(&self, id: IncidentId) -> Result<Vec<StoredEntry>, StoreError> {
        self.read("reading an incident's story", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, incident, at_ms, json FROM entry WHERE incident = ?1 ORDER BY id",
                )?
                .query_map([id.to_string()], entry)?
                .collect()
        })
    }

    /// A pool's newest lines, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn entries(&self, pool: PoolId, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        self.read("reading a pool's story", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, incident, at_ms, json FROM entry WHERE pool = ?1 ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![pool.to_string(), limit], entry)?
                .collect()
        })
    }

    /// Notices, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn notices(&self, limit: u32) -> Result<Vec<StoredNotice>, StoreError> {
        self.read("reading notices", |connection| {
            connection
                .prepare_cached(
                    "SELECT pool, incident, kind, at_ms, text FROM notice ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok(StoredNotice {
                        pool: id(row, 0)?,
                        incident: optional_id(row, 1)?,
                        kind: row.get(2)?,
                        at_ms: row.get(3)?,
                        text: row.get(4)?,
                    })
                })?
                .collect()
        })
    }

    /// Adds an audit entry and gives its number.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn add_audit(&self, new: &NewAudit<'_>) -> Result<u64, StoreError> {
        self.write("writing the audit", |transaction| {
            let number = transaction.query_row(
                "INSERT INTO audit (at_ms, by, command, request, error) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
                params![new.at_ms, new.by, new.command, new.request, new.error],
                |row| row.get(0),
            )?;
            transaction.execute(
                "DELETE FROM audit WHERE id < coalesce((SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?1), 0)",
                [AUDIT_KEPT],
            )?;
            Ok(number)
        })
    }

    /// Audit entries older than `before`, newest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn audit(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.read("reading the audit", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, at_ms, by, command, request, error FROM audit WHERE ?1 IS NULL OR id < ?1
                     ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![before, limit], |row| {
                    Ok(AuditRow {
                        id: row.get(0)?,
                        at_ms: row.get(1)?,
                        by: row.get(2)?,
                        command: row.get(3)?,
                        request: row.get(4)?,
                        error: row.get(5)?,
                    })
                })?
                .collect()
        })
    }
}

fn incident(row: &Row<'_>) -> rusqlite::Result<Incident> {
    Ok(Incident {
        id: id(row, 0)?,
        pool: id(row, 1)?,
        cause: row.get("cause")?,
        from: row.get("from_member")?,
        to: row.get("to_member")?,
        epoch: row.get("epoch")?,
        began_ms: row.get("began_ms")?,
        ended_ms: row.get("ended_ms")?,
        outcome: row.get("outcome")?,
        held_reason: row.get("held_reason")?,
        evidence: row.get("evidence")?,
        phases: Vec::new(),
    })
}

fn phases(connection: &Connection, incident: IncidentId) -> rusqlite::Result<Vec<Phase>> {
    connection
        .prepare_cached("SELECT name, at_ms, took_ms FROM phase WHERE incident = ?1 ORDER BY at_ms, place")?
        .query_map([incident.to_string()], |row| {
            Ok(Phase { name: row.get(0)?, at_ms: row.get(1)?, took_ms: row.get(2)? })
        })?
        .collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry { id: row.get(0)?, incident: optional_id(row, 1)?, at_ms: row.get(2)?, json: row.get(3)? })
}

fn optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<IncidentId>> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null { Ok(None) } else { id(row, column).map(Some) }
}
