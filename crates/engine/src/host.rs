//! The host: one profile, opened by one process.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use api::request::{ProfileInit, VaultChoice};
use api::{ApiError, EventBody};
use futures_util::FutureExt as _;
use link::Identity;
use model::{Code, ConsoleId};
use secrecy::SecretString;
use store::Store;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use vault::{Backend, Vault, VaultError};

use crate::events::{Events, Happened};
use crate::fleet::Fleet;
use crate::inner::{Inner, Watching};
use crate::pen::{Pen, off_the_runtime};
use crate::profile::{self, Facts, Lock, Taken};
use crate::reach::Reach;
use crate::recorder::Recorder;
use crate::watch::Start;
use crate::{anchors, clock, daily, ddns, desk, guard, random, supervise};

/// Between two looks at a keychain that is locked.
const VAULT_AGAIN: Duration = Duration::from_secs(5);
/// How long watches may take for their last words, all together.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What kind of host this is; decides its rank and whether it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The desktop, on mains power.
    Desktop,
    /// `serversctl watch`.
    Headless,
    /// A command line that hosts the profile for one command: it watches nothing.
    Brief,
}

impl Kind {
    const fn rank(self) -> u32 {
        match self {
            Self::Headless => 200,
            Self::Desktop => 100,
            Self::Brief => 0,
        }
    }

    const fn watching(self) -> Watching {
        match self {
            Self::Headless | Self::Desktop => Watching::On,
            Self::Brief => Watching::Off,
        }
    }
}

/// Why a profile could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process hosts it.
    #[error("another process hosts this profile{}", pid.map_or_else(String::new, |pid| format!(" (pid {pid})")))]
    Taken {
        /// Its pid, if it could be read.
        pid: Option<u32>,
    },
    /// Something on disk could not be read or written.
    #[error("opening the profile {}: {source:#}", path.display())]
    Profile {
        /// The profile directory.
        path: PathBuf,
        /// Why.
        source: anyhow::Error,
    },
}

/// One profile and everything that runs for it. Dropping it ends all of it.
pub struct Host {
    pub(crate) kind: Kind,
    pub(crate) directory: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) events: Arc<Events>,
    pub(crate) opened: model::Time,
    state: Mutex<State>,
    /// One starts the parts at a time.
    starting: Mutex<()>,
    own: std::sync::Weak<Self>,
    lock: Arc<Lock>,
}

#[derive(Default)]
struct State {
    facts: Option<Facts>,
    vault: Option<Arc<Vault>>,
    inner: Option<Arc<Inner>>,
    tasks: Vec<JoinHandle<()>>,
    pub(crate) paused_since: Option<model::Time>,
    /// It ends; nothing is started any more.
    is_closing: bool,
    /// What stood in the way of the vault when it was looked at last, so that the log says it once.
    vault_words: String,
}

/// A keychain that was locked at the start, as before somebody has logged in, opens by itself later; then the watch begins
/// without a person's word here. A file waits for its passphrase, which nobody else can give.
async fn try_vault_again(host: std::sync::Weak<Host>) {
    loop {
        tokio::time::sleep(VAULT_AGAIN).await;
        let Some(host) = host.upgrade() else { return };
        {
            let state = host.state();
            if state.inner.is_some() || state.is_closing {
                return;
            }
            let is_keychain = state.facts.as_ref().is_some_and(|facts| facts.backend == Backend::Keychain);
            if !is_keychain {
                continue;
            }
        }
        let own = Arc::clone(&host);
        // Opening a vault starts what needs it.
        let try_it = move || if own.vault().is_some() { own.start_with_vault() } else { own.open_vault() };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(try_it).await {
            host.say_once(&format!(
                "the profile cannot be started although its vault may be open: {error:#}"
            ));
        }
    }
}

impl Host {
    /// Opens a profile directory, making it when it is missing, and starts what can be started: without a profile
    /// nothing, with a locked vault the questions that need no key.
    ///
    /// # Errors
    /// Another host, or a profile that cannot be read.
    pub fn open(directory: &Path, kind: Kind) -> Result<Arc<Self>, OpenError> {
        let failed = |source| OpenError::Profile { path: directory.to_owned(), source };
        let directory = profile::make_directory(directory).map_err(failed)?;
        let lock = match Lock::take(&directory).map_err(failed)? {
            Ok(lock) => lock,
            Err(Taken { pid }) => return Err(OpenError::Taken { pid }),
        };
        let store = Store::open(&directory).context("opening the database").map_err(failed)?;
        let store = store.with_writes_run_by(|run| off_the_runtime(run));
        let facts = profile::facts(&store).map_err(failed)?;
        let host = Arc::new_cyclic(|own| Self {
            kind,
            directory,
            store: Arc::new(store),
            events: Arc::default(),
            opened: clock::now(),
            state: Mutex::new(State { facts, ..State::default() }),
            starting: Mutex::default(),
            own: own.clone(),
            lock: Arc::new(lock),
        });
        host.open_vault().map_err(failed)?;
        if kind.watching() == Watching::On {
            tokio::spawn(try_vault_again(host.shared()));
        }
        Ok(host)
    }

    /// Ends everything in order: watches release their leases and write their last state, then the roads close.
    pub async fn close(&self) {
        {
            // What is being started is waited for, so that it is ended too.
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            self.state().is_closing = true;
        }
        let inner = self.state().inner.take();
        let Some(inner) = inner else { return };
        if inner.watching == Watching::Off && inner.has_new_documents() {
            confirm(&inner).await;
        }
        let watches = inner.watches();
        for watch in &watches {
            watch.tell(crate::watch::Ask::Stop);
        }
        let ended = futures_util::future::join_all(watches.iter().map(crate::watch::Handle::ended));
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            tracing::warn!(
                "a pool's watch did not end in time; what it was doing is known at the next start"
            );
        }
        // What was sent last needs a moment to leave; the roads end with the tasks.
        tokio::time::sleep(Duration::from_millis(50)).await;
        for watch in &watches {
            watch.abort();
        }
        self.end_tasks();
    }

    /// Ends once the desk and every pool's watch have taken a turn: what a watchdog may rest on.
    pub async fn pulse(&self) {
        let inner = self.state().inner.clone();
        if let Some(inner) = inner {
            inner.pulse().await;
        }
    }

    fn end_tasks(&self) {
        let tasks = std::mem::take(&mut self.state().tasks);
        for task in tasks {
            task.abort();
        }
    }

    /// Where the local socket lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn shared(&self) -> std::sync::Weak<Self> {
        self.own.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn facts(&self) -> Option<Facts> {
        self.state().facts.clone()
    }

    pub(crate) fn vault(&self) -> Option<Arc<Vault>> {
        self.state().vault.clone()
    }

    pub(crate) fn paused_since(&self) -> Option<model::Time> {
        self.state().paused_since
    }

    pub(crate) fn set_paused(&self, since: Option<model::Time>) {
        self.state().paused_since = since;
        self.events.host_changed();
    }

    /// The running parts, or why there are none.
    pub(crate) fn inner(&self) -> Result<Arc<Inner>, ApiError> {
        let state = self.state();
        if let Some(inner) = &state.inner {
            return Ok(Arc::clone(inner));
        }
        match &state.facts {
            None => Err(ApiError::new(
                Code::NotFound,
                "there is no profile here yet: run `serversctl profile init`",
            )),
            Some(facts) if facts.fleet.is_none() => Err(ApiError::new(
                Code::NotFound,
                "this console belongs to no fleet yet: join one with the pool file that its owner made",
            )),
            Some(_) => {
                Err(ApiError::new(Code::VaultLocked, "the vault is locked: unlock it, then try again"))
            }
        }
    }

    /// Opens the vault of a profile that was made, unless it is open already, and starts what needs it.
    pub(crate) fn open_vault(&self) -> anyhow::Result<()> {
        let Some(facts) = self.facts().filter(|_| self.vault().is_none()) else { return Ok(()) };
        let open = || Vault::open(facts.backend, &self.directory, &facts.console.to_string());
        let vault = match off_the_runtime(open) {
            Ok(vault) => Arc::new(vault),
            Err(error @ (VaultError::Locked(_) | VaultError::Absent(_) | VaultError::WrongPassphrase)) => {
                self.say_once(&error.to_string());
                return Ok(());
            }
            Err(error) => return Err(error).context("opening the vault"),
        };
        self.state().vault = Some(vault);
        self.start_with_vault()
    }

    fn say_once(&self, words: &str) {
        let mut state = self.state();
        if state.vault_words != words {
            words.clone_into(&mut state.vault_words);
            tracing::warn!("{words}");
        }
    }

    /// Starts everything once the key can be read. A locked vault is no failure: the host waits.
    pub(crate) fn start_with_vault(&self) -> anyhow::Result<()> {
        let (Some(facts), Some(vault)) = (self.facts(), self.vault()) else { return Ok(()) };
        let key = match profile::read_key(&vault) {
            Ok(key) => key,
            Err(error) => {
                self.say_once(&format!("the console's key cannot be read yet: {error:#}"));
                return Ok(());
            }
        };
        if let Some(fleet) = profile::read_fleet(&self.store, &facts, key)? {
            let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
            let is_wanted = {
                let state = self.state();
                state.inner.is_none() && !state.is_closing
            };
            if is_wanted {
                self.start(vault, Arc::new(fleet))?;
                self.events.host_changed();
            }
        }
        Ok(())
    }

    /// Starts the roads, the desk and every pool's watch.
    pub(crate) fn start(&self, vault: Arc<Vault>, fleet: Arc<Fleet>) -> anyhow::Result<()> {
        let identity = Identity::new(&fleet.key).context("making the console's certificate")?;
        let (arrivals, mut inbox) = mpsc::channel(1024);
        let reach = Arc::new(Reach::new(Arc::new(identity), arrivals));
        let start =
            Start { counter: self.store.start_counter(), nonce: random::nonce(), rank: self.kind.rank() };
        let recorder = match self.kind.watching() {
            Watching::On => self.recorder(),
            Watching::Off => None,
        };
        let lock: Arc<dyn std::any::Any + Send + Sync> = Arc::clone(&self.lock) as _;
        let pen = Pen::start(Arc::downgrade(&lock))?;
        let inner = Inner::new(
            Arc::clone(&self.store),
            vault,
            fleet,
            reach,
            Arc::clone(&self.events),
            start,
            self.kind.watching(),
            pen,
        );
        let inner = Arc::new(inner.with_recorder(recorder));
        let mut tasks = Vec::new();
        let (papers, mut tray) = mpsc::channel(desk::PAPERS_MAX);
        let (for_desk, for_clerk) = (Arc::clone(&inner), Arc::clone(&inner));
        tasks.push(tokio::spawn(async move {
            // A desk that broke over one arrival goes on with the next, and so does the clerk.
            while AssertUnwindSafe(desk::run(Arc::clone(&for_desk), &mut inbox, &papers))
                .catch_unwind()
                .await
                .is_err()
            {
                tracing::error!("the desk broke over something that arrived, and goes on");
            }
        }));
        tasks.push(tokio::spawn(async move {
            while AssertUnwindSafe(desk::run_clerk(&for_clerk, &mut tray)).catch_unwind().await.is_err() {
                tracing::error!("the clerk broke over a document, and goes on");
            }
        }));
        if inner.watching == Watching::On {
            tasks.push(keep_running("the look at the clocks", &inner, anchors::watch_clock));
            tasks.push(keep_running("the look at the network", &inner, anchors::watch_attachment));
            tasks.push(keep_running("the anchors", &inner, anchors::watch_anchors));
            tasks.push(keep_running("the fleet guard", &inner, guard::watch_fleet));
            tasks.push(keep_running("the look at addresses", &inner, ddns::watch_addresses));
            tasks.push(keep_running("the daily checks", &inner, daily::watch_days));
            tasks.push(keep_running("the probes of services", &inner, anchors::watch_services));
        }
        inner.documents_changed();
        let mut state = self.state();
        state.inner = Some(inner);
        state.tasks = tasks;
        Ok(())
    }

    fn recorder(&self) -> Option<Arc<Recorder>> {
        match Recorder::start(&self.directory) {
            Ok(recorder) => Some(Arc::new(recorder)),
            Err(error) => {
                tracing::warn!("there is no input log: {error:#}");
                None
            }
        }
    }

    /// Makes the profile: vault, key, name and a fleet of its own. Whatever cuts it off leaves nothing that counts until
    /// its last write, and nothing that stands in the way of another try.
    pub(crate) fn make_profile(&self, request: &ProfileInit) -> anyhow::Result<()> {
        let console = ConsoleId::from_bytes(random::bytes());
        let backend = match request.vault {
            VaultChoice::Keychain => Backend::Keychain,
            VaultChoice::File => Backend::File,
            VaultChoice::Credential => Backend::Credential,
        };
        let passphrase = request.secret.as_ref().map(|secret| SecretString::from(secret.expose()));
        profile::begin(&self.store, &self.directory, console, backend)?;
        let make = || Vault::create(backend, &self.directory, &console.to_string(), passphrase);
        let vault = off_the_runtime(make)?;
        let vault = Arc::new(vault);
        let key = profile::make_key(&vault)?;
        let fleet = Fleet::found(console, &request.name, key)?;
        let facts = Facts { console, name: request.name.clone(), fleet: Some(fleet.id), backend };
        profile::found(&self.store, &facts, &fleet.shelf().kept())?;
        self.state().facts = Some(facts);
        self.state().vault = Some(Arc::clone(&vault));
        self.start(vault, Arc::new(fleet))
    }

    /// Leaves this console's own fleet, which has no members, for another one.
    pub(crate) fn take_fleet(&self, fleet: Fleet) -> anyhow::Result<()> {
        let mut facts = self.facts().context("there is no profile here")?;
        let vault = self.vault().context("the vault is locked")?;
        facts.fleet = Some(fleet.id);
        profile::found(&self.store, &facts, &fleet.shelf().kept())?;
        self.end_tasks();
        self.state().facts = Some(facts);
        self.start(vault, Arc::new(fleet))
    }

    /// What an event holds, read when it is delivered.
    pub(crate) async fn event_body(&self, happened: Happened) -> Option<EventBody> {
        let body = match happened {
            Happened::Host => EventBody::Host(crate::handlers::host::status(self)),
            Happened::Pool(pool) => {
                let inner = self.inner().ok()?;
                let policy = inner.fleet.policy(pool)?;
                EventBody::Pool(Box::new(crate::handlers::pool::status_of(&inner, &policy).await))
            }
            Happened::PoolRemoved(pool) => EventBody::PoolRemoved(pool),
            Happened::Incident(incident) => {
                let inner = self.inner().ok()?;
                let found = inner.store.incident(incident).ok()??;
                EventBody::Incident(Box::new(crate::handlers::history::incident_view(&inner, found).ok()?))
            }
            Happened::Notice(notice) => EventBody::Notice(notice),
        };
        Some(body)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Watches hold on to what they need: they must not go on under a profile that another host may open.
        let inner = self.state().inner.take();
        for watch in inner.iter().flat_map(|inner| inner.watches()) {
            watch.abort();
        }
        self.end_tasks();
    }
}

/// Waits until relays have what a short-lived host signed; without them it stays on this computer until a host runs.
async fn confirm(inner: &Inner) {
    let behind = inner.confirm_documents().await;
    if !behind.is_empty() {
        tracing::warn!(
            "not confirmed by the relays of {}: they get it as soon as a host of this profile reaches them",
            behind.join(", ")
        );
    }
}

fn keep_running<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    inner: &Arc<Inner>,
    run: impl Fn(Arc<Inner>) -> F + Send + 'static,
) -> JoinHandle<()> {
    let inner = Arc::clone(inner);
    tokio::spawn(supervise::keep_running(name, move || run(Arc::clone(&inner))))
}
