//! What the host says: HAProxy's state, figures of the machine, clocks.
//!
//! Readings come in by signals (systemd over D-Bus) and by one pulse a second (probes of HAProxy's own listeners);
//! [`haproxy`] puts them together and publishes a [`model::haproxy::Report`] that changes at once when something
//! does. What counts as down for good is judged by [`::haproxy::judge`], which knows no IO; this module is its eyes.
//!
//! Start reading at [`haproxy::HaproxySense`].

pub mod beat;
pub mod clock;
pub mod haproxy;
pub mod host;
pub mod probe;
pub mod running;
pub mod socket;
pub mod units;

mod changes;

pub use changes::print_changes;
