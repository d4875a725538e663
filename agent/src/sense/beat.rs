//! The beat of one second that everything regular in the agent can share.
//!
//! Tokio's timers wake a thread twice for a wait of a second, because their wheel has slots of different sizes, and each
//! loop with a timer of its own wakes at another moment. A timer of the kernel wakes once, and all who wait for the
//! same beat do their work in that one wake: the agent's budget is five a second.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::watch;

/// A shared beat. Clones hear the same beats; the timer ends with the last of them.
#[derive(Debug, Clone)]
pub struct Beat {
    beats: watch::Receiver<u64>,
}

impl Beat {
    /// Starts a beat on the current runtime; the first one comes at once.
    ///
    /// # Errors
    /// The kernel gives no timer.
    pub fn start(period: Duration) -> io::Result<Self> {
        // What tokio needs of a pipe's end, a timer has: it does not block and is read in bytes. Its own type for
        // any descriptor can only be made in unsafe code.
        let mut timer = pipe::Receiver::from_owned_fd_unchecked(timer(period)?)?;
        let (sender, beats) = watch::channel(0);
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                error = strike(&mut timer, &sender) => tracing::error!(%error, "the beat stopped"),
            }
        });
        Ok(Self { beats })
    }

    /// A beat that somebody else strikes, so that its waking serves both.
    #[must_use]
    pub fn struck_by(beats: watch::Receiver<u64>) -> Self {
        Self { beats }
    }

    /// Waits for the next beat. Beats that were missed are one.
    ///
    /// Ends never if the timer broke, which the kernel has no reason to let happen.
    pub async fn next(&mut self) {
        if self.beats.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn strike(timer: &mut pipe::Receiver, beats: &watch::Sender<u64>) -> io::Error {
    loop {
        // The number of periods since the last reading, which is of no interest.
        let mut count = [0; 8];
        match timer.read_exact(&mut count).await {
            Ok(_) => beats.send_modify(|beats| *beats = beats.wrapping_add(1)),
            Err(error) => return error,
        }
    }
}

fn timer(period: Duration) -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    // Old kernels have no such timer on the clock that counts suspend; the beat then comes later after a sleep.
    let timer = timerfd_create(TimerfdClockId::Boottime, flags)
        .or_else(|_| timerfd_create(TimerfdClockId::Monotonic, flags))?;
    let spec = |duration: Duration| Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    };
    // A first value of zero would mean "never".
    let first = Duration::from_nanos(1);
    let times = Itimerspec { it_interval: spec(period), it_value: spec(first) };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
    Ok(timer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_hear_the_same_beats_and_the_first_comes_at_once() {
        let mut one = Beat::start(Duration::from_millis(20)).unwrap();
        let mut other = one.clone();
        let began = std::time::Instant::now();
        for _ in 0..3 {
            tokio::join!(one.next(), other.next());
        }
        assert!(began.elapsed() >= Duration::from_millis(35));
    }
}
