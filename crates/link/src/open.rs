//! Opening a link from either side.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::PublicKey;
use protocol::sources::unmapped;
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::channel::Channel;
use crate::{Identity, LinkError, Stream, tls};

/// Handshakes that one acceptor works on at once: each holds some 40 KiB.
const HANDSHAKES_MAX: usize = 64;

/// Whom a connecting side expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The holder of this key and nobody else.
    Key(PublicKey),
    /// Anybody: the enrolment that follows proves who it is. Nothing else may be said over such a link.
    AnyForEnrolment,
}

/// How long the steps of opening may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The TCP connection.
    pub connect: Duration,
    /// TLS, from the first byte to the last.
    pub handshake: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), handshake: Duration::from_secs(5) }
    }
}

/// Dials `address` and proves both sides' keys.
///
/// # Errors
/// No connection, too slow, no TLS, or [`LinkError::WrongKey`].
pub async fn connect(
    address: SocketAddr,
    identity: &Identity,
    pin: Pin,
    timeouts: Timeouts,
) -> Result<Channel, LinkError> {
    let peer = address.to_string();
    let dialled = timeout(timeouts.connect, TcpStream::connect(address)).await;
    let stream = match dialled {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) => return Err(LinkError::Connect { peer, source }),
        Err(_) => return Err(LinkError::TimedOut { peer, what: "connecting", limit: timeouts.connect }),
    };
    tune(&stream).map_err(|source| LinkError::Connect { peer: peer.clone(), source })?;
    connect_over(Box::new(stream), peer, Some(address), identity, pin, timeouts).await
}

/// Proves both sides' keys over a stream that is there already: an SSH tunnel, a pipe through a peer. `peer` names the
/// other side in errors; `address` is its address where that means anything.
///
/// # Errors
/// Too slow, no TLS, or [`LinkError::WrongKey`].
pub async fn connect_over(
    stream: Box<dyn Stream>,
    peer: String,
    address: Option<SocketAddr>,
    identity: &Identity,
    pin: Pin,
    timeouts: Timeouts,
) -> Result<Channel, LinkError> {
    let connector = TlsConnector::from(tls::client_config(identity, &pin));
    // No name is sent and none is checked; rustls wants one all the same.
    let name = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
    let shaken = timeout(timeouts.handshake, connector.connect(name, stream)).await;
    finish(shaken.map(|done| done.map(TlsStream::from)), peer, address, timeouts.handshake)
}

/// The side that is dialled.
#[derive(Clone, Debug)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    handshake: Duration,
    room: Arc<Semaphore>,
}

impl Acceptor {
    /// An acceptor that shows this identity. It takes any client that proves an Ed25519 key; who that is, the caller
    /// asks [`Channel::peer_key`].
    pub fn new(identity: &Identity, timeouts: Timeouts) -> Self {
        Self {
            config: tls::server_config(identity),
            handshake: timeouts.handshake,
            room: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
        }
    }

    /// Proves both sides' keys on a connection that came in. To be called in a task of its own.
    ///
    /// # Errors
    /// Too many at once, too slow, no TLS, no key.
    pub async fn accept(&self, stream: TcpStream) -> Result<Channel, LinkError> {
        let address =
            stream.peer_addr().map_err(|source| LinkError::Connect { peer: "a client".into(), source })?;
        let peer = SocketAddr::new(unmapped(address.ip()), address.port());
        tune(&stream).map_err(|source| LinkError::Connect { peer: peer.to_string(), source })?;
        self.accept_over(Box::new(stream), peer.to_string(), Some(peer)).await
    }

    /// The same over a stream that is there already.
    ///
    /// # Errors
    /// As [`Acceptor::accept`].
    pub async fn accept_over(
        &self,
        stream: Box<dyn Stream>,
        peer: String,
        address: Option<SocketAddr>,
    ) -> Result<Channel, LinkError> {
        let Ok(_room) = self.room.try_acquire() else { return Err(LinkError::Busy { peer }) };
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let shaken = timeout(self.handshake, acceptor.accept(stream)).await;
        finish(shaken.map(|done| done.map(TlsStream::from)), peer, address, self.handshake)
    }
}

fn finish(
    shaken: Result<io::Result<TlsStream<Box<dyn Stream>>>, tokio::time::error::Elapsed>,
    peer: String,
    address: Option<SocketAddr>,
    limit: Duration,
) -> Result<Channel, LinkError> {
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) => {
            return Err(match tls::other_key(&source) {
                Some(other) => LinkError::WrongKey { peer, pinned: other.pinned, found: other.found },
                None => LinkError::Handshake { peer, source },
            });
        }
        Err(_) => return Err(LinkError::TimedOut { peer, what: "the TLS handshake", limit }),
    };
    match tls::facts(&stream) {
        Ok((key, exporter)) => Ok(Channel::new(stream, peer, address, key, exporter)),
        Err(error) => Err(LinkError::Handshake { peer, source: io::Error::other(error) }),
    }
}

/// Small frames go out at once, and a peer that vanished is noticed by the kernel.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(15)))?;
    Ok(())
}

/// The address that a peer is known by.
pub(crate) fn ip_of(address: Option<SocketAddr>) -> Option<IpAddr> {
    address.map(|address| unmapped(address.ip()))
}
