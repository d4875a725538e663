//! The rows of a member that seems lost: CONFIRM, REVIVE, ASK and NO_TARGET.

use model::settings::{AgentLost, Arming};
use model::{MemberId, Span, Time};

use crate::claim::Work;
use crate::guard::Assessment;
use crate::hold::Hold;
use crate::io::{Cause, State};
use crate::machine::{Go, Machine};
use crate::state::Rule;
use crate::verdict::Verdict;

impl Machine {
    pub(crate) fn confirm_service(&self, active: MemberId) -> Go {
        let reason = format!("{} says that its service is down", self.name(active));
        Go::new(State::Confirm, Rule::ServiceDown, reason)
    }

    pub(crate) fn confirm_silence(&self, now: Time, active: MemberId) -> Go {
        let silent = self.sight.silent(active, now);
        let reason = format!("{} has been silent for {silent}", self.name(active));
        Go::new(State::Confirm, Rule::ActiveSilent, reason)
    }

    /// Silent for longer than D, and not because work was planned.
    pub(crate) fn silent_too_long(&self, now: Time, member: MemberId) -> bool {
        let planned = self.sight.get(member).is_some_and(|seen| seen.planned(now));
        !planned && self.sight.silent(member, now) > self.policy.settings.delay()
    }

    /// Ways back to ROUTE from a state that believes the active member lost.
    pub(crate) fn heard_again(&self, now: Time, active: MemberId, verdict: Verdict) -> Option<Go> {
        let name = self.name(active);
        let heard = self.sight.get(active).is_some_and(|seen| seen.made_after.is_some());
        match verdict {
            Verdict::Up => {
                Some(Go::new(State::Route, Rule::ActiveUp, format!("{name} is up: somebody hears it")))
            }
            Verdict::Suspect if heard && !self.silent_too_long(now, active) => {
                Some(Go::new(State::Route, Rule::HeardAgain, format!("{name} was heard a short while ago")))
            }
            Verdict::Suspect | Verdict::Unknown | Verdict::Down | Verdict::SvcDown | Verdict::AgentLost => {
                None
            }
        }
    }

    pub(crate) fn claim_move(&mut self, now: Time, cause: Cause, target: MemberId, rule: Rule) -> Go {
        let active = self.active.map_or_else(String::new, |id| self.name(id));
        let target_name = self.name(target);
        let why = match cause {
            Cause::ServiceDown => format!("{active} says that its service is down; {target_name} is ready"),
            Cause::AgentLost => {
                format!("{active} stayed silent after reviving its agent; {target_name} is ready")
            }
            Cause::Down | Cause::Manual | Cause::Preferred | Cause::Ddns | Cause::Abort | Cause::Adopt => {
                format!("{active} is confirmed down; {target_name} is ready")
            }
        };
        self.work = Some(Work::new(now, cause, target, why.clone()));
        Go::new(State::Claim, rule, why)
    }

    pub(crate) fn row_confirm(&mut self, now: Time) -> Option<Go> {
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
                    return Some(self.lock());
                }
            }
            Verdict::AgentLost => {
                if let Some(go) = self.confirm_agent(now, active, &found) {
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

    fn lock(&mut self) -> Go {
        self.hold.locked = true;
        Go::new(State::Locked, Rule::ThirdMove, "it would be the third automatic move within two hours")
    }

    pub(crate) fn confirm_agent(&self, now: Time, active: MemberId, found: &Assessment) -> Option<Go> {
        let name = self.name(active);
        if self.clean_stop(active) {
            let reason =
                format!("agent-stopped: the agent of {name} was stopped cleanly; that alone never moves");
            return Some(Go::new(State::Ask, Rule::AgentStopped, reason));
        }
        let armed = self.policy.settings.arming == Arming::Armed && self.policy.held.is_none();
        let held = self.hold.remaining(now, &self.policy.settings) > Span::ZERO
            && !Hold::lets_pass(Cause::AgentLost);
        // The time for reviving is given once; after it only what was missing for a move leads on.
        let tried = self.revive_since.is_some() && now >= self.revive_over();
        let moves = self.policy.settings.agent_lost == AgentLost::Heartbeat;
        let leads_on = !tried || (moves && (found.go().is_some() || found.only_third()));
        if !armed || held || !leads_on {
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

    pub(crate) fn row_revive(&mut self, now: Time) -> Option<Go> {
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
        if now < self.revive_over() || self.fitness.slept(now) {
            return None;
        }
        let moves = self.policy.settings.agent_lost == AgentLost::Heartbeat;
        if let Some((cause, target)) = found.go().filter(|_| moves) {
            return Some(self.claim_move(now, cause, target, Rule::ReviveOver));
        }
        if found.only_third() && moves {
            return Some(self.lock());
        }
        if found.target.is_none() {
            return Some(Go::new(State::NoTarget, Rule::NobodyReady, self.nobody_ready(now)));
        }
        let reason = self.ask_reason(&found);
        Some(Go::new(State::Ask, Rule::ReviveOver, reason))
    }

    pub(crate) fn row_ask(&mut self, now: Time) -> Option<Go> {
        let active = self.active?;
        let found = self.assess(now, active);
        if let Some(go) = self.heard_again(now, active, found.verdict) {
            return Some(go);
        }
        let arrived = match found.verdict {
            Verdict::SvcDown | Verdict::Down => found.go().is_some() || found.only_third(),
            Verdict::AgentLost => {
                !self.clean_stop(active) && self.confirm_agent(now, active, &found).is_some()
            }
            Verdict::Unknown | Verdict::Up | Verdict::Suspect => false,
        };
        arrived.then(|| Go::new(State::Confirm, Rule::MissingArrived, "what was missing has arrived"))
    }

    pub(crate) fn row_no_target(&self, now: Time) -> Option<Go> {
        let active = self.active?;
        let target = self.best_standby(now);
        let verdict = self.verdict(now, active, target);
        if let Some(go) = self.heard_again(now, active, verdict) {
            return Some(go);
        }
        let target = target?;
        Some(Go::new(State::Confirm, Rule::StandbyReady, format!("{} is ready", self.name(target))))
    }
}
