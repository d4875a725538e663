//! `serversctl watch`: the headless host.

use std::path::Path;
use std::sync::Arc;

use api::request::HostStatusRequest;
use api::{ApiError, Call};
use model::Code;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{Duration, MissedTickBehavior, interval, timeout};

use crate::args::{Common, WatchArgs};
use crate::host::{self, Mode};
use crate::{session, unit};

/// How long another process may hold the profile before the watch gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the host may take to say how it stands before the watchdog is not fed.
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
    let reason = tokio::select! {
        () = client::serve(listener, peers, Arc::clone(&host.api)) => "the socket ended",
        () = feed_watchdog(&mut systemd, host.api.as_ref()) => "the watchdog ended",
        reason = end.told() => reason,
    };
    tracing::info!(reason, "stopping");
    systemd.tell(NotifyState::Stopping).await;
    host.close().await;
    remove_socket(&profile);
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

/// Tells systemd that we live, but only while the host answers: one that hangs is restarted.
async fn feed_watchdog(systemd: &mut Systemd, host: &dyn api::Host) {
    let Some(every) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    // Half of it, as sd_watchdog_enabled(3) advises, less the time that one pulse may take.
    let mut ticks = interval((every / 2).saturating_sub(PULSE).max(Duration::from_millis(500)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let call = Call::quiet("the watchdog");
    loop {
        ticks.tick().await;
        if timeout(PULSE, host.host_status(&call, HostStatusRequest {})).await.is_ok() {
            systemd.tell(NotifyState::Watchdog).await;
        } else {
            tracing::error!("the host does not answer; systemd is not told that it lives");
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
