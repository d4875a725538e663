//! Trouble of a member's host: power, agent, HAProxy, snapshots, lies.

use evaluator::io::Input;
use protocol::Goodbye;

use crate::fault::{AgentEnd, Fault, Whom};
use crate::haproxy::Mishap;
use crate::ids;
use crate::member::Snapshot;
use crate::trace::Node;

use super::super::traffic::{Farewell, Party};
use super::super::{Event, World};
use super::Undo;

impl World {
    pub(super) fn member_trouble(&mut self, fault: Fault) {
        match fault {
            Fault::PowerCut(whom, ms) => {
                let place = self.who(whom);
                self.power_cut(place, ms);
            }
            Fault::DoublePowerCut(whom, other, ms) => {
                let place = self.who(whom);
                self.power_cut(place, ms);
                self.power_cut(other, ms);
            }
            Fault::Shutdown(whom, ms) => self.shut_down(whom, ms),
            Fault::PlannedReboot(whom, ms) => {
                let place = self.who(whom);
                self.members[place].planned_until = self.now + 600_000;
                self.beat_now(place, None);
                self.heal_in(2_000, Undo::HostGone(place, ms));
            }
            Fault::Freeze(whom, ms) => {
                let place = self.who(whom);
                let until = self.now + ms;
                self.members[place].frozen_until = self.members[place].frozen_until.max(until);
            }
            Fault::AgentStall(whom, ms) => {
                let place = self.who(whom);
                let until = self.now + ms;
                self.members[place].stalled_until = self.members[place].stalled_until.max(until);
            }
            Fault::Agent(whom, end, ms) => self.end_agent(whom, end, ms),
            Fault::Haproxy(whom, mishap, ms) => {
                let place = self.who(whom);
                if !self.plan.voters[place].witness && self.members[place].powered {
                    self.harm_haproxy(place, mishap);
                    let generation = self.members[place].service.generation();
                    if !matches!(mishap, Mishap::Restart(_) | Mishap::CrashLoop(_)) {
                        self.heal_in(ms, Undo::Repair(place, generation));
                    }
                }
            }
            Fault::Snapshot(whom, ms) => {
                let place = self.who(whom);
                let member = &self.members[place];
                let tb = member.tb(self.now);
                let Some(agent) = &member.agent else { return };
                let mut disk = member.disk.clone();
                disk.kept = Some(agent.core.kept(tb));
                disk.records = agent.core.records(ids::POOL, tb);
                let snapshot = Snapshot { disk, seq: agent.seq, boots: member.boots };
                self.heal_in(ms, Undo::PutBack(place, Box::new(snapshot)));
            }
            Fault::Lying(place, lie, ms) => {
                self.members[place].lie = Some(lie);
                self.heal_in(ms, Undo::Honest(place));
            }
            Fault::MemberRate(place, rate, ms) => {
                let before = self.members[place].clock.rate();
                self.members[place].clock.set_rate(self.now, rate);
                self.heal_in(ms, Undo::MemberRate(place, before));
            }
            Fault::Maintenance(whom, ms) => {
                let place = self.who(whom);
                self.members[place].maintenance += 1;
                self.heal_in(ms, Undo::Maintained(place));
            }
            Fault::BadConfig(place, ms) => {
                self.members[place].bad_config += 1;
                self.heal_in(ms, Undo::ConfigGood(place));
            }
            _ => {}
        }
    }

    pub(in crate::world) fn harm_haproxy(&mut self, place: usize, mishap: Mishap) {
        let later = self.members[place].service.suffer(mishap);
        let generation = self.members[place].service.generation();
        for (ms, due) in later {
            self.queue.push(self.now + ms, Event::Service(place, generation, due));
        }
    }

    pub(in crate::world) fn power_cut(&mut self, place: usize, ms: u64) {
        if !self.members[place].powered {
            return;
        }
        self.members[place].stop_agent(self.now);
        self.drop_links_of(Party::Voter(place), Farewell::Silent);
        self.members[place].powered = false;
        self.heal_in(ms, Undo::PowerUp(place));
    }

    pub(in crate::world) fn power_up(&mut self, place: usize) {
        let member = &mut self.members[place];
        if member.powered {
            return;
        }
        member.powered = true;
        member.boots += 1;
        member.frozen_until = 0;
        member.stalled_until = 0;
        member.clock.reboot(self.now, 14_400_000);
        member.service.boot();
        member.life += 1;
        let life = member.life;
        self.queue.push(self.now + 3_000, Event::AgentStart(place, life));
    }

    pub(super) fn shut_down(&mut self, whom: Whom, ms: u64) {
        let place = self.who(whom);
        if self.members[place].awake(self.now).is_err() || self.members[place].agent.is_none() {
            return;
        }
        self.beat_now(place, Some(Goodbye::HostShutdown));
        self.heal_in(300, Undo::HostGone(place, ms));
    }

    pub(super) fn end_agent(&mut self, whom: Whom, end: AgentEnd, ms: u64) {
        let place = self.who(whom);
        if self.members[place].awake(self.now).is_err() || self.members[place].agent.is_none() {
            return;
        }
        if end == AgentEnd::Stop {
            self.beat_now(place, Some(Goodbye::AgentStop));
        }
        self.members[place].revivable = end == AgentEnd::Kill && self.dice.percent(50);
        self.members[place].stop_agent(self.now);
        self.drop_links_of(Party::Voter(place), Farewell::Closed);
        let life = self.members[place].life;
        self.heal_in(ms, Undo::AgentBack(place, life));
    }

    pub(in crate::world) fn revive(&mut self, console: usize, member: model::MemberId) {
        let Some(place) = ids::voter(member) else { return };
        let life = self.consoles[console].life;
        self.tell(Node::Console(console), format!("tries to revive the agent of member {place}"));
        self.queue.push(self.now + 3_000, Event::Revived(console, life, place));
    }

    pub(in crate::world) fn on_revived(&mut self, console: usize, life: u32, place: usize) {
        if self.consoles[console].life != life || self.consoles[console].awake(self.now).is_err() {
            return;
        }
        let node = self.consoles[console].node;
        let reached = self.net.open(node, place) && self.net.open(place, node);
        let member = &self.members[place];
        let words = if !reached || !member.powered || member.awake(self.now).is_err() {
            "SSH does not answer"
        } else if member.agent.is_some() {
            "the unit runs"
        } else if member.revivable {
            self.start_agent(place);
            "the unit was started"
        } else {
            "the unit does not start, the previous binary neither"
        };
        if self.look(console) {
            self.step(console, Input::Revived(words.into()));
        }
    }

    pub(super) fn undo_member(&mut self, undo: Undo) {
        match undo {
            Undo::MemberRate(place, rate) => self.members[place].clock.set_rate(self.now, rate),
            Undo::PowerUp(place) => self.power_up(place),
            Undo::AgentBack(place, life) => {
                if self.members[place].life == life {
                    self.start_agent(place);
                }
            }
            Undo::Repair(place, generation) => {
                if self.members[place].service.generation() == generation && self.members[place].powered {
                    self.harm_haproxy(place, Mishap::Repair);
                }
            }
            Undo::HostGone(place, ms) => {
                if self.members[place].powered {
                    self.tell(Node::Member(place), "the host goes down");
                    self.power_cut(place, ms);
                }
            }
            Undo::PutBack(place, snapshot) => self.put_back(place, *snapshot),
            Undo::Honest(place) => {
                self.members[place].lie = None;
                // What it held back is forgotten; its consoles are told everything anew.
                if let Some(agent) = &mut self.members[place].agent {
                    agent.held.clear();
                }
            }
            Undo::Maintained(place) => {
                self.members[place].maintenance = self.members[place].maintenance.saturating_sub(1);
            }
            Undo::ConfigGood(place) => {
                self.members[place].bad_config = self.members[place].bad_config.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// A host is set back to its snapshot: disk, memory and counters.
    pub(super) fn put_back(&mut self, place: usize, snapshot: Snapshot) {
        if !self.members[place].powered || self.members[place].boots != snapshot.boots {
            return;
        }
        self.tell(Node::Member(place), "is set back to a snapshot");
        self.members[place].stop_agent(self.now);
        self.drop_links_of(Party::Voter(place), Farewell::Silent);
        self.members[place].disk = snapshot.disk;
        // Starting counts one up, but a restored memory does not start anything.
        self.members[place].disk.incarnation -= 1;
        self.start_agent(place);
        self.members[place].set_back = true;
        if let Some(agent) = &mut self.members[place].agent {
            agent.seq = snapshot.seq;
        }
    }
}
