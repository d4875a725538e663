//! Links: mutual TLS 1.3 with pinned keys, and frames of JSON on top. Used by the agent and by the engine.
//!
//! It knows no pools and no meaning of what it carries: a frame is any serde type, a peer is a public key and an
//! address. There is no CA, no name and no date in its trust: both sides show a self-signed certificate over their
//! Ed25519 identity, prove that they hold it, and the key alone decides. TLS 1.3 only, aws-lc-rs only, no resumption.
//!
//! Everything a peer can stretch has a bound: the handshake's time and number, a frame's length (small until the
//! caller raises it), the time a begun frame may take, silence, and frames per second. Memory follows the bytes that
//! came, never the length that was announced.
//!
//! Start reading at [`Identity`], [`connect`] and [`Acceptor`], then [`Channel`].

mod certificate;
mod channel;
mod error;
mod identity;
mod open;
mod probe;
mod provider;
mod tls;

pub use channel::{Channel, Receiver, Sender};
pub use error::LinkError;
pub use identity::Identity;
pub use open::{Acceptor, Pin, Timeouts, connect, connect_over};
pub use probe::{Speaks, probe};

/// A byte stream that a link can run over: a TCP connection, an SSH tunnel, a pipe through a peer.
pub trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}
