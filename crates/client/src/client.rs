//! The caller's half.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{ApiError, Event, EventBody, Progress, Request, Subscribe};
use model::Code;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::wire::{ANSWER_BYTES_MAX, FromHost, REQUEST_BYTES_MAX, ToHost, VERSION};
use crate::{ClientError, frame, socket};

/// Messages to the host that may wait for the connection.
const OUT_PLACES: usize = 32;
/// Progress lines that may wait for their reader; more are dropped.
const PROGRESS_PLACES: usize = 64;
/// Events that may wait for their reader; more are dropped, and a resync is told.
const EVENT_PLACES: usize = 256;

/// A connection to a host. Clones share it; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Client {
    line: Arc<Line>,
}

#[derive(Debug)]
struct Line {
    out: mpsc::Sender<Vec<u8>>,
    next: AtomicU64,
    open: Arc<Open>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

/// Calls and streams that wait for something; none once the connection is gone.
#[derive(Debug)]
struct Open(Mutex<Option<BTreeMap<u64, Waiting>>>);

#[derive(Debug)]
enum Waiting {
    Call { answer: oneshot::Sender<Result<Value, ApiError>>, progress: mpsc::Sender<Progress> },
    Stream { events: mpsc::Sender<Event>, lost: Arc<Lost>, failed: Arc<Mutex<Option<ApiError>>> },
}

/// The newest event that found no place, if any.
#[derive(Debug, Default)]
struct Lost {
    revision: AtomicU64,
    told: Notify,
}

impl Client {
    /// Connects to the host of a profile.
    ///
    /// # Errors
    /// [`ClientError::NoHost`] when nobody hosts it.
    pub async fn connect(profile: &Path, by: &str) -> Result<Self, ClientError> {
        Self::over(socket::connect(profile).await?, by).await
    }

    /// Speaks to a host over any byte stream.
    ///
    /// # Errors
    /// A host that refuses, or something that is no host.
    pub async fn over<S>(stream: S, by: &str) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (mut from, mut to) = split(stream);
        let lost = |error: std::io::Error| ClientError::Greeting(error.to_string());
        let hello = ToHost::Hello { version: VERSION, by: by.to_owned() };
        // A host that refuses this user closes before it reads; its words are then still to be read.
        let greeted = frame::write(&mut to, &hello, REQUEST_BYTES_MAX).await;
        match frame::read(&mut from, ANSWER_BYTES_MAX).await.map_err(lost)? {
            Some(FromHost::Hello { version: VERSION }) => {}
            Some(FromHost::Hello { version }) => {
                return Err(ClientError::Greeting(format!(
                    "the host speaks version {version}, this program {VERSION}; update the older one"
                )));
            }
            Some(FromHost::Refused { error }) => return Err(ClientError::Greeting(error.to_string())),
            Some(_) => return Err(ClientError::Greeting("it answered something else".to_owned())),
            None => {
                greeted.map_err(lost)?;
                return Err(ClientError::Greeting("it hung up".to_owned()));
            }
        }
        greeted.map_err(lost)?;
        let open = Arc::new(Open(Mutex::new(Some(BTreeMap::new()))));
        let (out, queue) = mpsc::channel(OUT_PLACES);
        let reader = tokio::spawn(read_all(from, Arc::clone(&open)));
        let writer = tokio::spawn(write_all(to, queue));
        Ok(Self { line: Arc::new(Line { out, next: AtomicU64::new(1), open, reader, writer }) })
    }

    /// Calls a command and waits for its answer.
    ///
    /// # Errors
    /// The host's own, or [`Code::Unreachable`] when the connection ends first.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Answer, ApiError> {
        self.call_watched(request, |_| {}).await
    }

    /// Calls a command and shows its progress meanwhile.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_watched<R: Request>(
        &self,
        request: R,
        show: impl FnMut(Progress),
    ) -> Result<R::Answer, ApiError> {
        let payload = serde_json::to_value(&request)
            .map_err(|error| ApiError::internal("the request cannot be written").because(&error))?;
        let value = self.call_raw(R::COMMAND, payload, show).await?;
        serde_json::from_value(value).map_err(|error| {
            ApiError::internal(format!("the answer to {} cannot be read", R::COMMAND)).because(&error)
        })
    }

    /// Calls a command by its name: for surfaces that only pass on, such as the desktop's bridge.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_raw(
        &self,
        command: &str,
        payload: Value,
        mut show: impl FnMut(Progress),
    ) -> Result<Value, ApiError> {
        let (answer, mut answered) = oneshot::channel();
        let (progress, mut lines) = mpsc::channel(PROGRESS_PLACES);
        let ticket = self.enter(Waiting::Call { answer, progress })?;
        self.send(&ToHost::Call { id: ticket.id, command: command.to_owned(), payload }).await?;
        loop {
            tokio::select! {
                // Progress first, so that none is lost when the answer is there as well.
                biased;
                Some(line) = lines.recv() => show(line),
                result = &mut answered => {
                    while let Ok(line) = lines.try_recv() {
                        show(line);
                    }
                    return result.unwrap_or_else(|_| Err(gone()));
                }
            }
        }
    }

    /// Opens a stream of events.
    ///
    /// # Errors
    /// [`Code::Unreachable`] when the connection is gone. A host that refuses the stream ends it, see
    /// [`Events::error`].
    pub async fn subscribe(&self, request: Subscribe) -> Result<Events, ApiError> {
        let (events, queue) = mpsc::channel(EVENT_PLACES);
        let lost = Arc::new(Lost::default());
        let failed = Arc::new(Mutex::new(None));
        let waiting = Waiting::Stream { events, lost: Arc::clone(&lost), failed: Arc::clone(&failed) };
        let ticket = self.enter(waiting)?;
        self.send(&ToHost::Subscribe { id: ticket.id, request }).await?;
        Ok(Events { queue, lost, failed, _ticket: ticket })
    }

    fn enter(&self, waiting: Waiting) -> Result<Ticket, ApiError> {
        let id = self.line.next.fetch_add(1, Ordering::Relaxed);
        self.line.open.lock().as_mut().ok_or_else(gone)?.insert(id, waiting);
        Ok(Ticket { id, line: Arc::clone(&self.line) })
    }

    async fn send(&self, message: &ToHost) -> Result<(), ApiError> {
        let frame = frame::encode(message, REQUEST_BYTES_MAX)
            .map_err(|error| ApiError::new(Code::Invalid, format!("the request is too long: {error}")))?;
        self.line.out.send(frame).await.map_err(|_| gone())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

impl Open {
    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Waiting>>> {
        // Only single inserts and removals happen under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among the open calls; leaving it tells the host that nobody waits any more.
#[derive(Debug)]
struct Ticket {
    id: u64,
    line: Arc<Line>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let left = self.line.open.lock().as_mut().and_then(|open| open.remove(&self.id));
        if left.is_none() {
            return;
        }
        if let Ok(frame) = frame::encode(&ToHost::Drop { id: self.id }, REQUEST_BYTES_MAX) {
            // A full queue means a host that is far behind; it learns of it when the connection ends.
            let _ = self.line.out.try_send(frame);
        }
    }
}

/// A stream of events. Dropping it ends it.
#[derive(Debug)]
pub struct Events {
    queue: mpsc::Receiver<Event>,
    lost: Arc<Lost>,
    failed: Arc<Mutex<Option<ApiError>>>,
    _ticket: Ticket,
}

impl Events {
    /// The next event; none when the stream is over. A reader that was too slow gets a [`EventBody::Resync`].
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Ok(event) = self.queue.try_recv() {
                return Some(event);
            }
            let revision = self.lost.revision.swap(0, Ordering::AcqRel);
            if revision > 0 {
                return Some(Event { revision, body: EventBody::Resync });
            }
            tokio::select! {
                event = self.queue.recv() => return event,
                () = self.lost.told.notified() => {}
            }
        }
    }

    /// Why the stream ended, when the host refused it.
    pub fn error(&self) -> Option<ApiError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn gone() -> ApiError {
    ApiError::new(Code::Unreachable, "the host went away before it answered; what it did is not known here")
}

async fn write_all<S: AsyncWrite>(mut to: WriteHalf<S>, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}

async fn read_all<S: AsyncRead>(mut from: ReadHalf<S>, open: Arc<Open>) {
    while let Ok(Some(message)) = frame::read(&mut from, ANSWER_BYTES_MAX).await {
        if let Some(waiting) = open.lock().as_mut() {
            deliver(waiting, message);
        }
    }
    // Dropping what waits wakes everybody who does.
    open.lock().take();
}

fn deliver(open: &mut BTreeMap<u64, Waiting>, message: FromHost) {
    match message {
        FromHost::Answer { id, value } => {
            if let Some(Waiting::Call { answer, .. }) = open.remove(&id) {
                let _ = answer.send(Ok(value));
            }
        }
        FromHost::Error { id, error } => match open.remove(&id) {
            Some(Waiting::Call { answer, .. }) => drop(answer.send(Err(error))),
            Some(Waiting::Stream { failed, .. }) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            None => {}
        },
        FromHost::Progress { id, progress: line } => {
            if let Some(Waiting::Call { progress, .. }) = open.get(&id) {
                let _ = progress.try_send(line);
            }
        }
        FromHost::Event { id, event } => {
            if let Some(Waiting::Stream { events, lost, .. }) = open.get(&id) {
                let revision = event.revision;
                if events.try_send(*event).is_err() {
                    lost.revision.store(revision.max(1), Ordering::Release);
                    lost.told.notify_one();
                }
            }
        }
        FromHost::End { id } => drop(open.remove(&id)),
        // A second greeting says nothing new; a refusal ends the connection by itself.
        FromHost::Hello { .. } | FromHost::Refused { .. } => {}
    }
}
