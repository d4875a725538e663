//! The moves of every pool as the shared records tell them, with ages on the relays' clocks; and which relay lacks
//! which, so that a record that one relay missed reaches it all the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use evaluator::io::{MoveRecord, Records};
use model::{MemberId, PoolId, Span, Time};
use protocol::records::{Record, RecordBody};
use protocol::sign::Signed;

use crate::words;

/// Moves that a machine needs to see.
const KEPT: usize = 32;
/// Only moves that still count for anything are passed on: a relay counts a record's age from its receipt, so an old
/// one would look like a move just made.
const PASSED_ON: Span = Span::from_s(2 * 3600);

/// Known moves, by pool.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    pools: BTreeMap<PoolId, Known>,
}

#[derive(Debug, Default)]
struct Known {
    moves: BTreeMap<u64, Move>,
    /// What each relay answered: revisions by epoch.
    listed: BTreeMap<MemberId, BTreeMap<u64, u32>>,
    /// Some relay has answered since this console started, even if it had nothing to tell.
    answered: bool,
}

#[derive(Debug)]
struct Move {
    /// The moment of the move on this console's clock.
    at: Time,
    /// That moment rests on this computer's wall clock only; a relay's word is better.
    by_wall: bool,
    record: MoveRecord,
    revision: u32,
    signed: Option<Arc<Signed>>,
}

impl Moves {
    /// Notes a record that some relay has had for `age`. Relays can only have received it late, so the greatest age
    /// is the truest.
    pub(crate) fn note(
        &mut self,
        pool: PoolId,
        record: &Record,
        signed: Option<Arc<Signed>>,
        now: Time,
        age: Span,
    ) {
        self.put(pool, record, signed, now.minus(age), false);
    }

    /// Notes a record of this console's own disk; its age is the wall clock's until a relay tells a better one.
    pub(crate) fn note_own(
        &mut self,
        pool: PoolId,
        record: &Record,
        signed: Option<Arc<Signed>>,
        now: Time,
        age: Span,
    ) {
        self.put(pool, record, signed, now.minus(age), true);
    }

    fn put(&mut self, pool: PoolId, record: &Record, signed: Option<Arc<Signed>>, at: Time, by_wall: bool) {
        let RecordBody::Move { epoch, cause, from, to, acknowledged, verified, .. } = &record.body else {
            return;
        };
        let fresh = MoveRecord {
            epoch: *epoch,
            age: Span::ZERO,
            cause: words::read_cause(cause),
            from: *from,
            to: *to,
            acknowledged: *acknowledged,
            verified: *verified,
        };
        let moves = &mut self.pools.entry(pool).or_default().moves;
        let known = moves.entry(*epoch).or_insert_with(|| Move {
            at,
            by_wall,
            record: fresh,
            revision: record.revision,
            signed: signed.clone(),
        });
        match (known.by_wall, by_wall) {
            (true, false) => (known.at, known.by_wall) = (at, false),
            (false, false) => known.at = known.at.min(at),
            (_, true) => {}
        }
        if record.revision > known.revision {
            (known.revision, known.signed) = (record.revision, signed);
        }
        known.record.acknowledged |= fresh.acknowledged;
        known.record.verified |= fresh.verified;
        while moves.len() > KEPT {
            moves.pop_first();
        }
    }

    /// A relay has answered for this pool: with these revisions by epoch.
    pub(crate) fn answered(&mut self, pool: PoolId, relay: MemberId, listed: BTreeMap<u64, u32>) {
        let known = self.pools.entry(pool).or_default();
        known.answered = true;
        known.listed.insert(relay, listed);
    }

    /// A relay's connection is new: what it had may be gone.
    pub(crate) fn forget_relay(&mut self, relay: MemberId) {
        for known in self.pools.values_mut() {
            known.listed.remove(&relay);
        }
    }

    /// Forgets a pool.
    pub(crate) fn forget_pool(&mut self, pool: PoolId) {
        self.pools.remove(&pool);
    }

    /// What relays that answered lack; told once per connection.
    pub(crate) fn lacking(&mut self, pool: PoolId, now: Time) -> Vec<(MemberId, Arc<Signed>)> {
        let Some(known) = self.pools.get_mut(&pool) else { return Vec::new() };
        let mut lacking = Vec::new();
        for (epoch, one) in known.moves.iter().filter(|(_, one)| now - one.at < PASSED_ON) {
            let Some(signed) = &one.signed else { continue };
            for (relay, listed) in &mut known.listed {
                if listed.get(epoch).is_none_or(|revision| *revision < one.revision) {
                    listed.insert(*epoch, one.revision);
                    lacking.push((*relay, Arc::clone(signed)));
                }
            }
        }
        lacking
    }

    /// The newest epoch that a record tells of; 0 without any.
    pub(crate) fn newest_epoch(&self, pool: PoolId) -> u64 {
        self.pools.get(&pool).and_then(|known| known.moves.keys().next_back().copied()).unwrap_or(0)
    }

    /// The records as a machine wants them. Before any relay has answered they count as unreadable.
    pub(crate) fn records(&self, pool: PoolId, now: Time) -> Records {
        let Some(known) = self.pools.get(&pool) else {
            return Records { moves: Vec::new(), unreadable: true };
        };
        let aged = known.moves.values().map(|one| MoveRecord { age: now - one.at, ..one.record });
        Records { moves: aged.collect(), unreadable: !known.answered }
    }
}

#[cfg(test)]
mod tests {
    use protocol::key::SecretKey;
    use protocol::records::RecordId;

    use super::*;

    const EDGE: PoolId = PoolId::from_number(1);
    const LB1: MemberId = MemberId::from_number(1);
    const LB2: MemberId = MemberId::from_number(2);

    fn record(acknowledged: bool) -> Record {
        Record {
            id: RecordId::of_move(EDGE, 4),
            revision: 2 * u32::from(acknowledged),
            pool: EDGE,
            at_unix_ms: 0,
            body: RecordBody::Move {
                epoch: 4,
                cause: "down".to_owned(),
                from: None,
                to: LB2,
                acknowledged,
                verified: false,
                incident: None,
            },
        }
    }

    fn signed(acknowledged: bool) -> Option<Arc<Signed>> {
        let key = SecretKey::from_bytes(&[1; 32]);
        record(acknowledged).seal(model::ConsoleId::from_number(1), &key).signed
    }

    #[test]
    fn the_greatest_age_and_the_fullest_word_win() {
        let mut moves = Moves::default();
        let now = Time::from_ms(100_000);
        moves.note(EDGE, &record(false), None, now, Span::from_s(20));
        moves.note(EDGE, &record(true), None, now, Span::from_s(50));
        moves.note(EDGE, &record(false), None, now, Span::from_s(5));
        let records = moves.records(EDGE, now + Span::from_s(1));
        assert_eq!(records.moves.len(), 1);
        assert_eq!(records.moves[0].age, Span::from_s(51));
        assert!(records.moves[0].acknowledged);
    }

    #[test]
    fn records_count_as_unreadable_until_a_relay_has_answered() {
        let mut moves = Moves::default();
        let now = Time::from_ms(100_000);
        assert!(moves.records(EDGE, now).unreadable);
        moves.note_own(EDGE, &record(false), None, now, Span::from_s(5));
        let records = moves.records(EDGE, now);
        assert!(records.unreadable && records.moves.len() == 1);
        moves.answered(EDGE, LB1, BTreeMap::new());
        assert!(!moves.records(EDGE, now).unreadable);
    }

    #[test]
    fn a_relays_age_takes_the_place_of_the_wall_clocks() {
        let mut moves = Moves::default();
        let now = Time::from_ms(900_000_000);
        moves.note_own(EDGE, &record(false), None, now, Span::from_s(80_000));
        moves.note(EDGE, &record(false), None, now, Span::from_s(30));
        moves.note_own(EDGE, &record(false), None, now, Span::from_s(80_000));
        assert_eq!(moves.records(EDGE, now).moves[0].age, Span::from_s(30));
    }

    #[test]
    fn a_relay_that_missed_a_record_or_its_acknowledgement_gets_it_once() {
        let mut moves = Moves::default();
        let now = Time::from_ms(900_000_000);
        moves.note(EDGE, &record(true), signed(true), now, Span::from_s(30));
        moves.answered(EDGE, LB1, [(4, 2)].into());
        assert!(moves.lacking(EDGE, now).is_empty());
        moves.answered(EDGE, LB2, [(4, 0)].into());
        let lacking = moves.lacking(EDGE, now);
        assert_eq!(lacking.len(), 1);
        assert_eq!((lacking[0].0, Some(&lacking[0].1)), (LB2, signed(true).as_ref()));
        assert!(moves.lacking(EDGE, now).is_empty());
        moves.forget_relay(LB2);
        moves.answered(EDGE, LB2, BTreeMap::new());
        assert!(moves.lacking(EDGE, now + Span::from_s(7_300)).is_empty(), "too old to count");
        assert_eq!(moves.lacking(EDGE, now).len(), 1);
    }
}
