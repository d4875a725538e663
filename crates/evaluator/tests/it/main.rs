//! The machine told as stories: input at a time, outputs and states expected; and as properties over inputs that make
//! no sense.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::explicit_counter_loop,
    clippy::needless_pass_by_value,
    reason = "one test binary: its modules share a world and pick what they look at"
)]

mod agents;
mod explained;
mod moves;
mod properties;
mod stories;
mod world;
