//! One pool's deciding machine: verdicts, confirmation, claim, watch lease, hold-down, and the explanation of each.
//!
//! It is sans-IO and deterministic: [`Machine::step`] takes the time and one input and gives outputs; nothing else
//! changes it. It knows no tokio, no file, no socket, no clock, no randomness but the seed it is given, and no DNS
//! provider by name. Two runs with the same inputs give the same outputs, which is how it is proven (`tests/sim`),
//! explained ([`Machine::explain`], [`Machine::what_if_dies`]) and replayed after an incident.
//!
//! Start reading at [`io`] (what goes in and out), then [`state`] (the states and their table), then `machine` (the
//! loop), `rules`, `rows` and `lost` (what each state does) and `guard` (what an automatic move needs). Evidence is kept in `sight` and
//! judged in `verdict`, `ready` and `voters`.
#![warn(missing_docs)]

pub mod beacon;
pub mod io;
pub mod state;

mod absorb;
mod address;
pub mod claim;
mod explain;
mod fitness;
mod guard;
mod hold;
mod lease;
mod lost;
mod machine;
mod order;
pub mod plant;
mod ready;
mod register;
mod rng;
mod rows;
mod rules;
mod settle;
mod sight;
mod verdict;
mod voters;
mod ways;
mod whatif;

pub use address::unpublishable;
pub use explain::{Answer, Blindness, Explanation, LeaseView, MemberView, Says, Voters};
pub use io::{Input, Output};
pub use machine::Machine;
pub use ready::is_public;
pub use rng::incident_id;
pub use verdict::Verdict;
pub use whatif::{Loss, Story};
