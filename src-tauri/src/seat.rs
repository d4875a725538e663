//! Hosting or attaching: whichever it is, the rest of the program sees a client.
//!
//! A host that runs already is used. When it ends, or when there never was one, this process takes the profile and
//! serves its socket, so that command lines attach to it. States: opening, hosting, attached, absent. Rejected: a
//! desktop that always hosts, since it would fight with a headless watch for the profile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, Host, Retry, Subscribe, Topic};
use client::{Client, ClientError};
use engine::{Kind, OpenError};
use model::Code;
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::surroundings;

/// How long another process may hold the profile without a socket before people are told.
const PATIENCE: Duration = Duration::from_secs(15);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);
/// Between looks at a profile that cannot be opened.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a call waits for a host that is coming up.
const COMING: Duration = Duration::from_secs(10);
/// How long calls under way may go on once the program ends.
const LEAVING: Duration = Duration::from_secs(10);

/// Who hosts the profile, as the page is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Seat {
    /// About to host or to attach.
    Opening,
    /// This process hosts.
    Hosting,
    /// Another process does.
    Attached {
        /// Its pid, for people.
        pid: Option<u32>,
    },
    /// Nobody does, and why.
    Absent {
        /// Why.
        why: String,
    },
}

#[derive(Clone)]
struct Taken {
    seat: Seat,
    client: Option<Client>,
}

/// The way to the host, whoever it is.
#[derive(Clone)]
pub(crate) struct Seats {
    taken: watch::Receiver<Taken>,
}

impl Seats {
    /// Who hosts.
    pub(crate) fn seat(&self) -> Seat {
        self.taken.borrow().seat.clone()
    }

    /// The host's client, if it is there.
    pub(crate) fn present(&self) -> Option<Client> {
        self.taken.borrow().client.clone()
    }

    /// The host's client, once it is there.
    pub(crate) async fn client(&mut self) -> Result<Client, ApiError> {
        let settled =
            self.taken.wait_for(|taken| taken.client.is_some() || matches!(taken.seat, Seat::Absent { .. }));
        let nobody = |words: String| ApiError::new(Code::NoHost, words).with_retry(Retry::Now);
        match timeout(COMING, settled).await {
            Ok(Ok(taken)) => match (&taken.client, &taken.seat) {
                (Some(client), _) => Ok(client.clone()),
                (None, Seat::Absent { why }) => Err(nobody(why.clone())),
                (None, _) => Err(nobody("the host changes".to_owned())),
            },
            Ok(Err(_)) => Err(nobody("the program ends".to_owned())),
            Err(_) => Err(nobody("the host is still coming up".to_owned())),
        }
    }

    /// Ends when somebody else hosts, or nobody.
    pub(crate) async fn changed(&mut self) -> bool {
        self.taken.changed().await.is_ok()
    }
}

/// Starts the look for a host. The program's end is told by `leave`; `left` follows once the profile is free.
pub(crate) fn start(profile: PathBuf, leave: oneshot::Receiver<()>, left: oneshot::Sender<()>) -> Seats {
    let (tell, taken) = watch::channel(Taken { seat: Seat::Opening, client: None });
    tokio::spawn(async move {
        let mut keeper = Keeper { profile, tell, hosted: None };
        tokio::select! {
            () = keeper.keep() => {}
            _ = leave => {}
        }
        keeper.leave().await;
        drop(left);
    });
    Seats { taken }
}

struct Keeper {
    profile: PathBuf,
    tell: watch::Sender<Taken>,
    hosted: Option<Hosted>,
}

struct Hosted {
    engine: Arc<engine::Host>,
    leave: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Keeper {
    async fn keep(&mut self) {
        let mut waited = Duration::ZERO;
        loop {
            match self.attach().await {
                Ok(()) => waited = Duration::ZERO,
                Err(ClientError::NoHost { .. }) => {
                    let profile = self.profile.clone();
                    // Opening reads a database and may ask a keychain, which has its own patience.
                    let opened =
                        tokio::task::spawn_blocking(move || engine::Host::open(&profile, Kind::Desktop));
                    match opened.await {
                        Ok(Ok(engine)) => match self.host(engine).await {
                            Ok(()) => std::future::pending().await,
                            Err(error) => self.absent(model::chain(&error)).await,
                        },
                        // It comes up, goes down, or is there for one command only.
                        Ok(Err(OpenError::Taken { .. })) if waited < PATIENCE => {
                            waited += BETWEEN_TRIES;
                            sleep(BETWEEN_TRIES).await;
                        }
                        Ok(Err(error)) => self.absent(error.to_string()).await,
                        Err(_) => self.absent("opening the profile broke; see the log".to_owned()).await,
                    }
                }
                Err(error) => self.absent(model::chain(&error)).await,
            }
        }
    }

    /// Uses the host that runs, until it ends.
    async fn attach(&self) -> Result<(), ClientError> {
        let client = Client::connect(&self.profile, &surroundings::by()).await?;
        // A stream that tells nothing old: its end is the host's end.
        let request = Subscribe { topics: vec![Topic::Host], since_revision: 0 };
        let Ok(mut life) = client.subscribe(request).await else { return Ok(()) };
        let pid = pid(&self.profile);
        tracing::info!(pid, "attached to the host of this profile");
        self.tell.send_replace(Taken { seat: Seat::Attached { pid }, client: Some(client) });
        while life.next().await.is_some() {}
        tracing::info!("the host of this profile ended");
        self.tell.send_replace(Taken { seat: Seat::Opening, client: None });
        Ok(())
    }

    /// Hosts, and serves whoever else asks.
    async fn host(&mut self, engine: Arc<engine::Host>) -> Result<(), ClientError> {
        let api = Arc::clone(&engine) as Arc<dyn Host>;
        let (listener, peers) = client::bind(engine.directory())?;
        let (leave, left) = oneshot::channel::<()>();
        let leaving = async { drop(left.await) };
        let served = tokio::spawn(client::serve_until(listener, peers, Arc::clone(&api), leaving, LEAVING));
        let (client, _) = client::in_memory(api, &surroundings::by()).await?;
        tracing::info!(profile = %self.profile.display(), "hosting this profile");
        self.hosted = Some(Hosted { engine, leave, served });
        self.tell.send_replace(Taken { seat: Seat::Hosting, client: Some(client) });
        Ok(())
    }

    async fn absent(&self, why: String) {
        tracing::warn!("nobody hosts this profile: {why}");
        self.tell.send_replace(Taken { seat: Seat::Absent { why }, client: None });
        sleep(AGAIN).await;
    }

    /// Who asks from now on finds no host; calls under way may end; then the profile is free.
    async fn leave(self) {
        let Some(hosted) = self.hosted else { return };
        let _ = std::fs::remove_file(hosted.engine.directory().join(client::SOCKET));
        self.tell.send_replace(Taken { seat: Seat::Opening, client: None });
        drop(hosted.leave);
        let _ = hosted.served.await;
        hosted.engine.close().await;
    }
}

/// The pid that the host wrote for people.
fn pid(profile: &Path) -> Option<u32> {
    std::fs::read_to_string(profile.join("host.lock")).ok()?.trim().parse().ok()
}
