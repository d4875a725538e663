//! Invitations of VMs. Of the secret only the verifier is kept, and that until it is spent.

use model::{MemberId, PoolId};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::document::id;
use crate::{Store, StoreError};

/// One invitation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// The member it will make.
    pub member: MemberId,
    /// Its pool.
    pub pool: PoolId,
    /// The hostname the VM must report.
    pub hostname: String,
    /// The name it will have.
    pub name: String,
    /// What it is for, as the api names it.
    pub template: String,
    /// The IPv4 that DNS will publish for it, when given.
    pub address: Option<String>,
    /// Operator's order.
    pub priority: u32,
    /// Where it may call from, as JSON.
    pub sources: String,
    /// The verifier as JSON; none once it is spent.
    pub verifier: Option<String>,
    /// When it was made, Unix time.
    pub created_ms: u64,
    /// When it ends, Unix time.
    pub expires_ms: u64,
    /// When it was spent, Unix time.
    pub spent_ms: Option<u64>,
}

/// What became of an attempt to spend an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It is spent now, by this call.
    Now,
    /// It was spent before.
    Before,
    /// Its day is over.
    Expired,
    /// There is none with this id.
    Unknown,
}

const COLUMNS: &str = "id, member, pool, hostname, name, template, address, priority, sources, verifier, created_ms, \
                       expires_ms, spent_ms";

impl Store {
    /// Keeps a new invitation.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn add_invitation(&self, new: &Invitation) -> Result<(), StoreError> {
        self.write("keeping an invitation", |transaction| {
            transaction
                .execute(
                    &format!("INSERT INTO invitation ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"),
                    params![
                        new.id,
                        new.member.to_string(),
                        new.pool.to_string(),
                        new.hostname,
                        new.name,
                        new.template,
                        new.address,
                        new.priority,
                        new.sources,
                        new.verifier,
                        new.created_ms,
                        new.expires_ms,
                        new.spent_ms
                    ],
                )
                .map(drop)
        })
    }

    /// Every invitation, oldest first.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn invitations(&self) -> Result<Vec<Invitation>, StoreError> {
        self.read("reading the invitations", |connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM invitation ORDER BY created_ms, id"))?
                .query_map([], invitation)?
                .collect()
        })
    }

    /// One invitation.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn invitation(&self, id: &str) -> Result<Option<Invitation>, StoreError> {
        self.read("reading an invitation", |connection| {
            connection
                .query_row(&format!("SELECT {COLUMNS} FROM invitation WHERE id = ?1"), [id], invitation)
                .optional()
        })
    }

    /// Spends an invitation, once, and forgets its verifier in the same moment.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn spend_invitation(&self, id: &str, now_ms: u64) -> Result<Spent, StoreError> {
        self.write("spending an invitation", |transaction| {
            let found: Option<(Option<u64>, u64)> = transaction
                .query_row("SELECT spent_ms, expires_ms FROM invitation WHERE id = ?1", [id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            Ok(match found {
                None => Spent::Unknown,
                Some((Some(_), _)) => Spent::Before,
                Some((None, expires_ms)) if now_ms >= expires_ms => Spent::Expired,
                Some((None, _)) => {
                    transaction.execute(
                        "UPDATE invitation SET spent_ms = ?2, verifier = NULL WHERE id = ?1",
                        params![id, now_ms],
                    )?;
                    Spent::Now
                }
            })
        })
    }

    /// Forgets an invitation; says whether there was one.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn remove_invitation(&self, id: &str) -> Result<bool, StoreError> {
        self.write("forgetting an invitation", |transaction| {
            transaction.execute("DELETE FROM invitation WHERE id = ?1", [id]).map(|rows| rows == 1)
        })
    }
}

fn invitation(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    Ok(Invitation {
        id: row.get(0)?,
        member: id(row, 1)?,
        pool: id(row, 2)?,
        hostname: row.get(3)?,
        name: row.get(4)?,
        template: row.get(5)?,
        address: row.get(6)?,
        priority: row.get(7)?,
        sources: row.get(8)?,
        verifier: row.get(9)?,
        created_ms: row.get(10)?,
        expires_ms: row.get(11)?,
        spent_ms: row.get(12)?,
    })
}
