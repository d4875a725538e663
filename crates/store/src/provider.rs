//! DNS providers of this console. Their secrets are in the vault; here stands only the name they have there.

use rusqlite::{OptionalExtension as _, Row, params};

use crate::{Store, StoreError};

/// One provider as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name, unique.
    pub name: String,
    /// Its kind, for example `rfc2136`.
    pub kind: String,
    /// How to talk to it, as JSON.
    pub link: String,
    /// The name of its secret in the vault.
    pub secret: String,
    /// When it was added, Unix time.
    pub created_ms: u64,
    /// What the newest test found, as JSON.
    pub tested: Option<String>,
}

impl Store {
    /// Adds a provider; says whether its name was free.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn add_provider(&self, provider: &Provider) -> Result<bool, StoreError> {
        self.write("adding a provider", |transaction| {
            transaction
                .execute(
                    "INSERT INTO provider (name, kind, link, secret, created_ms, tested)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                    params![
                        provider.name,
                        provider.kind,
                        provider.link,
                        provider.secret,
                        provider.created_ms,
                        provider.tested
                    ],
                )
                .map(|rows| rows == 1)
        })
    }

    /// Keeps what a test found.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn set_provider_tested(&self, name: &str, tested: &str) -> Result<(), StoreError> {
        self.write("keeping a provider's test", |transaction| {
            transaction.execute("UPDATE provider SET tested = ?2 WHERE name = ?1", [name, tested]).map(drop)
        })
    }

    /// Every provider, by name.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn providers(&self) -> Result<Vec<Provider>, StoreError> {
        self.read("reading the providers", |connection| {
            connection
                .prepare_cached(
                    "SELECT name, kind, link, secret, created_ms, tested FROM provider ORDER BY name",
                )?
                .query_map([], provider)?
                .collect()
        })
    }

    /// One provider.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub fn provider(&self, name: &str) -> Result<Option<Provider>, StoreError> {
        self.read("reading a provider", |connection| {
            connection
                .query_row(
                    "SELECT name, kind, link, secret, created_ms, tested FROM provider WHERE name = ?1",
                    [name],
                    provider,
                )
                .optional()
        })
    }

    /// Removes a provider; says whether there was one.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub fn remove_provider(&self, name: &str) -> Result<bool, StoreError> {
        self.write("removing a provider", |transaction| {
            transaction.execute("DELETE FROM provider WHERE name = ?1", [name]).map(|rows| rows == 1)
        })
    }
}

fn provider(row: &Row<'_>) -> rusqlite::Result<Provider> {
    Ok(Provider {
        name: row.get(0)?,
        kind: row.get(1)?,
        link: row.get(2)?,
        secret: row.get(3)?,
        created_ms: row.get(4)?,
        tested: row.get(5)?,
    })
}
