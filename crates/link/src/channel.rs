//! An open link: frames of JSON, each behind its length in four bytes, most significant first.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use protocol::{PublicKey, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsStream;

use crate::open::ip_of;
use crate::{LinkError, Stream};

/// How long a frame may take from its first byte to its last.
const FRAME_TIME: Duration = Duration::from_secs(10);
/// How long writing one frame may take before the other side counts as gone.
const WRITE_TIME: Duration = Duration::from_secs(10);
/// How long a link may stay without any byte unless the caller says otherwise.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How much is read at once.
const CHUNK_BYTES: usize = 4 * 1024;
/// A buffer larger than this is given back after the frame that needed it.
const BUFFER_BYTES_KEPT: usize = 16 * 1024;

type Tls = TlsStream<Box<dyn Stream>>;

/// An open link with both directions in one hand.
pub struct Channel {
    sender: Sender,
    receiver: Receiver,
    key: PublicKey,
    exporter: [u8; 32],
    address: Option<SocketAddr>,
}

/// The sending direction.
pub struct Sender {
    half: WriteHalf<Tls>,
    peer: String,
    /// What is not written yet; kept here so that a dropped `send` tears no frame.
    pending: Vec<u8>,
    written: usize,
}

/// The receiving direction.
pub struct Receiver {
    half: ReadHalf<Tls>,
    peer: String,
    buffer: Vec<u8>,
    /// When the frame that is being read began.
    began: Option<Instant>,
    limit: usize,
    idle: Duration,
    rate: Rate,
}

struct Rate {
    per_s: u32,
    /// Thousandths of a frame that may still come.
    credit: u64,
    at: Instant,
}

impl Channel {
    pub(crate) fn new(
        stream: Tls,
        peer: String,
        address: Option<SocketAddr>,
        key: PublicKey,
        exporter: [u8; 32],
    ) -> Self {
        let (read, write) = tokio::io::split(stream);
        let sender = Sender { half: write, peer: peer.clone(), pending: Vec::new(), written: 0 };
        let receiver = Receiver {
            half: read,
            peer,
            buffer: Vec::new(),
            began: None,
            limit: limits::FRAME_BYTES_BEFORE_HELLO_MAX,
            idle: IDLE_TIME,
            rate: Rate::new(limits::FRAMES_PER_S),
        };
        Self { sender, receiver, key, exporter, address }
    }

    /// The key that the other side has proven.
    pub fn peer_key(&self) -> PublicKey {
        self.key
    }

    /// The other side's socket address, unmapped; none over a tunnel or pipe.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The other side's IP address, unmapped; none over a tunnel or pipe.
    pub fn peer_ip(&self) -> Option<IpAddr> {
        ip_of(self.address)
    }

    /// The 32 bytes of RFC 9266 that only the two ends of this channel know.
    pub fn exporter(&self) -> [u8; 32] {
        self.exporter
    }

    /// Raises or lowers the longest frame that is taken. It starts at what strangers get.
    pub fn set_limit(&mut self, bytes: usize) {
        self.receiver.set_limit(bytes);
    }

    /// How long the other side may stay silent before [`Channel::recv`] gives up.
    pub fn set_idle(&mut self, idle: Duration) {
        self.receiver.set_idle(idle);
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send<T: Serialize + Sync>(&mut self, frame: &T) -> Result<(), LinkError> {
        self.sender.send(frame).await
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub async fn recv<T: DeserializeOwned>(&mut self) -> Result<T, LinkError> {
        self.receiver.recv().await
    }

    /// Both directions apart, for two tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channel({}, {:?})", self.sender.peer, self.key)
    }
}

impl Sender {
    /// Sends one frame. Safe to drop: what was begun is finished by the next call.
    ///
    /// # Errors
    /// The frame is longer than anybody takes, or the other side does not read.
    pub async fn send<T: Serialize + Sync>(&mut self, frame: &T) -> Result<(), LinkError> {
        self.flush().await?;
        self.queue(frame)?;
        self.flush().await
    }

    /// Sends several frames in as few records as they fit.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub async fn send_all<T: Serialize + Sync>(&mut self, frames: &[T]) -> Result<(), LinkError> {
        self.flush().await?;
        for frame in frames {
            self.queue(frame)?;
            if self.pending.len() > BUFFER_BYTES_KEPT {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// The other side is gone already.
    pub async fn close(&mut self) -> Result<(), LinkError> {
        self.flush().await?;
        let closed = timeout_at(Instant::now() + WRITE_TIME, self.half.shutdown()).await;
        self.judge(closed)
    }

    fn queue<T: Serialize>(&mut self, frame: &T) -> Result<(), LinkError> {
        let start = self.pending.len();
        self.pending.extend_from_slice(&[0; 4]);
        write_json(&mut self.pending, frame);
        let bytes = self.pending.len() - start - 4;
        if bytes > limits::FRAME_BYTES_MAX {
            self.pending.truncate(start);
            return Err(LinkError::TooLong { peer: self.peer.clone(), bytes, max: limits::FRAME_BYTES_MAX });
        }
        self.pending[start..start + 4].copy_from_slice(&head_of(bytes));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + WRITE_TIME;
        while self.written < self.pending.len() {
            let wrote = timeout_at(deadline, self.half.write(&self.pending[self.written..])).await;
            self.written += self.judge(wrote)?;
        }
        let flushed = timeout_at(deadline, self.half.flush()).await;
        self.judge(flushed)?;
        self.pending.clear();
        self.pending.shrink_to(BUFFER_BYTES_KEPT);
        self.written = 0;
        Ok(())
    }

    fn judge<T>(
        &self,
        done: Result<std::io::Result<T>, tokio::time::error::Elapsed>,
    ) -> Result<T, LinkError> {
        let peer = || self.peer.clone();
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(source)) => Err(LinkError::Io { peer: peer(), what: "writing to", source }),
            Err(_) => Err(LinkError::TimedOut { peer: peer(), what: "writing a frame", limit: WRITE_TIME }),
        }
    }
}

impl Receiver {
    /// Raises or lowers the longest frame that is taken.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes.min(limits::FRAME_BYTES_MAX);
    }

    /// How long the other side may stay silent before [`Receiver::recv`] gives up.
    pub fn set_idle(&mut self, idle: Duration) {
        self.idle = idle;
    }

    /// Waits for the next frame. Safe to drop: no byte is lost.
    ///
    /// # Errors
    /// The link ended, the frame is too long, too slow or unreadable, the other side is silent or sends too many.
    pub async fn recv<T: DeserializeOwned>(&mut self) -> Result<T, LinkError> {
        let silent_at = Instant::now() + self.idle;
        loop {
            if let Some(length) = self.complete()? {
                self.rate.spend(&self.peer)?;
                let frame = serde_json::from_slice(&self.buffer[4..4 + length]);
                self.buffer.drain(..4 + length);
                self.buffer.shrink_to(BUFFER_BYTES_KEPT);
                self.began = (!self.buffer.is_empty()).then(Instant::now);
                return frame.map_err(|error| LinkError::Garbage {
                    peer: self.peer.clone(),
                    detail: format!("{:?} error at column {}", error.classify(), error.column()),
                });
            }
            self.fill(silent_at).await?;
        }
    }

    /// The length of the frame at the buffer's start, once all of it is there.
    fn complete(&self) -> Result<Option<usize>, LinkError> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(LinkError::TooLong { peer: self.peer.clone(), bytes: length, max: self.limit });
        }
        Ok((self.buffer.len() >= 4 + length).then_some(length))
    }

    async fn fill(&mut self, silent_at: Instant) -> Result<(), LinkError> {
        let (deadline, what, limit) = match self.began {
            Some(began) => (began + FRAME_TIME, "receiving a frame", FRAME_TIME),
            None => (silent_at, "waiting for a frame", self.idle),
        };
        let peer = || self.peer.clone();
        // The buffer grows by what came, never by what was announced.
        self.buffer.reserve(CHUNK_BYTES);
        match timeout_at(deadline, self.half.read_buf(&mut self.buffer)).await {
            Ok(Ok(0)) => Err(LinkError::Closed { peer: peer() }),
            Ok(Ok(_)) => {
                self.began.get_or_insert_with(Instant::now);
                Ok(())
            }
            Ok(Err(source)) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(LinkError::Closed { peer: peer() })
            }
            Ok(Err(source)) => Err(LinkError::Io { peer: peer(), what: "reading from", source }),
            Err(_) => Err(LinkError::TimedOut { peer: peer(), what, limit }),
        }
    }
}

impl Rate {
    fn new(per_s: u32) -> Self {
        Self { per_s, credit: u64::from(per_s) * 4_000, at: Instant::now() }
    }

    fn spend(&mut self, peer: &str) -> Result<(), LinkError> {
        let now = Instant::now();
        let passed_ms = u64::try_from(now.duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        let per_s = u64::from(self.per_s);
        self.credit = self.credit.saturating_add(passed_ms.saturating_mul(per_s)).min(per_s * 4_000);
        self.at = now;
        match self.credit.checked_sub(1_000) {
            Some(left) => {
                self.credit = left;
                Ok(())
            }
            None => Err(LinkError::TooMany { peer: peer.to_owned(), per_s: self.per_s }),
        }
    }
}

fn write_json<T: Serialize>(buffer: &mut Vec<u8>, frame: &T) {
    serde_json::to_writer(buffer, frame).expect("wire types have string keys and no failing serializer");
}

fn head_of(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("a frame's limit fits four bytes").to_be_bytes()
}
