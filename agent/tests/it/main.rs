//! Agents on loopback, with consoles that speak the real wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod door;
mod enrolment;
mod pool;
mod program;
mod restart;
mod world;
