//! The operator's wire: one list of commands with their requests and answers, events, and the error envelope.
//!
//! Desktop, command line and headless host all speak these words to whoever hosts the engine. The list in
//! [`commands`] yields the [`Host`] trait, the router [`dispatch`], the typed [`Request`]s that `client` sends, the
//! list [`COMMANDS`] for tests, and the TypeScript that `cargo xtask codegen` writes.
//!
//! The crate is pure: it knows no tauri, no engine, no evaluator and no runtime. Explanations cross the border as the
//! types of [`view`], not as the evaluator's own.
//!
//! Rules of the wire: commands are `noun_verb`; fields are camelCase; enums are tagged `kind`; ids are text; times
//! are milliseconds (`*_ms` of a moment counts from the Unix epoch, `age_ms` and `took_ms` are lengths); no number
//! exceeds 2^53. Every change carries a [`Change`] (dry run, idempotency key) and leaves an audit entry.
//!
//! Start reading at [`commands`], then [`view::pool`].
#![warn(missing_docs)]

pub mod call;
pub mod change;
pub mod commands;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod glance;
pub mod names;
pub mod request;
pub mod secret;
pub mod typescript;
pub mod view;

pub use call::{Call, Progress, ProgressState};
pub use change::{Change, Outcome, Plan, PlanStep};
pub use commands::{COMMANDS, Command, Deed, Effect, Host, Ledger, Mutation, Request, dispatch};
pub use error::{ApiError, Retry};
pub use event::{Event, EventBody, EventSource, Subscribe, Topic};
pub use names::{MemberRef, PoolRef, ProviderName};
pub use secret::SecretText;

#[cfg(test)]
mod tests;
