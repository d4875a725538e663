//! The crate from outside: the conformance suite against BIND and against the embedded server, and what only a real
//! server can show.

mod bind;
mod demo;
mod named;
