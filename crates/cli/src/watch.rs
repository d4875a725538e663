//! `serversctl watch`: the headless host.

use std::path::Path;
use std::sync::Arc;

use api::ApiError;
use model::Code;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Duration, MissedTickBehavior, interval, timeout};

use crate::args::{Common, WatchArgs};
use crate::host::{self, Mode};
use crate::{session, unit};

/// How long another process may hold the profile before the watch gives up: one that leaves takes [`LEAVING`].
const PATIENCE: Duration = Duration::from_secs(15);
/// How long calls under way may go on once it is told to stop.
const LEAVING: Duration = Duration::from_secs(10);
/// How long the watches may take for one turn before the watchdog is not fed.
const PULSE: Duration = Duration::from_secs(2);

/// Hosts the profile until it is told to stop.
pub(crate) async fn run(common: &Common, args: &WatchArgs) -> Result<(), ApiError> {
    let profile = session::profile(common)?;
    if args.install {
        return unit::install(common, &profile, args.passphrase_file.as_deref());
    }
    let mut end = End::new()?;
    let host = open_patiently(&profile).await?;
    let (listener, peers) = client::bind(&profile)?;
    tracing::info!(profile = %profile.display(), "hosting this profile");
    let mut systemd = Systemd::default();
    systemd.tell(NotifyState::Ready).await;
    let (leave, left) = oneshot::channel::<()>();
    let serving =
        client::serve_until(listener, peers, Arc::clone(&host.api), async { drop(left.await) }, LEAVING);
    let serving = tokio::spawn(serving);
    let reason = tokio::select! {
        never = feed_watchdog(&mut systemd, &host) => never,
        reason = end.told() => reason,
    };
    tracing::info!(reason, "stopping: no new call is taken, and those under way may end");
    // Who asks from now on finds no host and waits for the next one.
    remove_socket(&profile);
    drop(leave);
    systemd.tell(NotifyState::Stopping).await;
    let how = tokio::select! {
        never = feed_watchdog(&mut systemd, &host) => never,
        _ = serving => "every call has ended",
        _ = end.told() => "told twice: calls under way are cut",
    };
    tracing::info!(how, "stopping");
    host.close().await;
    Ok(())
}

/// A command that hosts the profile for a moment must not keep the watch from starting. It has no socket, which is
/// how it is told from a host that stays.
async fn open_patiently(profile: &Path) -> Result<host::Opened, ApiError> {
    let began = tokio::time::Instant::now();
    loop {
        match host::open(profile, Mode::Headless) {
            Err(error) if error.code == Code::Conflict && began.elapsed() < PATIENCE => {
                if client::Client::connect(profile, &session::by()).await.is_ok() {
                    return Err(error);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            opened => return opened,
        }
    }
}

struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    fn new() -> Result<Self, ApiError> {
        let listen =
            |kind| signal(kind).map_err(|error| ApiError::internal("listening for signals").because(&error));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn told(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "told to terminate",
            _ = self.interrupt.recv() => "interrupted",
        }
    }
}

/// Tells systemd that we live, but only while every pool's watch takes its turns: a host that hangs is restarted.
async fn feed_watchdog(systemd: &mut Systemd, host: &host::Opened) -> &'static str {
    let Some(every) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    // Half of it, as sd_watchdog_enabled(3) advises, less the time that one pulse may take.
    let mut ticks = interval((every / 2).saturating_sub(PULSE).max(Duration::from_millis(500)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if timeout(PULSE, host.pulse()).await.is_ok() {
            systemd.tell(NotifyState::Watchdog).await;
        } else {
            tracing::error!("a pool's watch takes no turns; systemd is not told that this host lives");
        }
    }
}

/// The word to systemd, on a thread of its own: a systemd that hangs must not stop the watch with it. Outside systemd
/// nobody listens, which is no fault.
#[derive(Default)]
struct Systemd {
    telling: Option<JoinHandle<()>>,
}

impl Systemd {
    /// Tells it something, unless it has not taken the last word yet: then one thread waits and no second one joins it.
    async fn tell(&mut self, state: NotifyState<'static>) {
        let mut telling = match self.telling.take() {
            Some(stuck) if !stuck.is_finished() => stuck,
            Some(_) | None => tokio::task::spawn_blocking(move || drop(sd_notify::notify(&[state]))),
        };
        if timeout(PULSE, &mut telling).await.is_err() {
            tracing::warn!("systemd does not take what it is told");
            self.telling = Some(telling);
        }
    }
}

fn remove_socket(profile: &Path) {
    // The next host replaces what is left; removing it now only spares callers a refused connection.
    let _ = std::fs::remove_file(profile.join(client::SOCKET));
}
