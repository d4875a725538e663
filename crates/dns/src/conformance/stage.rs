//! The stage that doubles of HTTPS APIs stand on: HTTP/1.1 on loopback, and a script of everything a network and a
//! provider can do to one exchange.
//!
//! A double is a [`Site`]: a pure function of request and state. The stage reads requests, asks the site, and spoils the
//! exchange as the next matching [`Fault`] of the script says. A second address behaves the same, but loses the answer
//! of every write after the site has carried it out.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Requests of our clients are a few hundred bytes; a head or a body beyond these is refused.
const HEAD_SIZE_BYTES_MAX: usize = 16 << 10;
const BODY_SIZE_BYTES_MAX: usize = 256 << 10;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Request {
    /// The header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The query's first value of that name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Beyond those that the stage adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// JSON with this status.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    /// Any text with this status.
    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.as_bytes().to_vec() }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

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
    script: Arc<Script>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Script {
    faults: Mutex<VecDeque<(When, Fault)>>,
    seen: Mutex<Vec<Request>>,
}

impl Script {
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
    /// Serves the site on two free loopback ports.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start(site: Arc<dyn Site>) -> io::Result<Self> {
        let script = Arc::new(Script::default());
        let mut tasks = Vec::new();
        let mut addresses = Vec::new();
        for loses_writes in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            addresses.push(listener.local_addr()?);
            tasks.push(tokio::spawn(serve(listener, Arc::clone(&site), Arc::clone(&script), loses_writes)));
        }
        Ok(Self { address: addresses[0], lossy_address: addresses[1], script, tasks })
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
        self.script.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back((when, fault));
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

async fn serve(listener: TcpListener, site: Arc<dyn Site>, script: Arc<Script>, loses_writes: bool) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (site, script) = (Arc::clone(&site), Arc::clone(&script));
        connections.spawn(async move {
            // How a connection ended is what the client under test has to cope with.
            let _ = converse(stream, &*site, &script, loses_writes).await;
        });
    }
}

async fn converse(
    mut stream: TcpStream,
    site: &dyn Site,
    script: &Script,
    loses_writes: bool,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await? {
        let is_write = site.is_write(&request);
        script.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
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

/// Reads one request; `None` when the client has hung up between two.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > HEAD_SIZE_BYTES_MAX {
            return Err(bad("the head is too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(bad("the head is cut")) };
        }
    };
    let rest = buffer.split_off(head_end + 4);
    let head = String::from_utf8(std::mem::replace(buffer, rest)).map_err(|_| bad("the head is no text"))?;
    let mut request = parse_head(&head)?;
    let length = request.header("content-length").map_or(Ok(0), str::parse::<usize>);
    let length = length.map_err(|_| bad("the length is no number"))?;
    if length > BODY_SIZE_BYTES_MAX || request.header("transfer-encoding").is_some() {
        return Err(bad("the body is too long or of unknown length"));
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(bad("the body is cut"));
        }
    }
    let rest = buffer.split_off(length);
    request.body = std::mem::replace(buffer, rest);
    Ok(Some(request))
}

fn parse_head(head: &str) -> io::Result<Request> {
    let mut lines = head.split("\r\n");
    let first: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    let [method, target, "HTTP/1.1"] = first.as_slice() else { return Err(bad("no HTTP/1.1 request")) };
    let url = Url::parse(&format!("http://double.invalid{target}")).map_err(|_| bad("no usable target"))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Request {
        method: (*method).to_owned(),
        path: url.path().to_owned(),
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        headers,
        body: Vec::new(),
    })
}

fn encode(reply: &Reply) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {} Double\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&reply.body);
    bytes
}

fn bad(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}
