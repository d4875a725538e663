//! A pretended member: its power, what runs on it, and the real agent on top.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agent::cli::Enrol;
use agent::layout::Layout;
use agent::run::{Agent, Inputs, boot_id};
use agent::sense::clock::SystemClock;
use agent::sense::haproxy::StatAsker;
use agent::sense::host::FiguresOf;
use api::SecretText;
use model::BootId;
use model::haproxy::Report;
use model::host::Figures;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::DemoError;
use crate::balancer::{Haproxy, Wanted};
use crate::machine::Machine;
use crate::stat::{Traffic, Wander};

/// How long an agent waits for the console's call.
const ENROL_WAIT: Duration = Duration::from_mins(2);
/// How long the first heartbeat waits for what the pretended HAProxy says.
const FIRST_REPORT: Duration = Duration::from_secs(1);
const GIB: u64 = 1 << 30;

/// What a member is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It runs HAProxy.
    Haproxy,
    /// Its heartbeat is all there is.
    Plain,
}

/// One pretended member, with or without power.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) relay: SocketAddr,
    service: SocketAddr,
    root: PathBuf,
    duty: Duty,
    haproxy: watch::Sender<Wanted>,
    traffic: watch::Sender<Traffic>,
    machine: Option<Machine>,
}

/// Where a member stands, on loopback and on disk.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) address: Ipv4Addr,
    pub(crate) relay: SocketAddr,
    pub(crate) service: SocketAddr,
    pub(crate) root: PathBuf,
}

impl Member {
    pub(crate) fn new(name: &str, duty: Duty, site: Site) -> Self {
        Self {
            name: name.to_owned(),
            address: site.address,
            relay: site.relay,
            service: site.service,
            root: site.root,
            duty,
            haproxy: watch::channel(Wanted::Running).0,
            traffic: watch::channel(Traffic::Elsewhere).0,
            machine: None,
        }
    }

    pub(crate) fn has_power(&self) -> bool {
        self.machine.is_some()
    }

    pub(crate) fn serves(&self) -> bool {
        self.duty == Duty::Haproxy && self.has_power() && *self.haproxy.borrow() == Wanted::Running
    }

    /// Whether nothing was taken from it.
    pub(crate) fn is_whole(&self) -> bool {
        self.has_power() && *self.haproxy.borrow() == Wanted::Running
    }

    pub(crate) fn want(&self, wanted: Wanted) {
        self.haproxy.send_replace(wanted);
    }

    pub(crate) fn send_traffic(&self, traffic: Traffic) {
        self.traffic.send_if_modified(|now| std::mem::replace(now, traffic) != traffic);
    }

    /// Starts the host for the first time; its agent waits to be enrolled with this secret, then runs.
    pub(crate) fn join(&mut self, secret: &SecretText) -> Result<(), DemoError> {
        let file = self.root.join("secret");
        let failed =
            |source| DemoError::Directory { action: "writing the secret", path: self.root.clone(), source };
        std::fs::create_dir_all(&self.root).map_err(failed)?;
        let opened = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file);
        opened.and_then(|mut open| open.write_all(secret.expose().as_bytes())).map_err(failed)?;
        let joining = Enrol {
            hostname: Some(self.name.clone()),
            declare_ip: Some(self.address),
            probe_public_ip: false,
            listen: vec![self.relay],
            secret_file: Some(file),
            wait: ENROL_WAIT,
            no_service: true,
        };
        // It was enrolled in the boot that this computer is in; the relay's ledger says so.
        self.start(boot_id().ok(), Some(joining))
    }

    /// Gives the power back: another boot, with HAProxy started.
    pub(crate) fn power_on(&mut self) -> Result<(), DemoError> {
        self.want(Wanted::Running);
        self.start(None, None)
    }

    /// Cuts the power. Nobody on the host says a word.
    pub(crate) async fn power_off(&mut self) {
        if let Some(machine) = self.machine.take() {
            machine.cut().await;
        }
    }

    fn start(&mut self, boot: Option<BootId>, joining: Option<Enrol>) -> Result<(), DemoError> {
        let boot = match boot {
            Some(boot) => boot,
            None => new_boot()?,
        };
        let haproxy = (self.duty == Duty::Haproxy).then(|| Haproxy {
            name: self.name.clone(),
            service: self.service,
            socket: self.root.join("run/haproxy/admin.sock"),
            wanted: self.haproxy.subscribe(),
            traffic: self.traffic.subscribe(),
        });
        let layout = Layout::new(self.root.clone());
        let host = Host { name: self.name.clone(), layout, boot, haproxy };
        self.machine = Some(Machine::start(&self.name, move || host.live(joining))?);
        Ok(())
    }
}

/// What runs on a host that has power.
struct Host {
    name: String,
    layout: Layout,
    boot: BootId,
    haproxy: Option<Haproxy>,
}

impl Host {
    async fn live(self, joining: Option<Enrol>) {
        let name = self.name.clone();
        if let Err(error) = self.try_to_live(joining).await {
            tracing::error!("the pretended host {name} broke: {error:#}");
        }
        // A host whose agent ended still has power.
        std::future::pending::<()>().await;
    }

    async fn try_to_live(self, joining: Option<Enrol>) -> anyhow::Result<()> {
        // Ended with the power, as everything here.
        let mut senses = JoinSet::new();
        let (tell, mut report) = watch::channel(Report::default());
        let stat = match self.haproxy {
            Some(haproxy) => {
                let stat = StatAsker::at(haproxy.socket.clone());
                senses.spawn(haproxy.run(tell));
                let _ = timeout(FIRST_REPORT, report.changed()).await;
                stat
            }
            None => StatAsker::default(),
        };
        let (figures, told) = watch::channel(Figures::default());
        senses.spawn(pretend_figures(self.name.clone(), figures));
        if let Some(joining) = joining {
            let mut said = Vec::new();
            agent::enrol::run(&self.layout, &joining, &mut said).await?;
            tracing::debug!("{}: {}", self.name, String::from_utf8_lossy(&said));
        }
        // Nobody ever asks it to stop: only its power is cut.
        let (_never, stop) = oneshot::channel();
        let inputs = Inputs {
            report,
            stat,
            stop,
            strike: watch::channel(0).0,
            boot: self.boot,
            figures: FiguresOf::Pretended(told),
        };
        Agent::build(&self.layout, Arc::new(SystemClock), inputs)?.run().await;
        Ok(())
    }
}

/// A small virtual machine with a little to do.
async fn pretend_figures(name: String, figures: watch::Sender<Figures>) {
    let mut wander = Wander::new(&name);
    let mut seconds = interval(Duration::from_secs(1));
    let (mut load_centi, mut uptime_s) = (30, 5);
    loop {
        seconds.tick().await;
        uptime_s += 1;
        load_centi = (load_centi * 7 + 10 + wander.next(60)).div_ceil(8);
        figures.send_replace(Figures {
            load_centi: load_centi as u32,
            cpus: 4,
            memory_used_bytes: GIB + wander.next(64 << 20) + 20 * uptime_s,
            memory_total_bytes: 4 * GIB,
            disk_used_bytes: 11 * GIB + 4096 * uptime_s,
            disk_total_bytes: 40 * GIB,
            uptime_s,
            os: "Pretended Linux 12".to_owned(),
        });
    }
}

fn new_boot() -> Result<BootId, DemoError> {
    let mut bytes = [0; BootId::BYTES];
    getrandom::fill(&mut bytes).map_err(DemoError::Random)?;
    Ok(BootId::from_bytes(bytes))
}
