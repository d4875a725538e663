//! The step and its outbox: the machine decides, what it asks for is stored, then done, one output after another.

use std::rc::Rc;

use evaluator::io::{Claim, Credential, Input, MoveRecord, NoticeKind, Output, Reach, WriteOutcome};
use model::{IncidentId, Nonce, Time};
use protocol::lease;

use crate::ids;
use crate::planted::Planted;
use crate::trace::{Node, What};
use crate::wire::Message;

use super::speech::{intent, merge_move, noted};
use super::{Event, World};

impl World {
    /// One step of the machine: the checks note what it is told, it decides, the outputs are stored, then acted on.
    pub(super) fn step(&mut self, console: usize, input: Input) {
        let tb = self.consoles[console].tb(self.now);
        let early = self.planted == Some(Planted::Machine(evaluator::plant::Bug::ActBeforePersist));
        let refuses = self.consoles[console].store_refuses > 0;
        let Some(process) = &mut self.consoles[console].process else { return };
        if early {
            process.memory_before = Some(process.machine.memory());
        }
        process.shadow.observe(tb, &input);
        process.stepped = tb;
        if refuses && process.memory_before.is_none() {
            process.memory_before = Some(process.machine.memory());
        }
        let changes = process.machine.memory_changes();
        let outputs = process.machine.step(tb, input);
        let changed = process.machine.memory_changes() != changes;
        let (outputs, later) = self.store(console, outputs, changed);
        if !outputs.is_empty() {
            self.carry_out(console, tb, outputs);
        }
        for input in later {
            self.step(console, input);
        }
    }

    /// A step is stored before anything of weight in it is done. Gives what may be done now, and what the machine is
    /// told afterwards.
    fn store(&mut self, console: usize, outputs: Vec<Output>, changed: bool) -> (Vec<Output>, Vec<Input>) {
        let early = self.planted == Some(Planted::Machine(evaluator::plant::Bug::ActBeforePersist));
        let refuses = self.consoles[console].store_refuses > 0;
        if (refuses && self.planted == Some(Planted::StoreRefusalIgnored)) || early {
            return (outputs, Vec::new());
        }
        let credential = self.consoles[console].credential();
        let Some(process) = &mut self.consoles[console].process else { return (outputs, Vec::new()) };
        if !refuses {
            process.memory_before = None;
            if !std::mem::take(&mut process.refused) {
                return (outputs, Vec::new());
            }
            let mut all = std::mem::take(&mut process.owed);
            all.extend(outputs);
            return (all, vec![Input::Credential(credential)]);
        }
        if !process.refused && !changed && !outputs.iter().any(Output::is_stored_first) {
            return (outputs, Vec::new());
        }
        let mut later = Vec::new();
        if !std::mem::replace(&mut process.refused, true) {
            let words = "this computer cannot write what it decides".to_owned();
            later.push(Input::Credential(Credential::Missing(words)));
        }
        let mut now = Vec::new();
        for output in outputs {
            if let Output::DnsCas { claim, .. } = output {
                let outcome = WriteOutcome::NotSent("it could not be written to disk".into());
                later.push(Input::DnsWrite { nonce: claim.nonce, outcome });
            } else if output.is_stored_first() {
                process.owed.push(output);
            } else {
                now.push(output);
            }
        }
        (now, later)
    }

    /// What was stored is done, unless the process stands still or dies first.
    fn carry_out(&mut self, console: usize, tb: Time, outputs: Vec<Output>) {
        let early = self.planted == Some(Planted::Machine(evaluator::plant::Bug::ActBeforePersist));
        let acts = outputs.iter().any(|output| {
            matches!(
                output,
                Output::DnsCas { .. }
                    | Output::IntentAnnounce(_)
                    | Output::Moved(..)
                    | Output::Notify(_)
                    | Output::IntentClose { .. }
            )
        });
        let sends = outputs.iter().any(|output| matches!(output, Output::DnsCas { .. }));
        if let Some(ms) = self.consoles[console].stalls_before_sending.take_if(|_| sends) {
            self.tell(
                Node::Console(console),
                format!("stands still for {ms} ms between deciding and sending"),
            );
            let life = self.consoles[console].life;
            self.consoles[console].stalled_until = self.consoles[console].stalled_until.max(self.now + ms);
            self.queue.push(self.now + ms, Event::ActLater(console, life, tb, outputs));
            return;
        }
        let Some(back_after) = self.dies_now(console, acts) else {
            self.act(console, tb, outputs);
            return;
        };
        if early {
            self.tell(Node::Console(console), "dies after acting and before storing");
            self.act(console, tb, outputs);
        } else {
            self.tell(Node::Console(console), "dies after storing and before acting");
            if let Some(process) = &mut self.consoles[console].process {
                process.memory_before = None;
            }
            // The story was stored with the rest: what it says counts.
            for output in &outputs {
                if let Output::Journal(entry) = output {
                    self.on_entry(console, entry);
                }
            }
            self.consoles[console].disk.outbox = outputs;
        }
        self.crash(console, back_after);
    }

    /// Whether the process dies before this step's outputs, and when it is back.
    fn dies_now(&mut self, console: usize, acts: bool) -> Option<u64> {
        let known = &mut self.consoles[console];
        let (skip, back_after) = known.dies_before_acting.filter(|_| acts)?;
        known.dies_before_acting = (skip > 0).then(|| (skip - 1, back_after));
        (skip == 0).then_some(back_after)
    }

    pub(super) fn on_act_later(&mut self, console: usize, life: u32, decided: Time, outputs: Vec<Output>) {
        if self.consoles[console].life != life {
            return;
        }
        if let Err(until) = self.consoles[console].awake(self.now) {
            self.queue.push(until, Event::ActLater(console, life, decided, outputs));
            return;
        }
        self.act(console, decided, outputs);
    }

    pub(super) fn act(&mut self, console: usize, decided: Time, outputs: Vec<Output>) {
        for output in outputs {
            self.run_output(console, decided, output);
        }
    }

    fn run_output(&mut self, console: usize, decided: Time, output: Output) {
        match output {
            Output::WakeAt(at) => self.wake_at(console, at),
            Output::Poll(span) => {
                let poll = span.as_ms() as u32;
                if let Some(process) = &mut self.consoles[console].process {
                    process.poll_ms = poll;
                }
                self.send_to_relays(console, &Message::Poll(poll));
            }
            Output::LeaseRequest { epoch_max } => self.ask_lease(console, epoch_max),
            Output::LeaseRelease => {
                if let Some(process) = &mut self.consoles[console].process {
                    process.shadow.leases.fill(None);
                    let nonce = process.start_nonce;
                    self.send_to_relays(console, &Message::LeaseRelease(nonce));
                }
            }
            Output::IntentAnnounce(claim) => self.announce(console, claim),
            Output::IntentClose { nonce, epoch } => self.close_intent(console, nonce, epoch),
            Output::DnsRead => self.read_register(console),
            Output::DnsCas { claim, deadline, not_after } => {
                self.send_claim(console, decided, claim, (deadline, not_after));
            }
            Output::Role { epoch, active, former: _ } => {
                self.send_to_relays(console, &Message::Role(epoch, active));
            }
            Output::Revive(member) => self.revive(console, member),
            Output::Moved(record, incident) => self.note_move(console, record, incident),
            Output::Notify(notice) => {
                if notice.reach == Reach::Shared
                    && notice.kind == NoticeKind::Moved
                    && let Some(incident) = notice.incident
                {
                    self.on_told(console, incident);
                }
                self.trace.text(
                    self.now,
                    Node::Console(console),
                    format!("tells {:?}: {}", notice.kind, notice.text),
                );
            }
            Output::Journal(entry) => {
                self.on_entry(console, &entry);
                self.trace.note(self.now, Node::Console(console), What::Journal(Box::new(entry)));
            }
        }
    }

    fn wake_at(&mut self, console: usize, at: Time) {
        let now = self.now;
        let known = &self.consoles[console];
        let when = known.clock.when(now, at);
        let life = known.life;
        self.queue.push(when.max(now + 1), Event::Wake(console, life));
    }

    fn ask_lease(&mut self, console: usize, epoch_max: u64) {
        let tb = self.consoles[console].tb(self.now);
        let (rank, start_counter) = (self.consoles[console].rank, self.consoles[console].disk.start_counter);
        let Some(process) = &mut self.consoles[console].process else { return };
        let number = process.next_request;
        process.next_request += 1;
        if process.asked.len() >= 8 {
            process.asked.remove(0);
        }
        process.asked.push((number, tb));
        let nonce = process.start_nonce;
        let request = lease::Request { pool: ids::POOL, number, start_counter, nonce, rank, epoch_max };
        self.send_to_relays(console, &Message::LeaseRequest(Box::new(request)));
    }

    fn announce(&mut self, console: usize, claim: Claim) {
        self.send_to_relays(console, &Message::IntentPut(Box::new(intent(&claim))));
        if let Some(process) = &mut self.consoles[console].process
            && process.announced.iter().all(|known| known.nonce != claim.nonce)
        {
            process.announced.push(claim);
        }
    }

    fn close_intent(&mut self, console: usize, nonce: Nonce, epoch: u64) {
        self.on_closed(console, nonce);
        if let Some(process) = &mut self.consoles[console].process {
            process.announced.retain(|claim| claim.nonce != nonce);
            process.shadow.settle(nonce);
        }
        self.send_to_relays(console, &Message::IntentClose(epoch, nonce));
    }

    fn send_claim(&mut self, console: usize, decided: Time, claim: Claim, until: (Time, Time)) {
        let (deadline, not_after) = until;
        let tb = self.consoles[console].tb(self.now);
        // Standing still between deciding and doing: the moment has passed.
        let late = tb > not_after || tb > deadline;
        if late && self.planted != Some(Planted::LateSendAllowed) {
            let outcome = WriteOutcome::NotSent("this process stood still".into());
            self.step(console, Input::DnsWrite { nonce: claim.nonce, outcome });
            return;
        }
        self.judge_kept(console, &claim);
        self.judge_sending(console, decided, &claim);
        if let Some(process) = &mut self.consoles[console].process {
            process.shadow.sent(&claim);
        }
        let claim = Rc::new(claim);
        if self.planted == Some(Planted::SendsTwiceAnew) {
            let mut again = (*claim).clone();
            let fresh = self.consoles[console].dice.draw();
            again.nonce = Nonce::from_u64(fresh);
            again.set_marker.nonce = model::marker::Short8::of(again.nonce.as_bytes());
            self.write_register(console, &claim, deadline);
            self.judge_sending(console, decided, &again);
            self.write_register(console, &Rc::new(again), deadline);
            return;
        }
        self.write_register(console, &claim, deadline);
        if let Some(ms) = self.consoles[console].sleeps_after_sending.take() {
            self.tell(Node::Console(console), "falls asleep with a request on its way");
            self.sleep(console, ms);
        }
    }

    fn note_move(&mut self, console: usize, record: MoveRecord, incident: IncidentId) {
        self.on_moved(console, &record);
        let born = self.now as i64 - record.age.as_ms() as i64;
        let disk = &mut self.consoles[console].disk;
        merge_move(disk, record, incident, born);
        if let Some(kept) = disk.moves.get(&record.epoch) {
            let noted = noted(kept);
            self.send_to_relays(console, &Message::RecordPut(noted));
        }
    }
}
