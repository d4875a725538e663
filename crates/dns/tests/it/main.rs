//! The crate from outside: the conformance suite against BIND and against the embedded server, and what only a real
//! server or a bad network can show.

mod bind;
mod delegated;
mod demo;
mod named;
mod network;
