//! The harness itself, on real members: everything the end-to-end tests rely on is shown here once.

#![expect(clippy::unwrap_used, reason = "what the tests share is test code, too")]

mod faults;
mod members;
mod names;
