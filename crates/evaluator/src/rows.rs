//! The rules a to e and the row of every state (safety.md 3), in the table's order.

use model::{MemberId, Span, Time};

use crate::claim::Work;
use crate::fitness::Unfit;
use crate::guard::Assessment;
use crate::hold::Hold;
use crate::io::{Cause, Credential, NoticeKind, Output, Reach, State};
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
    /// The next way to take, if one is open: rules a to e, then the row of the state.
    pub(crate) fn decide(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        self.rule_a(now, out)
            .or_else(|| self.rule_b(now))
            .or_else(|| self.rule_c())
            .or_else(|| self.rule_d(now, out))
            .or_else(|| self.rule_e(now, out))
            .or_else(|| self.row(now, out))
    }

    fn row(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
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
            State::Hold => self.row_hold(now),
            State::Failed => self.row_failed(now),
            State::Drift => self.row_drift(),
            State::Paused => self.row_paused(now),
            State::Locked => self.row_locked(),
        }
    }

    fn rule_a(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let rule = self.chilled.take()?;
        let why = match rule {
            Rule::NewRoster => "a new roster: everything is looked at again",
            _ => "this computer slept, stalled or changed networks: everything known is unknown now",
        };
        if self.state != State::Cold {
            return Some(Go::new(State::Cold, rule, why));
        }
        self.since = now;
        self.chill(now, out);
        None
    }

    fn rule_b(&self, now: Time) -> Option<Go> {
        let exempt = match self.state {
            State::Cold
            | State::Write
            | State::Unknown
            | State::Verify
            | State::Adopt
            | State::Failed
            | State::Blind => true,
            State::Claim => self.work.as_ref().is_some_and(Work::by_person),
            _ => false,
        };
        if exempt {
            return None;
        }
        if let Some((why, _)) = self.cannot_see() {
            return Some(Go::new(State::Blind, Rule::CannotSee, why));
        }
        // An open claim of ours is settled first, also in a paused pool; UNKNOWN writes nothing there.
        let settles = self.state == State::Route && self.memory.intent.is_some();
        let pauseless = self.state == State::Paused || settles || self.planted.has(Bug::PauseIgnored);
        let why = self.paused(now).filter(|_| !pauseless)?;
        Some(Go::new(State::Paused, Rule::PoolPaused, why))
    }

    /// Why this console cannot see, and whether that is a fault of its own.
    pub(crate) fn cannot_see(&self) -> Option<(String, bool)> {
        if let Some(unfit) = self.fitness.blind() {
            return Some((unfit.words().to_owned(), unfit != Unfit::Slept));
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

    fn rule_c(&self) -> Option<Go> {
        let waits = match self.state {
            State::Cold | State::Blind | State::Failed | State::Write | State::Unknown | State::Adopt => true,
            // The own outcome is learned in UNKNOWN, before the newer marker is adopted.
            State::Route => self.memory.intent.is_some(),
            // Adopting or restoring a changed record is what this claim is for.
            State::Claim => self.work.as_ref().is_some_and(|work| work.cause == Cause::Adopt),
            _ => false,
        };
        if waits {
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

    fn rule_d(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let leased = match self.state {
            State::Steady
            | State::Suspect
            | State::Confirm
            | State::Revive
            | State::Ask
            | State::NoTarget => true,
            State::Claim => {
                !self.work.as_ref().is_some_and(Work::by_person)
                    && !self.planted.has(Bug::LeaseNotCheckedAtSend)
            }
            _ => false,
        };
        if !leased {
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

    fn rule_e(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        self.order.as_ref()?;
        let work = self.take_order(now, out)?;
        let reason = work.reason.clone();
        match self.state {
            State::Claim => {
                self.withdraw(now, "an operator's move goes first", out);
                self.work = Some(work);
                self.note(now, Rule::OperatorMove.word(), reason, out);
                None
            }
            State::Drift => {
                self.work = Some(work);
                Some(Go::new(State::Claim, Rule::OperatorSettles, reason))
            }
            _ => {
                self.work = Some(work);
                Some(Go::new(State::Claim, Rule::OperatorMove, reason))
            }
        }
    }

    fn row_cold(&self, now: Time) -> Option<Go> {
        self.is_warm(now).then(|| Go::new(State::Route, Rule::Warm, "5 s of clear view"))
    }

    fn row_route(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
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
    fn route_unknown(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        if self.sight.silent(active, now) <= self.policy.settings.delay() {
            return None;
        }
        if self.some_testimony_says_down(now, active) {
            return Some(self.confirm_silence(now, active));
        }
        self.tell_cannot_confirm(active, Reach::Here, out);
        None
    }

    fn tell_cannot_confirm(&mut self, active: MemberId, reach: Reach, out: &mut Vec<Output>) {
        let text = format!("{} may be down; this console cannot confirm it", self.name(active));
        self.tell(None, NoticeKind::CannotConfirm, text, reach, out);
    }

    fn confirm_service(&self, active: MemberId) -> Go {
        let reason = format!("{} says that its service is down", self.name(active));
        Go::new(State::Confirm, Rule::ServiceDown, reason)
    }

    fn confirm_silence(&self, now: Time, active: MemberId) -> Go {
        let silent = self.sight.silent(active, now);
        let reason = format!("{} has been silent for {silent}", self.name(active));
        Go::new(State::Confirm, Rule::ActiveSilent, reason)
    }

    fn row_blind(&mut self, now: Time) -> Option<Go> {
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

    fn row_follow(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
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

    fn refused(&self) -> Option<Go> {
        let words = self.register.refused()?;
        Some(Go::new(State::Failed, Rule::Refused, format!("the provider refuses: {words}")))
    }

    fn row_steady(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        if std::mem::take(&mut self.policy_changed) {
            return Some(Go::new(State::Route, Rule::PolicyChanged, "the policy changed"));
        }
        let Some(active) = self.active else {
            return Some(Go::new(
                State::Route,
                Rule::ActiveUnknown,
                "the active member is not in the roster",
            ));
        };
        match self.verdict(now, active, None) {
            Verdict::Up => self.steady_work(now, active, out),
            Verdict::SvcDown => Some(self.confirm_service(active)),
            Verdict::Unknown => {
                Some(Go::new(State::Route, Rule::ActiveUnknown, "nothing is known of the active member"))
            }
            Verdict::Suspect | Verdict::Down | Verdict::AgentLost => {
                Some(Go::new(State::Suspect, Rule::ActiveSuspect, format!("{} is late", self.name(active))))
            }
        }
    }

    /// What the holder does while all is well.
    fn steady_work(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
        if let Some(go) = self.close_foreign(now, active, out) {
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

    /// Intents of others that stay open longer than 60 s are closed by consuming their marker.
    fn close_foreign(&mut self, now: Time, active: MemberId, out: &mut Vec<Output>) -> Option<Go> {
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
        let left = self.foreign.values().find(|(intent, at)| {
            intent.age + (now - *at) > model::settings::INTENT_OLD && intent.epoch == epoch + 1
        })?;
        let armed = self.policy.settings.arming == model::settings::Arming::Armed;
        if !armed || !self.claim_lacks(now, Cause::Abort, active).is_empty() {
            return None;
        }
        let reason =
            format!("console {} left a claim on epoch {} open", left.0.console.short(), left.0.epoch);
        self.work = Some(Work::new(now, Cause::Abort, active, reason.clone()));
        Some(Go::new(State::Claim, Rule::IntentLeft, reason))
    }

    fn row_suspect(&self, now: Time) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        let Some(active) = self.active else {
            return Some(Go::new(
                State::Route,
                Rule::ActiveUnknown,
                "the active member is not in the roster",
            ));
        };
        let name = self.name(active);
        match self.verdict(now, active, None) {
            Verdict::Up => Some(Go::new(State::Steady, Rule::ActiveUp, format!("{name} was heard again"))),
            Verdict::SvcDown => Some(self.confirm_service(active)),
            Verdict::Unknown if self.sight.get(active).is_none_or(|seen| seen.made_after.is_none()) => {
                Some(Go::new(State::Route, Rule::ActiveUnknown, "nothing is known of the active member"))
            }
            Verdict::Down | Verdict::AgentLost | Verdict::Suspect | Verdict::Unknown => {
                self.silent_too_long(now, active).then(|| self.confirm_silence(now, active))
            }
        }
    }

    /// Silent for longer than D, and not because work was planned.
    fn silent_too_long(&self, now: Time, member: MemberId) -> bool {
        let planned = self.sight.get(member).is_some_and(|seen| seen.planned(now));
        !planned && self.sight.silent(member, now) > self.policy.settings.delay()
    }

    /// Ways back to ROUTE from a state that believes the active member lost.
    fn heard_again(&self, now: Time, active: MemberId, verdict: Verdict) -> Option<Go> {
        let name = self.name(active);
        let heard = self.sight.get(active).is_some_and(|seen| seen.made_after.is_some());
        match verdict {
            Verdict::Up => {
                Some(Go::new(State::Route, Rule::ActiveUp, format!("{name} is up: somebody hears it")))
            }
            Verdict::Suspect if heard && !self.silent_too_long(now, active) => {
                Some(Go::new(State::Route, Rule::HeardAgain, format!("{name} was heard a short while ago")))
            }
            _ => None,
        }
    }

    fn claim_move(&mut self, now: Time, cause: Cause, target: MemberId, rule: Rule) -> Go {
        let active = self.active.map_or_else(String::new, |id| self.name(id));
        let target_name = self.name(target);
        let why = match cause {
            Cause::ServiceDown => format!("{active} says that its service is down; {target_name} is ready"),
            Cause::AgentLost => {
                format!("{active} stayed silent after reviving its agent; {target_name} is ready")
            }
            _ => format!("{active} is confirmed down; {target_name} is ready"),
        };
        self.work = Some(Work::new(now, cause, target, why.clone()));
        Go::new(State::Claim, rule, why)
    }

    fn row_confirm(&mut self, now: Time) -> Option<Go> {
        let active = self.active?;
        let found = self.assess(now, active);
        if let Some(go) = self.heard_again(now, active, found.verdict) {
            return Some(go);
        }
        match found.verdict {
            Verdict::SvcDown | Verdict::Down => {
                if let Some((cause, target)) = found.go() {
                    return Some(self.claim_move(now, cause, target, Rule::Confirmed));
                }
                if found.only_third() {
                    self.hold.locked = true;
                    return Some(Go::new(
                        State::Locked,
                        Rule::ThirdMove,
                        "it would be the third automatic move within two hours",
                    ));
                }
            }
            Verdict::AgentLost => {
                if let Some(go) = self.confirm_agent(now, active) {
                    return Some(go);
                }
            }
            Verdict::Unknown | Verdict::Suspect | Verdict::Up => {}
        }
        let over = now - self.since >= self.policy.settings.confirm_window();
        if !over || self.fitness.slept(now) {
            return None;
        }
        if found.target.is_none() {
            return Some(Go::new(State::NoTarget, Rule::NobodyReady, self.nobody_ready(now)));
        }
        let reason = self.ask_reason(&found);
        Some(Go::new(State::Ask, Rule::WindowOver, reason))
    }

    fn confirm_agent(&self, now: Time, active: MemberId) -> Option<Go> {
        let name = self.name(active);
        if self.clean_stop(active) {
            let reason =
                format!("agent-stopped: the agent of {name} was stopped cleanly; that alone never moves");
            return Some(Go::new(State::Ask, Rule::AgentStopped, reason));
        }
        let armed =
            self.policy.settings.arming == model::settings::Arming::Armed && self.policy.held.is_none();
        let held = self.hold.remaining(now, &self.policy.settings) > Span::ZERO
            && !Hold::lets_pass(Cause::AgentLost);
        if !armed || held || self.ask_agent {
            return None;
        }
        let reason = format!("only the agent of {name} is silent; its service answers");
        Some(Go::new(State::Revive, Rule::AgentSilent, reason))
    }

    /// What is missing, the named reason first, and what would happen otherwise.
    pub(crate) fn ask_reason(&self, found: &Assessment) -> String {
        let mut words: Vec<_> = found.lacks.iter().map(|lack| self.lack_words(lack)).collect();
        if found.verdict == Verdict::AgentLost {
            words.insert(0, "agent-lost: only the agent is silent".to_owned());
        }
        if let Some(target) = found.target {
            words.push(format!("would promote {}", self.name(target)));
        }
        words.join("; ")
    }

    pub(crate) fn nobody_ready(&self, now: Time) -> String {
        let bars: Vec<_> = self
            .standbys()
            .take(8)
            .filter_map(|id| Some(format!("{} {}", self.name(id), self.bar(now, id)?.words())))
            .collect();
        if bars.is_empty() {
            "there is no standby".to_owned()
        } else {
            format!("no standby is ready: {}", bars.join(", "))
        }
    }

    fn row_revive(&mut self, now: Time) -> Option<Go> {
        let active = self.active?;
        let found = self.assess(now, active);
        if let Some(go) = self.heard_again(now, active, found.verdict) {
            return Some(go);
        }
        match found.verdict {
            Verdict::SvcDown => return Some(self.confirm_service(active)),
            Verdict::Down => {
                let reason = format!("the service of {} no longer answers", self.name(active));
                return Some(Go::new(State::Confirm, Rule::ServiceGone, reason));
            }
            Verdict::AgentLost => {}
            Verdict::Unknown | Verdict::Suspect | Verdict::Up => {
                let reason =
                    format!("the service of {} no longer answers two vantage points", self.name(active));
                return Some(Go::new(State::Confirm, Rule::ServiceGone, reason));
            }
        }
        if now - self.since < self.policy.settings.revive() {
            return None;
        }
        self.ask_agent = true;
        let moves = self.policy.settings.agent_lost == model::settings::AgentLost::Heartbeat;
        if let Some((cause, target)) = found.go().filter(|_| moves) {
            return Some(self.claim_move(now, cause, target, Rule::ReviveOver));
        }
        if found.target.is_none() {
            return Some(Go::new(State::NoTarget, Rule::NobodyReady, self.nobody_ready(now)));
        }
        let reason = self.ask_reason(&found);
        Some(Go::new(State::Ask, Rule::ReviveOver, reason))
    }

    fn row_ask(&mut self, now: Time) -> Option<Go> {
        let active = self.active?;
        let found = self.assess(now, active);
        if let Some(go) = self.heard_again(now, active, found.verdict) {
            return Some(go);
        }
        let arrived = match found.verdict {
            Verdict::SvcDown | Verdict::Down => found.go().is_some() || found.only_third(),
            // A person was asked about the agent already, or the window found it held.
            Verdict::AgentLost => !self.clean_stop(active) && self.confirm_agent(now, active).is_some(),
            Verdict::Unknown | Verdict::Up | Verdict::Suspect => false,
        };
        arrived.then(|| Go::new(State::Confirm, Rule::MissingArrived, "what was missing has arrived"))
    }

    fn row_no_target(&self, now: Time) -> Option<Go> {
        let active = self.active?;
        let target = self.best_standby(now);
        let verdict = self.verdict(now, active, target);
        if let Some(go) = self.heard_again(now, active, verdict) {
            return Some(go);
        }
        let target = target?;
        Some(Go::new(State::Confirm, Rule::StandbyReady, format!("{} is ready", self.name(target))))
    }

    fn row_verify(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Go> {
        let verifying = self.verifying.expect("VERIFY is entered with a write to read back");
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
    fn record_verified(
        &mut self,
        now: Time,
        verifying: crate::claim::Verifying,
        read: bool,
        out: &mut Vec<Output>,
    ) -> bool {
        let known = self.hold.record(verifying.epoch).copied();
        if let (None, Some((from, to))) = (known, verifying.adopted) {
            // Its mover died before it could write the record: counted as an automatic move, the careful way.
            let record = crate::io::MoveRecord {
                epoch: verifying.epoch,
                age: Span::ZERO,
                cause: Cause::Down,
                from,
                to,
                acknowledged: false,
                verified: read,
            };
            self.hold.add(now, record);
            out.push(Output::Moved(record, self.incident_of(verifying.epoch - 1, from.unwrap_or(to))));
            return true;
        }
        if read && let Some(record) = self.hold.verified(now, verifying.epoch) {
            let about = record.from.unwrap_or(record.to);
            let incident =
                self.incident.unwrap_or_else(|| self.incident_of(record.epoch.saturating_sub(1), about));
            out.push(Output::Moved(record, incident));
        }
        verifying.is_move || known.is_some_and(|record| record.cause.is_move())
    }

    fn row_adopt(&self, now: Time) -> Go {
        let verified = self.hold.record(self.epoch()).is_some_and(|record| record.verified);
        if self.holds_lease(now) && !verified {
            return Go::new(State::Verify, Rule::NotVerified, "no record shows that it was read back");
        }
        Go::new(State::Route, Rule::Adopted, "the newest marker is adopted")
    }

    fn row_hold(&self, now: Time) -> Option<Go> {
        if let Some(go) = self.refused() {
            return Some(go);
        }
        if self.hold.remaining(now, &self.policy.settings) == Span::ZERO {
            return Some(Go::new(State::Route, Rule::HoldOver, "hold-down is over"));
        }
        let active = self.active.filter(|_| self.holds_lease(now))?;
        if self.verdict(now, active, None) == Verdict::SvcDown {
            return Some(self.confirm_service(active));
        }
        let gone = self.silent_too_long(now, active);
        let heard = self.sight.get(active).is_some_and(|seen| seen.made_after.is_some());
        let known = heard || self.some_testimony_says_down(now, active);
        (gone && known).then(|| self.confirm_silence(now, active))
    }

    fn row_failed(&self, now: Time) -> Option<Go> {
        let wait = FAILED_AGAIN.times(1 << self.failed_writes.min(5)).less(FAILED_AGAIN);
        let read = self.register.asked().is_some_and(|asked| asked > self.since + wait);
        let good = read && self.register.refused().is_none() && self.register.unreachable().is_none();
        let _ = now;
        good.then(|| Go::new(State::Route, Rule::ProviderBack, "the provider answers again"))
    }

    fn row_drift(&mut self) -> Option<Go> {
        if self.register.view() != View::Equal || !self.register.settled() {
            return None;
        }
        self.remember(|memory| memory.drift = None);
        Some(Go::new(State::Route, Rule::RecordBack, "the record is what the newest epoch says again"))
    }

    fn row_paused(&self, now: Time) -> Option<Go> {
        self.paused(now).is_none().then(|| Go::new(State::Route, Rule::PauseOver, "the pause is over"))
    }

    fn row_locked(&self) -> Option<Go> {
        (!self.hold.locked)
            .then(|| Go::new(State::Route, Rule::Acknowledged, "a person has seen the automatic moves"))
    }
}
