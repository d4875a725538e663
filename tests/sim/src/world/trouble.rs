//! Faults begin and end here, and operators click.

use std::rc::Rc;

use evaluator::io::{Command, Credential, Input, OwnFault, Watch};
use protocol::Goodbye;

use crate::clock::RATE_ONE;
use crate::fault::{AgentEnd, Click, Fault, Place, Ways, Whom};
use crate::haproxy::Mishap;
use crate::ids;
use crate::member::Snapshot;
use crate::net::Quality;
use crate::register::ForeignA;
use crate::trace::Node;
use crate::wire::{Docs, Message};

use super::traffic::{Farewell, Party};
use super::{Event, World};
use crate::link::End;

/// How a fault heals.
#[derive(Clone, Debug)]
pub enum Undo {
    /// Cuts are taken away.
    Mend(Vec<(usize, usize)>),
    /// A bad layer is taken away everywhere.
    Improve(u32),
    /// A computer wakes.
    Woke(usize),
    /// It sleeps on, for these ms.
    SleepOn(usize, u64),
    /// A credential can be used again.
    CredentialBack(usize),
    /// The provider takes it again.
    Unrevoked(usize),
    /// The captive portal is gone.
    PortalOver(usize),
    /// A console's clock runs as it did.
    ConsoleRate(usize, u64),
    /// A member's clock runs as it did.
    MemberRate(usize, u64),
    /// A host gets power.
    PowerUp(usize),
    /// An agent starts, unless something else happened to it since.
    AgentBack(usize, u32),
    /// HAProxy is repaired, unless something else happened to it since.
    Repair(usize, u32),
    /// A host goes down in order, right after it said so.
    HostGone(usize, u64),
    /// A snapshot is put back.
    PutBack(usize, Box<Snapshot>),
    /// A relay speaks the truth again.
    Honest(usize),
    /// Maintenance is over.
    Maintained(usize),
    /// The configuration is good again.
    ConfigGood(usize),
    /// The provider is well again.
    Clear(u32),
    /// A console's watch goes on.
    WatchOn(usize),
}

impl World {
    pub(super) fn on_fault(&mut self, index: usize) {
        let (_, fault) = self.plan.faults[index];
        if let Some((next, _)) = self.plan.faults.get(index + 1) {
            self.queue.push(*next, Event::Fault(index + 1));
        }
        self.totals.faults += 1;
        self.oracle.disturbed_at = self.now;
        // A wall clock's reading is no event: the same world with other wall clocks has the same trace (I11).
        let text =
            if matches!(fault, Fault::WallStep(..)) { "WallStep".to_owned() } else { format!("{fault:?}") };
        self.tell(Node::World, text);
        self.suffer(fault);
    }

    fn heal_in(&mut self, ms: u64, undo: Undo) {
        self.queue.push(self.now + ms, Event::Undo(self.era, undo));
    }

    fn who(&self, whom: Whom) -> usize {
        match whom {
            Whom::Active => self.active().unwrap_or(0),
            Whom::Voter(place) => place,
        }
    }

    fn node(&self, place: Place) -> usize {
        match place {
            Place::Voter(whom) => self.who(whom),
            Place::Console(console) => self.members.len() + console,
            Place::Register => self.register_node(),
        }
    }

    pub(super) fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Cut(..)
            | Fault::Isolate(..)
            | Fault::AllButOne(..)
            | Fault::Partition(..)
            | Fault::Bad(..)
            | Fault::BadAll(..) => {
                self.network_trouble(fault);
            }
            Fault::Stall(..)
            | Fault::Suspend(..)
            | Fault::SuspendAfterSending(..)
            | Fault::DarkWake(..)
            | Fault::Crash(..)
            | Fault::CrashBeforeActing(..)
            | Fault::StallBeforeSending(..)
            | Fault::Clone(..)
            | Fault::CredentialLost(..)
            | Fault::CredentialRevoked(..)
            | Fault::NetChange(..)
            | Fault::ConsoleRate(..)
            | Fault::WallStep(..)
            | Fault::CaptivePortal(..) => self.console_trouble(fault),
            Fault::PowerCut(..)
            | Fault::Shutdown(..)
            | Fault::PlannedReboot(..)
            | Fault::Freeze(..)
            | Fault::AgentStall(..)
            | Fault::Agent(..)
            | Fault::Haproxy(..)
            | Fault::DoublePowerCut(..)
            | Fault::Snapshot(..)
            | Fault::Lying(..)
            | Fault::MemberRate(..)
            | Fault::Maintenance(..)
            | Fault::BadConfig(..) => self.member_trouble(fault),
            Fault::Weather(weather, ms) => {
                let layer = self.layer();
                self.weather.gather(layer, weather);
                self.heal_in(ms, Undo::Clear(layer));
            }
            Fault::ForeignA(how) => {
                let other = std::net::Ipv4Addr::new(45, 76, 99, 1);
                let own = self.register.address().unwrap_or(other);
                let address = if how == ForeignA::Replace && self.dice.percent(50) { own } else { other };
                self.register.foreign_a(self.now, address, how);
            }
            Fault::ForeignMarker(how) => self.register.foreign_marker(self.now, how),
            Fault::RollBack => {
                self.register.roll_back(self.now);
                // Epochs begin again from an older one, and records of one epoch are one move.
                self.oracle.moves.clear();
            }
            Fault::Click(console, click) => self.click(console, click),
            Fault::RosterBump => {
                self.newest_roster += 1;
                self.publish(0);
            }
            Fault::PolicyDelay(delay_s) => {
                let mut docs = (*self.newest_docs).clone();
                docs.settings.delay_s = delay_s;
                self.sign(0, docs);
            }
        }
    }

    fn layer(&mut self) -> u32 {
        self.layers += 1;
        self.layers
    }

    fn cut(&mut self, pairs: Vec<(usize, usize)>, ms: u64) {
        for (from, to) in &pairs {
            self.net.cut(*from, *to);
        }
        self.heal_in(ms, Undo::Mend(pairs));
    }

    fn network_trouble(&mut self, fault: Fault) {
        let nodes = self.net.nodes();
        match fault {
            Fault::Cut(one, other, ways, ms) => {
                let (a, b) = (self.node(one), self.node(other));
                let pairs = match ways {
                    Ways::Both => vec![(a, b), (b, a)],
                    Ways::There => vec![(a, b)],
                };
                self.cut(pairs, ms);
            }
            Fault::Isolate(place, ways, ms) => {
                let a = self.node(place);
                let others = (0..nodes).filter(|b| *b != a);
                let pairs = match ways {
                    Ways::Both => others.flat_map(|b| [(a, b), (b, a)]).collect(),
                    Ways::There => others.map(|b| (a, b)).collect(),
                };
                self.cut(pairs, ms);
            }
            Fault::AllButOne(place, but, ms) => {
                let a = self.node(place);
                let others = (0..nodes).filter(|b| *b != a && *b != but);
                self.cut(others.flat_map(|b| [(a, b), (b, a)]).collect(), ms);
            }
            Fault::Partition(bits, ms) => {
                let side = |node: usize| bits >> (node % 32) & 1;
                let pairs = (0..nodes).flat_map(|a| (0..nodes).map(move |b| (a, b)));
                let pairs = pairs.filter(|(a, b)| side(*a) != side(*b)).collect();
                self.cut(pairs, ms);
            }
            Fault::Bad(one, other, ways, quality, ms) => {
                let (a, b) = (self.node(one), self.node(other));
                let layer = self.layer();
                self.net.worsen(a, b, layer, quality);
                if ways == Ways::Both {
                    self.net.worsen(b, a, layer, quality);
                }
                self.heal_in(ms, Undo::Improve(layer));
            }
            Fault::BadAll(quality, ms) => {
                let layer = self.layer();
                self.worsen_all(layer, quality);
                self.heal_in(ms, Undo::Improve(layer));
            }
            _ => {}
        }
    }

    fn worsen_all(&mut self, layer: u32, quality: Quality) {
        for a in 0..self.net.nodes() {
            for b in 0..self.net.nodes() {
                self.net.worsen(a, b, layer, quality);
            }
        }
    }

    fn console_trouble(&mut self, fault: Fault) {
        match fault {
            Fault::Stall(console, ms) => {
                let until = self.now + ms;
                self.consoles[console].stalled_until = self.consoles[console].stalled_until.max(until);
            }
            Fault::Suspend(console, ms) => self.sleep(console, ms),
            Fault::SuspendAfterSending(console, ms) => self.consoles[console].sleeps_after_sending = Some(ms),
            Fault::DarkWake(console, awake_ms, ms) => {
                self.sleep(console, ms / 2);
                self.heal_in(ms / 2 + awake_ms, Undo::SleepOn(console, ms / 2));
            }
            Fault::Crash(console, ms) => self.crash(console, ms),
            Fault::CrashBeforeActing(console, skip, ms) => {
                self.consoles[console].dies_before_acting = Some((skip, ms));
            }
            Fault::StallBeforeSending(console, ms) => self.consoles[console].stalls_before_sending = Some(ms),
            Fault::Clone(console) => self.copy(console),
            Fault::CredentialLost(console, ms) => {
                self.consoles[console].credential_lost += 1;
                self.tell_credential(console);
                self.heal_in(ms, Undo::CredentialBack(console));
            }
            Fault::CredentialRevoked(console, ms) => {
                self.consoles[console].revoked += 1;
                self.heal_in(ms, Undo::Unrevoked(console));
            }
            Fault::NetChange(console, attachment) => {
                self.consoles[console].attachment = attachment;
                if self.consoles[console].process.is_some() && self.consoles[console].awake(self.now).is_ok()
                {
                    self.own_fault(console, OwnFault::NetworkChanged(attachment));
                }
            }
            Fault::ConsoleRate(console, rate, ms) => {
                let before = self.consoles[console].clock.rate();
                self.consoles[console].clock.set_rate(self.now, rate);
                self.heal_in(ms, Undo::ConsoleRate(console, before));
            }
            Fault::WallStep(console, ms) => self.consoles[console].clock.wall_offset_ms += ms,
            Fault::CaptivePortal(console, ms) => {
                self.consoles[console].captive += 1;
                self.drop_links_of(Party::Console(console), Farewell::Silent);
                for link in 0..self.members.len() {
                    let link = self.console_link(console, link);
                    self.links[link].next_dial = self.now;
                }
                self.heal_in(ms, Undo::PortalOver(console));
            }
            _ => {}
        }
    }

    pub(super) fn sleep(&mut self, console: usize, ms: u64) {
        let until = self.now + ms;
        let known = &mut self.consoles[console];
        if known.asleep_until > self.now {
            return;
        }
        known.asleep_until = until;
        known.asleep_since = known.tb(self.now);
        self.heal_in(ms, Undo::Woke(console));
    }

    fn copy(&mut self, console: usize) {
        let free = self.consoles.iter().position(|other| other.is_clone && other.life == 0);
        let Some(copy) = free else { return };
        let original = &self.consoles[console];
        let mut disk = original.disk.clone();
        if let Some(process) = &original.process {
            disk.memory = process.machine.memory();
        }
        let (id, rank, clock) = (original.id, original.rank, original.clock.clone());
        let target = &mut self.consoles[copy];
        target.disk = disk;
        target.id = id;
        target.rank = rank;
        target.clock = clock;
        self.queue.push(self.now + 500, Event::Start(copy, 0));
    }

    fn tell_credential(&mut self, console: usize) {
        let known = &self.consoles[console];
        if known.process.is_none() || known.awake(self.now).is_err() {
            return;
        }
        let credential = known.credential();
        self.step(console, Input::Credential(credential));
    }

    fn member_trouble(&mut self, fault: Fault) {
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

    pub(super) fn harm_haproxy(&mut self, place: usize, mishap: Mishap) {
        let later = self.members[place].service.suffer(mishap);
        let generation = self.members[place].service.generation();
        for (ms, due) in later {
            self.queue.push(self.now + ms, Event::Service(place, generation, due));
        }
    }

    pub(super) fn power_cut(&mut self, place: usize, ms: u64) {
        if !self.members[place].powered {
            return;
        }
        self.members[place].stop_agent(self.now);
        self.drop_links_of(Party::Voter(place), Farewell::Silent);
        self.members[place].powered = false;
        self.heal_in(ms, Undo::PowerUp(place));
    }

    pub(super) fn power_up(&mut self, place: usize) {
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

    fn shut_down(&mut self, whom: Whom, ms: u64) {
        let place = self.who(whom);
        if self.members[place].awake(self.now).is_err() || self.members[place].agent.is_none() {
            return;
        }
        self.beat_now(place, Some(Goodbye::HostShutdown));
        self.heal_in(300, Undo::HostGone(place, ms));
    }

    fn end_agent(&mut self, whom: Whom, end: AgentEnd, ms: u64) {
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

    pub(super) fn revive(&mut self, console: usize, member: model::MemberId) {
        let Some(place) = ids::voter(member) else { return };
        let life = self.consoles[console].life;
        self.tell(Node::Console(console), format!("tries to revive the agent of member {place}"));
        self.queue.push(self.now + 3_000, Event::Revived(console, life, place));
    }

    pub(super) fn on_revived(&mut self, console: usize, life: u32, place: usize) {
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

    pub(super) fn on_undo(&mut self, undo: Undo) {
        self.oracle.disturbed_at = self.now;
        match undo {
            Undo::Mend(pairs) => {
                for (from, to) in pairs {
                    self.net.mend(from, to);
                }
            }
            Undo::Improve(layer) => {
                for a in 0..self.net.nodes() {
                    for b in 0..self.net.nodes() {
                        self.net.improve(a, b, layer);
                    }
                }
            }
            Undo::Woke(console) => self.woke(console),
            Undo::SleepOn(console, ms) => self.sleep(console, ms),
            Undo::CredentialBack(console) => {
                self.consoles[console].credential_lost =
                    self.consoles[console].credential_lost.saturating_sub(1);
                if self.consoles[console].credential() == Credential::Working {
                    self.tell_credential(console);
                }
            }
            Undo::Unrevoked(console) => {
                self.consoles[console].revoked = self.consoles[console].revoked.saturating_sub(1);
            }
            Undo::PortalOver(console) => {
                self.consoles[console].captive = self.consoles[console].captive.saturating_sub(1);
            }
            Undo::ConsoleRate(console, rate) => self.consoles[console].clock.set_rate(self.now, rate),
            Undo::Clear(layer) => self.weather.clear(layer),
            Undo::WatchOn(console) => self.switch_watch(console, Watch::On),
            Undo::MemberRate(..)
            | Undo::PowerUp(_)
            | Undo::AgentBack(..)
            | Undo::Repair(..)
            | Undo::HostGone(..)
            | Undo::PutBack(..)
            | Undo::Honest(_)
            | Undo::Maintained(_)
            | Undo::ConfigGood(_) => self.undo_member(undo),
        }
    }

    fn undo_member(&mut self, undo: Undo) {
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
    fn put_back(&mut self, place: usize, snapshot: Snapshot) {
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

    pub(super) fn woke(&mut self, console: usize) {
        let known = &mut self.consoles[console];
        known.clock.slept(known.asleep_since, self.now);
        self.drop_links_of(Party::Console(console), Farewell::Silent);
    }

    /// An operator clicks.
    pub(super) fn click(&mut self, console: usize, click: Click) {
        let by = || "operator".to_owned();
        let member = |place: usize| ids::member(place);
        match click {
            Click::Activate { member: place, force } => {
                let command = Command::Activate { member: member(place), even_if_not_ready: force, by: by() };
                self.order(console, command);
            }
            Click::Cutover => {
                self.order(console, Command::Cutover { by: by() });
            }
            Click::Acknowledge => {
                if self.order(console, Command::Acknowledge { by: by() }) {
                    self.oracle.seen_at = self.now;
                }
            }
            Click::Adopt => {
                self.order(console, Command::AdoptRecord { by: by() });
            }
            Click::Restore => {
                self.order(console, Command::RestoreRecord { by: by() });
            }
            Click::Pause(ms) => {
                let docs = Docs { paused_until: self.now + ms, ..(*self.newest_docs).clone() };
                self.sign(console, docs);
            }
            Click::Resume => {
                let docs = Docs { paused_until: 0, ..(*self.newest_docs).clone() };
                self.sign(console, docs);
            }
            Click::WatchOff(ms) => {
                self.consoles[console].watch_off_until = self.now + ms;
                self.switch_watch(console, Watch::Off);
                self.heal_in(ms, Undo::WatchOn(console));
            }
        }
    }

    fn switch_watch(&mut self, console: usize, watch: Watch) {
        if watch == Watch::On && self.consoles[console].watch_off_until > self.now {
            return;
        }
        self.order(console, Command::Watch(watch));
    }

    pub(super) fn order(&mut self, console: usize, command: Command) -> bool {
        let known = &self.consoles[console];
        if known.process.is_none() || known.awake(self.now).is_err() || !self.look(console) {
            return false;
        }
        self.step(console, Input::Operator(command));
        true
    }

    /// An operator signs a new policy on this console.
    pub(super) fn sign(&mut self, console: usize, docs: Docs) {
        let known = &self.consoles[console];
        if known.process.is_none() || known.awake(self.now).is_err() {
            return;
        }
        let version = known.disk.docs.policy_version.max(self.newest_docs.policy_version) + 1;
        let docs = Rc::new(Docs { policy_version: version, ..docs });
        self.newest_docs = Rc::clone(&docs);
        self.consoles[console].disk.docs = Rc::clone(&docs);
        let input = Input::Policy(crate::console::policy(&docs, self.now));
        self.step(console, input);
        self.publish(console);
    }

    /// A console gives the newest documents to every relay it reaches.
    fn publish(&mut self, console: usize) {
        if self.consoles[console].process.is_none() || self.consoles[console].awake(self.now).is_err() {
            return;
        }
        let roster_version = self.newest_roster;
        if roster_version > self.consoles[console].disk.roster_version {
            self.consoles[console].disk.roster_version = roster_version;
            let input = Input::Roster(crate::console::roster(&self.plan, roster_version));
            self.step(console, input);
        }
        for voter in 0..self.members.len() {
            let link = self.console_link(console, voter);
            let docs = Rc::clone(&self.consoles[console].disk.docs);
            if self.links[link].is_open(End::Dialler) {
                self.send(link, End::Dialler, Message::DocsPut(docs, roster_version));
            }
        }
    }

    /// A rate that a clock may have in the healed time.
    pub(super) fn tame(rate: u64) -> u64 {
        rate.clamp(RATE_ONE * 9 / 10, RATE_ONE * 11 / 10)
    }
}
