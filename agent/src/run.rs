//! `run`: the daemon, put together.
//!
//! Configuration and state are judged before a port is opened. A fault in them ends the process with its own exit code,
//! which the unit does not restart on: starting again would not help, and says nothing new.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use model::BootId;
use model::haproxy::Report;
use protocol::{Goodbye, relay};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::alarm::Alarm;
use crate::attachment::Attachment;
use crate::env::AgentEnv;
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::limits::INBOX_EVENTS;
use crate::node::{Ends, Event, Node, Parts};
use crate::peers::Dialler;
use crate::relay::Door;
use crate::sense::beat::Beat;
use crate::sense::clock::{Clock, SystemClock};
use crate::sense::haproxy::{HaproxySense, Options};
use crate::sense::host::FiguresOf;
use crate::state::{State, StateError};
use crate::{disk, relay as door, sense, socket, stop, watchdog};

/// The agent's configuration or state is wrong: the process ends with [`EXIT_CONFIG`].
#[derive(Debug, thiserror::Error)]
#[error("the agent cannot start until this is put right")]
pub struct NeedsPerson;

/// Exit code of a fault that only a person can put right (EX_CONFIG of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// How long the first heartbeat waits for the first report of HAProxy's sense, which usually takes some milliseconds.
const FIRST_REPORT: Duration = Duration::from_secs(1);

/// A daemon that is put together and not yet running.
pub struct Agent {
    node: Node,
    ends: Ends,
    door: Door,
    listeners: Vec<TcpListener>,
    events: mpsc::Sender<Event>,
    layout: Layout,
}

/// What an agent hangs on.
#[derive(Debug)]
pub struct Inputs {
    /// What HAProxy's sense says.
    pub report: watch::Receiver<Report>,
    /// Who asks HAProxy for its statistics.
    pub stat: sense::haproxy::StatAsker,
    /// Why to stop, once it is time.
    pub stop: oneshot::Receiver<Goodbye>,
    /// Struck with each regular heartbeat.
    pub strike: watch::Sender<u64>,
    /// The host's boot.
    pub boot: BootId,
    /// Whose figures the heartbeats carry.
    pub figures: FiguresOf,
}

/// Runs until SIGTERM.
///
/// # Errors
/// Configuration, state or ports.
pub async fn run(layout: &Layout) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (strike, beats) = watch::channel(0);
    let options = Options { beat: Some(Beat::struck_by(beats)), ..Options::default() };
    let sense = HaproxySense::start(options, Arc::clone(&clock)).context("starting the sense of HAProxy")?;
    let (stop_sender, stop) = oneshot::channel();
    let agent = Agent::build(
        layout,
        clock,
        Inputs {
            report: sense.report(),
            stat: sense.stat_asker(),
            stop,
            strike,
            boot: boot_id()?,
            figures: FiguresOf::ThisHost,
        },
    )?;
    tokio::spawn(async move {
        let why = match stop::requested().await {
            Ok(()) => stop::reason().await,
            Err(error) => {
                tracing::error!("signals cannot be received: {error}");
                return std::future::pending().await;
            }
        };
        watchdog::stopping();
        let _ = stop_sender.send(why);
    });
    // The first heartbeat must not say of a stopped HAProxy that there is nothing to say.
    let mut first = sense.report();
    let _ = tokio::time::timeout(FIRST_REPORT, first.changed()).await;
    watchdog::ready();
    agent.run().await;
    drop(sense);
    Ok(())
}

impl Agent {
    /// Reads everything, opens the ports.
    ///
    /// # Errors
    /// Configuration, state or ports.
    pub fn build(layout: &Layout, clock: Arc<dyn Clock>, inputs: Inputs) -> anyhow::Result<Self> {
        let reading = AgentEnv::read(&layout.env()).context(NeedsPerson)?;
        let state = State::new(layout);
        let remembered = state.read().map_err(|error| match error {
            StateError::Disk(ref disk) if disk.is_transient() => anyhow::Error::new(error),
            StateError::NotEnrolled | StateError::Disk(_) | StateError::Key | StateError::Rosters(_) => {
                anyhow::Error::new(error).context(NeedsPerson)
            }
        })?;
        let mut notes = reading.notes;
        notes.extend(remembered.notes);
        let incarnation = state.next_incarnation(clock.wall_ms() / 1000, &mut notes)?;
        for note in &notes {
            tracing::warn!("{note}");
        }
        let env = reading.env;
        let listeners = door::listen(&env.listen_addresses(), !env.listen.is_empty())?;
        let boot = inputs.boot;
        let mut attachment = Attachment::default();
        let core = relay::Core::new(
            relay::Setup {
                me: remembered.identity.member,
                boot,
                attachment: attachment.read(),
                kept: remembered.ledger,
                shelf: remembered.shelf,
            },
            clock.boottime(),
        );
        let identity = link::Identity::new(&remembered.identity.key).context("making the certificate")?;
        let (events, inbox) = mpsc::channel(INBOX_EVENTS);
        let (done, kept) = mpsc::unbounded_channel();
        let parts = Parts {
            hostname: sense::host::hostname(env.hostname.as_deref()),
            identity: remembered.identity,
            env,
            boot,
            incarnation,
            state,
            keeper: Keeper::start(done).context("starting the thread that writes")?,
            core,
            attachment,
            stat: inputs.stat,
            dialler: Dialler::new(identity.clone()),
            strike: inputs.strike,
            figures: inputs.figures,
            notes,
        };
        tracing::info!(
            member = %parts.identity.member,
            fleet = %parts.identity.fleet.short(),
            hostname = %parts.hostname,
            version = env!("CARGO_PKG_VERSION"),
            incarnation,
            "starting {} as {} of fleet {}, start {incarnation}",
            env!("CARGO_PKG_VERSION"),
            parts.hostname,
            parts.identity.fleet.short()
        );
        let node = Node::new(parts, Arc::clone(&clock), events.clone(), seed()?);
        let door = Door::new(&identity, events.clone(), clock);
        let alarm = Alarm::new().context("making a timer")?;
        let ends = Ends { events: inbox, kept, report: inputs.report, stop: inputs.stop, alarm };
        Ok(Self { node, ends, door, listeners, events, layout: layout.clone() })
    }

    /// The addresses that the relay listens on.
    pub fn addresses(&self) -> Vec<std::net::SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Runs until told to stop.
    pub async fn run(self) {
        let mut tasks = tokio::task::JoinSet::new();
        for listener in self.listeners {
            tasks.spawn(self.door.clone().run(listener));
        }
        let socket = disk::make_private_dir(&self.layout.run())
            .map_err(anyhow::Error::from)
            .and_then(|()| socket::open(&self.layout.socket()));
        match socket {
            Ok(listener) => {
                tasks.spawn(socket::serve(listener, self.events));
            }
            // Nobody can ask for the status then; the pool must not suffer for it.
            Err(error) => tracing::warn!("no local socket for status: {error:#}"),
        }
        self.node.run(self.ends).await;
        tasks.shutdown().await;
        let _ = disk::remove(&self.layout.socket());
    }
}

/// The host's boot as the wire writes it.
///
/// # Errors
/// The kernel does not say it.
pub fn boot_id() -> anyhow::Result<BootId> {
    let text = sense::host::boot_id()?.replace('-', "").to_ascii_lowercase();
    text.parse().context("reading the kernel's boot id")
}

fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(u64::from_le_bytes(bytes))
}
