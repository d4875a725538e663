//! The calls that one account has left, shared by all pools that use it.
//!
//! Cloudflare counts 1,200 calls in five minutes over all tokens and the dashboard together, and blocks every call for
//! five minutes beyond that. So reads stop early and leave a reserve to writes: a pool that cannot be looked at for a
//! moment is a nuisance, one that cannot be moved is the end of what this product is for.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use tokio::time::Instant;

/// Calls in one window.
const CALLS_MAX: u64 = 1_200;
/// The window.
const WINDOW_MS: u64 = 300_000;
/// Calls that reads leave alone: one move takes two, one probe about twenty.
const RESERVE: u64 = 20;
/// One call in milliseconds of the window, so that all is counted in one unit.
const CALL_MS: u64 = WINDOW_MS / CALLS_MAX;

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Looking; it can wait.
    Read,
    /// Changing, and the reading that belongs to a change.
    Write,
}

/// The budget of one account. Cheap to share; every provider of the account holds the same one.
pub struct RateBudget {
    started: Instant,
    left: Mutex<Left>,
}

impl RateBudget {
    /// A full budget.
    pub fn new() -> Self {
        Self { started: Instant::now(), left: Mutex::new(Left::default()) }
    }

    /// Takes one call, or says after how many milliseconds there will be one.
    ///
    /// # Errors
    ///
    /// The time to wait, in milliseconds.
    pub fn take(&self, purpose: Purpose) -> Result<(), u64> {
        self.with(|left, now_ms| left.take(now_ms, purpose))
    }

    /// Heeds what an answer said about the calls left: `calls` within the next `window_s` seconds.
    pub(super) fn heed(&self, calls: u32, window_s: u32) {
        self.with(|left, now_ms| left.heed(now_ms, calls, window_s));
    }

    /// Heeds a 429.
    pub(super) fn block(&self, retry_after_ms: u64) {
        self.with(|left, now_ms| left.blocked_until = now_ms.saturating_add(retry_after_ms));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Left, u64) -> T) -> T {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        act(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner), now_ms)
    }
}

impl Default for RateBudget {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RateBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.with(|left, _| left.credit / CALL_MS);
        write!(f, "RateBudget({calls} calls left)")
    }
}

/// A bucket that fills by one millisecond of credit per millisecond; all three are milliseconds since the start.
#[derive(Debug)]
struct Left {
    credit: u64,
    counted_until: u64,
    blocked_until: u64,
}

impl Default for Left {
    fn default() -> Self {
        Self { credit: WINDOW_MS, counted_until: 0, blocked_until: 0 }
    }
}

impl Left {
    fn take(&mut self, now_ms: u64, purpose: Purpose) -> Result<(), u64> {
        self.fill(now_ms);
        if now_ms < self.blocked_until {
            return Err(self.blocked_until - now_ms);
        }
        let floor_ms = match purpose {
            Purpose::Read => (RESERVE + 1) * CALL_MS,
            Purpose::Write => CALL_MS,
        };
        if self.credit < floor_ms {
            return Err(floor_ms - self.credit);
        }
        self.credit -= CALL_MS;
        Ok(())
    }

    fn heed(&mut self, now_ms: u64, calls: u32, window_s: u32) {
        self.fill(now_ms);
        // What the server still allows bounds ours; a short window of its own refills before ours would notice.
        if u64::from(window_s) * 1_000 >= WINDOW_MS / 2 || calls == 0 {
            self.credit = self.credit.min(u64::from(calls) * CALL_MS);
        }
    }

    fn fill(&mut self, now_ms: u64) {
        let gained_ms = now_ms.saturating_sub(self.counted_until);
        self.counted_until = self.counted_until.max(now_ms);
        self.credit = self.credit.saturating_add(gained_ms).min(WINDOW_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_before_writes_do() {
        let mut left = Left::default();
        let reads = (0..CALLS_MAX).take_while(|_| left.take(0, Purpose::Read).is_ok()).count();
        assert_eq!(reads as u64, CALLS_MAX - RESERVE);
        assert_eq!(left.take(0, Purpose::Read), Err(CALL_MS));
        let writes = (0..CALLS_MAX).take_while(|_| left.take(0, Purpose::Write).is_ok()).count();
        assert_eq!(writes as u64, RESERVE, "the reserve is there, and no more");
        // One call comes back after its share of the window, and it is a write's.
        assert_eq!(left.take(CALL_MS, Purpose::Read), Err(RESERVE * CALL_MS));
        assert_eq!(left.take(CALL_MS, Purpose::Write), Ok(()));
    }

    #[test]
    fn it_never_holds_more_than_one_window() {
        let mut left = Left::default();
        left.fill(WINDOW_MS * 50);
        let calls = (0..5_000).take_while(|_| left.take(WINDOW_MS * 50, Purpose::Write).is_ok()).count();
        assert_eq!(calls as u64, CALLS_MAX);
    }

    #[test]
    fn a_block_stops_both_until_it_is_over() {
        let mut left = Left { blocked_until: 7_000, ..Left::default() };
        assert_eq!(left.take(0, Purpose::Write), Err(7_000));
        assert_eq!(left.take(6_999, Purpose::Write), Err(1));
        assert_eq!(left.take(7_000, Purpose::Write), Ok(()));
    }

    #[test]
    fn what_the_server_allows_bounds_ours() {
        let mut left = Left::default();
        left.heed(0, 50, 30);
        assert_eq!(left.credit, WINDOW_MS, "a window of half a minute says nothing about ours");
        left.heed(0, 3, 280);
        assert_eq!(left.take(0, Purpose::Read), Err(RESERVE * CALL_MS + CALL_MS - 3 * CALL_MS));
        assert_eq!(left.take(0, Purpose::Write), Ok(()));
    }
}
