//! The product on real members: real agents, real HAProxy, `serversctl watch`, and the record that a client asks for.
//!
//! Each test boots a world of its own and states exact facts: where the record is, by how much the epoch rose, what the
//! incident holds, in which words the product explains itself.

#![expect(clippy::unwrap_used, reason = "what the tests share is test code, too")]

mod adoption;
mod ddns;
mod disks;
mod drift;
mod enrolment;
mod haproxy;
mod held;
mod kills;
mod late;
mod manual;
mod partitions;
mod provision;
mod stage;
mod stops;
mod units;
mod watches;
