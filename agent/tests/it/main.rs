//! Agents on loopback, with consoles that speak the real wire.

mod door;
mod enrolment;
mod pool;
mod restart;
mod world;
