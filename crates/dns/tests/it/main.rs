//! The crate from outside: the conformance suite against BIND and against the embedded server, and what only a real
//! server or a bad network can show.
#![expect(clippy::unwrap_used, clippy::unwrap_in_result, reason = "in a test the panic is the report")]

mod bind;
mod cloudflare;
mod delegated;
mod demo;
mod double_process;
mod named;
mod network;
mod road;
mod whm;
