//! Notices that this process slept, stood still, or that the wall clock was set (safety.md 2.1).
//!
//! Pure: it is given readings of the clocks at each tick and compares neighbours. A suspend shows as boottime running
//! ahead of monotonic time; a stop of the process, starvation or a paused machine shows as a tick that came far too
//! late. Messages of the operating system about sleep are not used: they come doubled or not at all.

use model::time::{Span, Time};

use super::clock::Reading;

/// Suspend shorter than this is not told from the clocks' own jitter.
pub const SUSPEND_MIN: Span = Span::from_s(1);
/// A tick later than this is a stall. Ticks are at most a second apart.
pub const STALL_MIN: Span = Span::from_s(3);
/// A wall clock that moved by more than this against boottime was set.
pub const WALL_STEP_MIN: Span = Span::from_s(2);

/// What happened between two ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upset {
    /// The machine was suspended.
    Suspended {
        /// For how long.
        lasted: Span,
    },
    /// This process did not run.
    Stalled {
        /// For how long.
        lasted: Span,
    },
    /// The wall clock was set. It is logged and decides nothing.
    WallStep {
        /// By how much, in milliseconds.
        by_ms: i64,
    },
}

/// Compares each reading with the one before.
#[derive(Debug, Clone, Default)]
pub struct Stall {
    last: Option<Reading>,
}

impl Stall {
    /// Takes the reading of one tick and says what happened since the one before.
    pub fn tick(&mut self, now: Reading) -> Vec<Upset> {
        let Some(last) = self.last.replace(now) else { return Vec::new() };
        let mut upsets = Vec::new();
        let boottime = now.boottime - last.boottime;
        let monotonic = now.monotonic - last.monotonic;
        if boottime.less(monotonic) > SUSPEND_MIN {
            upsets.push(Upset::Suspended { lasted: boottime.less(monotonic) });
        }
        if monotonic > STALL_MIN {
            upsets.push(Upset::Stalled { lasted: monotonic });
        }
        let by_ms = signed(now.wall_ms) - signed(last.wall_ms) - signed(boottime.as_ms());
        if by_ms.unsigned_abs() > WALL_STEP_MIN.as_ms() {
            upsets.push(Upset::WallStep { by_ms });
        }
        upsets
    }

    /// When the last tick was, on the clock that counts suspend.
    #[must_use]
    pub fn last(&self) -> Option<Time> {
        self.last.map(|last| last.boottime)
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(boottime: u64, monotonic: u64, wall_ms: u64) -> Reading {
        Reading { boottime: Time::from_ms(boottime), monotonic: Time::from_ms(monotonic), wall_ms }
    }

    fn between(first: Reading, second: Reading) -> Vec<Upset> {
        let mut stall = Stall::default();
        assert_eq!(stall.tick(first), []);
        stall.tick(second)
    }

    #[test]
    fn punctual_ticks_are_nothing() {
        assert_eq!(between(reading(0, 0, 5_000), reading(1_000, 1_000, 6_000)), []);
        assert_eq!(between(reading(0, 0, 5_000), reading(3_000, 3_000, 8_000)), []);
    }

    #[test]
    fn suspend_shows_in_boottime_alone() {
        let lasted = Span::from_ms(60_000);
        let upsets = between(reading(0, 0, 5_000), reading(61_000, 1_000, 66_000));
        assert_eq!(upsets, [Upset::Suspended { lasted }]);
        assert_eq!(between(reading(0, 0, 5_000), reading(2_000, 1_000, 7_000)), []);
    }

    #[test]
    fn a_late_tick_is_a_stall() {
        let upsets = between(reading(0, 0, 5_000), reading(3_001, 3_001, 8_001));
        assert_eq!(upsets, [Upset::Stalled { lasted: Span::from_ms(3_001) }]);
    }

    #[test]
    fn both_may_have_happened() {
        let upsets = between(reading(0, 0, 0), reading(20_000, 10_000, 20_000));
        assert_eq!(upsets.len(), 2);
    }

    #[test]
    fn a_set_wall_clock_shows_both_ways() {
        let forth = between(reading(0, 0, 10_000), reading(1_000, 1_000, 13_001));
        assert_eq!(forth, [Upset::WallStep { by_ms: 2_001 }]);
        let back = between(reading(0, 0, 10_000), reading(1_000, 1_000, 8_000));
        assert_eq!(back, [Upset::WallStep { by_ms: -3_000 }]);
    }
}
