//! The agent of a member: `balctl-agent`.
//!
//! It tells once a second, signed, how its host fares; its relay passes on what its peers and consoles say; it
//! testifies about peers that fell silent. It decides nothing about a failover and never holds a DNS credential: it
//! must not know the engine, the providers, the stores or the operator's wire.
//!
//! Everything runs on one thread. Start reading at [`run`] (what the daemon is made of), then `node` (its one loop,
//! the only owner of state), `relay` and `peers` (connections in and out), `sense` (what the host says) and
//! [`limits`] (every bound).

pub mod alarm;
pub mod attachment;
pub mod cli;
pub mod disk;
pub mod enrol;
pub mod env;
pub mod keeper;
pub mod layout;
pub mod limits;
pub mod log;
pub mod node;
pub mod pace;
pub mod peers;
pub mod provision;
pub mod relay;
pub mod run;
pub mod secret;
pub mod sense;
pub mod session;
pub mod socket;
pub mod state;
pub mod status;
pub mod stop;
pub mod uninstall;
pub mod unit;
pub mod watchdog;
