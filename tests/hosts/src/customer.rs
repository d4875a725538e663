//! Who a failover is for: a client that asks through DNS once a second, and an observer of the record.
//!
//! The client keeps nothing between two visits, so what it measures is the product's own time; a real resolver adds up to
//! the record's TTL. The observer asks the server far more often, to see when the new record is first served.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};

use crate::host::{Host, Working, http_get};
use crate::wait::{self, Seen};
use crate::{haproxy, lookup};

/// How often a visit begins.
const VISIT_EVERY: Duration = Duration::from_secs(1);
/// Together below [`VISIT_EVERY`], so that visits stay a second apart.
const LOOKUP_BOUND: Duration = Duration::from_millis(300);
const ANSWER_BOUND: Duration = Duration::from_millis(600);
/// How often the observer asks; the error of what it measures.
const OBSERVE_EVERY: Duration = Duration::from_millis(20);

/// Now, in milliseconds of Unix time: what the product's incidents are stamped with.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One visit of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// When its answer was there, or it was given up.
    pub at_ms: u64,
    /// Who served it (members answer with their names), or why nobody did.
    pub served_by: Result<String, String>,
}

/// What the record held since a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// When it was first seen so.
    pub since_ms: u64,
    pub addresses: Vec<Ipv4Addr>,
}

/// A client and an observer at work on one host.
#[derive(Debug)]
pub struct Customer {
    seen: Arc<Log>,
    threads: Vec<Working<()>>,
}

#[derive(Debug, Default)]
struct Log {
    is_over: AtomicBool,
    visits: Mutex<Vec<Visit>>,
    record: Mutex<Vec<Served>>,
}

impl Customer {
    /// Begins to visit `name`, found at `server`, from `host`.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn begin(host: &Host, server: Ipv4Addr, name: &str) -> Result<Self> {
        let seen = Arc::new(Log::default());
        let (visits, observes) = (Arc::clone(&seen), Arc::clone(&seen));
        let (visited, observed) = (name.to_owned(), name.to_owned());
        let threads = vec![
            host.thread(move || {
                visits.every(VISIT_EVERY, |log| locked(&log.visits).push(visit(server, &visited)));
            })?,
            host.thread(move || {
                observes.every(OBSERVE_EVERY, |log| log.observe(server, &observed));
            })?,
        ];
        Ok(Self { seen, threads })
    }

    /// Every visit so far.
    pub fn visits(&self) -> Vec<Visit> {
        locked(&self.seen.visits).clone()
    }

    /// What the record holds now, as far as the server has answered.
    pub fn record(&self) -> Option<Served> {
        locked(&self.seen.record).last().cloned()
    }

    /// Everything the record has held.
    pub fn record_history(&self) -> Vec<Served> {
        locked(&self.seen.record).clone()
    }

    /// Waits until the record is another one than `from`, after `since_ms`.
    ///
    /// # Errors
    /// It is still `from` when the bound passes.
    pub fn wait_moved(&self, from: Ipv4Addr, since_ms: u64, bound: Duration) -> Result<Served> {
        wait::until(&format!("the record to leave {from}"), bound, || {
            let record = self.record();
            Ok(match record {
                Some(served) if served.since_ms >= since_ms && served.addresses != [from] => {
                    Seen::Yes(served)
                }
                Some(served) => Seen::NotYet(format!("{:?}", served.addresses)),
                None => Seen::NotYet("no answer yet".into()),
            })
        })
    }

    /// Waits until this member has served a visit that ended after `since_ms`.
    ///
    /// # Errors
    /// It has not when the bound passes.
    pub fn wait_served_by(&self, member: &str, since_ms: u64, bound: Duration) -> Result<Visit> {
        wait::until(&format!("the client to be served by {member}"), bound, || {
            let visits = self.visits();
            let served = visits.iter().find(|v| v.at_ms >= since_ms && v.served_by.as_deref() == Ok(member));
            Ok(match served {
                Some(visit) => Seen::Yes(visit.clone()),
                None => Seen::NotYet(format!("{:?}", visits.last().map(|visit| &visit.served_by))),
            })
        })
    }

    /// Watches for a while that the record stays as it is.
    ///
    /// # Errors
    /// It moved.
    pub fn must_stay(&self, at: Ipv4Addr, during: Duration) -> Result<()> {
        let from_ms = unix_ms();
        let until = Instant::now() + during;
        loop {
            for served in self.record_history().iter().filter(|served| served.since_ms >= from_ms) {
                ensure!(served.addresses == [at], "the record left {at} for {:?}", served.addresses);
            }
            if Instant::now() >= until {
                let now = self.record().map(|served| served.addresses).unwrap_or_default();
                ensure!(now == [at], "the record is {now:?}, not {at}");
                return Ok(());
            }
            thread::sleep(OBSERVE_EVERY);
        }
    }
}

impl Drop for Customer {
    fn drop(&mut self) {
        self.seen.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Log {
    /// Does it at a steady pace until it is over; a late turn is not made up for.
    fn every(&self, pace: Duration, mut turn: impl FnMut(&Self)) {
        let mut next = Instant::now();
        while !self.is_over.load(Ordering::Relaxed) {
            turn(self);
            next = (next + pace).max(Instant::now());
            while !self.is_over.load(Ordering::Relaxed) && Instant::now() < next {
                thread::sleep(next.saturating_duration_since(Instant::now()).min(OBSERVE_EVERY));
            }
        }
    }

    fn observe(&self, server: Ipv4Addr, name: &str) {
        // A server that does not answer has not changed the record.
        let Ok(mut addresses) = lookup::addresses(server, name, LOOKUP_BOUND) else { return };
        addresses.sort_unstable();
        let mut record = locked(&self.record);
        if record.last().is_none_or(|last| last.addresses != addresses) {
            record.push(Served { since_ms: unix_ms(), addresses });
        }
    }
}

fn visit(server: Ipv4Addr, name: &str) -> Visit {
    let served_by = match lookup::addresses(server, name, LOOKUP_BOUND) {
        Ok(addresses) => match addresses.first() {
            Some(address) => http_get(SocketAddr::from((*address, haproxy::PORT)), ANSWER_BOUND)
                .map_err(|error| format!("{error:#}")),
            None => Err(format!("{name} has no address")),
        },
        Err(error) => Err(format!("{error:#}")),
    };
    Visit { at_ms: unix_ms(), served_by }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
