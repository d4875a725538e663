//! HAProxy as the product knows it, without touching one.
//!
//! For: reading `show stat` and `show info` ([`stat`], [`info`]), reading `haproxy.cfg` as a document whose lines are
//! kept verbatim ([`config`]), and judging from the unit's states and probe results whether HAProxy serves
//! ([`judge`]). All of it is pure: text or observations in, facts out.
//!
//! It must not know: sockets, files, clocks, systemd's bus, the agent, the engine. Whoever reads the world hands the
//! readings in; time comes as an argument.
//!
//! Every text here comes from a host that may be in the wrong hands: readers are bounded and never panic.
//!
//! Start reading at [`judge::Judge`], the part that can move a DNS record.

#![warn(missing_docs)]

pub mod config;
pub mod info;
pub mod judge;
pub mod stat;
