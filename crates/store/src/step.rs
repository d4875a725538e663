//! One step of a deciding machine, kept whole or not at all.

use model::{IncidentId, PoolId};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::document::merge_records;
use crate::{Record, Store, StoreError};

/// Entries kept per pool outside incidents: a day of a restless pool.
const ENTRIES_KEPT: u64 = 2_000;
/// Notices kept in all.
const NOTICES_KEPT: u64 = 2_000;

/// Everything that one step wants kept before any of it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// When, Unix time.
    pub at_ms: u64,
    /// The machine's memory, when it changed.
    pub memory: Option<String>,
    /// Lines of the story.
    pub entries: Vec<EntryRow>,
    /// Moves, as records to be shared.
    pub moves: Vec<Record>,
    /// What people are told.
    pub notices: Vec<NoticeRow>,
    /// What changed about incidents.
    pub incidents: Vec<IncidentPatch>,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// The line with its reason and evidence.
    pub json: String,
}

/// One thing people are told; told once per incident and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// Which kind.
    pub kind: String,
    /// One sentence.
    pub text: String,
}

/// What changed about an incident; what is absent stays. The first patch opens it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentPatch {
    /// Which.
    pub id: Option<IncidentId>,
    /// Why it began.
    pub cause: Option<String>,
    /// Who was active.
    pub from: Option<String>,
    /// Who took over.
    pub to: Option<String>,
    /// The epoch that the move wrote.
    pub epoch: Option<u64>,
    /// When it ended, Unix time.
    pub ended_ms: Option<u64>,
    /// How it stands or ended, as the api names it.
    pub outcome: Option<String>,
    /// Why nothing moved.
    pub held_reason: Option<String>,
    /// What the decision rested on, as JSON.
    pub evidence: Option<String>,
    /// Stages that began or ended.
    pub phases: Vec<Phase>,
}

/// One stage of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Which.
    pub name: String,
    /// When, Unix time; the first one told stays.
    pub at_ms: u64,
    /// How long it took, once that is known.
    pub took_ms: Option<u64>,
}

impl Store {
    /// Keeps everything that one step produced, in one transaction, on disk when it returns.
    ///
    /// # Errors
    /// A database that cannot be written; then nothing was kept and nothing may be done.
    pub fn save_step(&self, pool: PoolId, step: &Step) -> Result<(), StoreError> {
        self.write("keeping a step of the watch", |transaction| {
            save_memory(transaction, pool, step)?;
            for incident in &step.incidents {
                save_incident(transaction, pool, step.at_ms, incident)?;
            }
            save_entries(transaction, pool, step)?;
            save_notices(transaction, pool, step)?;
            merge_records(transaction, pool, &step.moves).map(drop)
        })
    }

    /// The memory of a pool's machine, as it was kept last.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn memory(&self, pool: PoolId) -> Result<Option<String>, StoreError> {
        self.memory_kept(pool).map(|kept| kept.map(|(json, _)| json))
    }

    /// The memory of a pool's machine and when it was kept, Unix time.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn memory_kept(&self, pool: PoolId) -> Result<Option<(String, u64)>, StoreError> {
        self.read("reading the watch's memory", |connection| {
            connection
                .query_row("SELECT json, at_ms FROM memory WHERE pool = ?1", [pool.to_string()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
    }
}

fn save_memory(transaction: &Transaction<'_>, pool: PoolId, step: &Step) -> rusqlite::Result<()> {
    let Some(memory) = &step.memory else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO memory (pool, at_ms, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (pool) DO UPDATE SET at_ms = excluded.at_ms, json = excluded.json",
        )?
        .execute(params![pool.to_string(), step.at_ms, memory])
        .map(drop)
}

fn save_incident(
    transaction: &Transaction<'_>,
    pool: PoolId,
    at_ms: u64,
    patch: &IncidentPatch,
) -> rusqlite::Result<()> {
    let Some(id) = patch.id.map(|id| id.to_string()) else { return Ok(()) };
    transaction
        .prepare_cached(
            "INSERT INTO incident (id, pool, cause, from_member, to_member, epoch, began_ms, ended_ms, outcome,
                                   held_reason, evidence)
             VALUES (?1, ?2, coalesce(?3, ''), ?4, ?5, ?6, ?7, ?8, coalesce(?9, 'open'), ?10, coalesce(?11, '[]'))
             ON CONFLICT (id) DO UPDATE SET
                 cause = coalesce(?3, cause), from_member = coalesce(?4, from_member),
                 to_member = coalesce(?5, to_member), epoch = coalesce(?6, epoch),
                 ended_ms = coalesce(?8, ended_ms), outcome = coalesce(?9, outcome),
                 held_reason = coalesce(?10, held_reason), evidence = coalesce(?11, evidence)",
        )?
        .execute(params![
            id,
            pool.to_string(),
            patch.cause,
            patch.from,
            patch.to,
            patch.epoch,
            at_ms,
            patch.ended_ms,
            patch.outcome,
            patch.held_reason,
            patch.evidence
        ])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO phase (incident, name, at_ms, took_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (incident, name) DO UPDATE SET took_ms = coalesce(excluded.took_ms, took_ms)",
    )?;
    patch
        .phases
        .iter()
        .try_for_each(|phase| insert.execute(params![id, phase.name, phase.at_ms, phase.took_ms]).map(drop))
}

fn save_entries(transaction: &Transaction<'_>, pool: PoolId, step: &Step) -> rusqlite::Result<()> {
    if step.entries.is_empty() {
        return Ok(());
    }
    let pool = pool.to_string();
    let mut insert = transaction
        .prepare_cached("INSERT INTO entry (pool, incident, at_ms, json) VALUES (?1, ?2, ?3, ?4)")?;
    for entry in &step.entries {
        insert.execute(params![pool, entry.incident.map(|id| id.to_string()), step.at_ms, entry.json])?;
    }
    transaction
        .prepare_cached(
            "DELETE FROM entry WHERE pool = ?1 AND incident IS NULL AND id <
                 coalesce((SELECT id FROM entry WHERE pool = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2), 0)",
        )?
        .execute(params![pool, ENTRIES_KEPT])
        .map(drop)
}

fn save_notices(transaction: &Transaction<'_>, pool: PoolId, step: &Step) -> rusqlite::Result<()> {
    if step.notices.is_empty() {
        return Ok(());
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO notice (pool, incident, kind, at_ms, text) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for notice in &step.notices {
        let incident = notice.incident.map(|id| id.to_string());
        insert.execute(params![pool.to_string(), incident, notice.kind, step.at_ms, notice.text])?;
    }
    transaction
        .prepare_cached(
            "DELETE FROM notice WHERE id < coalesce((SELECT id FROM notice ORDER BY id DESC LIMIT 1 OFFSET ?1), 0)",
        )?
        .execute([NOTICES_KEPT])
        .map(drop)
}
