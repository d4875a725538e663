//! HAProxy as this host sees it: one report that changes at once when something does.
//!
//! Three tasks. The unit's watch (`units`) passes signals on; the pulse (`pulse`) probes listeners once a second
//! and asks for statistics every few seconds; the loop here gives both to the judge, keeps what the configuration
//! says, has `haproxy -c` run once for each new configuration, and publishes the [`Report`].
//!
//! The loop itself never waits for anything but its inputs: a stuck socket or a slow check must not hold a stop up.

mod pulse;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use haproxy::judge::{Answer, Input, Job, Judge, Judgement, UnitReading};
use model::haproxy::{Listener, Report, UnitState};
use model::time::Time;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::beat::Beat;
use super::clock::Clock;
use super::probe::{self, Outcome, Reach, Target};
use super::running::{self, Checked, Running};
use super::socket::{RuntimeSocket, SocketError};
use super::units::{UnitEvent, UnitFacts, UnitWatch};
use pulse::{News, Orders, Pulse, StatNews};

/// The unit's usual name.
pub const UNIT: &str = "haproxy.service";
/// Unit events that may wait; more make the bus wait.
const EVENTS_MAX: usize = 64;
/// Results of `haproxy -c` that are remembered: going back to the configuration before needs no second run.
const CHECKS_KEPT: usize = 8;

/// What to watch and how often.
#[derive(Debug, Clone)]
pub struct Options {
    /// The unit.
    pub unit: String,
    /// The bus' address; `None` for the system bus.
    pub bus_address: Option<String>,
    /// How often statistics are asked for, in pulses of one second.
    pub stat_every_pulses: u32,
    /// A beat of one second to share; `None` for one of its own.
    pub beat: Option<Beat>,
}

impl Default for Options {
    fn default() -> Self {
        Self { unit: UNIT.into(), bus_address: None, stat_every_pulses: 5, beat: None }
    }
}

/// The running sense. Dropping it stops it.
#[derive(Debug)]
pub struct HaproxySense {
    report: watch::Receiver<Report>,
    orders: Arc<watch::Sender<Orders>>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
}

impl HaproxySense {
    /// Starts watching on the current runtime.
    ///
    /// # Errors
    /// The kernel gives no timer.
    pub fn start(options: Options, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let beat = match options.beat {
            Some(beat) => beat,
            None => Beat::start(Duration::from_secs(1))?,
        };
        let (report_sender, report) = watch::channel(Report::default());
        let orders = Arc::new(watch::channel(Orders::default()).0);
        let (events_sender, events) = mpsc::channel(EVENTS_MAX);
        let (read_again, read_again_receiver) = mpsc::channel(1);
        let (news_sender, news) = mpsc::channel(EVENTS_MAX);
        let mut tasks = JoinSet::new();
        let unit = UnitWatch { unit: options.unit.clone(), bus_address: options.bus_address };
        tasks.spawn(unit.run(events_sender, read_again_receiver));
        let pulse = Pulse::new(clock.clone(), orders.subscribe(), news_sender, options.stat_every_pulses);
        tasks.spawn(pulse.run(beat));
        let sense = Loop::new(&options.unit, clock, report_sender, orders.clone(), read_again);
        tasks.spawn(sense.run(events, news));
        Ok(Self { report, orders, _tasks: tasks })
    }

    /// The report, and a notice when it changes. [`is_news`] tells which changes matter at once.
    #[must_use]
    pub fn report(&self) -> watch::Receiver<Report> {
        self.report.clone()
    }

    /// Has the statistics asked for at the next pulse.
    pub fn ask_stat_soon(&self) {
        self.orders.send_modify(|orders| orders.stat_asked = orders.stat_asked.wrapping_add(1));
    }

    /// Who asks HAProxy for its whole table of statistics.
    #[must_use]
    pub fn stat_asker(&self) -> StatAsker {
        StatAsker { orders: self.orders.subscribe() }
    }
}

/// Asks HAProxy for its whole table of statistics, for a screen.
#[derive(Clone, Debug)]
pub struct StatAsker {
    orders: watch::Receiver<Orders>,
}

impl Default for StatAsker {
    /// One that knows no HAProxy.
    fn default() -> Self {
        Self { orders: watch::channel(Orders::default()).1 }
    }
}

impl StatAsker {
    /// One that asks at this runtime socket, whatever systemd says.
    #[must_use]
    pub fn at(socket: PathBuf) -> Self {
        let orders = Orders { socket: Some(socket), ..Orders::default() };
        Self { orders: watch::channel(orders).1 }
    }

    /// The answer as text; `None` when there is no runtime socket.
    pub async fn ask(&self) -> Option<Result<String, SocketError>> {
        let path = self.orders.borrow().socket.clone()?;
        Some(RuntimeSocket::new(&path).stat_text().await)
    }
}

/// Whether a change is worth telling at once: anything but the moving figures, which the next heartbeat carries.
#[must_use]
pub fn is_news(before: &Report, after: &Report) -> bool {
    let still = |report: &Report| Report { stat: None, ..report.clone() };
    still(before) != still(after)
}

struct Loop {
    clock: Arc<dyn Clock>,
    judge: Judge,
    last: Judgement,
    unit: Option<UnitFacts>,
    was_loaded: bool,
    bus_words: Option<String>,
    running: Option<Running>,
    listeners: Vec<Listener>,
    targets: Vec<Target>,
    checks: VecDeque<(String, Checked)>,
    checking: Option<String>,
    program_version: String,
    worker_version: String,
    stat: Option<model::haproxy::StatTotals>,
    report: watch::Sender<Report>,
    orders: Arc<watch::Sender<Orders>>,
    read_again: mpsc::Sender<()>,
    work: JoinSet<(String, Checked, Option<String>)>,
}

impl Loop {
    fn new(
        unit: &str,
        clock: Arc<dyn Clock>,
        report: watch::Sender<Report>,
        orders: Arc<watch::Sender<Orders>>,
        read_again: mpsc::Sender<()>,
    ) -> Self {
        let mut judge = Judge::new(unit);
        let last = judge.step(clock.boottime(), Input::Tick);
        Self {
            clock,
            judge,
            last,
            unit: None,
            was_loaded: false,
            bus_words: None,
            running: None,
            listeners: Vec::new(),
            targets: Vec::new(),
            checks: VecDeque::new(),
            checking: None,
            program_version: String::new(),
            worker_version: String::new(),
            stat: None,
            report,
            orders,
            read_again,
            work: JoinSet::new(),
        }
    }

    async fn run(mut self, mut events: mpsc::Receiver<UnitEvent>, mut news: mpsc::Receiver<News>) {
        loop {
            let due = [self.last.read_again_at, self.last.wake_at].into_iter().flatten().min();
            let sleep = due.map(|at| Duration::from_millis((at - self.clock.boottime()).as_ms() + 1));
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.on_unit(event),
                    None => return,
                },
                news = news.recv() => match news {
                    Some(news) => self.on_news(news),
                    None => return,
                },
                Some(Ok((sha256, checked, version))) = self.work.join_next() => {
                    self.on_checked(sha256, checked, version);
                }
                () = tokio::time::sleep(sleep.unwrap_or(Duration::MAX)), if sleep.is_some() => self.on_due(),
            }
            self.publish();
        }
    }

    fn on_due(&mut self) {
        let now = self.clock.boottime();
        if self.last.read_again_at.is_some_and(|at| at <= now) {
            // A full channel means that it is about to be read anyway.
            let _ = self.read_again.try_send(());
        }
        self.step(now, Input::Tick);
    }

    fn on_unit(&mut self, event: UnitEvent) {
        let now = self.clock.boottime();
        match event {
            UnitEvent::Unknown(words) => {
                self.bus_words = Some(words);
                self.unit = None;
                self.step(now, Input::UnitUnknown);
            }
            UnitEvent::Facts(facts) => {
                self.bus_words = None;
                let state = facts.state();
                let began = state == UnitState::Active
                    && self.unit.as_ref().is_none_or(|before| {
                        before.state() != UnitState::Active || before.main_pid != facts.main_pid
                    });
                self.was_loaded |= state != UnitState::NotFound;
                let job = if facts.job_queued { Job::Queued } else { Job::None };
                self.step(now, Input::Unit(UnitReading { state, job, restarts: facts.restarts }));
                let main_pid = facts.main_pid;
                self.unit = Some(facts);
                // Told first, read then: files on a bad disk must not hold a stop up.
                self.publish();
                if began || (self.running.is_none() && self.was_loaded) {
                    self.read_configuration(now, main_pid);
                }
            }
        }
        self.order();
    }

    fn on_news(&mut self, news: News) {
        let now = self.clock.boottime();
        if news.stalled {
            self.step(now, Input::Stalled);
        }
        let any_public = self.targets.iter().any(|target| target.reach == Reach::Public);
        for finding in news.findings {
            let Some(target) = self.targets.get(finding.target) else { continue };
            let answer = match finding.outcome {
                Outcome::Answered => Answer::Answered,
                Outcome::Silent(words) => Answer::Failed(words),
                Outcome::Nothing => continue,
            };
            if let Some(listener) = self.listeners.get_mut(target.listener) {
                listener.answers = Some(answer == Answer::Answered);
            }
            // What only this host can reach is no service, unless there is nothing else.
            let counts = finding.proven && (target.reach == Reach::Public || !any_public);
            if counts {
                let (listener, started) = (target.name.clone(), finding.started);
                self.step(now, Input::Probe { listener, started, answer });
            }
        }
        if let Some((started, answer)) = news.socket_proof {
            self.step(now, Input::Probe { listener: "its runtime socket".into(), started, answer });
        }
        match news.stat {
            StatNews::Same => {}
            StatNews::Now(totals) => self.stat = Some(totals),
            StatNews::Gone => self.stat = None,
        }
        if let Some(version) = news.version {
            self.worker_version = version;
        }
    }

    fn on_checked(&mut self, sha256: String, checked: Checked, version: Option<String>) {
        self.checking = None;
        self.program_version = version.unwrap_or_default();
        if checked.valid != Some(true) {
            tracing::warn!(sha256, valid = ?checked.valid, words = checked.words, "haproxy -c has objections");
        }
        // A check that could not be made is not remembered: it is made again with the next start or reload.
        if checked.valid.is_some() {
            if self.checks.len() == CHECKS_KEPT {
                self.checks.pop_front();
            }
            self.checks.push_back((sha256, checked));
        }
        // The configuration may have changed while the check ran.
        self.check_if_new();
    }

    fn step(&mut self, now: Time, input: Input) {
        self.last = self.judge.step(now, input);
    }

    fn read_configuration(&mut self, now: Time, main_pid: u32) {
        let known: Vec<PathBuf> = self.running.take().map(|running| running.arguments).unwrap_or_default();
        let running = Running::read(main_pid, &known);
        if let Some(words) = &running.unreadable {
            tracing::warn!(error = %words, "the configuration of HAProxy could not be read");
        }
        let (listeners, targets) = probe::targets(&running.facts);
        if targets != self.targets {
            self.targets = targets;
            self.step(now, Input::ListenersChanged);
        }
        let answers = |listener: &Listener| {
            let same = |old: &&Listener| old.section == listener.section && old.address == listener.address;
            self.listeners.iter().find(same).and_then(|old| old.answers)
        };
        self.listeners = listeners
            .into_iter()
            .map(|listener| Listener { answers: answers(&listener), ..listener })
            .collect();
        self.worker_version.clear();
        self.running = Some(running);
        self.orders.send_modify(|orders| orders.starts = orders.starts.wrapping_add(1));
        self.check_if_new();
    }

    fn check_if_new(&mut self) {
        let Some(running) = self.running.as_ref().filter(|running| !running.sha256.is_empty()) else {
            return;
        };
        if self.checking.is_some() || self.checks.iter().any(|(sha256, _)| *sha256 == running.sha256) {
            return;
        }
        let (sha256, arguments) = (running.sha256.clone(), running.arguments.clone());
        let main_pid = self.unit.as_ref().map_or(0, |unit| unit.main_pid);
        self.checking = Some(sha256.clone());
        self.work.spawn(async move {
            let checked = running::check(&arguments, main_pid).await;
            (sha256, checked, running::program_version().await)
        });
    }

    /// Tells the pulse what to ask.
    fn order(&mut self) {
        let serving = self
            .unit
            .as_ref()
            .is_some_and(|unit| matches!(unit.state(), UnitState::Active | UnitState::Reloading));
        if !serving {
            // What they answered before the unit went away is no answer.
            self.listeners.iter_mut().for_each(|listener| listener.answers = None);
        }
        let socket = self.running.as_ref().and_then(|running| running.facts.runtime_socket());
        let socket = socket.map(|(path, _)| PathBuf::from(path));
        self.orders.send_if_modified(|orders| {
            let changed =
                orders.serving != serving || orders.socket != socket || orders.targets != self.targets;
            if changed {
                orders.serving = serving;
                orders.socket = socket;
                orders.targets.clone_from(&self.targets);
            }
            changed
        });
    }

    fn publish(&self) {
        let state = self.unit.as_ref().map(UnitFacts::state);
        let serving = matches!(state, Some(UnitState::Active | UnitState::Reloading));
        let (cfg_sha256, cfg_valid) = self.running.as_ref().map_or_else(Default::default, |running| {
            let checked = self.checks.iter().find(|(sha256, _)| *sha256 == running.sha256);
            (running.sha256.clone(), checked.and_then(|(_, checked)| checked.valid))
        });
        let reason = match &self.bus_words {
            Some(words) if self.last.reason.is_empty() => format!("systemd cannot be asked: {words}"),
            _ => self.last.reason.clone(),
        };
        let version =
            if self.worker_version.is_empty() { &self.program_version } else { &self.worker_version };
        let report = Report {
            monitored: self.was_loaded,
            unit: state.unwrap_or(if self.was_loaded { UnitState::Other } else { UnitState::NotFound }),
            down: self.last.down,
            reason,
            cfg_sha256,
            cfg_valid,
            version: version.clone(),
            restarts: self.unit.as_ref().map_or(0, |unit| unit.restarts),
            listeners: self.listeners.clone(),
            stat: self.stat.filter(|_| serving),
        };
        self.report.send_if_modified(|old| {
            let changed = *old != report;
            if changed {
                *old = report;
            }
            changed
        });
    }
}

#[cfg(test)]
mod tests;
