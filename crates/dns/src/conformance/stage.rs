//! The stage that doubles of HTTPS APIs stand on: HTTP/1.1 in clear on loopback or with TLS anywhere, and a script of everything a network and a
//! provider can do to one exchange.
//!
//! A double is a [`Site`]: a pure function of request and state. The stage reads requests, asks the site, and spoils the
//! exchange as the next matching [`Fault`] of the script says. A second address behaves the same, but loses the answer
//! of every write after the site has carried it out.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use self::http::{encode, read_request};
pub use self::{
    http::{Reply, Request},
    tls::OwnCertificate,
};

mod control;
mod http;
mod tls;

/// Requests that are kept for tests to look at.
const SEEN_MAX: usize = 10_000;

/// A double behind the stage.
pub trait Site: Send + Sync + 'static {
    /// Answers, and changes its state if the request says so and may.
    fn answer(&self, request: &Request) -> Reply;
    /// True for requests that change something.
    fn is_write(&self, request: &Request) -> bool;
}

/// Which request a fault waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// The next one that only looks.
    Read,
    /// The next one that changes something.
    Write,
    /// The next one.
    Any,
}

/// What happens to one exchange.
#[derive(Debug)]
pub enum Fault {
    /// The site is not asked; this is the answer.
    Instead(Reply),
    /// The site does its work; this is the answer.
    AfterCommit(Reply),
    /// The site is not asked, and the connection ends.
    CutBefore,
    /// The site does its work, and the connection ends without an answer.
    CutAfter,
    /// The site does its work, and the connection ends in the middle of the answer.
    CutInside,
    /// The whole answer comes twice.
    Doubled,
    /// The request waits at the gate, whether or not its sender still does, and then reaches the site: the late packet.
    HeldBefore(Gate),
    /// The site does its work; the answer waits at the gate.
    HeldAfter(Gate),
}

/// Holds one exchange until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<GateState>>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum GateState {
    Waiting,
    Reached,
    Open,
    Passed,
}

impl Gate {
    /// A closed gate.
    #[expect(clippy::new_without_default, reason = "a gate is always made on purpose")]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(GateState::Waiting)))
    }

    /// Resolves once a request stands at the gate.
    pub async fn reached(&self) {
        self.until(GateState::Reached).await;
    }

    /// Lets the request go on.
    pub fn open(&self) {
        self.0.send_modify(|state| *state = (*state).max(GateState::Open));
    }

    /// Resolves once the site has done what was held.
    pub async fn passed(&self) {
        self.until(GateState::Passed).await;
    }

    async fn hold(&self) {
        self.0.send_modify(|state| *state = (*state).max(GateState::Reached));
        self.until(GateState::Open).await;
    }

    fn done(&self) {
        self.0.send_modify(|state| *state = GateState::Passed);
    }

    async fn until(&self, wanted: GateState) {
        // The sender lives in `self`, so the wait ends only by the state.
        let _ = self.0.subscribe().wait_for(|state| *state >= wanted).await;
    }
}

/// The running stage. It ends when dropped.
pub struct Stage {
    address: SocketAddr,
    lossy_address: SocketAddr,
    certificate: Option<OwnCertificate>,
    script: Arc<Script>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Script {
    faults: Mutex<VecDeque<(When, Fault)>>,
    /// Held by command, in the order in which they are opened.
    gates: Mutex<VecDeque<Gate>>,
    takes_commands: AtomicBool,
    seen: Mutex<Vec<Request>>,
}

impl Script {
    fn note(&self, request: &Request) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SEEN_MAX {
            seen.push(request.clone());
        }
    }

    fn lock_gates(&self) -> MutexGuard<'_, VecDeque<Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, when: When, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back((when, fault));
    }

    fn next(&self, is_write: bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let meets = |when: When| match when {
            When::Any => true,
            When::Write => is_write,
            When::Read => !is_write,
        };
        let at = faults.iter().position(|(when, _)| meets(*when))?;
        faults.remove(at).map(|(_, fault)| fault)
    }
}

impl Stage {
    /// Serves the site in clear on two free loopback ports.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(site: Arc<dyn Site>) -> io::Result<Self> {
        Self::start_on(site, SocketAddr::from(([127, 0, 0, 1], 0)), None).await
    }

    /// Serves the site with TLS at an address and, for lost answers, on a free port beside it. The certificate is made
    /// here for `name`, so whoever calls has to trust it on purpose.
    ///
    /// # Errors
    ///
    /// When a port cannot be bound or the certificate cannot be made.
    pub async fn start_tls(site: Arc<dyn Site>, listen: SocketAddr, name: &str) -> io::Result<Self> {
        let own = tls::own_certificate(name)?;
        Self::start_on(site, listen, Some(own)).await
    }

    async fn start_on(
        site: Arc<dyn Site>,
        listen: SocketAddr,
        own: Option<(OwnCertificate, TlsAcceptor)>,
    ) -> io::Result<Self> {
        let (certificate, acceptor) = own.unzip();
        let script = Arc::new(Script::default());
        let mut tasks = Vec::new();
        let mut addresses = Vec::new();
        for (at, loses_writes) in [(listen, false), (SocketAddr::new(listen.ip(), 0), true)] {
            let listener = TcpListener::bind(at).await?;
            addresses.push(listener.local_addr()?);
            let stand =
                Stand { site: Arc::clone(&site), script: Arc::clone(&script), acceptor: acceptor.clone() };
            tasks.push(tokio::spawn(stand.serve(listener, loses_writes)));
        }
        Ok(Self { address: addresses[0], lossy_address: addresses[1], certificate, script, tasks })
    }

    /// What it shows to clients, when it speaks TLS.
    pub fn certificate(&self) -> Option<&OwnCertificate> {
        self.certificate.as_ref()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where answers to writes are lost.
    pub fn lossy_address(&self) -> SocketAddr {
        self.lossy_address
    }

    /// Puts a fault at the end of the script.
    pub fn then(&self, when: When, fault: Fault) {
        self.script.push(when, fault);
    }

    /// From now on the script is also written by requests to `/-/then` and `/-/open`, without any credential.
    pub fn take_commands(&self) {
        self.script.takes_commands.store(true, Ordering::Relaxed);
    }

    /// Takes all requests that came so far, in order.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.script.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What every connection of one port gets.
#[derive(Clone)]
struct Stand {
    site: Arc<dyn Site>,
    script: Arc<Script>,
    acceptor: Option<TlsAcceptor>,
}

impl Stand {
    async fn serve(self, listener: TcpListener, loses_writes: bool) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let stand = self.clone();
            connections.spawn(async move {
                // How a connection ended is what the client under test has to cope with.
                let _ = stand.receive(stream, loses_writes).await;
            });
        }
    }

    async fn receive(&self, stream: TcpStream, loses_writes: bool) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match &self.acceptor {
            None => converse(stream, &*self.site, &self.script, loses_writes).await,
            Some(acceptor) => {
                let stream = acceptor.accept(stream).await?;
                converse(stream, &*self.site, &self.script, loses_writes).await
            }
        }
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    site: &dyn Site,
    script: &Script,
    loses_writes: bool,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let takes_commands = script.takes_commands.load(Ordering::Relaxed);
        if let Some(reply) = takes_commands.then(|| control::command(script, &request)).flatten() {
            stream.write_all(&encode(&reply)).await?;
            continue;
        }
        let is_write = site.is_write(&request);
        script.note(&request);
        if loses_writes && is_write {
            site.answer(&request);
            return stream.shutdown().await;
        }
        match script.next(is_write) {
            None => stream.write_all(&encode(&site.answer(&request))).await?,
            Some(Fault::Instead(reply)) => stream.write_all(&encode(&reply)).await?,
            Some(Fault::AfterCommit(reply)) => {
                site.answer(&request);
                stream.write_all(&encode(&reply)).await?;
            }
            Some(Fault::CutBefore) => return stream.shutdown().await,
            Some(Fault::CutAfter) => {
                site.answer(&request);
                return stream.shutdown().await;
            }
            Some(Fault::CutInside) => {
                let bytes = encode(&site.answer(&request));
                stream.write_all(&bytes[..bytes.len() - 5]).await?;
                return stream.shutdown().await;
            }
            Some(Fault::Doubled) => {
                let bytes = encode(&site.answer(&request));
                stream.write_all(&[bytes.clone(), bytes].concat()).await?;
            }
            Some(Fault::HeldBefore(gate)) => {
                gate.hold().await;
                let bytes = encode(&site.answer(&request));
                gate.done();
                stream.write_all(&bytes).await?;
            }
            Some(Fault::HeldAfter(gate)) => {
                let bytes = encode(&site.answer(&request));
                gate.hold().await;
                gate.done();
                stream.write_all(&bytes).await?;
            }
        }
    }
    Ok(())
}
