//! The border to the page: one `rpc`, one `subscribe`, and what the window itself needs.

#![expect(clippy::needless_pass_by_value, reason = "a command takes what it extracts by value")]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::{ApiError, Event, EventBody, Progress, Subscribe};
use model::Code;
use serde::Serialize;
use serde_json::Value;
use tauri::ipc::Channel;
use tauri::{AppHandle, Emitter as _, Manager as _, State};
use tokio::task::AbortHandle;

use crate::demo::{self, Demo};
use crate::preferences::{Preferences, Preferring};
use crate::seat::{Seat, Seats};
use crate::{app, updates, window};

/// Streams that the page may have open; it needs one.
const STREAMS_MAX: usize = 8;

/// Streams of the page that are open.
#[derive(Default)]
pub(crate) struct Streams(Mutex<Open>);

#[derive(Default)]
struct Open {
    newest: u32,
    streams: BTreeMap<u32, AbortHandle>,
}

impl Streams {
    /// Ends all of them: the page that opened them is gone.
    pub(crate) fn end_all(&self) {
        for (_, stream) in std::mem::take(&mut self.lock().streams) {
            stream.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes a command on to the host, and its progress back.
#[tauri::command]
pub(crate) async fn rpc(
    seats: State<'_, Seats>,
    command: String,
    payload: Value,
    progress: Channel<Progress>,
) -> Result<Value, ApiError> {
    let client = seats.inner().clone().client().await?;
    client.call_raw(&command, payload, |line| drop(progress.send(line))).await
}

/// Passes events on to the page. A change of host is a resync, and the stream's end.
#[tauri::command]
pub(crate) async fn subscribe(
    seats: State<'_, Seats>,
    streams: State<'_, Streams>,
    request: Subscribe,
    events: Channel<Event>,
) -> Result<u32, ApiError> {
    let mut open = streams.lock();
    open.streams.retain(|_, stream| !stream.is_finished());
    if open.streams.len() >= STREAMS_MAX {
        return Err(ApiError::new(Code::Throttled, "this page has too many streams open"));
    }
    open.newest += 1;
    let id = open.newest;
    let stream = tokio::spawn(pass_on(seats.inner().clone(), request, events));
    open.streams.insert(id, stream.abort_handle());
    Ok(id)
}

/// Ends a stream.
#[tauri::command]
pub(crate) fn unsubscribe(streams: State<'_, Streams>, id: u32) {
    if let Some(stream) = streams.lock().streams.remove(&id) {
        stream.abort();
    }
}

async fn pass_on(mut seats: Seats, request: Subscribe, page: Channel<Event>) {
    if let Ok(client) = seats.client().await
        && let Ok(mut events) = client.subscribe(request).await
    {
        while let Some(event) = events.next().await {
            if page.send(event).is_err() {
                return;
            }
        }
    }
    // Revisions belong to one host's life: with the next one the page reads again and opens another stream.
    while seats.changed().await {
        if seats.present().is_some() {
            let _ = page.send(Event { revision: 0, body: EventBody::Resync });
            return;
        }
    }
}

/// What the shell knows that the host does not.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShellState {
    /// Who hosts.
    seat: Seat,
    /// Whether closing the window leaves a tray.
    tray: bool,
    /// A newer version that can be installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<String>,
    preferences: Preferences,
    /// The demo that this window shows, if it shows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    demo: Option<demo_fleet::Picture>,
}

impl ShellState {
    pub(crate) fn of(app: &AppHandle) -> Self {
        Self {
            seat: app.state::<Seats>().seat(),
            tray: app.state::<app::Facts>().has_tray(),
            update: app.state::<app::Facts>().update(),
            preferences: app.state::<Preferring>().get(),
            demo: app.state::<Demo>().picture(),
        }
    }

    /// Tells the page; one that is not there yet asks.
    pub(crate) fn tell(app: &AppHandle) {
        let _ = app.emit("shell", Self::of(app));
    }
}

#[tauri::command]
pub(crate) fn shell_state(app: AppHandle) -> ShellState {
    ShellState::of(&app)
}

/// Keeps what the shell needs to know before the page runs.
#[tauri::command]
pub(crate) fn shell_prefer(app: AppHandle, preferences: Preferences) -> Result<(), ApiError> {
    app.state::<Preferring>().set(preferences)?;
    window::apply_theme(&app);
    ShellState::tell(&app);
    Ok(())
}

/// The page listens: what was to be opened before it did is opened now.
#[tauri::command]
pub(crate) fn shell_ready(app: AppHandle) {
    window::page_is_ready(&app);
}

/// The page shows its first real picture; the log says so, for whoever asks how long a start takes.
#[tauri::command]
pub(crate) fn shell_painted() {
    tracing::info!("the first picture is painted");
}

/// Ends the program; the page has asked.
#[tauri::command]
pub(crate) fn shell_quit(app: AppHandle) {
    app::quit(&app);
}

/// Starts a demo fleet in a process and a window of its own.
#[tauri::command]
pub(crate) async fn shell_demo_begin() -> Result<(), ApiError> {
    demo::begin().await
}

/// Does something to the pretended hosts.
#[tauri::command]
pub(crate) async fn shell_demo_act(app: AppHandle, act: String) -> Result<(), ApiError> {
    demo::act(&app, &act).await
}

/// Installs the newer version that was found.
#[tauri::command]
pub(crate) async fn shell_update(app: AppHandle) -> Result<(), ApiError> {
    updates::install(&app).await
}
