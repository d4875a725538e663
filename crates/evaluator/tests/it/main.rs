//! The machine told as stories: input at a time, outputs and states expected; and as properties over inputs that make
//! no sense.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "one test binary, its modules share a world")]

mod agents;
mod explained;
mod moves;
mod properties;
mod stories;
mod world;
