//! The consoles' side: what the engine around a machine does, and the machine itself.

use std::rc::Rc;

use evaluator::io::{
    Command, ForeignIntent, Holder, Input, LeaseAnswer, Link as LinkState, MoveRecord, Output, OwnFault,
    Report as Told, Watch,
};
use model::stall::{Gap, LOOK_EVERY};
use model::{IncidentId, Nonce, Span, Time};
use protocol::lease;
use protocol::records::{AgedRecord, RecordBody};
use protocol::relay::HeardBeat;

use crate::clock::Clock;
use crate::console::{self, Console, Disk, RecordsGiven};
use crate::ids;
use crate::link::End;
use crate::plan::ConsolePlan;
use crate::planted::Planted;
use crate::trace::Node;
use crate::wire::{Docs, Message, Report};

use super::speech::{cause_of, intent, life, made_after, merge_move, noted, testimony};
use super::traffic::{Farewell, Party};
use super::{Event, LinkId, World};

/// A relay that says nothing for this long is dialled anew.
const RELAY_IDLE_MS: u64 = 4_000;
/// How often ports are probed.
const PROBE_EVERY: Span = Span::from_s(2);
/// How often anchors are asked.
const ANCHORS_EVERY: Span = Span::from_s(5);
/// How long a starting engine waits for a relay's records.
const RECORDS_WAIT: Span = Span::from_s(5);

impl World {
    pub(super) fn found_consoles(&mut self, docs: &Rc<Docs>, marker: &model::Marker, clones: usize) {
        let plans: Vec<ConsolePlan> = self.plan.consoles.clone();
        for (place, plan) in plans.iter().enumerate() {
            let mut console = self.blank_console(place, plan, docs);
            if place == 0 {
                // This one adopted the name.
                console.disk.memory.marker = Some(marker.clone());
            }
            self.queue.push(plan.starts_at, Event::Start(place, 0));
            self.consoles.push(console);
        }
        for extra in 0..clones {
            let mut console = self.blank_console(plans.len() + extra, &plans[0], docs);
            console.is_clone = true;
            self.consoles.push(console);
        }
        self.oracle.poll_ms = vec![1_000; self.consoles.len() * self.members.len()];
    }

    fn blank_console(&mut self, place: usize, plan: &ConsolePlan, docs: &Rc<Docs>) -> Console {
        let start = 20_000_000 + self.dice.range(0, 1_000_000);
        Console {
            node: self.members.len() + place,
            id: ids::console(place),
            rank: plan.rank,
            clock: Clock::new(0, start, plan.rate, plan.wall_offset_ms),
            disk: Disk {
                memory: evaluator::io::Memory::default(),
                start_counter: 0,
                outbox: Vec::new(),
                moves: std::collections::BTreeMap::new(),
                docs: Rc::clone(docs),
                roster_version: 1,
                stored_at: Time::ZERO,
            },
            life: 0,
            process: None,
            stalled_until: 0,
            asleep_until: 0,
            asleep_since: Time::ZERO,
            attachment: 1,
            credential_lost: 0,
            revoked: 0,
            captive: 0,
            store_refuses: 0,
            fleet_guard: 0,
            dies_before_acting: None,
            stalls_before_sending: None,
            sleeps_after_sending: None,
            in_flight: Vec::new(),
            watch_off_until: 0,
            saw_moves: std::collections::BTreeSet::new(),
            shown: None,
            is_clone: false,
            dice: self.dice.fork(100 + place as u64),
        }
    }

    pub(super) fn on_start(&mut self, console: usize, life: u32) {
        if self.consoles[console].life != life || self.consoles[console].process.is_some() {
            return;
        }
        if let Err(until) = self.consoles[console].awake(self.now) {
            self.queue.push(until, Event::Start(console, life));
            return;
        }
        if self.consoles[console].store_refuses > 0 {
            // The start counter could not be kept.
            self.queue.push(self.now + 1_000, Event::Start(console, life));
            return;
        }
        self.consoles[console].start(self.now, &self.plan);
        if let (Some(Planted::Machine(bug)), Some(process)) =
            (self.planted, self.consoles[console].process.as_mut())
        {
            process.machine.plant(bug);
        }
        let counter = self.consoles[console].disk.start_counter;
        self.tell(Node::Console(console), format!("starts, for the {counter}. time"));
        let outbox = std::mem::take(&mut self.consoles[console].disk.outbox);
        if self.planted != Some(Planted::OutboxLost) {
            // What was stored and perhaps not done is done now; doing it twice is harmless.
            let lasting = |output: &Output| {
                matches!(
                    output,
                    Output::Moved(..) | Output::Notify(_) | Output::IntentClose { .. } | Output::Role { .. }
                )
            };
            let tb = self.consoles[console].tb(self.now);
            self.act(console, tb, outbox.into_iter().filter(lasting).collect());
        }
        let life = self.consoles[console].life;
        self.queue.push(self.now, Event::Tick(console, life));
        if self.consoles[console].watch_off_until > self.now {
            self.step(console, Input::Operator(Command::Watch(Watch::Off)));
        }
    }

    /// Ends a console's process without a word.
    pub(super) fn crash(&mut self, console: usize, back_after: u64) {
        if self.consoles[console].process.is_none() {
            return;
        }
        self.consoles[console].stop(self.now);
        if self.planted == Some(Planted::MemoryLost) {
            self.consoles[console].disk.memory.intent = None;
        }
        self.drop_links_of(Party::Console(console), Farewell::Closed);
        let life = self.consoles[console].life;
        self.queue.push(self.now + back_after, Event::Start(console, life));
    }

    /// Whether events reach the process now; what does not is put off. Looks at the clocks first.
    fn enter(&mut self, console: usize, life: u32, again: impl FnOnce() -> Event) -> bool {
        if self.consoles[console].life != life || self.consoles[console].process.is_none() {
            return false;
        }
        if let Err(until) = self.consoles[console].awake(self.now) {
            self.queue.push(until, again());
            return false;
        }
        self.look(console)
    }

    /// Looks at the clocks before an input; false when the process is gone.
    pub(super) fn look(&mut self, console: usize) -> bool {
        let fault = match self.consoles[console].look(self.now) {
            Some(Gap::Suspended(span)) => OwnFault::Suspended(span),
            Some(Gap::Stalled(span)) => OwnFault::Stalled(span),
            Some(Gap::WallStep(_)) | None => return self.consoles[console].process.is_some(),
        };
        self.totals.sleeps += 1;
        self.own_fault(console, fault);
        self.consoles[console].process.is_some()
    }

    /// Sockets are dropped and the machine is told.
    pub(super) fn own_fault(&mut self, console: usize, fault: OwnFault) {
        self.drop_links_of(Party::Console(console), Farewell::Silent);
        if let Some(process) = &mut self.consoles[console].process {
            process.pending.clear();
            process.asked.clear();
        }
        self.step(console, Input::Fault(fault));
    }

    pub(super) fn on_wake(&mut self, console: usize, life: u32) {
        if !self.enter(console, life, || Event::Wake(console, life)) {
            return;
        }
        self.step(console, Input::Tick);
    }

    pub(super) fn on_tick(&mut self, console: usize, life: u32) {
        if !self.enter(console, life, || Event::Tick(console, life)) {
            return;
        }
        self.trace.quiet(self.now, Node::Console(console), 2, 0);
        self.keep_links(console);
        self.give_beacon(console);
        self.probe_ports(console);
        self.ask_anchors(console);
        self.give_up_on_records(console);
        self.say_fleet_guard(console);
        self.step(console, Input::Tick);
        if self.consoles[console].life == life {
            let tb = self.consoles[console].tb(self.now);
            let next = self.consoles[console].clock.when(self.now, tb + LOOK_EVERY);
            self.queue.push(next.max(self.now + 1), Event::Tick(console, life));
        }
    }

    fn say_fleet_guard(&mut self, console: usize) {
        let holds = self.consoles[console].fleet_guard > 0;
        let Some(process) = &mut self.consoles[console].process else { return };
        if process.guarded != holds {
            process.guarded = holds;
            self.step(console, Input::FleetGuard(holds));
        }
    }

    fn keep_links(&mut self, console: usize) {
        for voter in 0..self.members.len() {
            let link = self.console_link(console, voter);
            let known = &self.links[link];
            if known.is_open(End::Dialler) {
                if self.now - known.heard_at[End::Dialler as usize] > RELAY_IDLE_MS {
                    self.links[link].close(End::Dialler);
                    self.relay_lost(console, voter);
                }
            } else if !known.dialling && known.next_dial <= self.now {
                if self.consoles[console].captive > 0 {
                    self.links[link].next_dial = self.now + 3_000;
                    let state = LinkState::WrongKey;
                    self.step(console, Input::Relay { relay: ids::member(voter), link: state });
                } else {
                    self.dial(link);
                }
            }
        }
    }

    fn give_beacon(&mut self, console: usize) {
        let tb = self.consoles[console].tb(self.now);
        let id = self.consoles[console].id;
        let Some(process) = &mut self.consoles[console].process else { return };
        if process.beacons.due() > tb {
            return;
        }
        let nonce = Nonce::from_u64(process.dice.draw());
        process.beacons.give(tb, nonce);
        self.send_to_relays(console, &Message::Beacon(id, nonce));
    }

    pub(super) fn send_to_relays(&mut self, console: usize, message: &Message) {
        for voter in 0..self.members.len() {
            let link = self.console_link(console, voter);
            if self.links[link].is_open(End::Dialler) {
                self.send(link, End::Dialler, message.clone());
            }
        }
    }

    fn probe_ports(&mut self, console: usize) {
        let tb = self.consoles[console].tb(self.now);
        let node = self.consoles[console].node;
        let Some(process) = &mut self.consoles[console].process else { return };
        if self.plan.settings.probe_port.is_none() || process.next_probe > tb {
            return;
        }
        process.next_probe = tb + PROBE_EVERY;
        for voter in 0..self.plan.members() {
            let answered = self.probe(node, voter) && self.consoles[console].captive == 0;
            self.step(console, Input::Probe { member: ids::member(voter), answered });
        }
    }

    fn ask_anchors(&mut self, console: usize) {
        let tb = self.consoles[console].tb(self.now);
        let node = self.consoles[console].node;
        let Some(process) = &mut self.consoles[console].process else { return };
        if process.next_anchors > tb {
            return;
        }
        process.next_anchors = tb + ANCHORS_EVERY;
        let free = self.consoles[console].captive == 0;
        let reaches = |net: &crate::net::Net, to| free && net.open(node, to) && net.open(to, node);
        let register = reaches(&self.net, self.register_node()) && !self.weather.is_out();
        let internet = reaches(&self.net, self.internet_node());
        let answered = u32::from(register) + 2 * u32::from(internet);
        self.step(console, Input::Anchors { asked: 3, answered });
    }

    fn give_up_on_records(&mut self, console: usize) {
        let tb = self.consoles[console].tb(self.now);
        let Some(process) = &mut self.consoles[console].process else { return };
        if process.records == RecordsGiven::Nothing && tb - process.started >= RECORDS_WAIT {
            process.records = RecordsGiven::Unreadable;
            let input = self.consoles[console].records(self.now, true);
            self.step(console, input);
        }
    }

    pub(super) fn relay_lost(&mut self, console: usize, voter: usize) {
        if self.consoles[console].process.is_some() && self.consoles[console].awake(self.now).is_ok() {
            self.step(console, Input::Relay { relay: ids::member(voter), link: LinkState::Down });
        }
    }

    pub(super) fn relay_reached(&mut self, console: usize, voter: usize, link: LinkId) {
        if self.consoles[console].process.is_none() || !self.look(console) {
            return;
        }
        let (id, docs) = (self.consoles[console].id, Rc::clone(&self.consoles[console].disk.docs));
        let roster_version = self.consoles[console].disk.roster_version;
        let Some(process) = &mut self.consoles[console].process else { return };
        process.heads[voter] = u64::MAX;
        let poll = process.poll_ms;
        let newest = process.beacons.newest();
        let announced: Vec<_> = process.announced.clone();
        self.send(link, End::Dialler, Message::Poll(poll));
        if let Some(nonce) = newest {
            self.send(link, End::Dialler, Message::Beacon(id, nonce));
        }
        if docs.policy_version > 1 || roster_version > 1 {
            self.send(link, End::Dialler, Message::DocsPut(docs, roster_version));
        }
        for claim in announced {
            self.send(link, End::Dialler, Message::IntentPut(Box::new(intent(&claim))));
        }
        let records: Vec<_> = self.consoles[console].disk.moves.values().rev().take(32).map(noted).collect();
        for record in records.into_iter().rev() {
            self.send(link, End::Dialler, Message::RecordPut(record));
        }
        self.step(console, Input::Relay { relay: ids::member(voter), link: LinkState::Up });
    }

    pub(super) fn console_hears(&mut self, console: usize, voter: usize, link: LinkId, message: Message) {
        if self.consoles[console].process.is_none()
            || !self.look(console)
            || !self.links[link].is_open(End::Dialler)
        {
            return;
        }
        match message {
            Message::Report(report) => self.on_report(console, voter, link, *report),
            Message::LeaseAnswer(answer) => self.on_lease_answer(console, voter, &answer),
            Message::IntentStored(nonce) => {
                self.step(console, Input::IntentStored { relay: ids::member(voter), nonce });
            }
            Message::Records(records, head) => self.on_records(console, voter, *records, head),
            Message::DocsPut(docs, roster_version) => self.on_docs(console, &docs, roster_version),
            Message::Goodbye => {
                self.links[link].close(End::Dialler);
                self.relay_lost(console, voter);
            }
            _ => {}
        }
    }

    fn on_report(&mut self, console: usize, voter: usize, link: LinkId, report: Report) {
        let (id, disk) = (self.consoles[console].id, &self.consoles[console].disk);
        let newer_docs =
            report.policy_version > disk.docs.policy_version || report.roster_version > disk.roster_version;
        let Some(process) = &mut self.consoles[console].process else { return };
        let newer_records = report.records_head != process.heads[voter];
        let mut lives = Vec::with_capacity(report.heard.len());
        let mut testimonies = Vec::new();
        for HeardBeat { beat, time_travel, ago: _ } in &report.heard {
            let heartbeat = &beat.heartbeat;
            let made_after = made_after(&process.beacons, id, heartbeat);
            testimonies
                .extend(heartbeat.testimonies.iter().map(|said| testimony(heartbeat, said, made_after)));
            lives.push(life(heartbeat, *time_travel, made_after));
        }
        let intents = report.intents.into_iter().map(|open| ForeignIntent {
            console: open.console,
            epoch: open.intent.epoch,
            nonce: open.intent.nonce,
            target: open.intent.target,
            age: Span::from_ms(open.age_ms),
        });
        let told = Told {
            relay: ids::member(voter),
            lives,
            testimonies,
            intents: intents.collect(),
            epoch_max: report.epoch_max,
        };
        if newer_docs {
            self.send(link, End::Dialler, Message::DocsGet);
        }
        if newer_records {
            if report.records_head == 0 {
                self.on_records(console, voter, Vec::new(), 0);
            } else {
                self.send(link, End::Dialler, Message::RecordsGet);
            }
        }
        self.step(console, Input::Report(told));
    }

    fn on_lease_answer(&mut self, console: usize, voter: usize, answer: &lease::Answer) {
        let Some(process) = &mut self.consoles[console].process else { return };
        let sent = process.asked.iter().find(|(number, _)| *number == answer.number).map(|(_, sent)| *sent);
        let (Some(sent), true) = (sent, answer.nonce == process.start_nonce) else { return };
        let holder = |of: lease::Holder| Holder { rank: of.rank, console: of.console };
        let told = LeaseAnswer {
            sent,
            granted: answer.granted,
            holder: answer.holder.map(holder),
            wanted_by: answer.wanted_by.map(holder),
            refusal: answer.refusal.clone(),
        };
        self.step(console, Input::Lease { relay: ids::member(voter), answer: told });
    }

    fn on_records(&mut self, console: usize, voter: usize, records: Vec<AgedRecord>, head: u64) {
        let now = self.now;
        let known = &mut self.consoles[console];
        for aged in records {
            let RecordBody::Move { epoch, cause, from, to, acknowledged, verified, incident } =
                &aged.noted.record.body
            else {
                continue;
            };
            let born = now as i64 - aged.age.as_ms() as i64;
            let record = MoveRecord {
                epoch: *epoch,
                age: Span::ZERO,
                cause: cause_of(cause),
                from: *from,
                to: *to,
                acknowledged: *acknowledged,
                verified: *verified,
            };
            let incident = incident.unwrap_or(IncidentId::from_number(0));
            merge_move(&mut known.disk, record, incident, born);
        }
        let Some(process) = &mut known.process else { return };
        process.heads[voter] = head;
        process.records = RecordsGiven::FromRelays;
        let input = known.records(now, false);
        self.step(console, input);
    }

    fn on_docs(&mut self, console: usize, docs: &Rc<Docs>, roster_version: u64) {
        if docs.policy_version > self.consoles[console].disk.docs.policy_version {
            self.consoles[console].disk.docs = Rc::clone(docs);
            let input = Input::Policy(console::policy(docs, self.now));
            self.step(console, input);
        }
        if roster_version > self.consoles[console].disk.roster_version {
            self.consoles[console].disk.roster_version = roster_version;
            let input = Input::Roster(console::roster(&self.plan, roster_version));
            self.step(console, input);
        }
    }
}
