//! What the profile is, and the console's own settings.

use rusqlite::{OptionalExtension as _, Transaction};

use crate::{Store, StoreError};

/// The fact that stands while a profile is being made.
pub(crate) const MAKING: &str = "making";

impl Store {
    /// A fact about this profile: console id, name, vault.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn profile(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read("reading the profile", |connection| {
            connection
                .query_row("SELECT value FROM profile WHERE key = ?1", [key], |row| row.get(0))
                .optional()
        })
    }

    /// Sets facts about this profile, all or none.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn set_profile(&self, facts: &[(&str, &str)]) -> Result<(), StoreError> {
        self.write("writing the profile", |transaction| set_facts(transaction, facts))
    }

    /// Notes that a profile is about to be made, and what lies outside of this database then. [`Store::found`] ends it.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn set_making(&self, what: &str) -> Result<(), StoreError> {
        self.set_profile(&[(MAKING, what)])
    }

    /// What was about to be made and never was.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn making(&self) -> Result<Option<String>, StoreError> {
        self.profile(MAKING)
    }

    /// A setting of this console, as JSON.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read("reading a setting", |connection| {
            connection
                .query_row("SELECT value FROM setting WHERE key = ?1", [key], |row| row.get(0))
                .optional()
        })
    }

    /// Changes a setting of this console; `None` removes it.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn set_setting(&self, key: &str, json: Option<&str>) -> Result<(), StoreError> {
        self.write("writing a setting", |transaction| {
            match json {
                Some(json) => transaction.execute(
                    "INSERT INTO setting (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    [key, json],
                ),
                None => transaction.execute("DELETE FROM setting WHERE key = ?1", [key]),
            }
            .map(drop)
        })
    }
}

pub(crate) fn set_facts(transaction: &Transaction<'_>, facts: &[(&str, &str)]) -> rusqlite::Result<()> {
    let mut set = transaction.prepare_cached(
        "INSERT INTO profile (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?;
    facts.iter().try_for_each(|(key, value)| set.execute([key, value]).map(drop))
}
