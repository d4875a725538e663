//! "What if X died now", or its service stopped: the machine itself, copied, run forward on that member's silence, or on
//! its own word, while all other evidence keeps coming as it comes now. The same code decides, nothing leaves the copy.
//!
//! Assumed, and said in the story: who is heard now stays heard, and a member that has been up long enough has heard
//! the dying one before.

use std::collections::VecDeque;

use model::haproxy::Down;
use model::settings::Preset;
use model::{MemberId, Span, Time};
use serde::Serialize;

use crate::io::{
    Entry, Input, LeaseAnswer, Life, Link, MarkerText, Output, Reading, Report, State, Testimony,
    WriteOutcome,
};
use crate::machine::Machine;

/// Steps of the copy.
const STEP: Span = Span::from_ms(500);
/// Lines of the story at most.
const LINES_MAX: usize = 64;
/// Answers given in one step of the copy at most.
const ANSWERS_MAX: usize = 256;

/// What is supposed to happen to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Its power is cut.
    Dies,
    /// It goes on beating, and says that its service has stopped.
    ServiceStops,
}

/// What would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// Where traffic would go, if it would move.
    pub moved_to: Option<MemberId>,
    /// How long after the death.
    pub after: Span,
    /// The state at the end.
    pub ends_in: State,
    /// Why it would move, or why it would not.
    pub reason: String,
    /// The lines that the machine would write.
    pub entries: Vec<Entry>,
}

/// The world around the copy.
struct World {
    dead: MemberId,
    loss: Loss,
    died: Time,
    /// Who is heard now, with its newest facts.
    alive: Vec<Life>,
    relays: Vec<MemberId>,
    granted: bool,
    anchors: Option<bool>,
    probing: bool,
}

impl Machine {
    /// Runs a copy of this machine forward as if `member` died now.
    pub fn what_if_dies(&self, now: Time, member: MemberId) -> Story {
        self.what_if(now, member, Loss::Dies)
    }

    /// Runs a copy of this machine forward as if this happened to `member` now.
    pub fn what_if(&self, now: Time, member: MemberId, loss: Loss) -> Story {
        let now = now.max(self.now);
        let mut copy = self.clone();
        let mut world = World::around(self, now, member, loss);
        let mut story = Story {
            moved_to: None,
            after: crate::explain::no_time(),
            ends_in: self.state,
            reason: String::new(),
            entries: Vec::new(),
        };
        let settings = &self.policy.settings;
        let delays = if self.active == Some(member) { 5 } else { 1 };
        let horizon = settings.delay().times(delays) + settings.confirm_window() + Span::from_s(15);
        let mut at = now;
        while at - now <= horizon && story.moved_to.is_none() {
            at += STEP;
            for input in world.inputs(at, &copy) {
                let outputs = copy.step(at, input);
                world.answer(at, &mut copy, outputs, &mut story);
            }
            if matches!(copy.state, State::Ask | State::NoTarget | State::Locked | State::Drift) {
                break;
            }
        }
        story.after = at - now;
        story.ends_in = copy.state;
        if story.moved_to.is_none() {
            story.reason = self.why_deaf(member, loss).unwrap_or_else(|| copy.why_still(at));
        }
        story
    }

    /// Why a member's word about its service would not be heard at all.
    fn why_deaf(&self, member: MemberId, loss: Loss) -> Option<String> {
        if loss == Loss::Dies || self.active != Some(member) {
            return None;
        }
        let name = self.name(member);
        let Some(facts) = self.sight.get(member).and_then(|seen| seen.facts.as_ref()) else {
            return Some(format!("{name} is not heard: it could not say that its service stopped"));
        };
        let watched = facts.monitored && self.policy.settings.preset == Preset::Haproxy;
        (!watched).then(|| format!("the service of {name} is not watched: only its death would be noticed"))
    }

    fn why_still(&self, now: Time) -> String {
        match self.state {
            State::Blind => format!("this console cannot see: {}", self.blind.why),
            State::Follow => format!("another console would act: {}", self.why_not_holder(now)),
            State::Drift => "the record was changed by others; automation is off".to_owned(),
            State::Failed => "the DNS provider refuses this console".to_owned(),
            State::Paused => self.paused(now).unwrap_or_default(),
            State::Locked => "the third automatic move within two hours waits for a person".to_owned(),
            State::Cold
            | State::Route
            | State::Steady
            | State::Suspect
            | State::Confirm
            | State::Revive
            | State::Ask
            | State::NoTarget
            | State::Claim
            | State::Write
            | State::Unknown
            | State::Verify
            | State::Adopt
            | State::Hold => self.why_unmoved(now),
        }
    }

    fn why_unmoved(&self, now: Time) -> String {
        match self.active {
            None if self.policy.hostname.is_none() => "this pool has no managed name".to_owned(),
            None if self.memory.marker.is_none() => "the record has not been adopted yet".to_owned(),
            None => "the marker names nobody in the roster".to_owned(),
            Some(active) => {
                let found = self.assess(now, active);
                if found.target.is_none() { self.nobody_ready(now) } else { self.ask_reason(&found) }
            }
        }
    }
}

impl World {
    fn around(machine: &Machine, now: Time, dead: MemberId, loss: Loss) -> Self {
        let speaks = |id: MemberId| id != dead || loss == Loss::ServiceStops;
        let heard = machine.sight.seen.iter().filter(|(id, seen)| speaks(**id) && seen.is_heard(now));
        let alive = heard.clone().filter_map(|(id, seen)| {
            let facts = seen.facts.as_ref()?;
            let (incarnation, seq) = seen.counts();
            Some(Life {
                member: *id,
                boot: seen.boot(),
                incarnation,
                seq,
                made_after: None,
                monitored: facts.monitored,
                down: if *id == dead { Down::Stopped } else { facts.down },
                cfg: facts.cfg,
                cfg_valid: facts.cfg_valid,
                ip: facts.ip,
                planned: facts.planned_until.map(|until| until - now),
                maintenance: facts.maintenance,
                time_travel: facts.time_travel,
                goodbye: facts.goodbye,
                fit: facts.fit,
                up: facts.up + (now - facts.at),
                agent_version: facts.agent_version.clone(),
            })
        });
        let relays = heard.filter(|(_, seen)| seen.relay_answers(now)).map(|(id, _)| *id).collect();
        Self {
            dead,
            loss,
            died: now,
            alive: alive.collect(),
            relays,
            granted: machine.holds_lease(now),
            anchors: machine.fitness.anchors_good,
            probing: machine.policy.settings.probe_port.is_some(),
        }
    }

    /// What the copy would hear at `at`: one report of each relay that answers, the dead one's lost link, a tick.
    fn inputs(&mut self, at: Time, copy: &Machine) -> Vec<Input> {
        let silent = if self.loss == Loss::Dies { at - self.died } else { Span::from_ms(200) };
        for life in &mut self.alive {
            life.seq += 1;
            life.made_after = Some(at.minus(Span::from_ms(200)));
            life.up = life.up + STEP;
        }
        let mut inputs = Vec::new();
        if self.loss == Loss::Dies {
            inputs.push(Input::Relay { relay: self.dead, link: Link::Down });
        }
        for relay in self.relays.clone() {
            let own = self.alive.iter().filter(|life| life.member == relay);
            // Members whose relay this console cannot reach are heard through the first one that it can.
            let through = self
                .alive
                .iter()
                .filter(|life| Some(&relay) == self.relays.first() && !self.relays.contains(&life.member));
            let lives: Vec<_> = own.chain(through).cloned().collect();
            let others = lives.iter().filter(|life| life.member != self.dead);
            let testimonies = others.map(|life| self.testimony(life, at, silent)).collect();
            inputs.push(Input::Report(Report {
                relay,
                lives,
                testimonies,
                intents: vec![],
                epoch_max: copy.epoch(),
            }));
            if self.probing && relay != self.dead {
                inputs.push(Input::Probe { member: relay, answered: true });
            }
        }
        if self.probing {
            inputs.push(Input::Probe { member: self.dead, answered: false });
        }
        if let Some(good) = self.anchors {
            inputs.push(Input::Anchors { asked: 3, answered: if good { 3 } else { 0 } });
        }
        inputs.push(Input::Tick);
        inputs
    }

    fn testimony(&self, life: &Life, at: Time, silent: Span) -> Testimony {
        Testimony {
            by: life.member,
            about: self.dead,
            last: (0, 0),
            silent,
            baseline: true,
            hears_other: true,
            service_answers: self.probing.then_some(false),
            made_after: Some(at.minus(Span::from_ms(200))),
            fit: life.fit,
            up: life.up,
        }
    }

    /// Answers what the copy asks for as the world would if all goes well.
    fn answer(&self, at: Time, copy: &mut Machine, outputs: Vec<Output>, story: &mut Story) {
        let mut open: VecDeque<_> = outputs.into();
        for _ in 0..ANSWERS_MAX {
            let Some(output) = open.pop_front() else { return };
            if let Some(input) = self.answer_to(at, copy, output, story) {
                open.extend(copy.step(at, input));
            }
        }
    }

    fn answer_to(&self, at: Time, copy: &Machine, output: Output, story: &mut Story) -> Option<Input> {
        match output {
            Output::Journal(entry) => {
                if story.entries.len() < LINES_MAX {
                    story.entries.push(entry);
                }
                None
            }
            Output::DnsRead => {
                let marker = copy.memory.marker.clone()?;
                Some(Input::DnsRead(Ok(Reading {
                    asked: at,
                    a: vec![marker.address],
                    markers: vec![MarkerText::Marker(marker)],
                    aaaa: false,
                    cname: false,
                })))
            }
            Output::IntentAnnounce(claim) => {
                let relay = *self.relays.first()?;
                Some(Input::IntentStored { relay, nonce: claim.nonce })
            }
            Output::LeaseRequest { .. } => {
                let relay = *self.relays.first().filter(|_| self.granted)?;
                let answer =
                    LeaseAnswer { sent: at, granted: true, holder: None, wanted_by: None, refusal: None };
                Some(Input::Lease { relay, answer })
            }
            Output::DnsCas { claim, .. } => {
                if claim.cause.is_move() {
                    story.moved_to = Some(claim.member);
                    story.reason.clone_from(&claim.reason);
                }
                Some(Input::DnsWrite { nonce: claim.nonce, outcome: WriteOutcome::Accepted })
            }
            Output::WakeAt(_)
            | Output::Poll(_)
            | Output::LeaseRelease
            | Output::IntentClose { .. }
            | Output::Role { .. }
            | Output::Revive(_)
            | Output::Moved(..)
            | Output::Notify(_) => None,
        }
    }
}
