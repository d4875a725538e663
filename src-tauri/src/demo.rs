//! Looking around: this program once more, as a process with a profile and a window of its own, so that what is real
//! and what is not never share an engine. The fleet itself is the crate `demo-fleet`'s; here it is started, shown and
//! ended. A demo keeps nothing: no tray, no notices on the desktop, no preferences, and its directory goes with it.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{ApiError, Retry};
use demo_fleet::{DemoError, Fleet, Ground, Home, Picture};
use model::Code;
use tauri::{AppHandle, Manager as _};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::border::ShellState;
use crate::seat::Seats;
use crate::surroundings;

/// The demo's own name on the session bus and in the system.
pub(crate) const IDENTIFIER: &str = "org.serversctl.demo";
/// A demo that cannot start says so within this.
const STARTING: Duration = Duration::from_secs(2);
/// Before the engine is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// The demo of this process, if it is one.
#[derive(Default)]
pub(crate) struct Demo(Mutex<Option<Running>>);

struct Running {
    home: Arc<Home>,
    /// None until the engine is there.
    fleet: Option<Fleet>,
}

impl Demo {
    fn with<T>(&self, look: impl FnOnce(&mut Option<Running>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_one(&self) -> bool {
        self.with(|running| running.is_some())
    }

    pub(crate) fn picture(&self) -> Option<Picture> {
        let seen = |fleet: &Fleet| fleet.picture().borrow().clone();
        self.with(|running| Some(running.as_ref()?.fleet.as_ref().map_or_else(Picture::default, seen)))
    }
}

/// Starts a demo beside this process. One that runs already shows its window.
pub(crate) async fn begin() -> Result<(), ApiError> {
    let failed = |error: std::io::Error| ApiError::internal("starting the demo").because(&error);
    let program = std::env::current_exe().map_err(failed)?;
    // A profile that was named for this process is not the demo's.
    let started =
        Command::new(program).arg("--demo").env_remove("SERVERSCTL_PROFILE").stdin(Stdio::null()).spawn();
    let mut child = started.map_err(failed)?;
    match timeout(STARTING, child.wait()).await {
        Ok(Ok(status)) if !status.success() => {
            let words = format!("the demo did not start ({status}); its log says why");
            Err(ApiError::internal(words).with_retry(Retry::Now))
        }
        Ok(_) => Ok(()),
        Err(_) => {
            // It outlives this window, and its end is no concern of ours.
            tokio::spawn(async move { child.wait().await });
            Ok(())
        }
    }
}

/// Takes the demo's directory.
pub(crate) fn take() -> Result<Arc<Home>, ApiError> {
    let place = surroundings::base("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        ApiError::invalid("neither HOME nor XDG_DATA_HOME is set: a demo has no place to lie")
    })?;
    Home::take(&place.join("serversctl-demo")).map(Arc::new).map_err(|error| refused(&error))
}

/// Makes the fleet as soon as the engine is there, and tells the page whenever its picture changes.
pub(crate) fn start(app: &AppHandle, home: Arc<Home>, ground: Ground) {
    app.state::<Demo>().with(|running| *running = Some(Running { home: Arc::clone(&home), fleet: None }));
    let app = app.clone();
    tokio::spawn(async move {
        let mut seats = app.state::<Seats>().inner().clone();
        let client = loop {
            match seats.client().await {
                Ok(client) => break client,
                Err(error) => {
                    tracing::warn!("the demo waits for its engine: {error}");
                    sleep(AGAIN).await;
                }
            }
        };
        let fleet = Fleet::start(home, ground, client);
        let mut picture = fleet.picture();
        app.state::<Demo>().with(|running| {
            if let Some(running) = running {
                running.fleet = Some(fleet);
            }
        });
        loop {
            ShellState::tell(&app);
            if picture.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Does what a button of the bar says.
pub(crate) async fn act(app: &AppHandle, id: &str) -> Result<(), ApiError> {
    let none = || ApiError::refused("this window shows no demo");
    let doing = app.state::<Demo>().with(|running| Some(running.as_ref()?.fleet.as_ref()?.act(id)));
    doing.ok_or_else(none)?.await.map_err(|error| refused(&error))
}

/// Ends the fleet and deletes everything, once the engine has left.
pub(crate) async fn end(app: &AppHandle) {
    let Some(Running { home, fleet }) = app.state::<Demo>().with(Option::take) else { return };
    if let Some(fleet) = fleet {
        fleet.end().await;
    }
    let deleted = tokio::task::spawn_blocking(move || Arc::into_inner(home).map(Home::delete)).await;
    match deleted {
        Ok(Some(Ok(()))) => {}
        Ok(Some(Err(error))) => tracing::warn!("the demo left something behind: {}", error.chain()),
        // The next demo removes it.
        Ok(None) | Err(_) => tracing::warn!("the demo's directory is in use still"),
    }
}

fn refused(error: &DemoError) -> ApiError {
    let code = if error.is_transient() { Code::Conflict } else { Code::Internal };
    ApiError::new(code, error.chain())
}
