//! What an automatic move still lacks. The same list is asked in CONFIRM, again right before sending, and by
//! `explain`: there is one set of guards.

use model::settings::Arming;
use model::{MemberId, Time};

use crate::fitness::Unfit;
use crate::hold::Hold;
use crate::io::{Cause, Credential};
use crate::machine::Machine;
use crate::plant::Bug;
use crate::ready::Bar;
use crate::register::View;
use crate::verdict::Verdict;
use crate::voters::Quorum;

/// One thing that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The verdict is not what the cause needs.
    Verdict(Verdict),
    /// Too few voices of silence.
    Voices {
        down: usize,
        needed: u32,
    },
    NoTarget,
    NotReady(MemberId, Bar),
    TargetOlder(MemberId),
    Voters(Quorum),
    Unfit(Unfit),
    NotHolder,
    Credential(String),
    NotArmed,
    Held(String),
    Paused,
    Record,
    /// No two vantage points see the active member at the address that it declares.
    Address,
    HoldDown,
    /// A person moved traffic to the active member although it did not serve.
    ByHand(MemberId, model::Span),
    Stuck(String),
    Third,
}

/// What could be done about the active member now.
#[derive(Clone, Debug)]
pub(crate) struct Assessment {
    pub(crate) verdict: Verdict,
    pub(crate) cause: Option<Cause>,
    pub(crate) target: Option<MemberId>,
    /// Most telling first; empty means go.
    pub(crate) lacks: Vec<Lack>,
}

impl Assessment {
    pub(crate) fn go(&self) -> Option<(Cause, MemberId)> {
        self.cause.zip(self.target).filter(|_| self.lacks.is_empty())
    }

    /// Everything is there, but it would be the third automatic move.
    pub(crate) fn only_third(&self) -> bool {
        self.lacks.len() == 1 && self.lacks.contains(&Lack::Third)
    }
}

impl Machine {
    /// Assesses a move away from the active member.
    pub(crate) fn assess(&self, now: Time, active: MemberId) -> Assessment {
        let target = self.pick_target(now);
        let verdict = self.verdict(now, active, target);
        let cause = match verdict {
            Verdict::SvcDown => Some(Cause::ServiceDown),
            Verdict::Down => Some(Cause::Down),
            Verdict::AgentLost => Some(Cause::AgentLost),
            Verdict::Unknown | Verdict::Up | Verdict::Suspect => None,
        };
        let mut lacks = Vec::new();
        match cause {
            None => lacks.push(self.lacking_verdict(now, active, verdict)),
            Some(cause) => self.lacks_of_cause(now, active, cause, target, &mut lacks),
        }
        match target {
            None => lacks.push(Lack::NoTarget),
            Some(target) => self.lacks_of_target(now, active, cause, target, &mut lacks),
        }
        self.common_lacks(now, active, &mut lacks);
        lacks.extend(self.stuck(now).map(|stuck| Lack::Stuck(stuck.words.clone())));
        if self.hold.third(now) && !self.planted.has(Bug::IgnoreHoldDown) {
            lacks.push(Lack::Third);
        }
        Assessment { verdict, cause, target, lacks }
    }

    /// What a claim already begun lacks: the same guards, for its own cause and target.
    pub(crate) fn claim_lacks(&self, now: Time, cause: Cause, target: MemberId) -> Vec<Lack> {
        let mut lacks = Vec::new();
        let Some(active) = self.active else { return vec![Lack::Record] };
        match cause {
            Cause::Down | Cause::ServiceDown | Cause::AgentLost => {
                let verdict = self.verdict(now, active, Some(target));
                let still = match cause {
                    Cause::ServiceDown => matches!(verdict, Verdict::SvcDown | Verdict::Down),
                    Cause::AgentLost => matches!(verdict, Verdict::AgentLost | Verdict::Down),
                    Cause::Down
                    | Cause::Manual
                    | Cause::Preferred
                    | Cause::Ddns
                    | Cause::Abort
                    | Cause::Adopt => verdict == Verdict::Down,
                };
                if !still {
                    lacks.push(self.lacking_verdict(now, active, verdict));
                }
                self.lacks_of_cause(now, active, cause, Some(target), &mut lacks);
                self.lacks_of_target(now, active, Some(cause), target, &mut lacks);
            }
            Cause::Preferred => {
                self.lacks_of_cause(now, active, cause, Some(target), &mut lacks);
                self.lacks_of_target(now, active, Some(cause), target, &mut lacks);
            }
            Cause::Ddns => {
                let intent = self.memory.intent.as_ref().filter(|claim| claim.cause == Cause::Ddns);
                let seen = self.seen_address(now, target);
                if seen.is_none() || intent.is_some_and(|claim| Some(claim.set_a) != seen) {
                    lacks.push(Lack::Address);
                }
            }
            Cause::Abort => {}
            Cause::Manual | Cause::Adopt => return lacks,
        }
        if cause.is_automatic_move() && self.hold.third(now) && !self.planted.has(Bug::IgnoreHoldDown) {
            lacks.push(Lack::Third);
        }
        if cause == Cause::Abort {
            self.abort_lacks(now, &mut lacks);
        } else {
            self.common_lacks(now, active, &mut lacks);
        }
        lacks
    }

    fn lacking_verdict(&self, now: Time, active: MemberId, verdict: Verdict) -> Lack {
        let silent = self.sight.silent(active, now) > self.policy.settings.delay();
        let open = matches!(verdict, Verdict::Unknown | Verdict::Suspect);
        if silent && open {
            let down = self.tally(now, active).down.len();
            return Lack::Voices { down, needed: self.policy.settings.voices };
        }
        Lack::Verdict(verdict)
    }

    fn lacks_of_cause(
        &self,
        now: Time,
        active: MemberId,
        cause: Cause,
        target: Option<MemberId>,
        lacks: &mut Vec<Lack>,
    ) {
        if cause == Cause::AgentLost {
            let tally = self.tally(now, active);
            if !self.enough(&tally.silent, target) {
                lacks.push(Lack::Voices { down: tally.silent.len(), needed: self.policy.settings.voices });
            }
        }
        let held = self.hold.remaining(now, &self.policy.settings) > model::Span::ZERO;
        if let Some((active, left)) = self.left_by_hand(now) {
            lacks.push(Lack::ByHand(active, left));
        }
        if held && !Hold::lets_pass(cause) && !self.planted.has(Bug::IgnoreHoldDown) {
            lacks.push(Lack::HoldDown);
        }
    }

    fn lacks_of_target(
        &self,
        now: Time,
        active: MemberId,
        cause: Option<Cause>,
        target: MemberId,
        lacks: &mut Vec<Lack>,
    ) {
        if let Some(bar) = self.bar(now, target)
            && !self.planted.has(Bug::UnreadyTarget)
        {
            lacks.push(Lack::NotReady(target, bar));
        }
        // What a standby said before a silence began proves nothing about who survived it.
        let silence = matches!(cause, Some(Cause::Down | Cause::AgentLost));
        let made = self.sight.get(target).and_then(|seen| seen.made_after);
        if silence && made.is_none_or(|made| made < self.sight.silent_since(active)) {
            lacks.push(Lack::TargetOlder(target));
        }
    }

    fn common_lacks(&self, now: Time, active: MemberId, lacks: &mut Vec<Lack>) {
        if let Err(quorum) = self.voters_heard(now, active) {
            lacks.push(Lack::Voters(quorum));
        }
        if self.policy.settings.arming == Arming::Shadow {
            lacks.push(Lack::NotArmed);
        }
        if let Some(words) = &self.policy.held {
            lacks.push(Lack::Held(words.clone()));
        }
        self.abort_lacks(now, lacks);
    }

    /// What every automatic write needs, also one that moves nothing.
    fn abort_lacks(&self, now: Time, lacks: &mut Vec<Lack>) {
        if let Some(unfit) = self.fitness.unfit(now)
            && !(unfit == Unfit::Slept && self.planted.has(Bug::ActsWhileSlept))
        {
            lacks.push(Lack::Unfit(unfit));
        }
        if !self.holds_lease(now) {
            lacks.push(Lack::NotHolder);
        }
        if let Credential::Missing(words) = &self.credential {
            lacks.push(Lack::Credential(words.clone()));
        }
        if self.paused(now).is_some() && !self.planted.has(Bug::PauseIgnored) {
            lacks.push(Lack::Paused);
        }
        let odd =
            matches!(self.register.view(), View::Odd(_)) && !self.planted.has(Bug::ForeignEditOverwritten);
        if odd || self.memory.drift.is_some() || self.memory.marker.is_none() {
            lacks.push(Lack::Record);
        }
    }

    fn pick_target(&self, now: Time) -> Option<MemberId> {
        let ready = self.best_standby(now);
        if ready.is_none() && self.planted.has(Bug::UnreadyTarget) {
            return self.standbys().next();
        }
        ready
    }

    /// A lack in words.
    pub(crate) fn lack_words(&self, lack: &Lack) -> String {
        match lack {
            Lack::Verdict(verdict) => format!("the active member is {}", verdict.words()),
            Lack::Voices { down, needed } => format!("one-voice: {down} of {needed} needed voices say that it is silent"),
            Lack::NoTarget => "no standby is ready".to_owned(),
            Lack::NotReady(id, bar) => format!("{} {}", self.name(*id), bar.words()),
            Lack::TargetOlder(id) => format!("{} was last heard before the silence began", self.name(*id)),
            Lack::Voters(quorum) if quorum.all < 2 => "one member alone cannot fail over".to_owned(),
            Lack::Voters(quorum) if quorum.needs_path => {
                "one-voice: with two voters the other one must be heard and this console's own path must be a \
                 vantage point"
                    .to_owned()
            }
            Lack::Voters(quorum) => {
                format!("majority-lost: {} of {} voters heard, {} needed", quorum.heard, quorum.all, quorum.needed)
            }
            Lack::Unfit(unfit) => unfit.words().to_owned(),
            Lack::NotHolder => "this console does not hold the watch lease".to_owned(),
            Lack::Credential(words) => format!("no usable DNS credential: {words}"),
            Lack::NotArmed => "not-armed: automatic failover is not armed".to_owned(),
            Lack::Held(words) => format!("automatic moves are held: {words}"),
            Lack::Paused => "the pool is paused".to_owned(),
            Lack::Record => "the record is not what the newest epoch says".to_owned(),
            Lack::Address => "no two vantage points see the address that it declares".to_owned(),
            Lack::HoldDown => "hold-down runs".to_owned(),
            Lack::ByHand(active, left) => {
                format!("traffic was moved to {} by hand: nothing undoes that for {left}", self.name(*active))
            }
            Lack::Stuck(words) => format!("the claim did not get ready: {words}"),
            Lack::Third => "it would be the third automatic move within two hours".to_owned(),
        }
    }
}

impl Verdict {
    /// The verdict in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unknown => "unknown: not heard since this console can see",
            Self::Up => "up",
            Self::Suspect => "late, and not confirmed down",
            Self::Down => "down: confirmed by enough vantage points",
            Self::SvcDown => "saying itself that its service is down",
            Self::AgentLost => "silent, but its service still answers or its agent was stopped cleanly",
        }
    }
}
