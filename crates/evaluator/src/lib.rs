//! One pool's deciding machine: verdicts, confirmation, claim, watch lease, hold-down, and the explanation of each.
//!
//! It is sans-IO and deterministic: [`Machine::step`] takes the time and one input and gives outputs; nothing else
//! changes it. It knows no tokio, no file, no socket, no clock, no randomness but the seed it is given, and no DNS
//! provider by name. Two runs with the same inputs give the same outputs, which is how it is proven (`tests/sim`),
//! explained (`explain`, "what if X died now") and replayed after an incident.
//!
//! Start reading at [`io`] (what goes in and out), then `state` (the states and their table), then `machine`.
#![warn(missing_docs)]

pub mod beacon;
pub mod io;

pub use io::{Input, Output};
