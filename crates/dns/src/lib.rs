//! Moves one DNS record, and never by accident.
//!
//! A [`Provider`] reads the records of one managed name and changes them only by compare-and-set: a [`Move`] names the
//! address and the single-use marker that it expects, and consumes both in one atomic write. Two consoles, a late
//! packet or a doubled request can therefore never move a record twice. RFC 2136 with TSIG is [`rfc2136`]; Cloudflare's
//! API is [`cloudflare`] and a cPanel server's is [`whm`], both over [`web`]. The [`probe`] shows on the user's own
//! zone that its server keeps the promise, [`guard`] refuses what must not be adopted, and [`delegation`] says whether
//! resolvers ask this zone at all and whether it would die with a member.
//!
//! This crate must not know pools, members' health, leases or the evaluator: it is told addresses and marker texts.
//! It reads no clock to decide anything; wall time only signs.
//!
//! Features: `demo-server` is a small authoritative server for tests and the demo, `conformance` the suite that every
//! provider passes, with strict doubles of the two APIs. Start reading in [`provider`], then [`rfc2136`].

pub mod cloudflare;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod delegation;
#[cfg(feature = "demo-server")]
pub mod demo;
pub mod error;
pub mod guard;
#[cfg(test)]
mod mutation;
pub mod name;
mod precondition;
pub mod probe;
pub mod provider;
pub mod resolve;
pub mod rfc2136;
mod session;
pub mod special;
pub mod tsig;
pub mod web;
pub mod whm;
mod wire;

pub use error::DnsError;
pub use name::{Fqdn, Names};
pub use provider::{
    ARecord, Adoption, Expected, Front, Mismatch, Move, MoveOutcome, Provider, ProviderFacts, ReadToken,
    Reading, Release, Sent, TtlChange,
};
