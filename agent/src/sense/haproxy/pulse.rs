//! The beat of one second: probes, and statistics every few beats.
//!
//! Both share one beat so that the agent wakes up once for them. It says only what differs: a listener that answers
//! as it did before is no news.

use std::path::PathBuf;
use std::sync::Arc;

use haproxy::judge::Answer;
use model::haproxy::StatTotals;
use model::stall::{Gap, StallWatch};
use model::time::{Span, Time};
use tokio::sync::{mpsc, watch};

use super::super::beat::Beat;
use super::super::clock::Clock;
use super::super::probe::{Finding, Outcome, PROBE_DEADLINE, Prober, Target};
use super::super::socket::RuntimeSocket;
use crate::log::chain;

/// A beat cannot take longer unless we were held up ourselves: its probes and questions end before it does.
const BEAT_MAX: Span = Span::from_ms(2 * PROBE_DEADLINE.as_millis() as u64);

/// What the loop wants asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    pub(super) serving: bool,
    pub(super) targets: Vec<Target>,
    pub(super) socket: Option<PathBuf>,
    /// Counts starts and reloads: each has a worker whose version is to be asked for.
    pub(super) starts: u32,
    /// Counts wishes for statistics out of turn.
    pub(super) stat_asked: u32,
}

/// What a beat found.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) stalled: bool,
    pub(super) findings: Vec<Finding>,
    /// The runtime socket as a sign of life, only where no listener can give one.
    pub(super) socket_proof: Option<(Time, Answer)>,
    pub(super) stat: StatNews,
    pub(super) version: Option<String>,
}

/// What a beat knows about statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum StatNews {
    /// Nothing new.
    #[default]
    Same,
    /// These are the newest.
    Now(StatTotals),
    /// There are none any more.
    Gone,
}

impl News {
    fn is_empty(&self) -> bool {
        !self.stalled
            && self.findings.is_empty()
            && self.socket_proof.is_none()
            && self.stat == StatNews::Same
            && self.version.is_none()
    }
}

pub(super) struct Pulse {
    clock: Arc<dyn Clock>,
    orders: watch::Receiver<Orders>,
    news: mpsc::Sender<News>,
    stat_every: u32,
    prober: Prober,
    /// What each target answered last, so that only changes are told.
    told: Vec<Option<bool>>,
    socket: Option<RuntimeSocket>,
    socket_proven: bool,
    socket_silent: bool,
    stalls: StallWatch,
    beats: u32,
    starts_seen: u32,
    stat_seen: u32,
    version_due: bool,
    last_stat: Option<StatTotals>,
}

impl Pulse {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        orders: watch::Receiver<Orders>,
        news: mpsc::Sender<News>,
        stat_every: u32,
    ) -> Self {
        Self {
            clock,
            orders,
            news,
            stat_every: stat_every.max(1),
            prober: Prober::default(),
            told: Vec::new(),
            socket: None,
            socket_proven: false,
            socket_silent: false,
            stalls: StallWatch::default(),
            beats: 0,
            starts_seen: 0,
            stat_seen: 0,
            version_due: false,
            last_stat: None,
        }
    }

    pub(super) async fn run(mut self, mut beat: Beat) {
        loop {
            tokio::select! {
                () = beat.next() => {}
                () = self.news.closed() => return,
            }
            let news = self.beat().await;
            if !news.is_empty() && self.news.send(news).await.is_err() {
                return;
            }
        }
    }

    async fn beat(&mut self) -> News {
        let gap = self.stalls.look(self.clock.look());
        if let Some(gap) = gap {
            tracing::warn!(?gap, "this process did not run evenly");
        }
        let mut news =
            News { stalled: matches!(gap, Some(Gap::Suspended(_) | Gap::Stalled(_))), ..News::default() };
        let stat_due = self.take_orders();
        if !self.orders.borrow().serving {
            self.prober.rest();
            self.told.fill(None);
            return news;
        }
        let started = self.clock.boottime();
        let (findings, stat) = tokio::join!(
            self.prober.pulse(&*self.clock),
            ask_socket(self.socket.as_mut().filter(|_| stat_due), self.version_due)
        );
        if self.clock.boottime() - started > BEAT_MAX {
            // We were held up ourselves, so silence proves nothing.
            news.stalled = true;
            return news;
        }
        self.keep_what_differs(findings, &mut news);
        if let Some(asked) = stat {
            self.on_socket(asked, started, &mut news);
        }
        news
    }

    /// Takes new orders over; says whether statistics are due.
    fn take_orders(&mut self) -> bool {
        let orders = self.orders.borrow_and_update();
        if orders.targets != self.prober.targets() {
            self.prober.set_targets(orders.targets.clone());
            self.told = vec![None; orders.targets.len()];
        }
        if orders.socket.as_deref() != self.socket.as_ref().map(RuntimeSocket::path) {
            self.socket = orders.socket.as_deref().map(RuntimeSocket::new);
            (self.socket_proven, self.socket_silent) = (false, false);
        }
        let asked = orders.starts != self.starts_seen || orders.stat_asked != self.stat_seen;
        self.version_due |= orders.starts != self.starts_seen;
        (self.starts_seen, self.stat_seen) = (orders.starts, orders.stat_asked);
        self.beats = self.beats.wrapping_add(1);
        asked || self.version_due || self.socket_silent || self.beats.is_multiple_of(self.stat_every)
    }

    fn keep_what_differs(&mut self, findings: Vec<Finding>, news: &mut News) {
        for finding in findings {
            let answered = match finding.outcome {
                Outcome::Answered => true,
                Outcome::Silent(_) => false,
                Outcome::Nothing => continue,
            };
            let told = &mut self.told[finding.target];
            // Silence is told each time, for it is judged by how long it lasts.
            if *told != Some(answered) || (!answered && finding.proven) {
                *told = Some(answered);
                news.findings.push(finding);
            }
        }
    }

    fn on_socket(&mut self, asked: SocketAsked, started: Time, news: &mut News) {
        let was_silent = std::mem::replace(&mut self.socket_silent, asked.silent);
        self.socket_proven |= !asked.silent && asked.stat.is_some();
        if self.socket_proven && !self.prober.proves_life() && (asked.silent || was_silent) {
            let answer = if asked.silent { Answer::Failed(asked.words) } else { Answer::Answered };
            news.socket_proof = Some((started, answer));
        } else if asked.silent && !was_silent {
            tracing::warn!(error = %asked.words, "HAProxy's runtime socket gives no answer");
        }
        if let Some(version) = asked.version {
            self.version_due = false;
            news.version = Some(version);
        }
        if asked.stat != self.last_stat {
            self.last_stat = asked.stat;
            news.stat = asked.stat.map_or(StatNews::Gone, StatNews::Now);
        }
    }
}

struct SocketAsked {
    stat: Option<StatTotals>,
    version: Option<String>,
    silent: bool,
    words: String,
}

async fn ask_socket(socket: Option<&mut RuntimeSocket>, version_due: bool) -> Option<SocketAsked> {
    let socket = socket?;
    let mut asked = SocketAsked { stat: None, version: None, silent: false, words: String::new() };
    match socket.totals().await {
        Ok(totals) => asked.stat = Some(totals),
        Err(error) => {
            asked.silent = error.is_transient();
            asked.words = chain(&error);
            if !asked.silent {
                tracing::debug!(error = %asked.words, "no statistics");
            }
        }
    }
    // Both questions together stay within a beat, since the second is asked only when the first was answered.
    if version_due && !asked.silent {
        asked.version = socket.process().await.ok().map(|process| process.version);
    }
    Some(asked)
}
