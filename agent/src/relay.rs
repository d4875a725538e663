//! The relay's door: sockets, TLS, hello. Who may come in, the node decides.
//!
//! A stranger gets one of [`HANDSHAKES_MAX`] places for [`HANDSHAKE_DEADLINE`], from accept to an accepted hello, and
//! an address may only begin so many in a time; beyond that a connection is closed before a byte of it is read. What
//! happens inside the places holds no memory beyond one TLS handshake and a frame of 8 KiB.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use link::{Acceptor, Channel, Timeouts};
use model::{Span, Time};
use protocol::Frame;
use protocol::check::{Refusal, Status};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::limits::{
    HANDSHAKE_DEADLINE, HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX, HANDSHAKES_RATE, LISTEN_BACKLOG,
    PACED_ADDRESSES_MAX,
};
use crate::log;
use crate::node::{Event, Knock};
use crate::pace::{Crowd, Paces};
use crate::sense::clock::Clock;
use crate::session;

/// Pause after a failed accept: the process has no descriptors left, and trying at once would burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How often the node is told that connections are turned away.
const TELL_EVERY: Span = Span::from_s(1);

/// Opens the relay's sockets. Of the default pair one may fail, since a host may have switched IPv6 (or IPv4) off.
///
/// # Errors
/// An address that the administrator named cannot be listened on, or none can.
pub fn listen(addresses: &[SocketAddr], named: bool) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut last = None;
    for address in addresses {
        match open(*address) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let error = anyhow::Error::new(error).context(format!("listening on {address}"));
                if named {
                    return Err(error);
                }
                tracing::debug!("one of the default addresses is not there: {error:#}");
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if listeners.is_empty() => Err(error),
        Some(_) | None => Ok(listeners),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address.ip() {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    // A restarted agent must not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(LISTEN_BACKLOG)
}

/// Lets people in, forever. One task per listener.
#[derive(Clone)]
pub struct Door {
    acceptor: Acceptor,
    places: Arc<Semaphore>,
    crowd: Crowd,
    node: mpsc::Sender<Event>,
    clock: Arc<dyn Clock>,
}

impl Door {
    /// A door that shows this identity and asks this node.
    pub fn new(identity: &link::Identity, node: mpsc::Sender<Event>, clock: Arc<dyn Clock>) -> Self {
        let timeouts = Timeouts { connect: HANDSHAKE_DEADLINE, handshake: HANDSHAKE_DEADLINE };
        let acceptor = Acceptor::new(identity, timeouts);
        Self {
            acceptor,
            places: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            crowd: Crowd::new(HANDSHAKES_PER_ADDRESS_MAX),
            node,
            clock,
        }
    }

    /// Takes connections.
    pub async fn run(self, listener: TcpListener) {
        let mut paces = Paces::new(HANDSHAKES_RATE, PACED_ADDRESSES_MAX);
        let mut told = Time::ZERO;
        loop {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let now = self.clock.boottime();
            let place = Arc::clone(&self.places).try_acquire_owned();
            let (true, Ok(place), Some(inside)) =
                (paces.take(address.ip(), now), place, self.crowd.enter(address.ip()))
            else {
                // Told once a second at most: a flood must not keep the node busy either.
                if now.since(told) >= TELL_EVERY {
                    told = now;
                    let refusal = Refusal::new(Status::TooMany, "too many connections at once");
                    let _ = self.node.try_send(Event::TurnedAway { address: address.ip(), refusal });
                }
                continue;
            };
            let door = self.clone();
            tokio::spawn(async move {
                let met = timeout(HANDSHAKE_DEADLINE, door.meet(stream)).await;
                drop((place, inside));
                if let Ok(Some((id, link, outbox))) = met {
                    session::carry(id, link, outbox, door.node).await;
                }
            });
        }
    }

    async fn meet(&self, stream: TcpStream) -> Option<(session::SessionId, Channel, mpsc::Receiver<Frame>)> {
        let mut link = match self.acceptor.accept(stream).await {
            Ok(link) => link,
            Err(error) => {
                tracing::debug!("a handshake failed: {}", log::chain(&error));
                return None;
            }
        };
        let hello = match link.recv::<Frame>().await {
            Ok(Frame::Hello(hello)) => hello,
            Ok(_) => {
                let refusal = Refusal::new(Status::Conflict, "the first frame of a link is a hello");
                let _ = link.send(&Frame::Refused(refusal)).await;
                return None;
            }
            Err(error) => {
                tracing::debug!("no hello came: {}", log::chain(&error));
                return None;
            }
        };
        let (answer, judged) = oneshot::channel();
        let knock = Knock { key: link.peer_key(), address: link.peer_address()?, hello, answer };
        self.node.send(Event::Knock(knock)).await.ok()?;
        match judged.await.ok()? {
            Ok(admission) => {
                // A failed write shows again in the session, which then tells the node.
                let _ = link.send(&Frame::Welcome(admission.welcome)).await;
                Some((admission.id, link, admission.outbox))
            }
            Err(refusal) => {
                let _ = link.send(&Frame::Refused(refusal)).await;
                None
            }
        }
    }
}
