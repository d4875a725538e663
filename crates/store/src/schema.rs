//! The tables, one migration after the other. A migration that was released is never edited.

use rusqlite_migration::{M, Migrations};

/// Every migration, oldest first.
pub(crate) const MIGRATIONS: Migrations<'static> = Migrations::from_slice(STEPS);

const STEPS: &[M<'static>] = &[M::up(FIRST)];

/// `*_ms` columns are Unix time, for people; nothing decides by them.
const FIRST: &str = "
CREATE TABLE profile (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    json    TEXT NOT NULL,
    PRIMARY KEY (kind, subject, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
    pool  TEXT NOT NULL,
    id    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    json  TEXT NOT NULL,
    PRIMARY KEY (pool, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_age ON record (pool, at_ms, id);

CREATE TABLE memory (
    pool  TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    json  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id          TEXT PRIMARY KEY,
    pool        TEXT NOT NULL,
    cause       TEXT NOT NULL,
    from_member TEXT,
    to_member   TEXT,
    epoch       INTEGER,
    began_ms    INTEGER NOT NULL,
    ended_ms    INTEGER,
    outcome     TEXT NOT NULL,
    held_reason TEXT,
    evidence    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_age ON incident (began_ms);

CREATE TABLE phase (
    incident TEXT NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    took_ms  INTEGER,
    place    INTEGER PRIMARY KEY,
    UNIQUE (incident, name)
) STRICT;

CREATE TABLE entry (
    id       INTEGER PRIMARY KEY,
    pool     TEXT NOT NULL,
    incident TEXT,
    at_ms    INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX entry_pool ON entry (pool, id);
CREATE INDEX entry_incident ON entry (incident, id) WHERE incident IS NOT NULL;

CREATE TABLE notice (
    id       INTEGER PRIMARY KEY,
    pool     TEXT NOT NULL,
    incident TEXT,
    kind     TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    text     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX notice_once ON notice (incident, kind) WHERE incident IS NOT NULL;

CREATE TABLE provider (
    name       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    link       TEXT NOT NULL,
    secret     TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    tested     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE invitation (
    id         TEXT PRIMARY KEY,
    member     TEXT NOT NULL,
    pool       TEXT NOT NULL,
    hostname   TEXT NOT NULL,
    name       TEXT NOT NULL,
    template   TEXT NOT NULL,
    address    TEXT,
    priority   INTEGER NOT NULL,
    sources    TEXT NOT NULL,
    verifier   TEXT,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    spent_ms   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    by      TEXT NOT NULL,
    command TEXT NOT NULL,
    request TEXT NOT NULL,
    error   TEXT
) STRICT;

CREATE TABLE deed (
    key     TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    digest  TEXT NOT NULL,
    start   INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    answer  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    #[test]
    fn every_migration_is_valid() {
        super::MIGRATIONS.validate().unwrap();
    }
}
