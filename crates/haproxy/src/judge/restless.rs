//! Restarts and time away: what makes a crash loop.

use std::collections::VecDeque;

use model::time::{Span, Time};

use super::{AWAY_MAX, AWAY_WINDOW, CALM, RESTARTS_MAX, RESTARTS_WINDOW};

/// Stretches that are remembered. A unit cannot come and go more often than this within the window without making a
/// crash loop by its restarts first, so dropping the oldest hides nothing.
const STRETCHES_MAX: usize = 256;

#[derive(Debug, Clone, Default)]
pub(super) struct Restless {
    /// The newest automatic restarts, oldest first.
    restarts: VecDeque<Time>,
    /// Ended stretches neither active nor reloading, oldest first.
    stretches: VecDeque<(Time, Time)>,
    /// The stretch that goes on.
    away_since: Option<Time>,
    /// A clean stop is over only when the unit is present again.
    cleanly_stopped: bool,
    looping: Option<Looping>,
}

/// A crash loop that is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Looping {
    /// When it was judged first.
    since: Time,
    /// When trouble was seen last.
    newest: Time,
    cause: Cause,
    /// Why, in words that follow the unit's name. They stay as they were when there was a reason last.
    words: String,
}

/// What makes the crash loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Restarts,
    TimeAway,
}

impl Restless {
    pub(super) fn on_restarts(&mut self, now: Time, count: u32) {
        for _ in 0..count.min(RESTARTS_MAX as u32) {
            if self.restarts.len() == RESTARTS_MAX {
                self.restarts.pop_front();
            }
            self.restarts.push_back(now);
        }
    }

    pub(super) fn on_away(&mut self, now: Time) {
        if !self.cleanly_stopped {
            self.away_since.get_or_insert(now);
        }
    }

    pub(super) fn on_present(&mut self, now: Time) {
        self.cleanly_stopped = false;
        if let Some(since) = self.away_since.take() {
            if self.stretches.len() == STRETCHES_MAX {
                self.stretches.pop_front();
            }
            self.stretches.push_back((since, now));
        }
    }

    pub(super) fn on_clean_stop(&mut self) {
        self.cleanly_stopped = true;
        if let Some(since) = self.away_since.take()
            && self.looping.as_ref().is_some_and(|looping| looping.since >= since)
        {
            // Only a slow stop looked like a crash loop; one that has another reason is judged again at once.
            self.looping = None;
        }
    }

    pub(super) fn on_stalled(&mut self, now: Time) {
        self.away_since = self.away_since.map(|_| now);
        // Nothing was seen meanwhile, so the calm that ends a crash loop begins again.
        if let Some(looping) = &mut self.looping {
            looping.newest = now;
        }
    }

    /// Judges, and says why in words that follow the unit's name.
    pub(super) fn judge(&mut self, now: Time) -> Option<(Cause, String)> {
        let horizon = now.minus(AWAY_WINDOW.times(2));
        self.stretches.retain(|(_, end)| *end > horizon);
        let away = self.away(now);
        let reason = if self.restarted_quickly(now) {
            Some((Cause::Restarts, format!("restarted {RESTARTS_MAX} times within {RESTARTS_WINDOW}")))
        } else if away >= AWAY_MAX {
            let words = format!("was neither active nor reloading for {away} of the last {AWAY_WINDOW}");
            Some((Cause::TimeAway, words))
        } else {
            None
        };
        let newest = self.newest_trouble(now);
        if let Some((cause, words)) = reason {
            let since = self.looping.as_ref().map_or(now, |looping| looping.since);
            self.looping = Some(Looping { since, newest, cause, words });
        } else if let Some(looping) = &mut self.looping {
            looping.newest = looping.newest.max(newest);
            if now - looping.newest >= CALM {
                self.looping = None;
            }
        }
        self.looping.as_ref().map(|looping| (looping.cause, looping.words.clone()))
    }

    fn restarted_quickly(&self, now: Time) -> bool {
        self.restarts.len() == RESTARTS_MAX
            && self.restarts.front().is_some_and(|first| now - *first < RESTARTS_WINDOW)
    }

    pub(super) fn wake_at(&self, now: Time) -> Option<Time> {
        let judged = self.looping.as_ref().map(|looping| looping.newest + CALM);
        let away = self.away(now);
        let counted = self
            .away_since
            .filter(|_| away < AWAY_MAX)
            .map(|_| now + AWAY_MAX.less(away).max(Span::from_ms(1)));
        [judged, counted].into_iter().flatten().min().filter(|at| *at > now)
    }

    fn away(&self, now: Time) -> Span {
        let from = now.minus(AWAY_WINDOW);
        let ended = self.stretches.iter().map(|(start, end)| *end - (*start).max(from));
        let going_on = self.away_since.map(|since| now - since.max(from));
        ended.chain(going_on).fold(Span::ZERO, |sum, span| sum + span)
    }

    fn newest_trouble(&self, now: Time) -> Time {
        let ended = self.stretches.back().map(|(_, end)| *end);
        let restarted = self.restarts.back().copied();
        let going_on = self.away_since.map(|_| now);
        [ended, restarted, going_on].into_iter().flatten().max().unwrap_or(Time::ZERO)
    }
}
