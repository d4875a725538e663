//! Real member hosts on one machine, for the end-to-end tests and the demo.
//!
//! A [`Fabric`] is a network namespace with one bridge and no route out. On it live [`Member`]s (a Debian with systemd as
//! its first process, its own network namespace, its own disk: a shared read-only image below, a tmpfs above) and
//! [`Host`]s (a plain namespace on the same bridge, for the console, a DNS server, a client). Faults are real: a cable
//! pulled, packets dropped one way or both, a frozen userland, a power cut.
//!
//! What it must not know: anything of the product, but for [`product`], where its commands stand, and [`demo_dns`].
//!
//! Every wait has a bound and says what it waited for. What an earlier, killed run left behind is swept when the next
//! fabric is made; a living run is never touched. Needs root; [`requirements::check`] says in words what is missing.
//!
//! Start reading at [`fabric`], then [`member`] and [`link`].

pub mod command;
pub mod customer;
pub mod demo_dns;
pub mod dns_peer;
pub mod fabric;
pub mod haproxy;
pub mod host;
pub mod image;
pub mod link;
pub mod lookup;
pub mod member;
pub mod product;
pub mod programs;
pub mod requirements;
pub mod wait;
pub mod world;

mod sweep;

pub use fabric::Fabric;
pub use host::{Host, Process};
pub use link::Cut;
pub use member::{Boot, Member};
pub use wait::Seen;
pub use world::World;
