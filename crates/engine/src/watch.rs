//! One pool's watch: the loop around its machine. It persists what a step decided before it carries anything out,
//! and feeds back what came of it. It decides nothing.
//!
//! What a step decided is written by the pen, a thread of its own, one write at a time and in order; the loop goes on
//! meanwhile, so a slow disk neither stops the clock nor makes heartbeats wait. See `keeping` for what becomes of
//! decisions that a disk takes late or not at all.

mod keeping;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evaluator::io::{
    Claim, Command, DnsFault, Input, Link, Memory, Output, OwnFault, Reading, Records, Setup, WriteOutcome,
};
use evaluator::{Explanation, Loss, Machine};
use model::{MemberId, Nonce, PoolId, Span, Time};
use protocol::frame::{Frame, Role};
use protocol::intents::Intent;
use protocol::lease;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::clock;
use crate::pen::Pen;
use crate::reach::Reach;
use crate::recorder::Recorder;
use crate::register::Register;
use crate::story::{Scribe, Story};
use crate::watch::keeping::{Writing, written};

/// How often the machine is told the time when nothing happens.
const RHYTHM: Span = Span::from_ms(250);
/// A disk that refused, and a machine that broke, are tried again after this long.
const AGAIN: Span = Span::from_s(1);
/// Inputs that may wait; then what the network brings is lost, as a network loses it.
const PLACES: usize = 4096;

/// What the rest of the engine asks of a pool's watch.
pub(crate) enum Ask {
    /// Something happened.
    Input(Input),
    /// A relay answered a lease request.
    LeaseAnswer(MemberId, lease::Answer),
    /// The managed name or its provider changed.
    Register(Option<Arc<Register>>),
    /// What a register said, with the number of the register that was asked.
    Read(u64, Result<Reading, DnsFault>),
    /// How things stand.
    Explain(oneshot::Sender<Explanation>),
    /// What would happen.
    WhatIf(MemberId, Loss, oneshot::Sender<evaluator::Story>),
    /// Whether it takes its turns at all.
    Pulse(oneshot::Sender<()>),
    /// End.
    Stop,
}

impl Ask {
    /// Whether nobody would ever say it again.
    const fn must_arrive(&self) -> bool {
        match self {
            Self::Register(_) | Self::Stop => true,
            Self::Input(input) => matches!(
                input,
                Input::Fault(_)
                    | Input::Operator(_)
                    | Input::Policy(_)
                    | Input::Roster(_)
                    | Input::Records(_)
                    | Input::Credential(_)
                    | Input::FleetGuard(_)
            ),
            Self::LeaseAnswer(..) | Self::Read(..) | Self::Explain(_) | Self::WhatIf(..) | Self::Pulse(_) => {
                false
            }
        }
    }
}

/// A pool's watch as the others hold it.
#[derive(Clone)]
pub(crate) struct Handle {
    asks: mpsc::Sender<Ask>,
    /// What must arrive, also at a watch that is far behind; it goes first.
    urgent: mpsc::UnboundedSender<Ask>,
    task: AbortHandle,
}

impl Handle {
    /// Hands something over. A watch that is overrun loses what the network brings, and nothing else.
    pub(crate) fn tell(&self, ask: Ask) {
        let taken =
            if ask.must_arrive() { self.urgent.send(ask).is_ok() } else { self.asks.try_send(ask).is_ok() };
        if !taken {
            tracing::warn!("a pool's watch did not take what it was told");
        }
    }

    /// Waits until the watch has ended.
    pub(crate) async fn ended(&self) {
        self.asks.closed().await;
    }

    /// Ends it without its last words.
    pub(crate) fn abort(&self) {
        self.task.abort();
    }

    /// The present explanation; none while the watch is ending or its machine is broken.
    pub(crate) async fn explain(&self) -> Option<Explanation> {
        let (answer, wait) = oneshot::channel();
        self.asks.send(Ask::Explain(answer)).await.ok()?;
        wait.await.ok()
    }

    /// Waits until it has taken a turn; at once when it ends.
    pub(crate) async fn pulse(&self) {
        let (answer, wait) = oneshot::channel();
        if self.asks.send(Ask::Pulse(answer)).await.is_ok() {
            // A watch that ends meanwhile drops the question: that is no stall either.
            let _ = wait.await;
        }
    }

    /// What would happen if this member were lost now.
    pub(crate) async fn what_if(&self, member: MemberId, loss: Loss) -> Option<evaluator::Story> {
        let (answer, wait) = oneshot::channel();
        self.asks.send(Ask::WhatIf(member, loss, answer)).await.ok()?;
        wait.await.ok()
    }
}

/// This start of this console, as lease requests name it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) counter: u64,
    pub(crate) nonce: Nonce,
    pub(crate) rank: u32,
}

/// What a watch works with.
pub(crate) struct Tools {
    pub(crate) story: Story,
    pub(crate) pen: Arc<Pen>,
    pub(crate) reach: Arc<Reach>,
    pub(crate) register: Option<Arc<Register>>,
    pub(crate) recorder: Option<Arc<Recorder>>,
    pub(crate) start: Start,
}

/// What the machine was told last. A machine that starts again begins with this and never with what stood at the first
/// start: a pause or a disarmed pool must not be forgotten.
struct Told {
    setup: Setup,
    policy_at: Time,
    records: Records,
    records_at: Time,
    watch: evaluator::io::Watch,
}

impl Told {
    fn note(&mut self, now: Time, input: &Input) {
        match input {
            Input::Roster(roster) => self.setup.roster = roster.clone(),
            Input::Policy(policy) => {
                self.setup.policy = policy.clone();
                self.policy_at = now;
            }
            Input::Credential(credential) => self.setup.credential = credential.clone(),
            Input::Fault(OwnFault::NetworkChanged(attachment)) => self.setup.attachment = *attachment,
            Input::Records(records) => {
                self.records = records.clone();
                self.records_at = now;
            }
            Input::Operator(Command::Watch(watch)) => self.watch = *watch,
            Input::Fault(OwnFault::Suspended(_) | OwnFault::Stalled(_))
            | Input::Operator(_)
            | Input::Tick
            | Input::Report(_)
            | Input::Relay { .. }
            | Input::Lease { .. }
            | Input::IntentStored { .. }
            | Input::IntentRefused { .. }
            | Input::Probe { .. }
            | Input::Anchors { .. }
            | Input::DnsRead(_)
            | Input::DnsWrite { .. }
            | Input::Revived(_)
            | Input::FleetGuard(_)
            | Input::SourceSeen { .. } => {}
        }
    }

    /// How a machine is to start now.
    fn setup(&self, now: Time, memory: Memory) -> Setup {
        let mut setup = Setup { memory, seed: crate::random::number(), ..self.setup.clone() };
        if let Some(pause) = &mut setup.policy.pause {
            pause.remaining = pause.remaining.less(now - self.policy_at);
        }
        setup
    }

    fn records(&self, now: Time) -> Records {
        let older = now - self.records_at;
        let mut records = self.records.clone();
        for record in &mut records.moves {
            record.age = record.age + older;
        }
        records
    }
}

/// The loop.
pub(crate) struct Watch {
    pool: PoolId,
    told: Told,
    /// None while it is broken or its memory cannot be read: then nothing is decided here.
    machine: Option<Machine>,
    try_again: Time,
    tools: Tools,
    own: mpsc::Sender<Ask>,
    wake: Time,
    ticked: Time,
    lease_sent: BTreeMap<u64, Time>,
    lease_number: u64,
    /// Which register is asked; answers of an earlier one are about another name.
    register_number: u64,
    /// Which of its memory's changes was written last.
    kept_changes: u64,
    /// Decided, in order; not handed to the pen yet, so not done.
    owed: VecDeque<Output>,
    /// The write that is under way. Then the scribe is with the pen.
    writing: Option<Writing>,
    scribe: Option<Scribe>,
    /// When the disk refused last, if it did since the last write that succeeded.
    refused_at: Option<Time>,
    /// When a doubtful disk was last asked whether it takes a write.
    asked_at: Time,
    /// Why the machine has no credential although there may be one: the disk.
    withheld: Option<String>,
    /// What people were warned of last.
    warned: Option<String>,
    /// Claims that relays were told of and that are not settled; a relay that comes later is told as well.
    announced: Vec<Claim>,
}

impl Watch {
    /// Starts a pool's watch on its own task. `records` are the moves known so far.
    pub(crate) fn spawn(setup: Setup, watch: evaluator::io::Watch, records: Records, tools: Tools) -> Handle {
        let (asks, inbox) = mpsc::channel(PLACES);
        let (urgent, first) = mpsc::unbounded_channel();
        let watch = Self::new(setup, watch, records, tools, asks.clone());
        let task = tokio::spawn(watch.run(inbox, first)).abort_handle();
        Handle { asks, urgent, task }
    }

    fn new(
        setup: Setup,
        watch: evaluator::io::Watch,
        records: Records,
        tools: Tools,
        own: mpsc::Sender<Ask>,
    ) -> Self {
        let now = clock::now();
        let scribe = Some(tools.story.scribe());
        Self {
            pool: setup.pool,
            told: Told { setup, policy_at: now, records, records_at: now, watch },
            machine: None,
            try_again: now,
            tools,
            own,
            wake: now,
            ticked: now,
            lease_sent: BTreeMap::new(),
            lease_number: 0,
            register_number: 0,
            kept_changes: 0,
            owed: VecDeque::new(),
            writing: None,
            scribe,
            refused_at: None,
            asked_at: Time::ZERO,
            withheld: None,
            warned: None,
            announced: Vec::new(),
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Ask>, mut urgent: mpsc::UnboundedReceiver<Ask>) {
        let mut rhythm = tokio::time::interval(clock::std(RHYTHM));
        rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.take(Ask::Input(Input::Tick));
        loop {
            let now = clock::now();
            if now - self.ticked > RHYTHM.times(2) {
                // A flood of inputs must not keep the time away.
                self.take(Ask::Input(Input::Tick));
            }
            let wake = clock::std(self.wake - now).max(std::time::Duration::from_millis(1));
            let ask = tokio::select! {
                biased;
                written = written(&mut self.writing) => {
                    self.guarded(|watch| watch.on_written(written));
                    continue;
                }
                Some(ask) = urgent.recv() => Some(ask),
                ask = inbox.recv() => ask,
                () = tokio::time::sleep(wake) => Some(Ask::Input(Input::Tick)),
                _ = rhythm.tick() => Some(Ask::Input(Input::Tick)),
            };
            match ask {
                Some(Ask::Stop) | None => break,
                Some(ask) => self.take(ask),
            }
        }
        self.last_words().await;
    }

    /// Takes one thing in.
    fn take(&mut self, ask: Ask) {
        self.guarded(|watch| watch.on_ask(ask));
    }

    /// A machine that breaks over what it is told starts again; the watch itself never ends by it.
    fn guarded(&mut self, run: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| run(self))).is_err() {
            self.break_down();
        }
    }

    fn on_ask(&mut self, ask: Ask) {
        match ask {
            Ask::Input(input) => self.input(input),
            Ask::LeaseAnswer(relay, answer) => self.lease_answered(relay, answer),
            Ask::Register(register) => {
                self.tools.register = register;
                self.register_number += 1;
            }
            Ask::Read(number, reading) => {
                if number == self.register_number {
                    self.input(Input::DnsRead(reading));
                }
            }
            Ask::Explain(answer) => {
                if let Some(machine) = &self.machine {
                    drop(answer.send(machine.explain(clock::now())));
                }
            }
            Ask::WhatIf(member, loss, answer) => {
                if let Some(machine) = &self.machine {
                    drop(answer.send(machine.what_if(clock::now(), member, loss)));
                }
            }
            Ask::Pulse(answer) => drop(answer.send(())),
            Ask::Stop => {}
        }
    }

    fn input(&mut self, input: Input) {
        let now = clock::now();
        self.told.note(now, &input);
        if let Input::Relay { relay, link: Link::Up } = input {
            self.announce_again(relay);
        }
        if input == Input::Tick {
            self.ticked = now;
            self.look_at_disk(now);
        }
        if self.machine.is_none() && now >= self.try_again {
            self.start_machine(now);
        }
        // Whatever becomes of the provider: without a disk there is no credential here.
        if self.withheld.is_some() && matches!(input, Input::Credential(_)) {
            return;
        }
        self.step(now, input);
    }

    /// Starts the machine with what was told last and what is on disk. Without its memory it is not started: it could
    /// not know of a claim that it left open.
    fn start_machine(&mut self, now: Time) {
        if self.scribe.is_none() {
            // The disk does not say yet what the machine before left behind.
            return;
        }
        self.try_again = now + AGAIN;
        let memory = match self.tools.story.memory() {
            Ok(memory) => memory.unwrap_or_default(),
            Err(error) => {
                return self.warn("watch-down", format!("this pool is not watched here: {error:#}"));
            }
        };
        self.wake = now;
        self.warned = None;
        let setup = self.told.setup(now, memory);
        if let Some(recorder) = &self.tools.recorder {
            recorder.started(&setup, now);
        }
        // A machine that breaks at its very start is tried again a second later.
        // What is on disk was announced, or is about to be: relays that never heard of it would explain nothing with it.
        self.announced = setup.memory.intent.iter().chain(&setup.memory.abort).cloned().collect();
        let machine = Machine::new(now, setup);
        self.kept_changes = machine.memory_changes();
        self.machine = Some(machine);
        if self.told.watch == evaluator::io::Watch::Off {
            self.step(now, Input::Operator(Command::Watch(self.told.watch)));
        }
        self.step(now, Input::Records(self.told.records(now)));
    }

    /// A machine that broke is never gone on with: it starts again from what is on disk, in COLD.
    fn break_down(&mut self) {
        self.machine = None;
        // What it still owed was never written, so the stored state does not know of it either.
        self.owed.clear();
        if let Some(writing) = &mut self.writing {
            writing.claims.clear();
        }
        self.refused_at = None;
        self.withheld = None;
        self.try_again = clock::now() + AGAIN;
        let words =
            "the pool's watch broke over something it was told and starts again from its stored state";
        self.warn("watch-broke", words.to_owned());
    }

    /// Tells people, once for the same words.
    fn warn(&mut self, topic: &str, words: String) {
        if self.warned.as_ref() == Some(&words) {
            return;
        }
        tracing::error!(pool = %self.pool.short(), "{words}");
        self.tools.story.warn(topic, &words);
        self.warned = Some(words);
    }

    fn step(&mut self, now: Time, input: Input) {
        let Some(machine) = self.machine.as_mut() else { return };
        if let Some(recorder) = &self.tools.recorder {
            recorder.input(self.pool, now, &input);
        }
        let outputs = machine.step(now, input);
        let changes = machine.memory_changes();
        self.wake = now + RHYTHM;
        if self.is_behind() || changes != self.kept_changes || outputs.iter().any(Output::is_stored_first) {
            self.owe(outputs);
            return self.write_owed(now);
        }
        for output in outputs {
            self.perform(output);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::WakeAt(at) => self.wake = self.wake.min(at),
            Output::Poll(every) => self.tools.reach.poll(self.pool, every),
            Output::LeaseRequest { epoch_max } => self.request_lease(epoch_max),
            Output::LeaseRelease => {
                self.send(&Frame::LeaseRelease { pool: self.pool, nonce: self.tools.start.nonce });
            }
            Output::IntentAnnounce(claim) => {
                self.send(&Frame::IntentPut(self.intent(&claim)));
                self.announced.retain(|known| known.nonce != claim.nonce);
                self.announced.push(claim);
            }
            Output::IntentClose { nonce, epoch } => {
                self.announced.retain(|known| known.nonce != nonce);
                self.send(&Frame::IntentClose { pool: self.pool, epoch, nonce });
            }
            Output::DnsRead => self.read_register(),
            Output::DnsCas { claim, deadline, not_after } => self.write_register(claim, deadline, not_after),
            Output::Role { epoch, active, .. } => {
                self.tools.reach.send_role(Role { pool: self.pool, epoch, active });
            }
            Output::Revive(member) => {
                tracing::info!(member = %member.short(), "no SSH road is set up: the agent cannot be revived from here");
                self.tell_later(Input::Revived("no SSH road is set up on this console".to_owned()));
            }
            Output::Moved(record, incident) => {
                if let Some(signed) = self.tools.story.moved(&record, incident) {
                    self.send(&Frame::RecordPut(signed));
                }
            }
            Output::Notify(notice) => self.tools.story.notify(&notice),
            Output::Journal(entry) => self.tools.story.tell(&entry),
        }
    }

    fn send(&self, frame: &Frame) {
        self.tools.reach.send_to_pool(self.pool, frame);
    }

    /// Tells a relay that has just come of claims that are open: whoever decides next has to find them there.
    fn announce_again(&self, relay: MemberId) {
        for claim in &self.announced {
            self.tools.reach.send(relay, Frame::IntentPut(self.intent(claim)));
        }
    }

    fn intent(&self, claim: &Claim) -> Intent {
        let cause = crate::words::cause(claim.cause).to_owned();
        Intent { pool: self.pool, epoch: claim.epoch, nonce: claim.nonce, target: claim.member, cause }
    }

    fn request_lease(&mut self, epoch_max: u64) {
        self.lease_number += 1;
        let now = clock::now();
        self.lease_sent.insert(self.lease_number, now);
        // Answers older than a lease's life say nothing.
        self.lease_sent.retain(|_, sent| now - *sent < Span::from_s(30));
        self.send(&Frame::LeaseRequest(lease::Request {
            pool: self.pool,
            number: self.lease_number,
            start_counter: self.tools.start.counter,
            nonce: self.tools.start.nonce,
            rank: self.tools.start.rank,
            epoch_max,
        }));
    }

    fn lease_answered(&mut self, relay: MemberId, answer: lease::Answer) {
        let Some(sent) = self.lease_sent.get(&answer.number).copied() else { return };
        if answer.nonce != self.tools.start.nonce {
            return;
        }
        let holder =
            |holder: lease::Holder| evaluator::io::Holder { rank: holder.rank, console: holder.console };
        let answer = evaluator::io::LeaseAnswer {
            sent,
            granted: answer.granted,
            holder: answer.holder.map(holder),
            wanted_by: answer.wanted_by.map(holder),
            refusal: answer.refusal,
        };
        self.input(Input::Lease { relay, answer });
    }

    fn read_register(&self) {
        let Some(register) = self.tools.register.clone() else { return };
        let (own, number) = (self.own.clone(), self.register_number);
        tokio::spawn(async move {
            let reading = register.read().await;
            let _ = own.send(Ask::Read(number, reading)).await;
        });
    }

    fn write_register(&self, claim: Claim, deadline: Time, not_after: Time) {
        let Some(register) = self.tools.register.clone() else {
            let outcome =
                WriteOutcome::Rejected("no provider is linked to this pool on this console".to_owned());
            return self.tell_later(Input::DnsWrite { nonce: claim.nonce, outcome });
        };
        let own = self.own.clone();
        tokio::spawn(async move {
            let outcome = register.write(&claim, deadline, not_after).await;
            let _ = own.send(Ask::Input(Input::DnsWrite { nonce: claim.nonce, outcome })).await;
        });
    }

    fn tell_later(&self, input: Input) {
        let own = self.own.clone();
        tokio::spawn(async move {
            let _ = own.send(Ask::Input(input)).await;
        });
    }
}

#[cfg(test)]
mod tests;
