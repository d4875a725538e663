//! A node's clocks: one that counts suspend, one that does not, and a wall clock that says anything.
//!
//! The world has one true time in milliseconds. A node reads it through a rate and an offset of its own; every
//! change of rate, and every sleep, starts a new stretch.

use model::{Span, Time};

/// A rate of one, in the fixed-point numbers that [`Clock`] uses.
pub const RATE_ONE: u64 = 1 << 16;

/// The clocks of one node.
#[derive(Clone, Debug)]
pub struct Clock {
    rate: u64,
    since_true: u64,
    since_tb: u64,
    /// How much of `Tb` was slept through; `Tm` is what is left.
    slept: u64,
    /// What the wall clock says more than the true time. Data for people: nothing may depend on it.
    pub wall_offset_ms: i64,
}

impl Clock {
    /// A clock that reads `start` at `now` and runs at `rate` (1.0 is [`RATE_ONE`]).
    pub fn new(now: u64, start: u64, rate: u64, wall_offset_ms: i64) -> Self {
        Self { rate, since_true: now, since_tb: start, slept: 0, wall_offset_ms }
    }

    /// The clock that counts suspend.
    pub fn tb(&self, now: u64) -> Time {
        Time::from_ms(self.since_tb + (((now - self.since_true) * self.rate) >> 16))
    }

    /// The clock that does not count suspend.
    pub fn tm(&self, now: u64) -> Time {
        Time::from_ms(self.tb(now).as_ms() - self.slept)
    }

    /// The first true moment at which [`Clock::tb`] reads `at` or more, not before `now`.
    pub fn when(&self, now: u64, at: Time) -> u64 {
        let ahead = at.as_ms().saturating_sub(self.since_tb);
        let wait = ((u128::from(ahead) << 16).div_ceil(u128::from(self.rate))) as u64;
        (self.since_true + wait).max(now)
    }

    /// How much true time passes while this clock runs for `span`.
    pub fn true_ms(&self, span: Span) -> u64 {
        (u128::from(span.as_ms()) * u128::from(RATE_ONE) / u128::from(self.rate)) as u64
    }

    /// Runs at another rate from now on.
    pub fn set_rate(&mut self, now: u64, rate: u64) {
        self.since_tb = self.tb(now).as_ms();
        self.since_true = now;
        self.rate = rate;
    }

    /// Says that the node slept since its own clock read `from`.
    pub fn slept(&mut self, from: Time, now: u64) {
        self.slept += (self.tb(now) - from).as_ms();
    }

    /// The host starts again: its clocks begin at `start`.
    pub fn reboot(&mut self, now: u64, start: u64) {
        self.since_true = now;
        self.since_tb = start;
        self.slept = 0;
    }

    /// The rate in fixed point.
    pub fn rate(&self) -> u64 {
        self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_reaches_its_mark_early_and_never_before() {
        let clock = Clock::new(1_000, 50_000, RATE_ONE * 11 / 10, 0);
        let mark = Time::from_ms(61_000);
        let when = clock.when(1_000, mark);
        assert!(clock.tb(when) >= mark && clock.tb(when - 1) < mark);
        assert!(when < 11_100, "{when}");
    }

    #[test]
    fn sleep_shows_as_the_difference_of_the_two_clocks() {
        let mut clock = Clock::new(0, 0, RATE_ONE, 0);
        clock.slept(Time::from_ms(10_000), 70_000);
        assert_eq!(clock.tb(80_000) - clock.tm(80_000), Span::from_s(60));
        clock.set_rate(80_000, RATE_ONE / 2);
        assert_eq!(clock.tb(82_000), Time::from_ms(81_000));
    }
}
