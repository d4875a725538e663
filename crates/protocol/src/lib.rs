//! The relay's wire: what members, relays and consoles say to each other, and the rules that need no IO.
//!
//! Sans-IO: bytes and values come in, values go out. The crate opens no socket, reads no clock and no file, draws no
//! random number (nonces are arguments) and does not know who sends a message or over what. Every input is hostile
//! until it is decoded: sizes and counts are bounded in [`limits`], decoding never panics.
//!
//! Heartbeat, testimony, lease, roster, policy and frames are the frozen core: JSON with camelCase fields, unknown
//! fields and unknown frame kinds are ignored, fields are only ever added.
//!
//! Start reading at [`frame::Frame`] (everything that crosses a link), then [`heartbeat::Heartbeat`], then
//! [`relay::Core`], the relay that each member runs, with [`observer`], [`lease`], [`intents`], [`records`] and
//! [`docs`] as its parts. [`enrol`] is how a new member gets in; [`check`] is how a known one does.
#![warn(missing_docs)]

mod bytes;
pub mod check;
pub mod docs;
pub mod enrol;
pub mod frame;
pub mod heartbeat;
pub mod intents;
pub mod key;
pub mod lease;
pub mod limits;
pub mod observer;
pub mod peers;
pub mod records;
pub mod relay;
pub mod scram;
pub mod sign;
pub mod sources;

pub use check::{Offer, Refusal, Status};
pub use frame::Frame;
pub use heartbeat::{Beat, Goodbye, Heartbeat, SeenFrom, Testimony};
pub use key::{PublicKey, SecretKey, Signature};
pub use sign::{Kind, SignError, Signed, Signer};
