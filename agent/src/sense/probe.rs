//! Probes of HAProxy's own listeners, so that a process that runs and serves nobody is noticed.
//!
//! A stopped worker still has its connections accepted by the kernel, so a connect proves nothing. What is asked
//! depends on what a listener speaks, and must cost the operator nothing: no request in the logs, none at a backend,
//! none in the counters of errors (tried on HAProxy 2.6).
//!
//! | listener | probe | answered when |
//! |---|---|---|
//! | HTTP with `monitor-uri` | `GET` of it, which HAProxy answers by itself and does not log | any byte comes back |
//! | HTTP | the HTTP/2 preface and nothing else: the worker answers with its settings, no request begins (where HTTP/2 is switched off, an error answer) | any byte comes back |
//! | TLS | a TCP connect that is closed a second later; with `dontlognull` it is not logged | nobody waits in the kernel's accept queue at the next pulse |
//! | TCP | none: HAProxy would connect to a server each time, and a MySQL server locks such a host out | a socket listens and nobody waits in its accept queue |
//!
//! Rejected: a real request each second (fills logs, reaches applications); a TLS hello (logged as a failed
//! handshake).
//!
//! Only a listener that has answered once can fail: a rule may reject us, the file may be newer than what runs.
//! Each pulse asks a few listeners in turn, and every one that gave no answer last time.

mod ask;
mod listening;
mod targets;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use model::time::Time;
use tokio::net::TcpStream;

use super::clock::Clock;

pub use listening::{ListenTable, Queue};
pub use targets::{Kind, Reach, Target, targets};

/// How long one probe may take, below the pulse's second.
pub const PROBE_DEADLINE: Duration = Duration::from_millis(900);
/// Listeners asked in turn at each pulse. The first is asked at every pulse, the others rotate.
const IN_TURN: usize = 2;
/// Silent listeners asked at each pulse besides; more would not make the judgement better.
const SILENT_MAX: usize = 8;

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer.
    Answered,
    /// None, and why in words.
    Silent(String),
    /// Nothing that proves anything.
    Nothing,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which target, by its place in the list.
    pub target: usize,
    /// When the probe began.
    pub started: Time,
    /// What it found.
    pub outcome: Outcome,
    /// Whether the listener has ever answered: a silent one that has not proves nothing.
    pub proven: bool,
}

/// The probes of one set of targets.
#[derive(Debug, Default)]
pub struct Prober {
    targets: Vec<Target>,
    seen: Vec<Seen>,
    turn: usize,
    /// Connections to TLS listeners from the pulse before, with the time they were made.
    waiting: HashMap<usize, (TcpStream, Time)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    proven: bool,
    silent: bool,
}

impl Prober {
    /// Begins with a new set. What is known of a target that stays the same stays known.
    pub fn set_targets(&mut self, targets: Vec<Target>) {
        let known = |target: &Target| self.targets.iter().position(|old| old.is_same_place(target));
        self.seen =
            targets.iter().map(|target| known(target).map_or(Seen::default(), |at| self.seen[at])).collect();
        self.targets = targets;
        self.turn = 0;
        self.waiting.clear();
    }

    /// The targets, in the order that findings refer to.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether any target is of a kind whose answer proves that the process works, traffic or not.
    #[must_use]
    pub fn proves_life(&self) -> bool {
        self.targets.iter().zip(&self.seen).any(|(target, seen)| seen.proven && target.kind != Kind::Tcp)
    }

    /// Forgets connections that wait for the next pulse, when there will be none soon.
    pub fn rest(&mut self) {
        self.waiting.clear();
    }

    /// One pulse: asks those whose turn it is. Takes at most [`PROBE_DEADLINE`].
    pub async fn pulse(&mut self, clock: &dyn Clock) -> Vec<Finding> {
        let started = clock.boottime();
        let due = self.due();
        let mut found = self.look_at_queues(started);
        let asked = due.iter().map(|at| {
            let target = &self.targets[*at];
            async move { (*at, ask::ask(target, PROBE_DEADLINE).await) }
        });
        for (at, asked) in join_all(asked).await {
            match asked {
                ask::Asked::Outcome(outcome) => found.push((at, started, outcome)),
                ask::Asked::Connected(stream) => {
                    self.waiting.insert(at, (stream, started));
                }
            }
        }
        found.into_iter().map(|(at, started, outcome)| self.note(at, started, outcome)).collect()
    }

    /// Listeners that are judged by the kernel's accept queue: all of plain TCP, and those of TLS that were connected
    /// to at the pulse before.
    fn look_at_queues(&mut self, started: Time) -> Vec<(usize, Time, Outcome)> {
        let waiting = std::mem::take(&mut self.waiting);
        let by_queue = |at: usize, target: &Target| target.kind == Kind::Tcp || waiting.contains_key(&at);
        if !self.targets.iter().enumerate().any(|(at, target)| by_queue(at, target)) {
            return Vec::new();
        }
        let Some(table) = ListenTable::read() else { return Vec::new() };
        let judged = self.targets.iter().enumerate().filter(|(at, target)| by_queue(*at, target));
        judged
            .map(|(at, target)| {
                let since = waiting.get(&at).map_or(started, |(_, since)| *since);
                (at, since, queue_outcome(&table, target.bound))
            })
            .collect()
    }

    fn note(&mut self, target: usize, started: Time, outcome: Outcome) -> Finding {
        let seen = &mut self.seen[target];
        match outcome {
            Outcome::Answered => *seen = Seen { proven: true, silent: false },
            Outcome::Silent(_) => seen.silent = true,
            Outcome::Nothing => {}
        }
        Finding { target, started, outcome, proven: seen.proven }
    }

    /// Who is asked at this pulse: the first that can be asked, the next ones in turn, and those that were silent.
    fn due(&mut self) -> Vec<usize> {
        let asked: Vec<usize> =
            (0..self.targets.len()).filter(|at| self.targets[*at].kind != Kind::Tcp).collect();
        let Some((first, others)) = asked.split_first() else { return Vec::new() };
        let mut due = vec![*first];
        for _ in 1..IN_TURN.min(asked.len()) {
            due.push(others[self.turn % others.len()]);
            self.turn = (self.turn + 1) % others.len();
        }
        let silent = others.iter().filter(|at| self.seen[**at].silent && self.seen[**at].proven);
        let more: Vec<usize> = silent.filter(|at| !due.contains(at)).take(SILENT_MAX).copied().collect();
        due.extend(more);
        due
    }
}

fn queue_outcome(table: &ListenTable, bound: SocketAddr) -> Outcome {
    match table.queue(bound) {
        Queue::Empty => Outcome::Answered,
        Queue::Waiting(count) => {
            Outcome::Silent(format!("connections are not accepted, {count} wait in the kernel's queue"))
        }
        Queue::NobodyListens => Outcome::Silent("no socket listens there".into()),
    }
}

#[cfg(test)]
mod tests;
