//! The verdict on a member, as seen by one console (safety.md 2.4). Alive needs one fresh, signed life; dead needs
//! voices of silence, one of which does not gain from it.

use model::haproxy::Down;
use model::settings::Preset;
use model::{MemberId, Span, Time};
use serde::Serialize;

use crate::io::{Goodbye, Part};
use crate::machine::Machine;
use crate::plant::Bug;
use crate::sight::{Said, TESTIMONY_FRESH};

/// How long a member must have been up before it may testify, beyond the failover delay.
const UP_BEYOND: Span = Span::from_s(30);
/// A probe's result counts this long.
const PROBE_FRESH: Span = Span::from_s(3);
/// A baseline counts this long.
const BASELINE: Span = Span::from_s(24 * 60 * 60);

/// What one console may claim about a member. Not the display health: only verdicts move DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// No claim allowed: not heard since COLD or an own-fault BLIND ended.
    Unknown,
    /// Fresh life.
    Up,
    /// My view is stale.
    Suspect,
    /// Confirmed silent by enough voices.
    Down,
    /// It says itself that its service is down.
    SvcDown,
    /// Only its agent is silent.
    AgentLost,
}

/// Somebody who sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    Console,
    Member(MemberId),
}

/// Who says what about a silent member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Valid vantage points that heard nothing for D and whose probe, if any, failed.
    pub(crate) down: Vec<Party>,
    /// Valid vantage points that heard nothing for D.
    pub(crate) silent: Vec<Party>,
    /// Valid vantage points that see the service answer.
    pub(crate) answers: Vec<Party>,
}

impl Machine {
    /// The verdict on `member`; `candidate` is who would gain from its death.
    pub(crate) fn verdict(&self, now: Time, member: MemberId, candidate: Option<MemberId>) -> Verdict {
        let Some(seen) = self.sight.get(member) else { return Verdict::Unknown };
        let delay = self.policy.settings.delay();
        let suspect_after = self.policy.settings.suspect_after();
        let age = seen.bounded_age(now);
        if seen.planned(now) {
            return match age {
                Some(age) if age <= suspect_after => Verdict::Up,
                Some(_) => Verdict::Suspect,
                None => Verdict::Unknown,
            };
        }
        if let Some(verdict) = self.own_word(now, member, suspect_after) {
            return verdict;
        }
        let stale = if age.is_some() { Verdict::Suspect } else { Verdict::Unknown };
        let vetoed = age.is_some_and(|age| age <= delay) || self.sight.silent(member, now) <= delay;
        if vetoed && !self.planted.has(Bug::NoVeto) {
            return stale;
        }
        self.silent_verdict(now, member, candidate).unwrap_or(stale)
    }

    /// What the member's own fresh word decides.
    fn own_word(&self, now: Time, member: MemberId, suspect_after: Span) -> Option<Verdict> {
        let seen = self.sight.get(member)?;
        let facts = seen.facts.as_ref()?;
        let cold_since = facts.proof.is_some() && seen.made_after.is_some();
        if facts.goodbye == Some(Goodbye::HostShutdown) && cold_since {
            return Some(Verdict::SvcDown);
        }
        if seen.bounded_age(now)? > suspect_after {
            return None;
        }
        let judged = facts.monitored && self.policy.settings.preset == Preset::Haproxy && !facts.maintenance;
        let said_lately = facts.proof.is_some_and(|made| now - made <= suspect_after);
        let down = match facts.down {
            Down::None => false,
            Down::Stopped | Down::CrashLoop => true,
            Down::Hung => self.probe_of_another_fails(now, member),
        };
        Some(if judged && said_lately && down { Verdict::SvcDown } else { Verdict::Up })
    }

    /// What voices of silence decide about a member silent for more than D.
    fn silent_verdict(&self, now: Time, member: MemberId, candidate: Option<MemberId>) -> Option<Verdict> {
        let tally = self.tally(now, member);
        let probing = self.policy.settings.probe_port.is_some();
        let clean_stop = self.clean_stop(member);
        if (probing && tally.answers.len() >= 2) || (clean_stop && !probing) {
            return Some(Verdict::AgentLost);
        }
        self.enough(&tally.down, candidate).then_some(Verdict::Down)
    }

    /// At least N voices, one not the candidate's, one from a remote relay or witness.
    pub(crate) fn enough(&self, voices: &[Party], candidate: Option<MemberId>) -> bool {
        let mut needed = self.policy.settings.voices as usize;
        if self.planted.has(Bug::OneVoiceEnough) {
            needed = 1;
        }
        let candidate = candidate.map(Party::Member);
        let alone_ok = self.planted.has(Bug::CandidateAloneTestifies);
        let disinterested = voices.iter().any(|party| Some(*party) != candidate);
        let remote = voices.iter().any(|party| *party != Party::Console);
        if alone_ok && voices.iter().any(|party| Some(*party) == candidate) {
            return true;
        }
        voices.len() >= needed && disinterested && (remote || self.planted.has(Bug::OneVoiceEnough))
    }

    /// It said goodbye because only its agent stopped.
    pub(crate) fn clean_stop(&self, member: MemberId) -> bool {
        let facts = self.sight.get(member).and_then(|seen| seen.facts.as_ref());
        facts.is_some_and(|facts| facts.goodbye == Some(Goodbye::AgentStop))
    }

    /// Counts the voices about a member.
    pub(crate) fn tally(&self, now: Time, member: MemberId) -> Tally {
        let mut tally = Tally::default();
        let delay = self.policy.settings.delay();
        let probing = self.policy.settings.probe_port.is_some();
        let mut count = |party: Party, silent: bool, answers: Option<bool>| {
            if silent && !tally.silent.contains(&party) {
                tally.silent.push(party);
            }
            let failed = !probing || answers == Some(false);
            if silent && failed && !tally.down.contains(&party) {
                tally.down.push(party);
            }
            if probing && answers == Some(true) && !tally.answers.contains(&party) {
                tally.answers.push(party);
            }
        };
        for (by, said) in self.sight.testimonies(member) {
            if self.may_testify(now, by, said) {
                count(Party::Member(by), said.silent > delay, said.service_answers);
            }
        }
        if self.console_is_vantage(now, member) {
            let silent = self.console_silence(now, member) > delay;
            count(self.console_party(), silent, self.own_probe(now, member));
        }
        tally
    }

    /// Whether a member's testimony counts (safety.md 2.3).
    pub(crate) fn may_testify(&self, now: Time, by: MemberId, said: &Said) -> bool {
        let fresh = said.made_after.is_some_and(|made| now - made <= TESTIMONY_FRESH);
        let travelled = self.sight.get(by).is_none_or(crate::sight::Seen::time_travelled);
        let up = said.up >= self.policy.settings.delay() + UP_BEYOND;
        (fresh || self.planted.has(Bug::OldTestimonyTrusted))
            && !travelled
            && said.baseline
            && up
            && said.fit
            && said.hears_other
    }

    /// This console's voice: its own, or that of the member it runs beside.
    pub(crate) fn console_party(&self) -> Party {
        let host = self.roster.members.iter().find(|(_, member)| member.same_host);
        host.map_or(Party::Console, |(id, _)| Party::Member(*id))
    }

    /// Whether this console's direct path is a vantage point for `member`: fit, with a baseline, hearing another
    /// party, and not connected to the very relay it would call silent.
    pub(crate) fn console_is_vantage(&self, now: Time, member: MemberId) -> bool {
        let beside = self.roster.members.get(&member).is_some_and(|entry| entry.same_host);
        if self.fitness.unfit(now).is_some() || beside {
            return false;
        }
        let hears = |id: &MemberId| *id != member && self.hears_directly(now, *id);
        let hears_member = self.roster.members.keys().any(hears);
        let hears_other = hears_member || self.fitness.anchors_good == Some(true);
        hears_other && self.has_baseline(now, member, hears_member)
    }

    fn hears_directly(&self, now: Time, member: MemberId) -> bool {
        let direct = self.sight.get(member).and_then(|seen| seen.direct);
        direct.is_some_and(|at| now - at <= TESTIMONY_FRESH)
    }

    fn has_baseline(&self, now: Time, member: MemberId, hears_another_member: bool) -> bool {
        let Some(base) = self.memory.baselines.get(&member) else { return false };
        now - base.heard <= BASELINE && (base.attachment == self.attachment || hears_another_member)
    }

    /// How long this console's own path has heard nothing of a member.
    fn console_silence(&self, now: Time, member: MemberId) -> Span {
        let Some(seen) = self.sight.get(member) else { return Span::ZERO };
        if seen.relay_answers(now) {
            return Span::ZERO;
        }
        now - seen.direct.unwrap_or(self.sight.silence_from).max(self.sight.silence_from)
    }

    /// This console's newest probe of a member's port, if it is fresh.
    pub(crate) fn own_probe(&self, now: Time, member: MemberId) -> Option<bool> {
        let seen = self.sight.get(member)?;
        let fresh = |at: &Time| now - *at <= PROBE_FRESH;
        let failed = seen.probe_failed.filter(fresh);
        let answered = seen.probe_answered.filter(fresh);
        match (answered, failed) {
            (None, None) => None,
            (Some(_), None) => Some(true),
            (None, Some(_)) => Some(false),
            (Some(good), Some(bad)) => Some(good > bad),
        }
    }

    /// Whether the probe of some vantage other than the member fails too.
    fn probe_of_another_fails(&self, now: Time, member: MemberId) -> bool {
        let testified = self.sight.testimonies(member).any(|(_, said)| {
            let fresh = said.made_after.is_some_and(|made| now - made <= TESTIMONY_FRESH);
            fresh && said.fit && said.service_answers == Some(false)
        });
        testified || self.own_probe(now, member) == Some(false)
    }

    /// Whether some relay's testimony says that a member is down.
    pub(crate) fn some_testimony_says_down(&self, now: Time, member: MemberId) -> bool {
        let tally = self.tally(now, member);
        tally.down.iter().chain(&tally.silent).any(|party| *party != Party::Console)
    }

    /// Members that may carry the traffic, the active one left out.
    pub(crate) fn standbys(&self) -> impl Iterator<Item = MemberId> {
        let active = self.active;
        let members = self.roster.members.iter().filter(|(_, member)| member.part == Part::Member);
        members.map(|(id, _)| *id).filter(move |id| Some(*id) != active)
    }
}
