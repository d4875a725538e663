//! Intents: what a console is about to write, announced to the relays before it is sent, so that another console can
//! close it should the first one die in between (safety.md 4.6).

use std::collections::BTreeMap;

use model::{ConsoleId, MemberId, Nonce, PoolId, Time};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::observer::Aged;

/// A claim that a console is about to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Which pool.
    pub pool: PoolId,
    /// The epoch it wants to write.
    pub epoch: u64,
    /// Its single-use number.
    pub nonce: Nonce,
    /// The member it wants active.
    pub target: MemberId,
    /// Why, as the evaluator's cause is written.
    pub cause: String,
}

/// An open intent as a relay reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenIntent {
    /// Whose.
    pub console: ConsoleId,
    /// What it wants.
    pub intent: Intent,
    /// How old it is on the relay's clock.
    pub age_ms: u64,
}

/// The open intents of one relay, keyed by pool and nonce.
#[derive(Clone, Debug, Default)]
pub struct Intents {
    open: BTreeMap<(PoolId, Nonce), (ConsoleId, Intent, Aged)>,
}

/// An open intent on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptIntent {
    /// Whose.
    pub console: ConsoleId,
    /// What it wants.
    pub intent: Intent,
    /// When it came.
    pub received: Aged,
}

/// What became of an announced intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept; persist, then say so.
    Stored,
    /// It was there already.
    Known,
    /// It is not kept, and why.
    Refused(&'static str),
}

impl Intents {
    /// Reads the intents back from disk.
    pub fn restored(kept: Vec<KeptIntent>, now: Time, same_boot: bool) -> Self {
        let entry = |kept: KeptIntent| {
            let key = (kept.intent.pool, kept.intent.nonce);
            (key, (kept.console, kept.intent, kept.received.carried(now, same_boot)))
        };
        Self { open: kept.into_iter().take(limits::POOLS_MAX * limits::INTENTS_MAX).map(entry).collect() }
    }

    /// What must be on disk.
    pub fn kept(&self, now: Time) -> Vec<KeptIntent> {
        let kept = |(console, intent, received): &(ConsoleId, Intent, Aged)| KeptIntent {
            console: *console,
            intent: intent.clone(),
            received: received.at(now),
        };
        self.open.values().map(kept).collect()
    }

    /// Keeps an announced intent.
    pub fn put(&mut self, console: ConsoleId, intent: Intent, now: Time) -> Put {
        if intent.cause.len() > limits::NAME_BYTES_MAX {
            return Put::Refused("the intent's cause is too long");
        }
        if intent.epoch > limits::COUNTER_MAX {
            return Put::Refused("the intent's epoch is out of bounds");
        }
        let key = (intent.pool, intent.nonce);
        if let Some((owner, known, _)) = self.open.get(&key) {
            return if *owner == console && *known == intent {
                Put::Known
            } else {
                Put::Refused("another intent has this nonce")
            };
        }
        let of_pool = self.open.keys().filter(|(pool, _)| *pool == intent.pool).count();
        if of_pool >= limits::INTENTS_MAX || self.open.len() >= limits::POOLS_MAX * limits::INTENTS_MAX {
            return Put::Refused("too many intents are open");
        }
        self.open.insert(key, (console, intent, Aged::new(now)));
        Put::Stored
    }

    /// Forgets a settled intent; true when it was there.
    pub fn close(&mut self, pool: PoolId, nonce: Nonce) -> bool {
        self.open.remove(&(pool, nonce)).is_some()
    }

    /// Forgets what an accepted epoch has settled; true when something went.
    pub fn settle(&mut self, pool: PoolId, epoch: u64) -> bool {
        let before = self.open.len();
        self.open.retain(|(of, _), (_, intent, _)| *of != pool || intent.epoch > epoch);
        self.open.len() != before
    }

    /// All open intents with their ages.
    pub fn open(&self, now: Time) -> Vec<OpenIntent> {
        let open = |(console, intent, received): &(ConsoleId, Intent, Aged)| OpenIntent {
            console: *console,
            intent: intent.clone(),
            age_ms: received.age(now).as_ms(),
        };
        self.open.values().map(open).collect()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests;
