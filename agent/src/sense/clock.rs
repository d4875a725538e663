//! The three clocks of this process.

use model::stall::Look;
use model::time::Time;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Where the agent's code gets the time from, so that a test can give it another one.
pub trait Clock: Send + Sync {
    /// Monotonic and counting suspend: what decisions are made on.
    fn boottime(&self) -> Time;
    /// Monotonic and not counting suspend: what timers run on.
    fn monotonic(&self) -> Time;
    /// Milliseconds since 1970, for people.
    fn wall_ms(&self) -> u64;

    /// All three at one moment.
    fn look(&self) -> Look {
        Look { tb_ms: self.boottime().as_ms(), tm_ms: self.monotonic().as_ms(), wall_ms: self.wall_ms() }
    }
}

/// The kernel's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn boottime(&self) -> Time {
        Time::from_ms(as_ms(clock_gettime(ClockId::Boottime)))
    }

    fn monotonic(&self) -> Time {
        Time::from_ms(as_ms(clock_gettime(ClockId::Monotonic)))
    }

    fn wall_ms(&self) -> u64 {
        as_ms(clock_gettime(ClockId::Realtime))
    }
}

fn as_ms(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000)
}
