//! Anti-flap by the shared records: hold-down, quarantine, and the third automatic move that waits for a person.

use std::collections::BTreeMap;

use model::{MemberId, Settings, Span, Time};

use crate::io::{Cause, MoveRecord, Records};

/// A second automatic move within this span makes hold-down four times as long.
const SECOND_WITHIN: Span = Span::from_s(30 * 60);
/// Moves within this span count towards the lock.
const THIRD_WITHIN: Span = Span::from_s(2 * 60 * 60);
/// A member that traffic was moved away from ranks lower for this long.
const QUARANTINE: Span = Span::from_s(600);
/// A move whose record is missing for this long is recorded by who watches.
const RECORD_LATE: Span = Span::from_s(60);
/// Moves kept.
const KEPT: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Move {
    record: MoveRecord,
    as_of: Time,
    /// Seen in the register only; the record of whoever made it has not arrived.
    assumed: bool,
}

impl Move {
    fn age(&self, now: Time) -> Span {
        self.record.age + (now - self.as_of)
    }

    fn automatic_within(&self, now: Time, span: Span) -> bool {
        self.record.cause.is_automatic_move() && self.age(now) <= span
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Hold {
    moves: BTreeMap<u64, Move>,
    unreadable_since: Option<Time>,
    /// A person has to acknowledge the third move.
    pub(crate) locked: bool,
}

impl Hold {
    pub(crate) fn on_records(&mut self, now: Time, records: &Records) {
        self.unreadable_since =
            if records.unreadable { Some(self.unreadable_since.unwrap_or(now)) } else { None };
        for record in &records.moves {
            if self.moves.get(&record.epoch).is_some_and(|known| known.assumed) {
                self.moves.remove(&record.epoch);
            }
            self.add(now, *record);
        }
        if self.locked && self.automatic(now).next().is_none() {
            self.locked = false;
        }
    }

    /// Adds a move; what is already known of the same epoch is merged.
    pub(crate) fn add(&mut self, now: Time, record: MoveRecord) {
        let slot = self.moves.entry(record.epoch).or_insert(Move { record, as_of: now, assumed: false });
        slot.record.acknowledged |= record.acknowledged;
        slot.record.verified |= record.verified;
        self.trim();
    }

    /// Adds a move that only the register shows: it counts as an automatic one until its record arrives.
    pub(crate) fn assume(&mut self, now: Time, epoch: u64, from: Option<MemberId>, to: MemberId) {
        let cause = Cause::Down;
        let record =
            MoveRecord { epoch, age: Span::ZERO, cause, from, to, acknowledged: false, verified: false };
        self.moves.entry(epoch).or_insert(Move { record, as_of: now, assumed: true });
        self.trim();
    }

    /// A move whose record is still missing a minute later: whoever made it died first.
    pub(crate) fn orphaned(&mut self, now: Time) -> Option<MoveRecord> {
        let is_orphan = |moved: &&mut Move| moved.assumed && now - moved.as_of >= RECORD_LATE;
        let moved = self.moves.values_mut().find(is_orphan)?;
        moved.assumed = false;
        Some(MoveRecord { age: moved.age(now), ..moved.record })
    }

    fn trim(&mut self) {
        while self.moves.len() > KEPT {
            self.moves.pop_first();
        }
    }

    pub(crate) fn record(&self, epoch: u64) -> Option<&MoveRecord> {
        self.moves.get(&epoch).map(|moved| &moved.record)
    }

    /// Automatic moves of the last two hours that no person has acknowledged.
    fn automatic(&self, now: Time) -> impl Iterator<Item = &Move> {
        let recent = self.moves.values().filter(move |moved| moved.automatic_within(now, THIRD_WITHIN));
        recent.filter(|moved| !moved.record.acknowledged)
    }

    fn unreadable_move(&self, now: Time) -> bool {
        self.unreadable_since.is_some_and(|since| now - since <= THIRD_WITHIN)
    }

    /// Whether the next automatic move would be the third within two hours.
    pub(crate) fn third(&self, now: Time) -> bool {
        self.automatic(now).count() + usize::from(self.unreadable_move(now)) >= 2
    }

    /// What is left of hold-down.
    pub(crate) fn remaining(&self, now: Time, settings: &Settings) -> Span {
        let newest = self
            .moves
            .values()
            .filter(|moved| moved.record.cause.is_move())
            .map(|moved| moved.age(now))
            .min();
        let unreadable = self.unreadable_since.map(|since| now - since);
        let Some(age) = newest.into_iter().chain(unreadable).min() else { return Span::ZERO };
        let recent =
            self.moves.values().filter(|moved| moved.automatic_within(now, SECOND_WITHIN + age)).count();
        let factor = if recent + usize::from(self.unreadable_since.is_some()) >= 2 { 4 } else { 1 };
        settings.hold_down().times(factor).less(age)
    }

    /// How long automation still leaves the newest move alone, if it was made by hand; until its record arrives, a move
    /// that only the register shows may be one.
    pub(crate) fn by_hand(&self, now: Time, settings: &Settings) -> Span {
        let moves = self.moves.values().rev();
        let Some(newest) = moves.into_iter().find(|moved| moved.record.cause.is_move()) else {
            return Span::ZERO;
        };
        if newest.record.cause == Cause::Manual {
            settings.hold_down().less(newest.age(now))
        } else if newest.assumed {
            RECORD_LATE.less(newest.age(now))
        } else {
            Span::ZERO
        }
    }

    /// Whether traffic was moved away from this member a short while ago.
    pub(crate) fn quarantined(&self, member: MemberId, now: Time) -> bool {
        self.moves
            .values()
            .any(|moved| moved.record.from == Some(member) && moved.automatic_within(now, QUARANTINE))
    }

    /// A person has seen what happened; gives the records that changed.
    pub(crate) fn acknowledge(&mut self, now: Time) -> Vec<MoveRecord> {
        self.locked = false;
        let mut changed = Vec::new();
        for moved in self.moves.values_mut() {
            if moved.automatic_within(now, THIRD_WITHIN) && !moved.record.acknowledged {
                moved.record.acknowledged = true;
                changed.push(MoveRecord { age: moved.age(now), ..moved.record });
            }
        }
        changed
    }

    /// Marks the move of this epoch as read back; gives the record if there is one and it changed.
    pub(crate) fn verified(&mut self, now: Time, epoch: u64) -> Option<MoveRecord> {
        let moved = self.moves.get_mut(&epoch).filter(|moved| !moved.record.verified)?;
        moved.record.verified = true;
        Some(MoveRecord { age: moved.age(now), ..moved.record })
    }

    /// Whether the record followed an address within this span.
    pub(crate) fn followed_within(&self, now: Time, span: Span) -> bool {
        self.moves.values().any(|moved| moved.record.cause == Cause::Ddns && moved.age(now) < span)
    }

    /// Whether hold-down lets a second move of this cause pass.
    pub(crate) const fn lets_pass(cause: Cause) -> bool {
        matches!(cause, Cause::Down | Cause::ServiceDown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(epoch: u64, age_s: u64, cause: Cause) -> MoveRecord {
        MoveRecord {
            epoch,
            age: Span::from_s(age_s),
            cause,
            from: Some(MemberId::from_number(1)),
            to: MemberId::from_number(2),
            acknowledged: false,
            verified: true,
        }
    }

    fn hold(moves: &[MoveRecord]) -> Hold {
        let mut hold = Hold::default();
        hold.on_records(Time::ZERO, &Records { moves: moves.to_vec(), unreadable: false });
        hold
    }

    #[test]
    fn hold_down_grows_fourfold_with_the_second_move() {
        let settings = Settings::default();
        let one = hold(&[moved(5, 20, Cause::Down)]);
        assert_eq!(one.remaining(Time::from_ms(1_000), &settings), Span::from_s(99));
        let two = hold(&[moved(5, 900, Cause::Down), moved(6, 20, Cause::ServiceDown)]);
        assert_eq!(two.remaining(Time::ZERO, &settings), Span::from_s(460));
        assert_eq!(hold(&[]).remaining(Time::ZERO, &settings), Span::ZERO);
    }

    #[test]
    fn the_third_automatic_move_waits_until_a_person_has_seen_it() {
        let mut hold =
            hold(&[moved(5, 7_000, Cause::Down), moved(6, 100, Cause::Down), moved(7, 9, Cause::Manual)]);
        assert!(hold.third(Time::ZERO));
        assert!(!hold.third(Time::from_ms(300_000)), "the first is more than two hours old then");
        assert_eq!(hold.acknowledge(Time::ZERO).len(), 2);
        assert!(!hold.third(Time::ZERO));
    }

    #[test]
    fn records_that_cannot_be_read_count_as_one_move_just_made() {
        let mut hold = hold(&[moved(5, 100, Cause::Down)]);
        hold.on_records(Time::from_ms(1_000), &Records { moves: vec![], unreadable: true });
        assert!(hold.third(Time::from_ms(1_000)));
        assert!(hold.remaining(Time::from_ms(1_000), &Settings::default()) > Span::from_s(400));
        hold.on_records(Time::from_ms(2_000), &Records::default());
        assert!(!hold.third(Time::from_ms(2_000)));
    }
}
