//! The moves of every pool as the shared records tell them, with ages on the relays' clocks.

use std::collections::BTreeMap;

use evaluator::io::{MoveRecord, Records};
use model::{PoolId, Span, Time};
use protocol::records::{Record, RecordBody};

use crate::words;

/// Moves that a machine needs to see.
const KEPT: usize = 32;

/// Known moves by pool and epoch, with the moment of each on this console's clock.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    pools: BTreeMap<PoolId, BTreeMap<u64, (Time, MoveRecord)>>,
    read: std::collections::BTreeSet<PoolId>,
}

impl Moves {
    /// Notes a record that some relay has had for `age`. Relays can only have received it late, so the greatest age
    /// is the truest.
    pub(crate) fn note(&mut self, pool: PoolId, record: &Record, now: Time, age: Span) {
        self.read.insert(pool);
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
        let moves = self.pools.entry(pool).or_default();
        let (at, kept) = moves.entry(*epoch).or_insert_with(|| (now.minus(age), fresh.clone()));
        *at = (*at).min(now.minus(age));
        kept.acknowledged |= fresh.acknowledged;
        kept.verified |= fresh.verified;
        while moves.len() > KEPT {
            moves.pop_first();
        }
    }

    /// A relay answered for this pool, even if it had nothing to tell.
    pub(crate) fn of_pool(&mut self, pool: PoolId, now: Time) -> Records {
        self.read.insert(pool);
        let moves = self.pools.get(&pool).into_iter().flatten();
        let aged = moves.map(|(_, (at, record))| MoveRecord { age: now - *at, ..record.clone() });
        Records { moves: aged.collect(), unreadable: false }
    }
}

#[cfg(test)]
mod tests {
    use model::MemberId;
    use protocol::records::RecordId;

    use super::*;

    #[test]
    fn the_greatest_age_and_the_fullest_word_win() {
        let pool = PoolId::from_number(1);
        let record = |acknowledged| Record {
            id: RecordId::of_move(pool, 4),
            revision: 0,
            pool,
            at_unix_ms: 0,
            body: RecordBody::Move {
                epoch: 4,
                cause: "down".to_owned(),
                from: None,
                to: MemberId::from_number(2),
                acknowledged,
                verified: false,
                incident: None,
            },
        };
        let mut moves = Moves::default();
        let now = Time::from_ms(100_000);
        moves.note(pool, &record(false), now, Span::from_s(20));
        moves.note(pool, &record(true), now, Span::from_s(50));
        moves.note(pool, &record(false), now, Span::from_s(5));
        let records = moves.of_pool(pool, now + Span::from_s(1));
        assert_eq!(records.moves.len(), 1);
        assert_eq!(records.moves[0].age, Span::from_s(51));
        assert!(records.moves[0].acknowledged);
    }
}
