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
//! Each pulse asks the first listener and every one that gave no answer last time; the others come in turn.

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

pub use listening::{ListenTable, Listening, Queue};
pub use targets::{Kind, Reach, Target, targets};

/// How long one probe may take, below the pulse's second.
pub const PROBE_DEADLINE: Duration = Duration::from_millis(900);
/// The first listener is asked at every pulse, and at every so many pulses one more in turn: a process that hangs is
/// silent everywhere, and each question costs both sides.
const TURN_EVERY: u32 = 5;
/// Listeners asked at one pulse besides the first: those that were silent or have never been asked.
const MORE_MAX: usize = 8;

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
    pulses: u32,
    turn: usize,
    /// Connections to TLS listeners from the pulse before, with the time they were made.
    waiting: HashMap<usize, (TcpStream, Time)>,
    listening: Listening,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    asked: bool,
    proven: bool,
    silent: bool,
}

impl Seen {
    /// Whether its answer is wanted now and not only in its turn.
    fn is_wanted(self) -> bool {
        !self.asked || (self.proven && self.silent)
    }
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

    /// One pulse: asks those who are due. Takes at most [`PROBE_DEADLINE`].
    pub async fn pulse(&mut self, clock: &dyn Clock) -> Vec<Finding> {
        let started = clock.boottime();
        let is_turn = self.pulses.is_multiple_of(TURN_EVERY);
        self.pulses = self.pulses.wrapping_add(1);
        let due = self.due(is_turn);
        let mut found = self.look_at_queues(started, is_turn || due.is_empty());
        for at in &due {
            self.seen[*at].asked = true;
        }
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

    /// Listeners that are judged by the kernel's accept queue: those of TLS that were connected to at the pulse before,
    /// and plain TCP in its turn.
    fn look_at_queues(&mut self, started: Time, is_turn: bool) -> Vec<(usize, Time, Outcome)> {
        let waiting = std::mem::take(&mut self.waiting);
        let seen = &self.seen;
        let by_queue = |at: usize, target: &Target| match target.kind {
            Kind::Tcp => is_turn || seen[at].is_wanted(),
            Kind::Tls => waiting.contains_key(&at),
            Kind::Http { .. } => false,
        };
        if !self.targets.iter().enumerate().any(|(at, target)| by_queue(at, target)) {
            return Vec::new();
        }
        let Some(table) = self.listening.read() else { return Vec::new() };
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
        seen.asked = true;
        match outcome {
            Outcome::Answered => (seen.proven, seen.silent) = (true, false),
            Outcome::Silent(_) => seen.silent = true,
            Outcome::Nothing => {}
        }
        Finding { target, started, outcome, proven: seen.proven }
    }

    /// Who is asked at this pulse; plain TCP never is.
    fn due(&mut self, is_turn: bool) -> Vec<usize> {
        let mut others: Vec<usize> =
            (0..self.targets.len()).filter(|at| self.targets[*at].kind != Kind::Tcp).collect();
        if others.is_empty() {
            return Vec::new();
        }
        // The first whose silence would prove something.
        let first = others.iter().position(|at| self.seen[*at].proven).unwrap_or(0);
        let mut due = vec![others.remove(first)];
        due.extend(others.iter().filter(|at| self.seen[**at].is_wanted()).take(MORE_MAX));
        if is_turn && !others.is_empty() {
            let next = others[self.turn % others.len()];
            self.turn = (self.turn + 1) % others.len();
            if !due.contains(&next) {
                due.push(next);
            }
        }
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
