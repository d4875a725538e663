//! The only runtime of the console: it reaches relays, feeds each pool's machine, carries out what the machine decided
//! after it is on disk, and answers the operator's api.
//!
//! It must not know tauri, clap or printing; surfaces reach it through `api` alone. It decides nothing about a
//! failover: that is the evaluator's, and every file here that could be tempted says so.
//!
//! One process per profile hosts it, held by a lock on a file. Start reading at [`Host`], then `inner` (what the parts
//! share), `desk` (what arrives), `watch` (one pool's loop) and `register` (DNS). `handlers` answers the api.

mod anchors;
mod clock;
mod daily;
mod ddns;
mod desk;
mod enrol;
mod events;
mod fleet;
mod guard;
mod handlers;
mod host;
mod inner;
mod level;
mod moves;
mod pen;
mod profile;
mod providers;
mod random;
mod reach;
mod recorder;
mod register;
mod rehearse;
mod sighting;
mod stat;
mod story;
mod supervise;
mod surroundings;
mod view;
mod watch;
mod words;

#[cfg(test)]
mod tests;

pub use host::{Host, Kind, OpenError};
pub(crate) use model::chain;
