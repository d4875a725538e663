//! The node: the daemon's one loop and the only owner of its state.
//!
//! Everything that happens arrives as an [`Event`] (a frame, a link that opened or ended, a probe's answer) or as a
//! signal (HAProxy's report changed, a page is on disk, the agent shall stop) and is handled at once, without waiting:
//! outboxes are bounded and taken without blocking, disk writes go to the keeper. The loop sleeps until the earliest
//! thing that is due; in a calm pool that is once a second, for the heartbeat.
//!
//! Priorities when several things are ready: stop, disk, HAProxy, events, time. A stall is measured where it matters,
//! as the lateness of this loop.
//!
//! `beat` makes heartbeats, `beacons` passes on what proves them fresh, `sessions` keeps links, `dials` opens them,
//! `roaming` follows changed addresses, `reports` tells consoles, `answers` holds answers back until they are on disk, `stat` asks HAProxy for a
//! screen, `overview` tells people.

mod answers;
mod beacons;
mod beat;
mod dials;
mod overview;
mod reports;
mod roaming;
mod sessions;
mod stat;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use link::Channel;
use model::haproxy::{Down, Report};
use model::{BootId, MemberId, Span, Time};
use protocol::check::Refusal;
use protocol::frame::{Hello, Welcome};
use protocol::{Frame, Goodbye, PublicKey, relay};
use tokio::sync::{mpsc, oneshot, watch};

use crate::alarm::Alarm;
use crate::attachment::Attachment;
use crate::env::AgentEnv;
use crate::keeper::{Keeper, Kept};
use crate::limits;
use crate::sense;
use crate::sense::clock::Clock;
use crate::session::SessionId;
use crate::state::{Identity, State};
use crate::status::{self, Overview};
use answers::Answers;
use beacons::Beacons;
use dials::Dial;
use overview::Refusals;
use sessions::Session;

/// Everything that tasks tell the node.
#[derive(Debug)]
pub enum Event {
    /// Somebody proved a key at the relay's door and said hello.
    Knock(Knock),
    /// A frame came over an established link.
    Frame {
        /// Over which.
        id: SessionId,
        /// The frame.
        frame: Frame,
    },
    /// A link ended.
    Ended {
        /// Which.
        id: SessionId,
        /// Why.
        words: String,
    },
    /// A call to a peer's relay ended.
    Dialled {
        /// Whose.
        peer: MemberId,
        /// The open link, or why there is none.
        outcome: Result<Box<(Channel, Welcome)>, DialFault>,
    },
    /// A probe of a peer's service port ended.
    Probed {
        /// Whose.
        about: MemberId,
        /// Whether it answered.
        answered: bool,
    },
    /// Somebody was turned away before the node saw him.
    TurnedAway {
        /// From where.
        address: IpAddr,
        /// Why.
        refusal: Refusal,
    },
    /// HAProxy's statistics came, or did not.
    Stat {
        /// Who asked.
        id: SessionId,
        /// Its number for the question.
        number: u64,
        /// The text, or why there is none.
        answer: Result<String, String>,
    },
    /// Somebody local wants to know.
    Overview(oneshot::Sender<Overview>),
}

/// A stranger with a proven key and a hello, waiting for an answer.
#[derive(Debug)]
pub struct Knock {
    /// The key.
    pub key: PublicKey,
    /// Where the connection comes from.
    pub address: SocketAddr,
    /// The hello.
    pub hello: Hello,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Admission, Refusal>>,
}

/// The answer to a hello that is accepted.
#[derive(Debug)]
pub struct Admission {
    /// The link's number.
    pub id: SessionId,
    /// To be sent first.
    pub welcome: Welcome,
    /// What is to be sent after it.
    pub outbox: mpsc::Receiver<Frame>,
}

/// Why a call led to nothing.
#[derive(Debug)]
pub enum DialFault {
    /// The other side said no.
    Refused(Refusal),
    /// It could not be reached, or somebody else answered.
    Failed(String),
}

/// What a node is made of.
#[derive(Debug)]
pub struct Parts {
    /// Who it is.
    pub identity: Identity,
    /// What the administrator said.
    pub env: AgentEnv,
    /// The name it goes by.
    pub hostname: String,
    /// The host's boot.
    pub boot: BootId,
    /// The number of this start.
    pub incarnation: u64,
    /// Its files.
    pub state: State,
    /// Its disk.
    pub keeper: Keeper,
    /// Its relay.
    pub core: relay::Core,
    /// Its place in the network.
    pub attachment: Attachment,
    /// Who asks HAProxy for its statistics.
    pub stat: sense::haproxy::StatAsker,
    /// How it dials.
    pub dialler: crate::peers::Dialler,
    /// Struck with each regular heartbeat, for whoever works once a second in the same waking.
    pub strike: watch::Sender<u64>,
    /// Whose figures the heartbeats carry.
    pub figures: sense::host::FiguresOf,
    /// What people should hear about.
    pub notes: Vec<String>,
}

/// The receiving ends that the loop waits on.
#[derive(Debug)]
pub struct Ends {
    /// Events of tasks.
    pub events: mpsc::Receiver<Event>,
    /// Pages that are on disk.
    pub kept: mpsc::UnboundedReceiver<Kept>,
    /// What HAProxy's sense says.
    pub report: watch::Receiver<Report>,
    /// Why to stop, once it is time.
    pub stop: oneshot::Receiver<Goodbye>,
    /// When to wake.
    pub alarm: Alarm,
}

/// The daemon's state.
pub struct Node {
    parts: Parts,
    clock: Arc<dyn Clock>,
    /// For the tasks it starts.
    events: mpsc::Sender<Event>,
    sessions: BTreeMap<SessionId, Session>,
    sessions_opened: u64,
    dials: BTreeMap<MemberId, Dial>,
    answers: Answers,
    beacons: Beacons,
    refusals: Refusals,
    report: Report,
    seq: u64,
    last_beat: Time,
    beat_due: Time,
    jitter: u64,
    figures: (Time, model::host::Figures),
    attachment_due: Time,
    /// As which address a peer saw this host.
    seen_from: Option<IpAddr>,
    /// The address that leads to the world, while dynamic DNS watches it.
    own_address: Option<Ipv4Addr>,
    started: Time,
    alive_said: Time,
    /// HAProxy is being asked for its statistics.
    stat_asked: bool,
}

/// How often systemd's watchdog, which waits for ten seconds, is told that this loop runs.
const ALIVE_EVERY: Span = Span::from_s(3);
/// How often the place in the network is looked at.
const ATTACHMENT_EVERY: Span = Span::from_s(30);

impl Node {
    /// A node that has said nothing yet.
    pub fn new(parts: Parts, clock: Arc<dyn Clock>, events: mpsc::Sender<Event>, seed: u64) -> Self {
        let now = clock.boottime();
        Self {
            parts,
            clock,
            events,
            sessions: BTreeMap::new(),
            sessions_opened: 0,
            dials: BTreeMap::new(),
            answers: Answers::default(),
            beacons: Beacons::default(),
            refusals: Refusals::default(),
            report: Report::default(),
            seq: 0,
            last_beat: Time::ZERO,
            beat_due: now,
            jitter: seed | 1,
            figures: (Time::ZERO, model::host::Figures::default()),
            attachment_due: now,
            seen_from: None,
            own_address: None,
            started: now,
            alive_said: Time::ZERO,
            stat_asked: false,
        }
    }

    /// Runs until it shall stop; says goodbye; keeps what is to be kept.
    pub async fn run(mut self, mut ends: Ends) {
        let mut report_gone = false;
        self.report = ends.report.borrow_and_update().clone();
        let goodbye = loop {
            let due = self.due();
            let now = self.now();
            tokio::select! {
                biased;
                why = &mut ends.stop => break why.unwrap_or(Goodbye::AgentStop),
                Some(kept) = ends.kept.recv() => self.on_kept(kept),
                changed = ends.report.changed(), if !report_gone => match changed {
                    Ok(()) => self.on_report(ends.report.borrow_and_update().clone()),
                    Err(_) => report_gone = true,
                },
                Some(event) = ends.events.recv() => self.on_event(event),
                rung = ends.alarm.until(due, now) => if let Err(error) = rung {
                    // Without its timer the agent is deaf to time; systemd starts it anew.
                    tracing::error!("the timer broke: {error}");
                    break Goodbye::AgentStop;
                },
            }
            self.on_time(due);
        };
        self.stop(goodbye, &mut ends).await;
    }

    fn now(&self) -> Time {
        self.clock.boottime()
    }

    /// The earliest moment at which something is to be done.
    fn due(&self) -> Time {
        let consoles = self.sessions.values().filter_map(Session::report_due);
        let dials = self.dials_due();
        let crossing = self.crossing_due();
        consoles.chain(dials).chain(crossing).fold(self.beat_due, Time::min)
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Knock(knock) => self.on_knock(knock),
            Event::Frame { id, frame } => self.on_frame(id, frame),
            Event::Ended { id, words } => self.on_ended(id, &words),
            Event::Dialled { peer, outcome } => self.on_dialled(peer, outcome),
            Event::Probed { about, answered } => {
                let now = self.now();
                self.parts.core.on_probe(about, answered, now);
            }
            Event::TurnedAway { address, refusal } => {
                let now = self.now();
                self.refusals.note(now, address.to_string(), &refusal);
            }
            Event::Stat { id, number, answer } => self.on_stat(id, number, answer),
            Event::Overview(answer) => drop(answer.send(self.overview())),
        }
    }

    fn on_report(&mut self, report: Report) {
        let sudden = sense::haproxy::is_news(&self.report, &report);
        if report.down != self.report.down || report.monitored != self.report.monitored {
            let words = status::haproxy_words(&report);
            if report.down == Down::None {
                tracing::info!("HAProxy: {words}");
            } else {
                tracing::warn!("HAProxy: {words}");
            }
        }
        self.report = report;
        if sudden {
            self.beat_soon();
        }
    }

    /// Does everything that is due. `planned` is when this loop meant to wake at the latest: the core takes a gap
    /// between ticks for a stall, and sleeping as planned is none.
    fn on_time(&mut self, planned: Time) {
        let now = self.now();
        self.parts.core.on_tick(planned.min(now));
        self.parts.core.on_tick(now);
        if now >= self.attachment_due {
            self.attachment_due = now + ATTACHMENT_EVERY;
            let attachment = self.parts.attachment.read();
            self.parts.core.on_attachment(attachment);
        }
        if self.crossing_due().is_some_and(|at| at <= now) {
            self.beat_soon();
        }
        if self.beat_is_due(now) {
            self.follow_addresses(now);
            self.beat(now, None);
            self.hang_up_the_silent(now);
            self.probe_ports(now);
            self.save(now);
            self.parts.strike.send_modify(|beats| *beats = beats.wrapping_add(1));
            if now.since(self.alive_said) >= ALIVE_EVERY {
                self.alive_said = now;
                crate::watchdog::alive();
            }
        }
        self.dial(now);
        self.send_reports(now);
    }

    async fn stop(mut self, goodbye: Goodbye, ends: &mut Ends) {
        let now = self.now();
        self.beat(now, Some(goodbye));
        self.report_at_once(now);
        let reason = match goodbye {
            Goodbye::HostShutdown => "the host goes down",
            Goodbye::AgentStop => "the agent stops",
        };
        tracing::info!(?goodbye, "stopping: {reason}");
        self.hang_up_all(reason);
        // Their tasks send what is in the outboxes, end and say so.
        let mut open: BTreeSet<SessionId> = self.sessions.keys().copied().collect();
        let farewell = async {
            while !open.is_empty() {
                match ends.events.recv().await {
                    Some(Event::Ended { id, .. }) => {
                        open.remove(&id);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        };
        if tokio::time::timeout(limits::GOODBYE_DEADLINE, farewell).await.is_err() {
            tracing::warn!("the goodbye was not taken in time on {} links", open.len());
        }
        self.save_last();
    }
}
