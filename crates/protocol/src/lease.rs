//! The watch lease as one relay keeps it (safety.md 4.3). It advises who works; it never fences a write.
//!
//! A relay grants if the lease is free, expired, or held by the same start of the same console, and keeps the grant
//! 20 s on its own clock from receipt; the console counts 12 s from sending. Right as long as no clock runs more than
//! 1.66 times as fast as another. Holder and highest epoch are persisted before the answer leaves; a relay that lost
//! its file grants nothing for 22 s, which outlives any grant it may have forgotten.
//!
//! A higher rank that asks is remembered for a few renewals: the holder learns of it and may yield, and the freed
//! lease is then kept for it instead of going to whoever asks first.

use std::collections::BTreeMap;

use model::settings::LEASE_RELAY;
use model::{ConsoleId, Nonce, PoolId, Span, Time};
use serde::{Deserialize, Serialize};

use crate::limits;

/// How long a higher rank's wish is remembered: two of its renewals and a lost one.
pub const WANTED: Span = Span::from_s(10);

/// A console asks for the lease of a pool, or renews it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Which pool.
    pub pool: PoolId,
    /// Counts the requests of this start; the answer gives it back, so that the console knows when it was sent.
    pub number: u64,
    /// Starts of this console, kept on its disk.
    pub start_counter: u64,
    /// Drawn at this start: tells two copies of one disk apart.
    pub nonce: Nonce,
    /// Headless 200, desktop on mains 100, on battery 50.
    pub rank: u32,
    /// Highest epoch this console has seen for the pool.
    #[serde(default)]
    pub epoch_max: u64,
}

/// A console in order of rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Higher wins.
    pub rank: u32,
    /// Decides between equal ranks.
    pub console: ConsoleId,
}

/// A relay's answer to a lease request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Which pool.
    pub pool: PoolId,
    /// The request's number.
    pub number: u64,
    /// The request's nonce: an answer to an earlier start is not taken.
    pub nonce: Nonce,
    /// Whether the asking console holds it here.
    pub granted: bool,
    /// The live holder, if it is another console.
    #[serde(default)]
    pub holder: Option<Holder>,
    /// A console of higher rank that asks for it.
    #[serde(default)]
    pub wanted_by: Option<Holder>,
    /// Why it was refused although nobody else holds it.
    #[serde(default)]
    pub refusal: Option<String>,
    /// Highest epoch this relay has seen for the pool.
    #[serde(default)]
    pub epoch_max: u64,
}

/// One pool's grant as it is written to disk: everything but when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Which pool.
    pub pool: PoolId,
    /// Who holds it.
    pub holder: Holder,
    /// Which start of it.
    pub start_counter: u64,
    /// That start's nonce.
    pub nonce: Nonce,
}

/// All grants as they are written to disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeptLedger {
    /// By pool.
    pub holders: Vec<Kept>,
    /// Written while the relay kept silent after it had lost its file. A restart in that time keeps silent anew:
    /// the file is there again, but what it forgot is still out there.
    pub silent: bool,
}

/// All leases of one relay.
#[derive(Clone, Debug)]
pub struct Ledger {
    pools: BTreeMap<PoolId, Entry>,
    silent_until: Time,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    grant: Option<Grant>,
    wanted: Option<(Holder, Time)>,
}

#[derive(Clone, Debug)]
struct Grant {
    holder: Holder,
    start_counter: u64,
    nonce: Nonce,
    until: Time,
}

/// Whether something that must survive a restart changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It must be on disk before the answer leaves.
    Persist,
    /// Nothing to write.
    Same,
}

impl Ledger {
    /// A ledger whose file is gone, or was never there: it grants nothing for 22 s.
    pub fn without_file(now: Time) -> Self {
        Self { pools: BTreeMap::new(), silent_until: now + limits::LEASE_SILENCE }
    }

    /// A ledger read back from disk: each holder keeps what it had for a full term from now.
    pub fn restored(kept: &KeptLedger, now: Time) -> Self {
        let entry = |kept: &Kept| Entry {
            grant: Some(Grant {
                holder: kept.holder,
                start_counter: kept.start_counter,
                nonce: kept.nonce,
                until: now + LEASE_RELAY,
            }),
            wanted: None,
        };
        let pools =
            kept.holders.iter().take(limits::POOLS_MAX).map(|kept| (kept.pool, entry(kept))).collect();
        let silent_until = if kept.silent { now + limits::LEASE_SILENCE } else { Time::ZERO };
        Self { pools, silent_until }
    }

    /// Whether it keeps silent after it lost its file.
    pub fn is_silent(&self, now: Time) -> bool {
        now < self.silent_until
    }

    /// What must be on disk; also when the silence ends.
    pub fn kept(&self, now: Time) -> KeptLedger {
        let kept = |(pool, entry): (&PoolId, &Entry)| {
            entry.grant.as_ref().map(|grant| Kept {
                pool: *pool,
                holder: grant.holder,
                start_counter: grant.start_counter,
                nonce: grant.nonce,
            })
        };
        KeptLedger { holders: self.pools.iter().filter_map(kept).collect(), silent: self.is_silent(now) }
    }

    /// Judges a request of `console` received now.
    pub fn request(&mut self, console: ConsoleId, request: &Request, now: Time) -> (Answer, Change) {
        if now < self.silent_until {
            let left = self.silent_until - now;
            return (
                refused(request, format!("this relay lost its lease file and grants nothing for {left}")),
                Change::Same,
            );
        }
        if !self.pools.contains_key(&request.pool) && self.pools.len() >= limits::POOLS_MAX {
            return (refused(request, "this relay keeps leases for too many pools".into()), Change::Same);
        }
        let entry = self.pools.entry(request.pool).or_default();
        entry.expire(now);
        let asker = Holder { rank: request.rank, console };
        entry.judge(asker, request, now)
    }

    /// Frees the lease if this start of this console holds it, and takes its wish back.
    pub fn release(&mut self, console: ConsoleId, pool: PoolId, nonce: Nonce) -> Change {
        let Some(entry) = self.pools.get_mut(&pool) else { return Change::Same };
        entry.wanted.take_if(|(wanted, _)| wanted.console == console);
        let mine = |grant: &mut Grant| grant.holder.console == console && grant.nonce == nonce;
        if entry.grant.take_if(mine).is_some() { Change::Persist } else { Change::Same }
    }

    /// Forgets consoles that are no longer in the roster.
    pub fn retain_consoles(&mut self, known: impl Fn(ConsoleId) -> bool) -> Change {
        let mut change = Change::Same;
        for entry in self.pools.values_mut() {
            entry.wanted.take_if(|(wanted, _)| !known(wanted.console));
            if entry.grant.take_if(|grant| !known(grant.holder.console)).is_some() {
                change = Change::Persist;
            }
        }
        change
    }

    /// The live holder of a pool's lease, for status.
    pub fn holder(&self, pool: PoolId, now: Time) -> Option<Holder> {
        let grant = self.pools.get(&pool)?.grant.as_ref()?;
        (now < grant.until).then_some(grant.holder)
    }
}

impl Entry {
    fn expire(&mut self, now: Time) {
        self.grant.take_if(|grant| grant.until <= now);
        self.wanted.take_if(|(_, until)| *until <= now);
    }

    fn judge(&mut self, asker: Holder, request: &Request, now: Time) -> (Answer, Change) {
        match &mut self.grant {
            Some(grant) if grant.holder.console == asker.console => {
                if request.start_counter < grant.start_counter {
                    let words = format!(
                        "start {} of this console is older than start {}, which holds the lease",
                        request.start_counter, grant.start_counter
                    );
                    return (refused(request, words), Change::Same);
                }
                if request.start_counter == grant.start_counter && request.nonce != grant.nonce {
                    let words = format!(
                        "another copy of this console holds the lease with the same start counter {}: a cloned disk",
                        request.start_counter
                    );
                    return (refused(request, words), Change::Same);
                }
                self.grant(asker, request, now)
            }
            Some(grant) => {
                let holder = grant.holder;
                if asker > holder {
                    self.want(asker, now);
                }
                (
                    Answer { holder: Some(holder), wanted_by: self.wanted_above(asker), ..refusal(request) },
                    Change::Same,
                )
            }
            None => match self.wanted_above(asker) {
                Some(wanted) => {
                    let words = "the lease is free and kept for a console of higher rank that asked first";
                    let answer = Answer { wanted_by: Some(wanted), ..refused(request, words.into()) };
                    (answer, Change::Same)
                }
                None => self.grant(asker, request, now),
            },
        }
    }

    fn grant(&mut self, asker: Holder, request: &Request, now: Time) -> (Answer, Change) {
        let same = |grant: &Grant| {
            grant.holder == asker
                && grant.start_counter == request.start_counter
                && grant.nonce == request.nonce
        };
        let change = if self.grant.as_ref().is_some_and(same) { Change::Same } else { Change::Persist };
        self.grant = Some(Grant {
            holder: asker,
            start_counter: request.start_counter,
            nonce: request.nonce,
            until: now + LEASE_RELAY,
        });
        self.wanted.take_if(|(wanted, _)| wanted.console == asker.console);
        (Answer { granted: true, wanted_by: self.wanted_above(asker), ..refusal(request) }, change)
    }

    fn want(&mut self, asker: Holder, now: Time) {
        let keep = self.wanted.is_some_and(|(wanted, _)| wanted.console != asker.console && wanted > asker);
        if !keep {
            self.wanted = Some((asker, now + WANTED));
        }
    }

    fn wanted_above(&self, asker: Holder) -> Option<Holder> {
        self.wanted
            .map(|(wanted, _)| wanted)
            .filter(|wanted| *wanted > asker && wanted.console != asker.console)
    }
}

fn refusal(request: &Request) -> Answer {
    Answer {
        pool: request.pool,
        number: request.number,
        nonce: request.nonce,
        granted: false,
        holder: None,
        wanted_by: None,
        refusal: None,
        epoch_max: 0,
    }
}

fn refused(request: &Request, words: String) -> Answer {
    Answer { refusal: Some(words), ..refusal(request) }
}

#[cfg(test)]
mod tests;
