//! The healed time: every fault ends, operators settle what waits for them, and the pool must show that it still
//! works (I17): one lease holder, and a move when the active is lost.

use evaluator::io::State;
use model::settings::{AgentLost, Arming};

use crate::fault::{AgentEnd, Click, Fault, Whom};
use crate::haproxy::Mishap;
use crate::invariant::{Invariant, Violation};
use crate::trace::Node;
use crate::wire::Docs;

use super::traffic::{Farewell, Party};
use super::{Event, World};

/// How long until one holder must stand: I17.
const ONE_HOLDER_MS: u64 = 60_000;

/// What remains of the ending.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// Accepted writes when the active was taken away.
    accepted_before: usize,
    /// Who was taken away.
    taken: Option<usize>,
    /// How often there was not one holder.
    not_one: u32,
}

/// Steps of the healed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Operators settle what waits for them.
    Settle,
    /// One console holds the lease.
    OneHolder,
    /// The active is taken away.
    Take,
    /// It was replaced, or nobody could.
    Replaced,
    /// The world ends.
    End,
}

impl World {
    pub(super) fn on_heal(&mut self) {
        self.tell(Node::World, "the faults end");
        self.oracle.disturbed_at = self.now;
        if !self.plan.liveness {
            self.finish();
            return;
        }
        self.era += 1;
        self.net.heal();
        self.weather.clear_all();
        for place in 0..self.members.len() {
            self.heal_member(place);
        }
        for console in 0..self.consoles.len() {
            self.heal_console(console);
        }
        for at in [15_000, 30_000, 45_000] {
            self.queue.push(self.now + at, Event::Ending(Stage::Settle));
        }
        // Longer than I17 says by what a reboot and a first reading take.
        self.queue.push(self.now + ONE_HOLDER_MS + 30_000, Event::Ending(Stage::OneHolder));
        let delay = self.newest_docs.settings.delay().as_ms();
        self.queue.push(self.now + ONE_HOLDER_MS + 60_000 + delay * 5 / 2, Event::Ending(Stage::Take));
    }

    fn heal_member(&mut self, place: usize) {
        let rate = Self::tame(self.members[place].clock.rate());
        let now = self.now;
        let member = &mut self.members[place];
        member.clock.set_rate(now, rate);
        member.frozen_until = 0;
        member.stalled_until = 0;
        member.planned_until = 0;
        member.maintenance = 0;
        member.bad_config = 0;
        member.lie = None;
        member.revivable = true;
        if !member.powered {
            self.power_up(place);
            return;
        }
        if self.members[place].set_back {
            // The console says so, and somebody restarts its agent.
            self.members[place].set_back = false;
            self.members[place].stop_agent(self.now);
            self.drop_links_of(Party::Voter(place), Farewell::Closed);
        }
        self.start_agent(place);
        if !self.members[place].service.serves()
            || self.members[place].service.judged() != model::haproxy::Down::None
        {
            self.harm_haproxy(place, Mishap::Repair);
        }
        // What was put off while it stood still comes back by itself; a beat that was put off far does not.
        let life = self.members[place].life;
        self.members[place].life = life + 1;
        self.queue.push(self.now + 100, Event::Beat(place, life + 1));
        if let Some(agent) = &mut self.members[place].agent {
            agent.held.clear();
        }
    }

    fn heal_console(&mut self, place: usize) {
        let now = self.now;
        let console = &mut self.consoles[place];
        if console.is_clone && console.process.is_some() {
            // The copy is found and taken away.
            console.stop(now);
            self.drop_links_of(Party::Console(place), Farewell::Closed);
            return;
        }
        if console.is_clone {
            console.life += 1;
            return;
        }
        let rate = Self::tame(console.clock.rate());
        console.clock.set_rate(now, rate);
        console.credential_lost = 0;
        console.revoked = 0;
        console.captive = 0;
        console.store_refuses = 0;
        console.fleet_guard = 0;
        console.dies_before_acting = None;
        console.stalls_before_sending = None;
        console.sleeps_after_sending = None;
        console.watch_off_until = 0;
        let stood = console.stalled_until > now || console.asleep_until > now;
        if console.asleep_until > now {
            console.clock.slept(console.asleep_since, now);
        }
        console.stalled_until = console.stalled_until.min(now);
        console.asleep_until = console.asleep_until.min(now);
        if console.process.is_none() {
            console.life += 1;
            let life = console.life;
            self.queue.push(now + 1_000, Event::Start(place, life));
            return;
        }
        if stood {
            // What was put off is far away in the queue: the process is started anew.
            self.crash(place, 1_000);
            return;
        }
        let credential = self.consoles[place].credential();
        self.step(place, evaluator::io::Input::Credential(credential));
        self.order(place, evaluator::io::Command::Watch(evaluator::io::Watch::On));
    }

    pub(super) fn on_ending(&mut self, stage: Stage) {
        match stage {
            Stage::Settle => self.settle(),
            Stage::OneHolder => self.one_holder(),
            Stage::Take => self.take_away(),
            Stage::Replaced => self.replaced(),
            Stage::End => self.finish(),
        }
    }

    /// Operators resume what is paused, look at what is locked, and decide about what others changed.
    fn settle(&mut self) {
        self.oracle.disturbed_at = self.now;
        if self.newest_docs.paused_until > self.now {
            let docs = Docs { paused_until: 0, ..(*self.newest_docs).clone() };
            let awake = (0..self.consoles.len()).find(|c| self.consoles[*c].process.is_some()).unwrap_or(0);
            self.sign(awake, docs);
        }
        let broken = self.register.zone().a.len() != 1 || self.register.marker().is_none();
        if broken {
            // Two records, or no marker: an operator puts the zone right by hand first.
            let marker = self.register.accepted.last().map(|accepted| accepted.claim.set_marker.clone());
            let marker = marker.unwrap_or_else(crate::ids::first_marker);
            self.register.mend(self.now, marker.address, marker);
        }
        for console in 0..self.consoles.len() {
            if self.consoles[console].is_clone {
                continue;
            }
            self.click(console, Click::Acknowledge);
            if self.consoles[console].state() == Some(State::Drift) {
                self.click(console, Click::Restore);
            }
        }
    }

    fn one_holder(&mut self) {
        if self.register.zone().markers.len() != 1 || self.members.len() < 2 {
            return;
        }
        let holding = |console: &crate::console::Console| {
            let now = console.tb(self.now);
            console.process.as_ref().is_some_and(|process| process.machine.holds_lease(now))
        };
        let holders: Vec<_> = (0..self.consoles.len()).filter(|c| holding(&self.consoles[*c])).collect();
        if holders.len() == 1 {
            return;
        }
        // Handing over from one to another takes a few seconds.
        self.ending.not_one += 1;
        if self.ending.not_one <= 10 {
            self.queue.push(self.now + 2_000, Event::Ending(Stage::OneHolder));
            return;
        }
        let states: Vec<_> = self.consoles.iter().map(|console| format!("{:?}", console.state())).collect();
        let text = format!(
            "{} consoles hold the lease 60 s after the last fault; they are in {}",
            holders.len(),
            states.join(", ")
        );
        self.fail(Violation::new(Invariant::I17, text));
    }

    fn take_away(&mut self) {
        self.check_intents();
        let settings = self.newest_docs.settings.clone();
        let Some(active) = self.active() else { return self.finish() };
        self.ending.accepted_before = self.register.accepted.len();
        self.ending.taken = Some(active);
        let held = self.held_down();
        let probed = settings.probe_port.is_some();
        let forever = 24 * 3_600_000;
        let whom = Whom::Voter(active);
        let mut ways = vec![
            Fault::PowerCut(whom, forever),
            Fault::Haproxy(whom, Mishap::Stop, forever),
            Fault::Haproxy(whom, Mishap::CrashLoop(100_000), forever),
            Fault::Freeze(whom, forever),
            Fault::Shutdown(whom, forever),
        ];
        if probed {
            ways.push(Fault::Haproxy(whom, Mishap::Hang, forever));
        }
        if probed && !held && settings.agent_lost == AgentLost::Heartbeat {
            ways.push(Fault::Agent(whom, AgentEnd::Kill, forever));
        }
        let fault = ways[self.dice.below(ways.len())];
        self.oracle.disturbed_at = self.now;
        self.tell(Node::World, format!("the active member {active} is taken away: {fault:?}"));
        self.suffer(fault);
        self.members[active].revivable = false;
        let wait = settings.delay().as_ms() * 23 / 10 + 100_000;
        self.queue.push(self.now + wait, Event::Ending(Stage::Replaced));
    }

    /// I6: no intent stays open under a holder.
    fn check_intents(&mut self) {
        // A pool that is not armed writes nothing by itself, not even this.
        if self.newest_docs.settings.arming != Arming::Armed {
            return;
        }
        let epoch = self.register.marker().map_or(0, |marker| marker.epoch);
        let lineage = self.register.lineage;
        for place in 0..self.members.len() {
            let tb = self.members[place].tb(self.now);
            let Some(agent) = &self.members[place].agent else { continue };
            let old =
                agent.core.kept(tb).intents.into_iter().find(|kept| {
                    kept.intent.epoch > epoch && kept.received.age(tb) > model::Span::from_s(150)
                });
            if let Some(kept) = old.filter(|_| lineage == 0 && self.newest_docs.paused_until <= self.now) {
                let text = format!("an intent of epoch {} is still open on relay {place}", kept.intent.epoch);
                self.fail(Violation::new(Invariant::I6, text));
                return;
            }
        }
    }

    /// The oracle has watched since: what it counts as missed has failed already.
    fn replaced(&mut self) {
        let moved = self.register.accepted.len() > self.ending.accepted_before;
        let possible = self.plan.members() >= 2
            && self.newest_docs.settings.arming == Arming::Armed
            && self
                .consoles
                .iter()
                .all(|console| !matches!(console.state(), Some(State::Drift | State::Locked)));
        if moved {
            self.totals.proven_alive += 1;
        } else if possible {
            let states: Vec<_> =
                self.consoles.iter().map(|console| format!("{:?}", console.state())).collect();
            let text = format!(
                "member {:?} was taken away in a healed world and nothing moved; consoles are in {}",
                self.ending.taken,
                states.join(", ")
            );
            self.totals.missed += 1;
            self.fail(Violation::new(Invariant::I17, text));
        }
        self.queue.push(self.now + 5_000, Event::Ending(Stage::End));
    }

    fn finish(&mut self) {
        if self.plan.liveness {
            self.check_all_told();
            self.check_all_recorded();
        }
        self.over = true;
    }
}
