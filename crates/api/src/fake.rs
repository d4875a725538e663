//! A host that answers by a script: for tests of surfaces and of the wire, never for anybody's use.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::commands::{Deed, Ledger};
use crate::{ApiError, Call, Event, EventSource, Subscribe};

/// What a script gives back.
pub type Played = Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>>;

/// A deed that ended, with what was kept of it.
pub type Ended = (Deed, Result<Option<Value>, ApiError>);

/// A key's deed, and its answer once there is one.
type Known = (Deed, Option<Value>);

/// Opens a stream for one subscription.
type Opens = Arc<dyn Fn(&Subscribe) -> Box<dyn EventSource> + Send + Sync>;

type Script = Arc<dyn Fn(&Call, &str, Value) -> Played + Send + Sync>;

/// A host whose every command is answered by one function.
#[derive(Clone)]
pub struct FakeHost {
    script: Script,
    events: Arc<Mutex<Vec<Event>>>,
    opens: Option<Opens>,
    ended: Arc<Mutex<Vec<Ended>>>,
    keys: Arc<Mutex<BTreeMap<String, Known>>>,
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeHost").finish_non_exhaustive()
    }
}

impl FakeHost {
    /// A host that answers every command by `script(call, command, request)`.
    pub fn new(script: impl Fn(&Call, &str, Value) -> Played + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            events: Arc::default(),
            opens: None,
            ended: Arc::default(),
            keys: Arc::default(),
        }
    }

    /// A host that answers every command at once.
    pub fn at_once(script: impl Fn(&str, Value) -> Result<Value, ApiError> + Send + Sync + 'static) -> Self {
        Self::new(move |_, command, request| {
            let result = script(command, request);
            Box::pin(async move { result })
        })
    }

    /// The same, telling these events to every subscriber and then ending the stream.
    #[must_use]
    pub fn telling(self, events: Vec<Event>) -> Self {
        *lock(&self.events) = events;
        self
    }

    /// The same, with streams of the caller's making, which may go on for ever.
    #[must_use]
    pub fn streaming(
        self,
        open: impl Fn(&Subscribe) -> Box<dyn EventSource> + Send + Sync + 'static,
    ) -> Self {
        Self { opens: Some(Arc::new(open)), ..self }
    }

    /// The deeds that ended so far, with what was kept of them.
    pub fn deeds(&self) -> Vec<Ended> {
        lock(&self.ended).clone()
    }

    pub(crate) async fn play<R: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call,
        command: &str,
        request: &R,
    ) -> Result<A, ApiError> {
        let broken = |error: serde_json::Error| ApiError::internal("the script is wrong").because(&error);
        let request = serde_json::to_value(request).map_err(broken)?;
        let answer = (self.script)(call, command, request).await?;
        serde_json::from_value(answer).map_err(broken)
    }

    pub(crate) fn open_stream(&self, request: &Subscribe) -> Box<dyn EventSource> {
        if let Some(open) = &self.opens {
            return open(request);
        }
        let mut events = lock(&self.events).clone();
        events.retain(|event| {
            event.revision > request.since_revision
                && event.body.topic().is_none_or(|topic| request.wants(topic))
        });
        events.reverse();
        Box::new(Stream(events))
    }

    pub(crate) fn begin(&self, deed: &Deed) -> Ledger {
        let Some(key) = deed.idempotency_key.clone() else { return Ledger::Begun };
        let mut keys = lock(&self.keys);
        match keys.get(&key) {
            Some((old, _)) if old.command != deed.command || old.payload != deed.payload => Ledger::Other,
            Some((_, Some(answer))) => Ledger::Done(answer.clone()),
            Some((_, None)) => Ledger::Running,
            None => {
                keys.insert(key, (deed.clone(), None));
                Ledger::Begun
            }
        }
    }

    pub(crate) fn end(&self, deed: &Deed, result: Result<Option<&Value>, &ApiError>) {
        let kept = result.map(Option::<&Value>::cloned).map_err(Clone::clone);
        if let Some(key) = &deed.idempotency_key {
            let mut keys = lock(&self.keys);
            match &kept {
                // A secret's answer is not kept, but that it was given is.
                Ok(answer) => {
                    drop(keys.insert(key.clone(), (deed.clone(), Some(answer.clone().unwrap_or_default()))));
                }
                Err(_) => drop(keys.remove(key)),
            }
        }
        lock(&self.ended).push((deed.clone(), kept));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Stream(Vec<Event>);

#[async_trait]
impl EventSource for Stream {
    async fn next(&mut self) -> Option<Event> {
        self.0.pop()
    }
}
