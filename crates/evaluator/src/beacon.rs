//! Beacons: freshness without comparing clocks.
//!
//! A console gives out a random number every second; members echo the newest in their signed heartbeats. A
//! heartbeat that carries a beacon was made after that beacon was given out, whatever any relay says or withholds.

use std::collections::VecDeque;

use model::{Nonce, Span, Time};

/// How often a beacon is given out: as often as members beat. A life counts as heard for 3 s, and a heartbeat that
/// just missed the next beacon must not reach that bound before its successor arrives.
pub const BEACON_EVERY: Span = Span::from_s(1);
/// Beacons kept: two minutes and a little, the longest failover delay.
const KEPT: usize = 140;

/// The beacons that this console gave out, newest last.
#[derive(Clone, Debug, Default)]
pub struct BeaconLog {
    given: VecDeque<(Nonce, Time)>,
}

impl BeaconLog {
    /// When the next beacon is due.
    pub fn due(&self) -> Time {
        self.given.back().map_or(Time::ZERO, |(_, at)| *at + BEACON_EVERY)
    }

    /// Notes a beacon that is given out now.
    pub fn give(&mut self, now: Time, nonce: Nonce) {
        if self.given.len() == KEPT {
            self.given.pop_front();
        }
        self.given.push_back((nonce, now));
    }

    /// The newest beacon given out.
    pub fn newest(&self) -> Option<Nonce> {
        self.given.back().map(|(nonce, _)| *nonce)
    }

    /// The moment after which something that echoes `nonce` was certainly made; none for a number never given out.
    pub fn made_after(&self, nonce: Nonce) -> Option<Time> {
        self.given.iter().rev().find(|(given, _)| *given == nonce).map(|(_, at)| *at)
    }

    /// Forgets everything: after sleep no age survives.
    pub fn clear(&mut self) {
        self.given.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_proves_when_it_was_made_at_the_earliest() {
        let mut log = BeaconLog::default();
        log.give(Time::from_ms(1_000), Nonce::from_u64(1));
        log.give(Time::from_ms(3_000), Nonce::from_u64(2));
        assert_eq!(log.made_after(Nonce::from_u64(1)), Some(Time::from_ms(1_000)));
        assert_eq!(log.made_after(Nonce::from_u64(9)), None);
        assert_eq!(log.due(), Time::from_ms(4_000));
        log.clear();
        assert_eq!(log.made_after(Nonce::from_u64(2)), None);
    }
}
