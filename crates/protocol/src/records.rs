//! Records: incidents, moves, jobs that mattered, audit. Kept by every relay in a ring per pool, merged by id.
//!
//! Ages are counted on the relay's own clock from receipt, so that a console with a wrong wall clock, or restored from
//! a backup, starts with the true count of moves. Of one id the higher revision wins, then the larger hash, so relays
//! that saw the same records in any order keep the same ones. The newest moves never give way to other records: a
//! flood of audit lines must not erase the hold-down.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use model::{ConsoleId, IncidentId, MemberId, PoolId, Span, Time};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::docs::Roster;
use crate::key::SecretKey;
use crate::limits;
use crate::observer::Aged;
use crate::sign::{Kind, SignError, Signed, Signer};

/// A record's name: equal on every console for the same thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RecordId(String);

/// A text that is no record id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a record id has 1 to 64 characters of a-z, 0-9 and -")]
pub struct RecordIdError;

impl RecordId {
    /// The record of the move that wrote this epoch.
    pub fn of_move(pool: PoolId, epoch: u64) -> Self {
        Self(format!("move-{}-{epoch}", pool.short()))
    }

    /// The record of an incident.
    pub fn of_incident(incident: IncidentId) -> Self {
        Self(format!("incident-{incident}"))
    }
}

impl FromStr for RecordId {
    type Err = RecordIdError;
    fn from_str(text: &str) -> Result<Self, RecordIdError> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if plain && (1..=64).contains(&text.len()) { Ok(Self(text.into())) } else { Err(RecordIdError) }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a record tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RecordBody {
    /// The record moved.
    Move {
        /// Epoch that it wrote.
        epoch: u64,
        /// Why, as the evaluator's cause is written.
        cause: String,
        /// From whom, if known.
        #[serde(default)]
        from: Option<MemberId>,
        /// To whom.
        to: MemberId,
        /// A person has seen it.
        #[serde(default)]
        acknowledged: bool,
        /// Its read-back was seen equal.
        #[serde(default)]
        verified: bool,
        /// The incident it belongs to.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
    /// Something went wrong, or is over.
    Incident {
        /// Which.
        incident: IncidentId,
        /// One sentence.
        text: String,
        /// It is over.
        #[serde(default)]
        over: bool,
    },
    /// A job that mattered ended.
    Job {
        /// Its id.
        job: String,
        /// On whom.
        member: MemberId,
        /// Its command.
        command: String,
        /// Its outcome.
        outcome: String,
    },
    /// Somebody did something.
    Audit {
        /// Who, for people.
        who: String,
        /// What, in one sentence.
        text: String,
    },
    /// A kind that this version does not know; the signed text is kept as it is.
    #[serde(other)]
    Other,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// Rises when it is written again.
    #[serde(default)]
    pub revision: u32,
    /// Which pool.
    pub pool: PoolId,
    /// When, on the writer's wall clock: for people.
    #[serde(default)]
    pub at_unix_ms: u64,
    /// What.
    pub body: RecordBody,
}

impl Record {
    /// Signs it.
    pub fn seal(self, by: ConsoleId, key: &SecretKey) -> Noted {
        let signed = Signed::seal(Kind::Record, Signer::Console(by), key, &self);
        Noted { record: Arc::new(self), signed: Some(Arc::new(signed)) }
    }
}

/// A verified record, with the signed text when it came over a wire. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// What it says.
    pub record: Arc<Record>,
    /// As it was signed; none in a simulation.
    pub signed: Option<Arc<Signed>>,
}

impl Noted {
    /// A record without its signature: for simulations and tests.
    pub fn unsigned(record: Record) -> Self {
        Self { record: Arc::new(record), signed: None }
    }

    /// Opens a record that a console of the roster signed.
    ///
    /// # Errors
    /// Its signer is unknown, or the text does not hold.
    pub fn open(signed: Signed, roster: &Roster) -> Result<Self, SignError> {
        let known = matches!(signed.by, Signer::Console(_)).then(|| roster.key_of(signed.by)).flatten();
        let key = known.ok_or(SignError::OtherSigner { kind: Kind::Record })?;
        let record: Record = signed.open(Kind::Record, &key)?;
        Ok(Self { record: Arc::new(record), signed: Some(Arc::new(signed)) })
    }

    fn bytes(&self) -> usize {
        self.signed.as_ref().map_or(256, |signed| signed.body.len() + 200)
    }

    fn is_move(&self) -> bool {
        matches!(self.record.body, RecordBody::Move { .. })
    }

    /// Whether it replaces `kept`.
    fn beats(&self, kept: &Self) -> bool {
        let order = |noted: &Self| (noted.record.revision, noted.signed.as_ref().map(|signed| signed.hash()));
        order(self) > order(kept)
    }
}

/// A record with its age.
#[derive(Clone, Debug, PartialEq)]
pub struct AgedRecord {
    /// The record.
    pub noted: Noted,
    /// How long this relay has had its id.
    pub age: Span,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptRecord {
    /// As it was signed.
    pub signed: Signed,
    /// When its id came first.
    pub received: Aged,
}

/// The records of one relay.
#[derive(Clone, Debug, Default)]
pub struct RecordBook {
    pools: BTreeMap<PoolId, Ring>,
}

#[derive(Clone, Debug, Default)]
struct Ring {
    /// Changes whenever the ring does: what consoles compare.
    head: u64,
    bytes: usize,
    records: BTreeMap<RecordId, (Noted, Aged)>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is kept; persist.
    Kept,
    /// The kept one is as new.
    Known,
    /// Too many pools.
    Refused,
}

impl RecordBook {
    /// Reads the records back from this relay's own disk. Signatures were checked when they came; checking them again
    /// would lose the moves of a console that has been removed since.
    pub fn restored(kept: Vec<KeptRecord>, now: Time, same_boot: bool) -> Self {
        let mut book = Self::default();
        for one in kept.into_iter().take(limits::POOLS_MAX * limits::RECORDS_MAX) {
            if let Ok(record) = one.signed.peek(Kind::Record) {
                let noted = Noted { record: Arc::new(record), signed: Some(Arc::new(one.signed)) };
                book.merge(noted, one.received.carried(now, same_boot), now);
            }
        }
        book
    }

    /// What must be on disk. Unsigned records of a simulation are not.
    pub fn kept(&self, now: Time) -> Vec<KeptRecord> {
        let all = self.pools.values().flat_map(|ring| ring.records.values());
        let kept = |(noted, received): &(Noted, Aged)| {
            let signed = (**noted.signed.as_ref()?).clone();
            Some(KeptRecord { signed, received: received.at(now) })
        };
        all.filter_map(kept).collect()
    }

    /// Takes a record in.
    pub fn put(&mut self, noted: Noted, now: Time) -> Merged {
        self.merge(noted, Aged::new(now), now)
    }

    /// A pool's head: it changes whenever the records do. 0 when there are none.
    pub fn head(&self, pool: PoolId) -> u64 {
        self.pools.get(&pool).map_or(0, |ring| ring.head)
    }

    /// Pools that have records.
    pub fn pools(&self) -> impl Iterator<Item = PoolId> {
        self.pools.keys().copied()
    }

    /// A pool's records, oldest first.
    pub fn of_pool(&self, pool: PoolId, now: Time) -> Vec<AgedRecord> {
        let Some(ring) = self.pools.get(&pool) else { return Vec::new() };
        let aged =
            |(noted, received): &(Noted, Aged)| AgedRecord { noted: noted.clone(), age: received.age(now) };
        let mut all: Vec<_> = ring.records.values().map(aged).collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.age));
        all
    }

    fn merge(&mut self, noted: Noted, received: Aged, now: Time) -> Merged {
        let pool = noted.record.pool;
        if !self.pools.contains_key(&pool) && self.pools.len() >= limits::POOLS_MAX {
            return Merged::Refused;
        }
        let ring = self.pools.entry(pool).or_default();
        let id = noted.record.id.clone();
        // A record that is written again keeps the age of its first writing: the move is as old as it was.
        let received = match ring.records.get(&id) {
            Some((kept, _)) if !noted.beats(kept) => return Merged::Known,
            Some((kept, first)) => {
                ring.bytes -= kept.bytes();
                *first
            }
            None => received,
        };
        ring.bytes += noted.bytes();
        ring.records.insert(id, (noted, received));
        ring.head += 1;
        ring.trim(now);
        Merged::Kept
    }
}

impl Ring {
    fn trim(&mut self, now: Time) {
        while self.records.len() > limits::RECORDS_MAX || self.bytes > limits::RECORDS_BYTES_MAX {
            let moves = self.records.values().filter(|(noted, _)| noted.is_move()).count();
            let may_go = |noted: &Noted| !noted.is_move() || moves > limits::MOVES_KEPT;
            let oldest = self
                .records
                .iter()
                .filter(|(_, (noted, _))| may_go(noted))
                .max_by_key(|(_, (_, received))| received.age(now))
                .map(|(id, _)| id.clone());
            let Some((gone, _)) = oldest.and_then(|id| self.records.remove(&id)) else { return };
            self.bytes -= gone.bytes();
        }
    }
}

#[cfg(test)]
mod tests;
