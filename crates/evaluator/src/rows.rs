//! The row of every other state (safety.md 3), in the table's order.

use model::settings::{Arming, INTENT_OLD};
use model::{MemberId, Span, Time};

use crate::claim::{Verifying, Work};
use crate::io::{Cause, NoticeKind, Output, Reach, State};
use crate::machine::{Go, Machine};
use crate::plant::Bug;
use crate::register::View;
use crate::state::Rule;
use crate::verdict::Verdict;

/// BLIND ends when its condition has been clear for this long.
pub(crate) const CLEAR_FOR: Span = Span::from_s(5);
/// A write that is not read back within this span raises an alarm.
pub(crate) const READ_BACK_WITHIN: Span = Span::from_s(60);
/// The preferred member must have been ready for this long.
const PREFERRED_READY: Span = Span::from_s(600);
/// A provider that rejected a write is tried again after this long, doubled with each rejection.
const FAILED_AGAIN: Span = Span::from_s(30);

impl Machine {
    pub(crate) fn row(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        match self.state {
            State::Cold => self.row_cold(now),
            State::Route => self.row_route(now, out),
            State::Blind => self.row_blind(now),
            State::Follow => self.row_follow(now, out),
            State::Steady => self.row_steady(now, out),
            State::Suspect => self.row_suspect(now),
            State::Confirm => self.row_confirm(now),
            State::Revive => self.row_revive(now),
            State::Ask => self.row_ask(now),
            State::NoTarget => self.row_no_target(now),
            State::Claim => self.row_claim(now, out),
            State::Write => self.row_write(now, out),
            State::Unknown => self.row_unknown(now, out),
            State::Verify => self.row_verify(now, out),
            State::Adopt => Some(self.row_adopt(now)),
            State::Hold => self.row_hold(now, out),
            State::Failed => self.row_failed(now),
            State::Drift => self.row_drift(),
            State::Paused => self.row_paused(now),
            State::Locked => self.row_locked(),
        }
    }

    pub(crate) fn row_cold(&self, now: Time) -> Option<Go> {
        self.is_warm(now).then(|| Go::new(State::Route, Rule::Warm, "5 s of clear view"))
    }

    pub(crate) fn row_route(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        self.policy.hostname.as_ref()?;
        if let Some(intent) = &self.memory.intent {
            return Some(Go::new(
                State::Unknown,
                Rule::IntentOpen,
                format!("the claim on epoch {} has no known outcome", intent.epoch),
            ));
        }
        if let Some(words) = self.memory.drift.clone() {
            return Some(Go::new(State::Drift, Rule::DriftOpen, words));
        }
        if self.hold.locked {
            return Some(Go::new(
                State::Locked,
                Rule::ThirdMove,
                "a person has to see the automatic moves first",
            ));
        }
        self.memory.marker.as_ref()?;
        let left = self.hold.remaining(now, &self.policy.settings);
        if left > Span::ZERO && !self.planted.has(Bug::IgnoreHoldDown) {
            return Some(Go::new(State::Hold, Rule::HoldRuns, format!("hold-down runs for {left}")));
        }
        if !self.holds_lease(now) {
            return Some(Go::new(State::Follow, Rule::NotHolder, self.why_not_holder(now)));
        }
        let active = self.active?;
        let name = self.name(active);
        match self.verdict(now, active, self.best_standby(now)) {
            Verdict::Up => Some(Go::new(State::Steady, Rule::ActiveUp, format!("{name} is up"))),
            Verdict::Suspect => Some(Go::new(State::Suspect, Rule::ActiveSuspect, format!("{name} is late"))),
            Verdict::SvcDown => Some(self.confirm_service(active)),
            Verdict::Down | Verdict::AgentLost => Some(self.confirm_silence(now, active)),
            Verdict::Unknown => self.route_unknown(now, active, out),
        }
    }

    /// The active member has not been heard since this console can see: others may know more.
    pub(crate) fn route_unknown(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        if !self.silent_too_long(now, active) {
            return None;
        }
        if self.some_testimony_says_down(now, active) {
            return Some(self.confirm_silence(now, active));
        }
        self.tell_cannot_confirm(active, Reach::Here, out);
        None
    }

    pub(crate) fn tell_cannot_confirm(&mut self, active: MemberId, reach: Reach, out: &mut Vec<Output>) {
        let text = format!("{} may be down; this console cannot confirm it", self.name(active));
        let incident = self.incident_of(self.epoch(), active);
        self.tell(Some(incident), NoticeKind::CannotConfirm, text, reach, out);
    }

    pub(crate) fn row_blind(&mut self, now: Time) -> Option<Go> {
        if let Some((why, own)) = self.cannot_see() {
            self.blind.why = why;
            self.blind.own_fault |= own;
            self.blind.clear_since = None;
            return None;
        }
        let since = *self.blind.clear_since.get_or_insert(now);
        (now - since >= CLEAR_FOR)
            .then(|| Go::new(State::Route, Rule::SeesAgain, "the view has been clear for 5 s"))
    }

    pub(crate) fn row_follow(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        if self.holds_lease(now) {
            return Some(Go::new(State::Route, Rule::LeaseGranted, "the watch lease was granted"));
        }
        let active = self.active?;
        let seems_lost = self.sight.silent(active, now) > self.policy.settings.delay() + Span::from_s(5);
        if seems_lost && self.sight.get(active).is_some_and(|seen| !seen.planned(now)) {
            self.tell_cannot_confirm(active, Reach::Here, out);
        }
        None
    }

    pub(crate) fn refused(&self) -> Option<Go> {
        let words = self.register.refused()?;
        Some(Go::new(State::Failed, Rule::Refused, format!("the provider refuses: {words}")))
    }

    pub(crate) fn row_steady(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        if std::mem::take(&mut self.policy_changed) {
            return Some(Go::new(State::Route, Rule::PolicyChanged, "the policy changed"));
        }
        let active = self.active?;
        match self.verdict(now, active, None) {
            Verdict::Up => self.steady_work(now, active, out),
            Verdict::SvcDown => Some(self.confirm_service(active)),
            Verdict::Suspect | Verdict::Down | Verdict::AgentLost | Verdict::Unknown => {
                Some(Go::new(State::Suspect, Rule::ActiveSuspect, format!("{} is late", self.name(active))))
            }
        }
    }

    /// What the holder does while all is well.
    pub(crate) fn steady_work(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        if self.stuck(now).is_some() {
            return None;
        }
        if let Some(go) = self.close_foreign(now, active, out) {
            return Some(go);
        }
        if let Some(go) = self.follow_address(now, active) {
            return Some(go);
        }
        let preferred = if self.planted.has(Bug::FailsBack) {
            self.roster.members.iter().min_by_key(|(id, entry)| (entry.priority, **id)).map(|(id, _)| *id)
        } else {
            let ready = |id: &MemberId| self.ready_streak(now, *id) >= PREFERRED_READY;
            self.policy.preferred.filter(ready)
        };
        let target = preferred.filter(|id| *id != active)?;
        let bar = self.bar(now, target);
        if bar.is_some() || !self.claim_lacks(now, Cause::Preferred, target).is_empty() {
            return None;
        }
        let reason = format!("{} is the preferred member and has been ready for 10 min", self.name(target));
        self.work = Some(Work::new(now, Cause::Preferred, target, reason.clone()));
        Some(Go::new(State::Claim, Rule::PreferredReady, reason))
    }

    /// Dynamic DNS: the record follows the active member's address if two vantage points see what it declares.
    fn follow_address(&mut self, now: Time, active: MemberId) -> Option<Go> {
        let standing = self.memory.marker.as_ref()?.address;
        let ip = self.seen_address(now, active).filter(|ip| *ip != standing)?;
        if self.followed_lately(now) || !self.claim_lacks(now, Cause::Ddns, active).is_empty() {
            return None;
        }
        self.ddns_at = Some(now);
        self.incident = Some(self.incident_of(self.epoch(), active));
        let reason = format!("the address of {} changed from {standing} to {ip}", self.name(active));
        self.work = Some(Work::new(now, Cause::Ddns, active, reason.clone()));
        Some(Go::new(State::Claim, Rule::AddressChanged, reason))
    }

    /// Intents of others that stay open longer than 60 s are closed by consuming their marker.
    pub(crate) fn close_foreign(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        if self.foreign.is_empty() {
            return None;
        }
        let epoch = self.epoch();
        let settled: Vec<_> =
            self.foreign.values().filter(|(intent, _)| intent.epoch <= epoch).cloned().collect();
        for (intent, _) in settled {
            self.foreign.remove(&intent.nonce);
            out.push(Output::IntentClose { nonce: intent.nonce, epoch: intent.epoch });
        }
        let left = self
            .foreign
            .values()
            .find(|(intent, at)| intent.age + (now - *at) > INTENT_OLD && intent.epoch == epoch + 1)?;
        let armed = self.policy.settings.arming == Arming::Armed;
        if !armed || !self.claim_lacks(now, Cause::Abort, active).is_empty() {
            return None;
        }
        let reason =
            format!("console {} left a claim on epoch {} open", left.0.console.short(), left.0.epoch);
        self.work = Some(Work::new(now, Cause::Abort, active, reason.clone()));
        Some(Go::new(State::Claim, Rule::IntentLeft, reason))
    }

    pub(crate) fn row_suspect(&self, now: Time) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        let active = self.active?;
        let name = self.name(active);
        match self.verdict(now, active, None) {
            Verdict::Up => Some(Go::new(State::Steady, Rule::ActiveUp, format!("{name} was heard again"))),
            Verdict::SvcDown => Some(self.confirm_service(active)),
            Verdict::Down | Verdict::AgentLost | Verdict::Suspect | Verdict::Unknown => {
                self.silent_too_long(now, active).then(|| self.confirm_silence(now, active))
            }
        }
    }

    pub(crate) fn row_verify(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let verifying = self.verifying?;
        let read = self.register.view() == View::Equal
            && self.register.asked().is_some_and(|asked| asked >= self.since);
        if !read && now - self.since < READ_BACK_WITHIN {
            if self.register.asked().is_some_and(|asked| asked >= self.since) {
                let again = (now - self.since).over(2).max(Span::from_ms(500)).min(Span::from_s(5));
                self.register.want(self.register.asked().unwrap_or(now) + again);
            }
            return None;
        }
        let is_move = self.record_verified(now, verifying, read, out);
        let to = if is_move { State::Hold } else { State::Route };
        if read {
            return Some(Go::new(to, Rule::ReadBack, format!("epoch {} is read back", verifying.epoch)));
        }
        let text = format!("epoch {} was accepted, not read back within 60 s", verifying.epoch);
        self.tell(self.incident, NoticeKind::NotReadBack, text.clone(), Reach::Shared, out);
        Some(Go::new(to, Rule::NotReadBack, text))
    }

    /// Writes into the shared records that this epoch was read back; says whether it was a move.
    pub(crate) fn record_verified(
        &mut self,
        now: Time,
        verifying: Verifying,
        read: bool,
        out: &mut Vec<Output>,
    ) -> bool {
        let known = self.hold.record(verifying.epoch).copied();
        if read && let Some(record) = self.hold.verified(now, verifying.epoch) {
            let about = record.from.unwrap_or(record.to);
            let incident =
                self.incident.unwrap_or_else(|| self.incident_of(record.epoch.saturating_sub(1), about));
            out.push(Output::Moved(record, incident));
        }
        verifying.is_move || known.is_some_and(|record| record.cause.is_move())
    }

    pub(crate) fn row_adopt(&self, now: Time) -> Go {
        let verified = self.hold.record(self.epoch()).is_some_and(|record| record.verified);
        if self.holds_lease(now) && !verified {
            return Go::new(State::Verify, Rule::NotVerified, "no record shows that it was read back");
        }
        Go::new(State::Route, Rule::Adopted, "the newest marker is adopted")
    }

    pub(crate) fn row_hold(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        if self.hold.remaining(now, &self.policy.settings) == Span::ZERO {
            return Some(Go::new(State::Route, Rule::HoldOver, "hold-down is over"));
        }
        let active = self.active.filter(|_| self.holds_lease(now))?;
        if let Some(go) = self.lost_again(now, active, out) {
            return Some(go);
        }
        if self.stuck(now).is_some() {
            return None;
        }
        // Closing what another console left open moves nothing, and hold-down lasts longer than an intent may.
        self.close_foreign(now, active, out)
    }

    /// In HOLD: the new active member is lost, too.
    fn lost_again(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        let service = self.verdict(now, active, None) == Verdict::SvcDown;
        let gone = self.silent_too_long(now, active);
        let heard = self.sight.get(active).is_some_and(|seen| seen.made_after.is_some());
        let known = heard || self.some_testimony_says_down(now, active);
        if !(service || gone && known) {
            return None;
        }
        if let Some((active, left)) = self.left_by_hand(now) {
            let name = self.name(active);
            let text = format!(
                "{name} was chosen by hand and does not serve; nothing moves by itself for {left}: move on by hand, or wait"
            );
            let incident = self.incident_of(self.epoch(), active);
            self.tell(Some(incident), NoticeKind::Ask, text, Reach::Shared, out);
            return None;
        }
        Some(if service { self.confirm_service(active) } else { self.confirm_silence(now, active) })
    }

    pub(crate) fn row_failed(&self, now: Time) -> Option<Go> {
        let wait = FAILED_AGAIN.times(1 << self.failed_writes.min(5)).less(FAILED_AGAIN);
        let read = self.register.asked().is_some_and(|asked| asked > self.since + wait);
        let good = read && self.register.refused().is_none() && self.register.unreachable().is_none();
        let _ = now;
        good.then(|| Go::new(State::Route, Rule::ProviderBack, "the provider answers again"))
    }

    pub(crate) fn row_drift(&mut self) -> Option<Go> {
        if self.register.view() != View::Equal || !self.register.settled() {
            return None;
        }
        self.remember(|memory| {
            memory.drift = None;
            // The marker stands as before, so what was open before is open still: ROUTE asks about it.
            // What rested on another marker cannot land on this one.
            let stands = memory.marker.clone();
            let left = std::mem::take(&mut memory.left).into_iter();
            let mut left = left.filter(|claim| claim.expect_marker == stands);
            memory.intent = left.next();
            memory.abort = left.find(|claim| claim.cause == Cause::Abort);
        });
        Some(Go::new(State::Route, Rule::RecordBack, "the record is what the newest epoch says again"))
    }

    pub(crate) fn row_paused(&self, now: Time) -> Option<Go> {
        self.paused(now).is_none().then(|| Go::new(State::Route, Rule::PauseOver, "the pause is over"))
    }

    pub(crate) fn row_locked(&self) -> Option<Go> {
        (!self.hold.locked)
            .then(|| Go::new(State::Route, Rule::Acknowledged, "a person has seen the automatic moves"))
    }
}
