//! The simulator: whole fleets in one thread, in their own time, with everything going wrong that can be thought of.
//!
//! It drives the real machine (`evaluator`) and the real relay core (`protocol::relay`) in a world of discrete events:
//! hosts, agents, consoles, a network, a DNS register, operators. A seed is a world; the same seed gives the same
//! trace, whose hash says so. What each console was told is written down a second time ([`shadow`]), and the
//! invariants of safety.md are judged by that and by the truth ([`invariant`]), never by the machine's own books.
//!
//! Nothing here may know sockets, threads of the runtime, or the time of day. Start reading at [`plan::Plan`] (what a
//! seed means), then [`world::World`] (how it happens), then [`runs`] (many seeds, and what is printed).

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "offsets of simulated clocks stay far below 2^63 ms"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::collapsible_match,
    reason = "a world looks at the few inputs, outputs and faults that concern it; a new one is told by the invariants"
)]

pub mod clock;
pub mod console;
pub mod exhaustive;
pub mod fault;
pub mod haproxy;
pub mod ids;
pub mod invariant;
pub mod link;
pub mod member;
pub mod net;
pub mod plan;
pub mod planted;
pub mod queue;
pub mod register;
pub mod rng;
pub mod runs;
pub mod shadow;
pub mod small;
pub mod story;
pub mod totals;
pub mod trace;
pub mod wire;
pub mod world;
