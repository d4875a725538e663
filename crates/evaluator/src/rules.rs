//! The rules of every state, a to e, checked in this order before its row (safety.md 3).

use model::Time;

use crate::claim::Work;
use crate::io::{Cause, Credential, Output, State};
use crate::machine::{Go, Machine};
use crate::plant::Bug;
use crate::register::View;
use crate::state::Rule;

impl Machine {
    /// The next way to take, if one is open: rules a to e, then the row of the state.
    pub(crate) fn decide(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        self.rule_a(now, out)
            .or_else(|| self.rule_b(now))
            .or_else(|| self.rule_c())
            .or_else(|| self.rule_d(now, out))
            .or_else(|| self.rule_e(now, out))
            .or_else(|| self.row(now, out))
    }

    pub(crate) fn rule_a(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let rule = self.chilled.take()?;
        let why = if rule == Rule::NewRoster {
            "a new roster: everything is looked at again"
        } else {
            "this computer slept, stalled or changed networks: everything known is unknown now"
        };
        if self.state != State::Cold {
            return Some(Go::new(State::Cold, rule, why));
        }
        self.since = now;
        self.chill(now, out);
        None
    }

    pub(crate) fn rule_b(&self, now: Time) -> Option<Go> {
        let exempt = matches!(
            self.state,
            State::Cold
                | State::Write
                | State::Unknown
                | State::Verify
                | State::Adopt
                | State::Failed
                | State::Blind
        );
        let by_person = self.state == State::Claim && self.work.as_ref().is_some_and(Work::by_person);
        if exempt || by_person {
            return None;
        }
        if let Some((why, _)) = self.cannot_see() {
            return Some(Go::new(State::Blind, Rule::CannotSee, why));
        }
        // An open claim of ours is settled first, also in a paused pool; UNKNOWN writes nothing there.
        let settles = self.state == State::Route && self.memory.intent.is_some();
        // DRIFT has automation off already and waits for a person; going on to PAUSED would hide why, and rule c
        // would lead straight back.
        let still = matches!(self.state, State::Paused | State::Drift);
        let pauseless = still || settles || self.planted.has(Bug::PauseIgnored);
        let why = self.paused(now).filter(|_| !pauseless)?;
        Some(Go::new(State::Paused, Rule::PoolPaused, why))
    }

    /// Why this console cannot see, and whether that is a fault of its own.
    pub(crate) fn cannot_see(&self) -> Option<(String, bool)> {
        if let Some(unfit) = self.fitness.blind() {
            return Some((unfit.words().to_owned(), true));
        }
        self.policy.hostname.as_ref()?;
        if let Credential::Missing(words) = &self.credential {
            return Some((format!("no usable DNS credential: {words}"), false));
        }
        if let Some(words) = self.register.unreachable() {
            return Some((format!("the DNS provider does not answer: {words}"), false));
        }
        // STEADY, SUSPECT, HOLD and CLAIM have a way to FAILED of their own.
        let own_way = matches!(self.state, State::Steady | State::Suspect | State::Hold | State::Claim);
        let refused = self.register.refused().filter(|_| !own_way)?;
        Some((format!("the DNS provider refuses: {refused}"), false))
    }

    /// Why the pool is paused, if it is.
    pub(crate) fn paused(&self, now: Time) -> Option<String> {
        if self.pause_until.is_some_and(|until| now < until) {
            let pause = self.policy.pause.as_ref();
            return Some(
                pause.map_or_else(String::new, |pause| format!("paused by {}: {}", pause.by, pause.why)),
            );
        }
        let active = self.active?;
        let seen = self.sight.get(active)?;
        let works = seen.facts.as_ref().is_some_and(|facts| facts.maintenance) && seen.made_after.is_some();
        works.then(|| format!("{} is in maintenance", self.name(active)))
    }

    pub(crate) fn rule_c(&self) -> Option<Go> {
        let later = matches!(
            self.state,
            State::Cold | State::Blind | State::Failed | State::Write | State::Unknown | State::Adopt
        );
        // The own outcome is learned in UNKNOWN, before the newer marker is adopted.
        let unsettled = self.state == State::Route && self.memory.intent.is_some();
        // Adopting or restoring a changed record is what such a claim is for.
        let settles =
            self.state == State::Claim && self.work.as_ref().is_some_and(|work| work.cause == Cause::Adopt);
        if later || unsettled || settles {
            return None;
        }
        if self.register.view() == View::Newer {
            let epoch = self.register.marker().map_or(0, |marker| marker.epoch);
            return Some(Go::new(
                State::Adopt,
                Rule::NewerMarker,
                format!("the register holds epoch {epoch}"),
            ));
        }
        let ignored = self.state == State::Drift || self.planted.has(Bug::ForeignEditOverwritten);
        let odd = self.register.changed().filter(|_| !ignored)?;
        Some(Go::new(State::Drift, Rule::RecordChanged, odd.words()))
    }

    pub(crate) fn rule_d(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let watching = matches!(
            self.state,
            State::Steady | State::Suspect | State::Confirm | State::Revive | State::Ask | State::NoTarget
        );
        let claims = self.state == State::Claim
            && !self.work.as_ref().is_some_and(Work::by_person)
            && !self.planted.has(Bug::LeaseNotCheckedAtSend);
        if !watching && !claims {
            return None;
        }
        if self.state == State::Steady && self.lease.wanted_by.is_some() && self.lease.yield_to_higher(now) {
            out.push(Output::LeaseRelease);
        }
        if self.holds_lease(now) {
            return None;
        }
        Some(Go::new(State::Follow, Rule::LeaseLost, self.why_not_holder(now)))
    }

    pub(crate) fn why_not_holder(&self, now: Time) -> String {
        if self.watch == crate::io::Watch::Off {
            return "this computer's watch is off".to_owned();
        }
        if let Credential::Missing(words) = &self.credential {
            return format!("this console has no DNS credential: {words}");
        }
        if let Some(other) = self.lease.other(now) {
            return format!("console {} holds the watch lease (rank {})", other.console.short(), other.rank);
        }
        match &self.lease.refusal {
            Some(words) => format!("no relay grants the watch lease: {words}"),
            None => "no relay that answers grants the watch lease".to_owned(),
        }
    }

    pub(crate) fn rule_e(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        self.order.as_ref()?;
        let work = self.take_order(now, out)?;
        let reason = work.reason.clone();
        if self.state == State::Claim {
            self.withdraw(now, "an operator's move goes first", out);
            self.note(now, Rule::OperatorMove.word(), reason, out);
            self.work = Some(work);
            return None;
        }
        self.work = Some(work);
        let rule = if self.state == State::Drift { Rule::OperatorSettles } else { Rule::OperatorMove };
        Some(Go::new(State::Claim, rule, reason))
    }
}
