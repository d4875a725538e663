//! What one profile keeps on disk: SQLite, one file, one writer.
//!
//! State stands in it from the start in the forms that consoles share (rosters, policies, records) and in the forms
//! that are this console's own (machine memory, incidents, providers, invitations, audit). Documents and memory are
//! JSON texts here: who signs and reads them is not this crate's business, and it knows neither protocol nor evaluator.
//!
//! Two promises. [`Store::save_step`] writes everything that one step of a deciding machine produced in one
//! transaction, so "persist, then act" is one call; and after it returns nothing of it is lost, even when the process
//! is killed or the power fails (WAL with `synchronous=FULL`). Heartbeats are never rows: the input log is another
//! file with weaker promises, see [`InputLog`].
//!
//! Start reading at [`Store`], then [`Step`].
#![warn(missing_docs)]

mod document;
mod error;
mod history;
mod input_log;
mod invitation;
mod ledger;
mod profile;
mod provider;
mod schema;
mod step;
mod store;

pub use document::{Document, DocumentKind, RECORDS_KEPT, ROSTERS_KEPT, Record};
pub use error::StoreError;
pub use history::{AuditRow, Incident, IncidentFilter, NewAudit, StoredEntry, StoredNotice};
pub use input_log::{InputLog, InputRow, LOG_AGE_MS_MAX, LOG_BYTES_MAX};
pub use invitation::{Invitation, Spent};
pub use ledger::{Begun, LEDGER_AGE_MS_MAX};
pub use provider::Provider;
pub use step::{EntryRow, IncidentPatch, NoticeRow, Phase, Step};
pub use store::{Around, Store};
