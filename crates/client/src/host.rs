//! The host's half.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use api::{ApiError, Call, Effect, EventSource, Host, Retry, dispatch};
use model::Code;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, duplex, split};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use crate::wire::{ANSWER_BYTES_MAX, FromHost, OPEN_MAX, REQUEST_BYTES_MAX, ToHost, VERSION};
use crate::{Client, ClientError, Peers, frame};

/// Connections that one host serves at a time.
const CONNECTIONS_MAX: usize = 64;
/// Messages to one client that may wait; then its calls and streams wait, and its progress is dropped.
const OUT_PLACES: usize = 64;
/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(5);
/// How long the host waits after a failed accept: descriptors may be short for a moment.
const BREATH: Duration = Duration::from_millis(100);
/// How long what was said last may take to reach a caller that reads slowly, once the host leaves.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Longest name of a caller.
const BY_CHARS_MAX: usize = 100;

/// When the host leaves: none while it stays, else the moment until which calls may run.
type Leaving = watch::Receiver<Option<Instant>>;

/// Serves a profile's socket until the future is dropped.
pub async fn serve(listener: UnixListener, peers: Peers, host: Arc<dyn Host>) {
    serve_until(listener, peers, host, std::future::pending(), Duration::ZERO).await;
}

/// Serves a profile's socket until `leave` is done, then leaves in order: nobody new is let in, streams and new calls
/// are told that the host leaves, and calls under way may end within `patience`. One that does not is cut and told so.
pub async fn serve_until(
    listener: UnixListener,
    peers: Peers,
    host: Arc<dyn Host>,
    leave: impl Future<Output = ()>,
    patience: Duration,
) {
    let (tell, leaving) = watch::channel(None);
    let mut connections = JoinSet::new();
    tokio::pin!(leave);
    loop {
        while connections.try_join_next().is_some() {}
        tokio::select! {
            () = &mut leave => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                    connections.spawn(serve_socket(stream, peers, Arc::clone(&host), leaving.clone()));
                }
                // Over the limit the stream is dropped, which the caller sees as a hang-up.
                Ok(_) => {}
                Err(_) => tokio::time::sleep(BREATH).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    tell.send_replace(Some(Instant::now() + patience));
    let ended = async { while connections.join_next().await.is_some() {} };
    // Every connection keeps the bound by itself; this one is for a connection that breaks.
    let _ = timeout(patience + 2 * LAST_WORDS, ended).await;
}

async fn serve_socket(stream: UnixStream, peers: Peers, host: Arc<dyn Host>, leaving: Leaving) {
    if let Err(why) = peers.admit(&stream) {
        let (_, mut to) = split(stream);
        refuse(&mut to, ApiError::new(Code::Forbidden, why)).await;
        return;
    }
    let _ = serve_stream(stream, host, leaving).await;
}

/// Serves one connection until it ends. A change that has begun is finished even when its caller has gone.
///
/// # Errors
/// A caller that broke a rule of the wire.
pub async fn serve_connection<S>(stream: S, host: Arc<dyn Host>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (_stays, leaving) = watch::channel(None);
    serve_stream(stream, host, leaving).await
}

async fn serve_stream<S>(stream: S, host: Arc<dyn Host>, leaving: Leaving) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut from, mut to) = split(stream);
    let greeting = tokio::select! {
        greeting = timeout(GREETING, frame::read(&mut from, REQUEST_BYTES_MAX)) => greeting,
        () = left(&leaving) => {
            refuse(&mut to, leaves()).await;
            return Ok(());
        }
    };
    let by = match greeting {
        Ok(Ok(Some(ToHost::Hello { version: VERSION, by }))) => name(&by),
        Ok(Ok(Some(ToHost::Hello { version, .. }))) => {
            let words =
                format!("this host speaks version {VERSION}, you speak {version}; update the older one");
            refuse(&mut to, ApiError::new(Code::Conflict, words)).await;
            return Ok(());
        }
        Ok(Ok(None)) => return Ok(()),
        Ok(Err(error)) => {
            refuse(&mut to, ApiError::invalid(format!("no greeting: {error}"))).await;
            return Err(error);
        }
        Ok(Ok(Some(_))) | Err(_) => {
            refuse(&mut to, ApiError::invalid("no greeting")).await;
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    frame::write(&mut to, &FromHost::Hello { version: VERSION }, ANSWER_BYTES_MAX).await?;
    let (out, queue) = mpsc::channel(OUT_PLACES);
    let mut line = Connection {
        host,
        by,
        out,
        leaving,
        open: BTreeMap::new(),
        passing: JoinSet::new(),
        changes: JoinSet::new(),
    };
    let mut writing = Box::pin(write_all(to, queue));
    let listened = tokio::select! {
        listened = line.listen(&mut from) => listened,
        written = &mut writing => written.map(|()| Ended::ByCaller),
    };
    if let Ok(Ended::ByHost) = listened {
        drop(line);
        return timeout(LAST_WORDS, writing).await.unwrap_or(Ok(()));
    }
    // Nobody hears the answers any more, but a change is not cut in the middle unless the host leaves.
    drop(writing);
    line.passing.abort_all();
    line.finish_changes().await;
    listened.map(drop)
}

/// A client of a host in this very process, and the future that serves it.
///
/// # Errors
/// None in practice; the greeting is the same as everywhere.
pub async fn in_memory(
    host: Arc<dyn Host>,
    by: &str,
) -> Result<(Client, tokio::task::JoinHandle<()>), ClientError> {
    let (ours, theirs) = duplex(64 << 10);
    let served = tokio::spawn(async move {
        let _ = serve_connection(theirs, host).await;
    });
    Ok((Client::over(ours, by).await?, served))
}

struct Connection {
    host: Arc<dyn Host>,
    by: String,
    out: mpsc::Sender<FromHost>,
    leaving: Leaving,
    /// Open numbers; those of calls that change something have no handle to stop them with.
    open: BTreeMap<u64, Option<AbortHandle>>,
    /// Reads and streams: they end with the connection.
    passing: JoinSet<u64>,
    /// Changes: they end by themselves.
    changes: JoinSet<u64>,
}

/// Who ended a connection.
enum Ended {
    ByCaller,
    ByHost,
}

impl Connection {
    async fn listen<S: AsyncRead>(&mut self, from: &mut ReadHalf<S>) -> io::Result<Ended> {
        // A frame half read must not be lost when a task ends, so reading is one future across the loop's turns.
        let (messages, mut inbox) = mpsc::channel(1);
        let reading = async {
            loop {
                let message = frame::read(from, REQUEST_BYTES_MAX).await;
                let last = !matches!(message, Ok(Some(_)));
                if messages.send(message).await.is_err() || last {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::pin!(reading);
        let mut leaving = self.leaving.clone();
        let over = over(&mut leaving);
        tokio::pin!(over);
        loop {
            let is_leaving = self.leaving.borrow().is_some();
            if is_leaving && self.passing.is_empty() && self.changes.is_empty() {
                return Ok(Ended::ByHost);
            }
            tokio::select! {
                () = &mut reading => {}
                message = inbox.recv() => match message {
                    Some(Ok(Some(message))) => self.on_message(message)?,
                    Some(Ok(None)) | None => return Ok(Ended::ByCaller),
                    Some(Err(error)) => return Err(error),
                },
                Some(ended) = self.passing.join_next() => drop(ended.map(|id| self.open.remove(&id))),
                Some(ended) = self.changes.join_next() => drop(ended.map(|id| self.open.remove(&id))),
                () = left(&self.leaving), if !is_leaving => {}
                () = &mut over => {
                    self.cut();
                    return Ok(Ended::ByHost);
                }
            }
        }
    }

    /// Ends what is still under way and says so, as far as the caller listens.
    fn cut(&mut self) {
        self.passing.abort_all();
        self.changes.abort_all();
        for &id in self.open.keys() {
            let error = ApiError::new(
                Code::Unreachable,
                "the host ended before this was over; what it did is not known here: look at the status, then ask \
                 again",
            );
            let _ = self.out.try_send(FromHost::Error { id, error });
        }
    }

    /// Waits for changes whose caller has gone, as long as the host stays.
    async fn finish_changes(&mut self) {
        let mut leaving = self.leaving.clone();
        tokio::select! {
            () = async { while self.changes.join_next().await.is_some() {} } => {}
            () = over(&mut leaving) => {}
        }
    }

    fn on_message(&mut self, message: ToHost) -> io::Result<()> {
        match message {
            ToHost::Hello { .. } => Err(broken("a second greeting")),
            ToHost::Drop { id } => {
                if let Some(Some(handle)) = self.open.get(&id) {
                    handle.abort();
                    self.open.remove(&id);
                }
                Ok(())
            }
            ToHost::Call { id, .. } | ToHost::Subscribe { id, .. } if self.leaving.borrow().is_some() => {
                // A caller that does not read what it asked for learns it from the end of the connection.
                let _ = self.out.try_send(FromHost::Error { id, error: leaves() });
                Ok(())
            }
            ToHost::Call { id, command, payload } => {
                self.admit(id)?;
                let call = self.call(id);
                let (host, out) = (Arc::clone(&self.host), self.out.clone());
                let changes =
                    api::COMMANDS.iter().any(|known| known.name == command && known.effect != Effect::Read);
                let run = async move {
                    let _panicked = Panicked { id, out: out.clone() };
                    let result = dispatch(&*host, &call, &command, payload).await;
                    let _ = out.send(answer(id, result)).await;
                    id
                };
                let handle = if changes {
                    self.changes.spawn(run);
                    None
                } else {
                    Some(self.passing.spawn(run))
                };
                self.open.insert(id, handle);
                Ok(())
            }
            ToHost::Subscribe { id, request } => {
                self.admit(id)?;
                let (host, out, leaving) = (Arc::clone(&self.host), self.out.clone(), self.leaving.clone());
                let handle = self.passing.spawn(async move {
                    let last = match host.subscribe(request).await {
                        Ok(mut events) => tokio::select! {
                            () = pass_on(&mut *events, id, &out) => FromHost::End { id },
                            () = left(&leaving) => FromHost::Error { id, error: leaves() },
                        },
                        Err(error) => FromHost::Error { id, error },
                    };
                    let _ = out.send(last).await;
                    id
                });
                self.open.insert(id, Some(handle));
                Ok(())
            }
        }
    }

    fn admit(&self, id: u64) -> io::Result<()> {
        if self.open.contains_key(&id) {
            return Err(broken("a number that is in use"));
        }
        if self.open.len() >= OPEN_MAX {
            return Err(broken("too many open calls"));
        }
        Ok(())
    }

    fn call(&self, id: u64) -> Call {
        let out = self.out.clone();
        Call::new(
            self.by.clone(),
            Arc::new(move |progress| {
                // Progress is for the eye: a slow reader misses some.
                let _ = out.try_send(FromHost::Progress { id, progress });
            }),
        )
    }
}

async fn pass_on(events: &mut dyn EventSource, id: u64, out: &mpsc::Sender<FromHost>) {
    while let Some(event) = events.next().await {
        if out.send(FromHost::Event { id, event: Box::new(event) }).await.is_err() {
            break;
        }
    }
}

/// Waits until the host leaves; for ever while it stays.
async fn left(leaving: &Leaving) {
    if leaving.clone().wait_for(Option::is_some).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the host leaves and its patience is over.
async fn over(leaving: &mut Leaving) {
    let until = leaving.wait_for(Option::is_some).await.ok().and_then(|until| *until);
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

fn leaves() -> ApiError {
    ApiError::new(Code::NoHost, "the host leaves; ask again in a moment").with_retry(Retry::Now)
}

/// Answers a call whose handler panicked, so that nobody waits for it for ever.
struct Panicked {
    id: u64,
    out: mpsc::Sender<FromHost>,
}

impl Drop for Panicked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = ApiError::internal("the host failed in the middle of this; what it did is not known");
            let _ = self.out.try_send(FromHost::Error { id: self.id, error });
        }
    }
}

fn answer(id: u64, result: Result<serde_json::Value, ApiError>) -> FromHost {
    match result {
        Ok(value) => FromHost::Answer { id, value },
        Err(error) => FromHost::Error { id, error },
    }
}

async fn write_all<S: AsyncWrite>(
    mut to: WriteHalf<S>,
    mut queue: mpsc::Receiver<FromHost>,
) -> io::Result<()> {
    while let Some(message) = queue.recv().await {
        match frame::encode(&message, ANSWER_BYTES_MAX) {
            Ok(frame) => tokio::io::AsyncWriteExt::write_all(&mut to, &frame).await?,
            Err(error) => {
                let Some(id) = number(&message) else { continue };
                let error =
                    ApiError::internal("the answer is too long for one frame").with_detail(error.to_string());
                frame::write(&mut to, &FromHost::Error { id, error }, ANSWER_BYTES_MAX).await?;
            }
        }
    }
    Ok(())
}

const fn number(message: &FromHost) -> Option<u64> {
    match message {
        FromHost::Answer { id, .. }
        | FromHost::Error { id, .. }
        | FromHost::Progress { id, .. }
        | FromHost::Event { id, .. }
        | FromHost::End { id } => Some(*id),
        FromHost::Hello { .. } | FromHost::Refused { .. } => None,
    }
}

async fn refuse<S: AsyncWrite>(to: &mut WriteHalf<S>, error: ApiError) {
    // A caller that is gone need not be told.
    let _ = frame::write(to, &FromHost::Refused { error }, ANSWER_BYTES_MAX).await;
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A caller's name as it may stand in the audit: one line, bounded.
fn name(by: &str) -> String {
    by.chars().filter(|c| !c.is_control()).take(BY_CHARS_MAX).collect()
}
