//! The watch lease, console side. Advice: it decides who works; safety never rests on it.

use std::collections::BTreeMap;

use model::settings::LEASE_CONSOLE;
use model::{MemberId, Span, Time};

use crate::io::{Holder, LeaseAnswer, Roster};

/// How often the lease is asked for and renewed.
pub(crate) const ASK_EVERY: Span = Span::from_s(4);
/// After yielding to a higher rank, how long it is left alone.
const YIELD_FOR: Span = Span::from_s(10);

#[derive(Clone, Copy, Debug)]
struct Grant {
    sent: Time,
    granted: bool,
    other: Option<Holder>,
}

#[derive(Clone, Debug)]
pub(crate) struct Lease {
    me: Holder,
    answers: BTreeMap<MemberId, Grant>,
    pub(crate) next_ask: Time,
    /// A console of higher rank asked for it.
    pub(crate) wanted_by: Option<Holder>,
    pub(crate) refusal: Option<String>,
    /// Whether relays may believe that this console holds it.
    maybe_held: bool,
    /// When it was last given back: answers to what was asked before do not count.
    given_back: Option<Time>,
}

impl Lease {
    pub(crate) const fn new(me: Holder, now: Time) -> Self {
        Self {
            me,
            answers: BTreeMap::new(),
            next_ask: now,
            wanted_by: None,
            refusal: None,
            maybe_held: false,
            given_back: None,
        }
    }

    pub(crate) fn on_answer(&mut self, now: Time, relay: MemberId, answer: LeaseAnswer, roster: &Roster) {
        let fresh = now - answer.sent < LEASE_CONSOLE && answer.sent <= now;
        let before = self.given_back.is_some_and(|at| answer.sent <= at);
        let newest = self.answers.get(&relay).is_none_or(|before| answer.sent >= before.sent);
        if !fresh || !newest || before || !roster.members.contains_key(&relay) {
            return;
        }
        self.wanted_by = answer.wanted_by.filter(|wanted| *wanted > self.me);
        self.refusal = answer.refusal;
        self.maybe_held |= answer.granted;
        let other = answer.holder.filter(|holder| holder.console != self.me.console);
        self.answers.insert(relay, Grant { sent: answer.sent, granted: answer.granted, other });
    }

    /// Whether this console holds the lease: a relay that answers grants it, and none that answers names a live
    /// holder of higher rank.
    pub(crate) fn held(&self, now: Time) -> bool {
        let mut granted = false;
        for grant in self.answers.values().filter(|grant| now - grant.sent < LEASE_CONSOLE) {
            if grant.other.is_some_and(|other| other > self.me) {
                return false;
            }
            granted |= grant.granted;
        }
        granted
    }

    /// The highest live holder that any relay names.
    pub(crate) fn other(&self, now: Time) -> Option<Holder> {
        let live = self.answers.values().filter(|grant| now - grant.sent < LEASE_CONSOLE);
        live.filter_map(|grant| grant.other).max()
    }

    /// Forgets every grant; says whether relays should be told.
    pub(crate) fn release(&mut self, now: Time) -> bool {
        self.given_back = Some(now);
        self.answers.clear();
        self.wanted_by = None;
        std::mem::take(&mut self.maybe_held)
    }

    /// Leaves the lease to a higher rank.
    pub(crate) fn yield_to_higher(&mut self, now: Time) -> bool {
        self.next_ask = now + YIELD_FOR;
        self.release(now)
    }

    /// Notes that a request goes out now. Relays may have granted it before their answer arrives.
    pub(crate) fn asked(&mut self, now: Time) {
        self.next_ask = now + ASK_EVERY;
        self.maybe_held = true;
    }
}

#[cfg(test)]
mod tests {
    use model::ConsoleId;

    use super::*;
    use crate::io::{Member, Part};

    const fn holder(rank: u32, console: u32) -> Holder {
        Holder { rank, console: ConsoleId::from_number(console) }
    }

    fn answer(sent: u64, granted: bool, other: Option<Holder>) -> LeaseAnswer {
        LeaseAnswer { sent: Time::from_ms(sent), granted, holder: other, wanted_by: None, refusal: None }
    }

    fn roster() -> Roster {
        let member = || Member {
            name: "a".into(),
            address: std::net::Ipv4Addr::LOCALHOST,
            part: Part::Member,
            priority: 0,
            same_host: false,
        };
        let members = (1..=2).map(|n| (MemberId::from_number(n), member())).collect();
        Roster { version: 1, members }
    }

    #[test]
    fn a_grant_counts_from_sending_and_ends_after_twelve_seconds() {
        let mut lease = Lease::new(holder(100, 1), Time::ZERO);
        lease.on_answer(Time::from_ms(400), MemberId::from_number(1), answer(0, true, None), &roster());
        assert!(lease.held(Time::from_ms(11_999)));
        assert!(!lease.held(Time::from_ms(12_000)));
    }

    #[test]
    fn a_higher_rank_anywhere_outweighs_an_own_grant_and_a_lower_one_does_not() {
        let mut lease = Lease::new(holder(100, 1), Time::ZERO);
        lease.on_answer(Time::ZERO, MemberId::from_number(1), answer(0, true, None), &roster());
        lease.on_answer(
            Time::ZERO,
            MemberId::from_number(2),
            answer(0, false, Some(holder(50, 9))),
            &roster(),
        );
        assert!(lease.held(Time::ZERO));
        lease.on_answer(
            Time::ZERO,
            MemberId::from_number(2),
            answer(0, false, Some(holder(200, 9))),
            &roster(),
        );
        assert!(!lease.held(Time::ZERO));
    }

    #[test]
    fn a_grant_asked_for_before_giving_back_is_too_late() {
        let mut lease = Lease::new(holder(100, 1), Time::ZERO);
        lease.release(Time::from_ms(100));
        lease.on_answer(Time::from_ms(120), MemberId::from_number(1), answer(100, true, None), &roster());
        assert!(!lease.held(Time::from_ms(120)));
        lease.on_answer(Time::from_ms(130), MemberId::from_number(1), answer(101, true, None), &roster());
        assert!(lease.held(Time::from_ms(130)));
    }

    #[test]
    fn an_answer_that_took_too_long_or_comes_from_a_stranger_grants_nothing() {
        let mut lease = Lease::new(holder(100, 1), Time::ZERO);
        lease.on_answer(Time::from_ms(12_000), MemberId::from_number(1), answer(0, true, None), &roster());
        lease.on_answer(Time::ZERO, MemberId::from_number(7), answer(0, true, None), &roster());
        assert!(!lease.held(Time::from_ms(12_000)) && !lease.held(Time::ZERO));
    }
}
