//! One pool's watch: the loop around its machine. It persists what a step decided before it carries anything out,
//! and feeds back what came of it. It decides nothing.
//!
//! If the step cannot be written to disk, nothing of it is carried out: the machine then hears that the outcome is
//! unknown, which only ever leads to reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use evaluator::io::{Claim, Input, Memory, Output, Setup, WriteOutcome};
use evaluator::{Explanation, Machine};
use model::{MemberId, Nonce, PoolId, Span, Time};
use protocol::frame::{Frame, Role};
use protocol::intents::Intent;
use protocol::lease;
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::reach::Reach;
use crate::register::Register;
use crate::story::Story;

/// Baselines change every second and matter by the hour: they are written this often when nothing else is.
const BASELINES_EVERY: Span = Span::from_s(60);
/// How often the machine is told the time when nothing happens.
const RHYTHM: Span = Span::from_ms(250);

/// What the rest of the engine asks of a pool's watch.
pub(crate) enum Ask {
    /// Something happened.
    Input(Input),
    /// A relay answered a lease request.
    LeaseAnswer(MemberId, lease::Answer),
    /// The managed name or its provider changed.
    Register(Option<Arc<Register>>),
    /// How things stand.
    Explain(oneshot::Sender<Explanation>),
    /// What would happen.
    WhatIf(MemberId, oneshot::Sender<evaluator::Story>),
    /// End.
    Stop,
}

/// A pool's watch as the others hold it.
#[derive(Clone)]
pub(crate) struct Handle {
    asks: mpsc::Sender<Ask>,
}

/// Longest wait for a watch to write its last state.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

impl Handle {
    /// Hands something over; a watch that is gone or overrun loses it, as a network would.
    pub(crate) fn tell(&self, ask: Ask) {
        if self.asks.try_send(ask).is_err() {
            tracing::warn!("a pool's watch did not take what it was told");
        }
    }

    /// Hands something over that must arrive.
    pub(crate) async fn ask(&self, ask: Ask) {
        let _ = self.asks.send(ask).await;
    }

    /// Waits until the watch has ended, for a while.
    pub(crate) async fn ended(&self) {
        let _ = tokio::time::timeout(LAST_WORDS, self.asks.closed()).await;
    }

    /// The present explanation; none while the watch is ending.
    pub(crate) async fn explain(&self) -> Option<Explanation> {
        let (answer, wait) = oneshot::channel();
        self.asks.send(Ask::Explain(answer)).await.ok()?;
        wait.await.ok()
    }

    /// What would happen if this member died now.
    pub(crate) async fn what_if(&self, member: MemberId) -> Option<evaluator::Story> {
        let (answer, wait) = oneshot::channel();
        self.asks.send(Ask::WhatIf(member, answer)).await.ok()?;
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

/// The loop.
pub(crate) struct Watch {
    pool: PoolId,
    setup: Setup,
    machine: Machine,
    story: Story,
    reach: Arc<Reach>,
    register: Option<Arc<Register>>,
    start: Start,
    own: mpsc::Sender<Ask>,
    wake: Time,
    lease_sent: BTreeMap<u64, Time>,
    lease_number: u64,
    baselines_kept: Time,
    kept: Memory,
}

impl Watch {
    /// Starts a pool's watch on its own task.
    pub(crate) fn spawn(
        setup: Setup,
        story: Story,
        reach: Arc<Reach>,
        register: Option<Arc<Register>>,
        start: Start,
    ) -> Handle {
        let (asks, inbox) = mpsc::channel(4096);
        let now = clock::now();
        let watch = Self {
            pool: setup.pool,
            machine: Machine::new(now, setup.clone()),
            setup,
            story,
            reach,
            register,
            start,
            own: asks.clone(),
            wake: now,
            lease_sent: BTreeMap::new(),
            lease_number: 0,
            baselines_kept: now,
            kept: Memory::default(),
        };
        tokio::spawn(watch.run(inbox));
        Handle { asks }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Ask>) {
        let mut rhythm = tokio::time::interval(clock::std(RHYTHM));
        rhythm.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let wake = clock::std(self.wake - clock::now()).max(std::time::Duration::from_millis(1));
            let ask = tokio::select! {
                biased;
                ask = inbox.recv() => ask,
                () = tokio::time::sleep(wake) => Some(Ask::Input(Input::Tick)),
                _ = rhythm.tick() => Some(Ask::Input(Input::Tick)),
            };
            match ask {
                Some(Ask::Input(input)) => self.step(input),
                Some(Ask::LeaseAnswer(relay, answer)) => self.lease_answered(relay, answer),
                Some(Ask::Register(register)) => self.register = register,
                Some(Ask::Explain(answer)) => drop(answer.send(self.machine.explain(clock::now()))),
                Some(Ask::WhatIf(member, answer)) => {
                    drop(answer.send(self.machine.what_if_dies(clock::now(), member)));
                }
                Some(Ask::Stop) | None => break,
            }
        }
        self.perform(Output::LeaseRelease);
        self.keep_memory();
    }

    fn step(&mut self, input: Input) {
        let now = clock::now();
        let stepped =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.machine.step(now, input)));
        let Ok(outputs) = stepped else { return self.restart(now) };
        self.wake = now + RHYTHM;
        let memory = self.machine.memory();
        let weighty = outputs.iter().any(is_weighty) || says_other(&memory, &self.kept);
        if weighty || now - self.baselines_kept > BASELINES_EVERY {
            self.baselines_kept = now;
            if let Err(error) = self.story.keep(&memory, &outputs) {
                tracing::error!(pool = %self.pool.short(), "a step could not be written, so none of it is done: {error:#}");
                for output in outputs {
                    self.not_done(output);
                }
                return;
            }
            self.kept = memory;
        }
        for output in outputs {
            self.perform(output);
        }
    }

    /// A machine that broke is never gone on with: it starts again from what is on disk, in COLD.
    fn restart(&mut self, now: Time) {
        tracing::error!(pool = %self.pool.short(), "the pool's machine broke and starts again from its stored state");
        let mut setup = self.setup.clone();
        setup.memory = self.story.memory().unwrap_or_default();
        setup.seed = crate::random::number();
        self.machine = Machine::new(now, setup);
    }

    fn not_done(&mut self, output: Output) {
        if let Output::DnsCas { claim, .. } = output {
            let outcome =
                WriteOutcome::Unknown("it could not be written to disk, so it was not sent".to_owned());
            self.tell_later(Input::DnsWrite { nonce: claim.nonce, outcome });
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::WakeAt(at) => self.wake = self.wake.min(at),
            Output::Poll(every) => self.reach.poll(self.pool, every),
            Output::LeaseRequest { epoch_max } => self.request_lease(epoch_max),
            Output::LeaseRelease => {
                self.send(&Frame::LeaseRelease { pool: self.pool, nonce: self.start.nonce });
            }
            Output::IntentAnnounce(claim) => self.send(&Frame::IntentPut(self.intent(&claim))),
            Output::IntentClose { nonce, epoch } => {
                self.send(&Frame::IntentClose { pool: self.pool, epoch, nonce });
            }
            Output::DnsRead => self.read_register(),
            Output::DnsCas { claim, deadline } => self.write_register(claim, deadline),
            Output::Role { epoch, active, .. } => {
                self.send(&Frame::Role(Role { pool: self.pool, epoch, active }));
            }
            Output::Revive(member) => {
                tracing::info!(member = %member.short(), "no SSH road is set up: the agent cannot be revived from here");
                self.tell_later(Input::Revived("no SSH road is set up on this console".to_owned()));
            }
            Output::Moved(record, incident) => {
                if let Some(signed) = self.story.moved(&record, incident) {
                    self.send(&Frame::RecordPut(signed));
                }
            }
            Output::Notify(notice) => self.story.notify(&notice),
            Output::Journal(entry) => self.story.tell(&entry),
        }
    }

    fn send(&self, frame: &Frame) {
        self.reach.send_to_pool(self.pool, frame);
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
            start_counter: self.start.counter,
            nonce: self.start.nonce,
            rank: self.start.rank,
            epoch_max,
        }));
    }

    fn lease_answered(&mut self, relay: MemberId, answer: lease::Answer) {
        let Some(sent) = self.lease_sent.get(&answer.number).copied() else { return };
        if answer.nonce != self.start.nonce {
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
        self.step(Input::Lease { relay, answer });
    }

    fn read_register(&self) {
        let Some(register) = self.register.clone() else { return };
        let own = self.own.clone();
        tokio::spawn(async move {
            let reading = register.read().await;
            let _ = own.send(Ask::Input(Input::DnsRead(reading))).await;
        });
    }

    fn write_register(&self, claim: Claim, deadline: Time) {
        let Some(register) = self.register.clone() else {
            let outcome =
                WriteOutcome::Rejected("no provider is linked to this pool on this console".to_owned());
            return self.tell_later(Input::DnsWrite { nonce: claim.nonce, outcome });
        };
        let own = self.own.clone();
        tokio::spawn(async move {
            let outcome = register.write(&claim, deadline).await;
            let _ = own.send(Ask::Input(Input::DnsWrite { nonce: claim.nonce, outcome })).await;
        });
    }

    fn tell_later(&self, input: Input) {
        let own = self.own.clone();
        tokio::spawn(async move {
            let _ = own.send(Ask::Input(input)).await;
        });
    }

    fn keep_memory(&self) {
        if let Err(error) = self.story.keep(&self.machine.memory(), &[]) {
            tracing::warn!(pool = %self.pool.short(), "the pool's last state could not be written: {error:#}");
        }
    }
}

/// Whether a memory differs in what a restart must know; baselines age every second and can wait.
fn says_other(memory: &Memory, kept: &Memory) -> bool {
    memory.marker != kept.marker || memory.intent != kept.intent || memory.drift != kept.drift
}

/// Whether an output may only be carried out once it is on disk.
fn is_weighty(output: &Output) -> bool {
    match output {
        Output::DnsCas { .. }
        | Output::IntentAnnounce(_)
        | Output::IntentClose { .. }
        | Output::Role { .. }
        | Output::Moved(..)
        | Output::Notify(_)
        | Output::Journal(_) => true,
        Output::WakeAt(_)
        | Output::Poll(_)
        | Output::LeaseRequest { .. }
        | Output::LeaseRelease
        | Output::DnsRead
        | Output::Revive(_) => false,
    }
}
