//! The api over an in-memory pipe or a profile's local socket.
//!
//! A surface (desktop, command line) holds a [`Client`]; whoever hosts the engine runs [`serve`] on the socket, or
//! [`in_memory`] for its own window. Both speak the same frames, so there is one code path whether the host is this
//! process or another one.
//!
//! A frame is a length (u32, big endian) and that many bytes of JSON; a call and everything that answers it carry the
//! call's number. Lengths are bounded on both sides, the socket is 0600 in a 0700 directory, and the host accepts its
//! own user only.
//!
//! The crate knows nothing but the api: no engine, no command of its own, no printing.
//!
//! Start reading at [`Client`], then [`wire`].
#![warn(missing_docs)]

mod client;
mod error;
mod frame;
mod host;
mod socket;
pub mod wire;

pub use client::{Client, Events};
pub use error::ClientError;
pub use host::{in_memory, serve, serve_connection, serve_until};
pub use socket::{Peers, SOCKET, bind};
