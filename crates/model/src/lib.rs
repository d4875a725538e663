//! The nouns of ServersCTL: ids, time, settings with their ranges, marker, health, error codes.
//!
//! Every other crate speaks in these words. The crate knows no other crate of ours, does no IO, reads no clock and
//! holds no randomness: values come in, values go out. Ranges are checked where a value is built, so a value that
//! exists is a valid one.
//!
//! Start reading at [`settings::Settings`] (what a pool is told to do), then [`marker::Marker`] (the single-use mark
//! that fences DNS) and [`haproxy::Report`] (what a member says about its service).
#![warn(missing_docs)]

mod chain;
pub mod code;
pub mod haproxy;
pub mod health;
pub mod host;
pub mod ids;
pub mod marker;
pub mod place;
pub mod settings;
pub mod stall;
pub mod time;

pub use chain::chain;
pub use code::Code;
pub use health::Health;
pub use ids::{BootId, ConsoleId, FleetId, IncidentId, MemberId, Nonce, PoolId};
pub use marker::Marker;
pub use place::Place;
pub use settings::Settings;
pub use time::{Span, Time};
