//! The node's one timer: the kernel's, on the clock that counts suspend.
//!
//! The runtime's own timers wake a thread twice for a wait of a second, since their wheel has slots of different
//! sizes, and they stand still while the host sleeps.

use std::io;
use std::time::Duration;

use model::{Span, Time};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// A timer that is set to a moment.
#[derive(Debug)]
pub struct Alarm {
    // A pipe's end is what the runtime offers for a descriptor that does not block and is read in bytes.
    timer: pipe::Receiver,
    set_to: Option<Time>,
}

impl Alarm {
    /// A timer that is not set.
    ///
    /// # Errors
    /// The kernel gives no timer.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        // Old kernels have none on the clock that counts suspend; it then comes late after a sleep.
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)
            .or_else(|_| timerfd_create(TimerfdClockId::Monotonic, flags))?;
        Ok(Self { timer: pipe::Receiver::from_owned_fd_unchecked(timer)?, set_to: None })
    }

    /// Waits until `at`; `now` is the present reading of the same clock. Safe to drop and to call again.
    ///
    /// # Errors
    /// The kernel refuses the timer, which it has no reason to.
    pub async fn until(&mut self, at: Time, now: Time) -> io::Result<()> {
        if at <= now {
            return Ok(());
        }
        if self.set_to != Some(at) {
            self.set(at - now)?;
            self.set_to = Some(at);
        }
        // The count of expirations, of no interest; it is read whole or not at all.
        let mut count = [0; 8];
        self.timer.read_exact(&mut count).await?;
        self.set_to = None;
        Ok(())
    }

    fn set(&self, wait: Span) -> io::Result<()> {
        let wait = Duration::from_millis(wait.as_ms());
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        };
        let times = Itimerspec { it_interval: once, it_value: value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &times)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::clock::{Clock, SystemClock};

    #[tokio::test]
    async fn it_rings_at_the_moment_that_was_set_last() {
        let mut alarm = Alarm::new().unwrap();
        let start = SystemClock.boottime();
        let at = start + Span::from_ms(60);
        // Dropped and set to something sooner, then waited for.
        let early =
            tokio::time::timeout(Duration::from_millis(5), alarm.until(start + Span::from_s(60), start))
                .await;
        assert!(early.is_err());
        alarm.until(at, SystemClock.boottime()).await.unwrap();
        let late = SystemClock.boottime() - at;
        assert!(SystemClock.boottime() >= at && late < Span::from_s(5), "{late}");
        alarm.until(start, SystemClock.boottime()).await.unwrap();
    }
}
