//! One TCP connection to a name server: frames out, frames in, nothing else.

use std::{io, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{DnsError, wire::MESSAGE_SIZE_BYTES_MAX};

/// How long one operation may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// For the connection to be made.
    pub connect_ms: u64,
    /// For all answers of one operation to arrive.
    pub answer_ms: u64,
}

impl Default for Timeouts {
    /// Two seconds to connect cover one lost SYN; four to answer cover a slow disk at the server.
    fn default() -> Self {
        Self { connect_ms: 2_000, answer_ms: 4_000 }
    }
}

pub(crate) struct Session {
    stream: TcpStream,
    server: SocketAddr,
    operation: &'static str,
}

impl Session {
    pub(crate) async fn open(
        server: SocketAddr,
        operation: &'static str,
        connect_ms: u64,
    ) -> Result<Self, DnsError> {
        let unreachable = |source| DnsError::Unreachable { server, source };
        let stream = timeout(Duration::from_millis(connect_ms), TcpStream::connect(server))
            .await
            .map_err(|_| DnsError::Timeout { server, operation: "connecting", timeout_ms: connect_ms })?
            .map_err(unreachable)?;
        // Without this, the last small frame waits for the acknowledgement of the one before: 40 ms for nothing.
        stream.set_nodelay(true).map_err(unreachable)?;
        Ok(Self { stream, server, operation })
    }

    /// Writes all frames at once.
    pub(crate) async fn send<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), DnsError> {
        let mut frames = Vec::with_capacity(1_024);
        for message in messages {
            let length = u16::try_from(message.len()).map_err(|_| DnsError::Protocol {
                server: self.server,
                operation: self.operation,
                reason: format!("the request would have {} bytes", message.len()),
            })?;
            frames.extend_from_slice(&length.to_be_bytes());
            frames.extend_from_slice(message);
        }
        self.stream.write_all(&frames).await.map_err(|source| self.cut(source))
    }

    /// Reads one frame.
    pub(crate) async fn receive(&mut self) -> Result<Vec<u8>, DnsError> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).await.map_err(|source| self.cut(source))?;
        // Two octets cannot name more than MESSAGE_SIZE_BYTES_MAX, so the buffer is bounded by the format itself.
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        debug_assert!(message.len() <= MESSAGE_SIZE_BYTES_MAX);
        self.stream.read_exact(&mut message).await.map_err(|source| self.cut(source))?;
        Ok(message)
    }

    fn cut(&self, source: io::Error) -> DnsError {
        DnsError::Cut { server: self.server, operation: self.operation, source }
    }
}
