//! Time as the machines see it.
//!
//! [`Time`] is a reading of one process's clock that is monotonic **and counts suspend** (`CLOCK_BOOTTIME` on
//! Linux). It is a plain number, so that it can be built, stored and replayed; `Instant` can do none of these.
//! Readings of two processes must never be compared. Wall-clock stamps are another thing: they are data for people.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A point on one process's own suspend-counting monotonic clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u64);

impl Time {
    /// The clock's zero.
    pub const ZERO: Self = Self(0);

    /// Builds a reading from milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the clock's zero.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The reading `span` before this one, not below zero.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any wait: used where something never happened.
    pub const MAX: Self = Self(u64::MAX);

    /// A length from milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// A length from whole seconds.
    pub const fn from_s(s: u64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// The length in milliseconds.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The length times a whole number.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }

    /// The length divided by a whole number above zero.
    #[must_use]
    pub const fn over(self, n: u64) -> Self {
        Self(self.0 / n)
    }

    /// This length less `other`, not below zero.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        self.since(earlier)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Span {
    /// Writes the length for people: `240 ms`, `3.2 s`, `12 s`, `4 min`, `3.5 h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        match ms {
            0..=999 => write!(f, "{ms} ms"),
            1000..=9_999 => write!(f, "{}.{} s", ms / 1000, ms % 1000 / 100),
            10_000..=119_999 => write!(f, "{} s", ms / 1000),
            120_000..=7_199_999 => write!(f, "{} min", ms / 60_000),
            _ => write!(f, "{}.{} h", ms / 3_600_000, ms % 3_600_000 / 360_000),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_from_the_future_has_no_age() {
        assert_eq!(Time::from_ms(5) - Time::from_ms(9), Span::ZERO);
        assert_eq!(Time::from_ms(9).minus(Span::from_ms(20)), Time::ZERO);
    }

    #[test]
    fn spans_read_like_speech() {
        let said = |ms| Span::from_ms(ms).to_string();
        assert_eq!(said(240), "240 ms");
        assert_eq!(said(3_240), "3.2 s");
        assert_eq!(said(45_000), "45 s");
        assert_eq!(said(240_000), "4 min");
        assert_eq!(said(12_600_000), "3.5 h");
    }
}
