//! A fleet to look around in: the product's own engine, relays, enrolment and DNS moves, on loopback addresses of this
//! computer, without root and without anything outside of it. Only the hosts are pretended: what systemd, HAProxy and
//! the machine would tell an agent, and what its HAProxy would answer.
//!
//! Each pretended host is a thread with its own runtime, on which the real agent runs; cutting its power ends both, with
//! every socket. The set-up goes through `client` alone, as a person would do it. Everything that is written lies below
//! one directory, which goes when the demo ends; one that was left behind goes when the next demo begins.
//!
//! It must not know windows or printing; whoever shows it gets a [`Picture`]. Nothing here may be reached by the agent's
//! own program.
//!
//! Start reading at [`Fleet`], then `story` (what happens when), `setup` (how a fleet is made) and `member`.

mod balancer;
mod error;
mod fleet;
mod ground;

mod home;
mod machine;
mod member;
mod picture;
mod setup;
mod stat;
mod story;

pub use error::DemoError;
pub use fleet::Fleet;
pub use ground::{Ground, prepare};
pub use home::Home;
pub use picture::{Act, Picture, Stage};
