//! A small world without chance: members that beat, relays that report at once, one register, several consoles with
//! real machines. Nothing happens unless the caller says so, which is what an exhaustive search ([`crate::exhaustive`])
//! and a story with a committed ending ([`crate::story`]) both need.
//!
//! The engine's duties are kept here too: a step is stored before it is acted on, a request that waited is not sent,
//! a start begins with what the last store left.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use evaluator::Machine;
use evaluator::io::{
    Claim, Credential, Entry, ForeignIntent, Goodbye, Input, Memory, MoveRecord, Notice, Output, OwnFault,
    Policy, Records, Roster, Setup, WriteOutcome,
};
use model::haproxy::Down;
use model::settings::{Arming, Targets};
use model::{IncidentId, MemberId, Nonce, Settings, Span, Time};

use crate::ids;
use crate::planted::Planted;
use crate::register::{Provider, Register, Token};

mod hosts;
mod print;
mod road;

/// When every small world begins.
pub const BEGIN: Time = Time::from_ms(1_000_000);

/// A member or witness.
#[derive(Clone, Debug)]
pub struct Host {
    /// Whether it has power.
    pub powered: bool,
    /// Whether its agent runs.
    pub agent: bool,
    /// Whether other members hear it.
    pub heard_by_peers: bool,
    /// What it says of its HAProxy.
    pub down: Down,
    /// Its last word, if it leaves.
    pub goodbye: Option<Goodbye>,
    /// What the configuration's check said.
    pub cfg_valid: Option<bool>,
    /// In maintenance.
    pub maintenance: bool,
    /// A witness carries no traffic.
    pub witness: bool,
    /// Its service port answers.
    pub serves: bool,
    incarnation: u64,
    boots: u32,
    seq: u64,
    since: Time,
    beat_at: Option<Time>,
}

impl Host {
    fn new(witness: bool) -> Self {
        Self {
            powered: true,
            agent: true,
            heard_by_peers: true,
            down: Down::None,
            goodbye: None,
            cfg_valid: Some(true),
            maintenance: false,
            witness,
            serves: true,
            incarnation: 1,
            boots: 1,
            seq: 100,
            since: Time::ZERO,
            beat_at: None,
        }
    }

    /// Whether it beats.
    pub const fn speaks(&self) -> bool {
        self.powered && self.agent
    }
}

/// What a console's store does with the next step that acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Store {
    /// Stored and done.
    #[default]
    AtOnce,
    /// Stored, and done only when the caller says so.
    Held,
}

/// What a console's next reading shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// The truth, at once.
    #[default]
    Truth,
    /// The truth of the moment, delivered when the caller says so.
    Held,
    /// What stood before the last change.
    Old,
}

/// One console.
#[derive(Clone)]
pub struct Desk {
    /// Its process, if it runs.
    pub machine: Option<Machine>,
    /// Since when it stands still, if it does.
    pub frozen: Option<Time>,
    /// Whether it has a network.
    pub online: bool,
    /// Members whose relays it cannot reach.
    pub cut_from: BTreeSet<usize>,
    /// What the next step that acts meets.
    pub store: Store,
    /// What the next reading meets.
    pub view: View,
    /// Stored and not yet done.
    pub held: Option<Vec<Output>>,
    /// A reading on its way.
    pub reading: Option<(evaluator::io::Reading, Token)>,
    /// Claims sent and not closed, in all its lives.
    pub open: Vec<Claim>,
    disk: Memory,
    before: Option<Memory>,
    outbox: Vec<Output>,
    starts: u64,
    token: Option<Token>,
    knows_records: u64,
    wake: Option<Time>,
    print: u64,
}

/// A request on its way to the register, or an answer on its way back.
#[derive(Clone, Debug)]
pub struct Flight {
    /// Whose.
    pub desk: usize,
    /// In which of its lives.
    pub start: u64,
    /// What it asks for.
    pub claim: Rc<Claim>,
    /// What is on its way.
    pub leg: Leg,
}

/// Where a flight is.
#[derive(Clone, Debug)]
pub enum Leg {
    /// To the register.
    There(Option<Token>),
    /// Back.
    Back(WriteOutcome),
}

/// Something that a console did, for checks and for people.
#[derive(Clone, Debug)]
pub enum Noted {
    /// A line of its story.
    Entry(Entry),
    /// A notice.
    Notice(Notice),
    /// A request left.
    Sent(Sent),
    /// A request was not sent because the moment had passed.
    NotSent,
    /// The register accepted a write.
    Accepted(Rc<Claim>),
    /// The register refused one.
    Refused(Rc<Claim>),
}

/// A request that left, with how things stood at that moment.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What it asks for.
    pub claim: Rc<Claim>,
    /// Whether the disk held it.
    pub kept: bool,
    /// Another claim of this console that was open and is neither the same nor aborted by it.
    pub beside: Option<Nonce>,
}

/// How the small world is made.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Members.
    pub members: usize,
    /// Witnesses.
    pub witnesses: usize,
    /// Consoles.
    pub consoles: usize,
    /// The delay.
    pub delay_s: u32,
    /// Which provider.
    pub provider: Provider,
    /// Every console is told that it holds the lease.
    pub lease_for_all: bool,
    /// Requests arrive at once, and their answers too.
    pub prompt: bool,
    /// Relays pass on what other members say.
    pub peers_speak: bool,
    /// A bug.
    pub planted: Option<Planted>,
}

/// The world.
#[derive(Clone)]
pub struct Small {
    /// One clock for all.
    pub now: Time,
    /// How it was made.
    pub shape: Shape,
    /// Members, then witnesses.
    pub hosts: Vec<Host>,
    /// Consoles.
    pub desks: Vec<Rc<Desk>>,
    /// The register.
    pub register: Register,
    /// Whether the provider answers at all.
    pub provider_answers: bool,
    /// Requests and answers on their way.
    pub flights: Vec<Flight>,
    /// What was noted since the caller last took it.
    pub noted: Vec<(Time, usize, Noted)>,
    /// Incidents told to everybody.
    pub told: BTreeSet<IncidentId>,
    /// Epochs in the shared records.
    pub records: BTreeMap<u64, (MoveRecord, Time)>,
    /// The policy's pause, and until when.
    pub policy: Policy,
    intents: BTreeMap<Nonce, (ForeignIntent, Time)>,
    lease: Option<(usize, Time)>,
    epoch_max: u64,
    records_version: u64,
    queue: VecDeque<(usize, Input)>,
}

impl Small {
    /// Everybody is well; the consoles start now.
    pub fn new(shape: Shape) -> Self {
        let settings = Settings {
            delay_s: shape.delay_s,
            targets: Targets::Any,
            arming: Arming::Armed,
            ..Settings::default()
        };
        let settings = settings.check().expect("the delay of a small world is in range");
        let hostname = Some("www.example.org".to_owned());
        let policy = Policy { version: 1, hostname, settings, ..Policy::default() };
        let hosts = (0..shape.members + shape.witnesses).map(|n| Host::new(n >= shape.members)).collect();
        let mut small = Self {
            now: BEGIN,
            hosts,
            desks: Vec::new(),
            register: Register::new(shape.provider, ids::first_marker()),
            provider_answers: true,
            flights: Vec::new(),
            noted: Vec::new(),
            told: BTreeSet::new(),
            records: BTreeMap::new(),
            policy,
            intents: BTreeMap::new(),
            lease: None,
            epoch_max: ids::first_marker().epoch,
            records_version: 1,
            queue: VecDeque::new(),
            shape,
        };
        for console in 0..small.shape.consoles {
            small.desks.push(Rc::new(Desk::new()));
            small.start(console);
        }
        small
    }

    /// The process of this console, to change it.
    pub fn desk(&mut self, console: usize) -> &mut Desk {
        let desk = Rc::make_mut(&mut self.desks[console]);
        desk.print = 0;
        desk
    }

    /// A process starts on what its disk holds.
    pub fn start(&mut self, console: usize) {
        let (now, setup) = (self.now, self.setup(console));
        let planted = self.shape.planted;
        let desk = self.desk(console);
        let mut machine = Machine::new(now, setup);
        if let Some(Planted::Machine(bug)) = planted {
            machine.plant(bug);
        }
        desk.machine = Some(machine);
        desk.knows_records = 0;
        desk.token = None;
        desk.wake = None;
        let outbox = std::mem::take(&mut desk.outbox);
        if planted != Some(Planted::OutboxLost) {
            let lasting = |output: &Output| {
                matches!(
                    output,
                    Output::Moved(..) | Output::Notify(_) | Output::IntentClose { .. } | Output::Role { .. }
                )
            };
            self.act(console, outbox.into_iter().filter(lasting).collect());
        }
        self.drain();
        self.give_records(console);
    }

    fn setup(&mut self, console: usize) -> Setup {
        let roster = self.roster();
        let policy = self.policy.clone();
        let desk = self.desk(console);
        desk.starts += 1;
        Setup {
            fleet: ids::FLEET,
            pool: ids::POOL,
            console: ids::console(console),
            rank: 100,
            start_counter: desk.starts,
            seed: console as u64 + 1,
            attachment: 9,
            roster,
            policy,
            credential: Credential::Working,
            memory: desk.disk.clone(),
        }
    }

    fn roster(&self) -> Roster {
        use evaluator::io::{Member, Part};
        let entry = |(place, host): (usize, &Host)| {
            let (name, part) = if host.witness {
                (format!("witness-{}", place + 1), Part::Witness)
            } else {
                (format!("edge-{}", place + 1), Part::Member)
            };
            let address = ids::address(place);
            (ids::member(place), Member { name, address, part, priority: place as u32, same_host: false })
        };
        Roster { version: 1, members: self.hosts.iter().enumerate().map(entry).collect() }
    }

    /// A process ends without a word.
    pub fn crash(&mut self, console: usize) {
        let early = self.shape.planted == Some(Planted::Machine(evaluator::plant::Bug::ActBeforePersist));
        let held = self.desk(console).held.take();
        if let Some(outputs) = held {
            if early {
                self.desk(console).frozen = None;
                self.act(console, outputs);
                self.drain();
            } else {
                self.desk(console).outbox = outputs;
            }
        }
        let forgets = self.shape.planted == Some(Planted::MemoryLost);
        let desk = self.desk(console);
        if let Some(before) = desk.before.take().filter(|_| early) {
            desk.disk = before;
        }
        if forgets {
            desk.disk.intent = None;
            desk.disk.abort = None;
        }
        desk.machine = None;
        desk.frozen = None;
        desk.reading = None;
        desk.store = Store::AtOnce;
        desk.view = View::Truth;
        let start = desk.starts;
        // Its sockets are gone: answers find nobody.
        self.flights.retain(|flight| {
            flight.desk != console || flight.start != start || matches!(flight.leg, Leg::There(_))
        });
    }

    /// A console that stood still goes on.
    pub fn thaw(&mut self, console: usize, slept: bool) {
        let now = self.now;
        let Some(since) = self.desk(console).frozen.take() else { return };
        let gap = now - since;
        if gap > Span::from_s(3) {
            self.desk(console).reading = None;
            let fault = if slept { OwnFault::Suspended(gap) } else { OwnFault::Stalled(gap) };
            self.input(console, Input::Fault(fault));
        }
    }

    /// One input to one console; what follows from it at once happens too.
    pub fn input(&mut self, console: usize, input: Input) {
        self.queue.push_back((console, input));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some((console, input)) = self.queue.pop_front() {
            self.step(console, input);
        }
    }

    fn step(&mut self, console: usize, input: Input) {
        let now = self.now;
        let early = self.shape.planted == Some(Planted::Machine(evaluator::plant::Bug::ActBeforePersist));
        let desk = self.desk(console);
        if desk.frozen.is_some() {
            return;
        }
        let Some(machine) = desk.machine.as_mut() else { return };
        if early {
            desk.before = Some(desk.disk.clone());
        }
        let changes = machine.memory_changes();
        let outputs = machine.step(now, input);
        if machine.memory_changes() != changes && !early {
            desk.disk = machine.memory();
        }
        let acts = |output: &Output| matches!(output, Output::DnsCas { .. } | Output::Moved(..));
        if outputs.iter().any(acts) && desk.store == Store::Held && desk.held.is_none() {
            desk.store = Store::AtOnce;
            desk.held = Some(outputs);
            desk.frozen = Some(now);
            return;
        }
        self.act(console, outputs);
        if early {
            let desk = self.desk(console);
            desk.disk = desk.machine.as_ref().map_or_else(Memory::default, Machine::memory);
        }
    }

    /// What was held back is done now.
    pub fn act_held(&mut self, console: usize) {
        if let Some(outputs) = self.desk(console).held.take() {
            let since = self.desk(console).frozen.take();
            self.act(console, outputs);
            self.drain();
            self.desk(console).frozen = since;
            self.thaw(console, false);
        }
    }

    fn act(&mut self, console: usize, outputs: Vec<Output>) {
        for output in outputs {
            self.obey(console, output);
        }
    }

    fn note(&mut self, console: usize, noted: Noted) {
        self.noted.push((self.now, console, noted));
    }

    /// Time passes; members beat at whole seconds and every console is told of it.
    pub fn pass(&mut self, ms: u64) {
        self.now += Span::from_ms(ms);
        if self.now.as_ms().is_multiple_of(1_000) {
            let now = self.now;
            for host in self.hosts.iter_mut().filter(|host| host.speaks()) {
                host.seq += 1;
                host.beat_at = Some(now);
            }
            for console in 0..self.desks.len() {
                self.tell(console);
            }
        }
        for console in 0..self.desks.len() {
            self.input(console, Input::Tick);
        }
    }

    /// The next moment at which a machine wants to be asked, if it is before `end`.
    pub fn next_wake(&self, end: Time) -> Option<Time> {
        let wakes = self.desks.iter().filter_map(|desk| desk.wake);
        wakes.filter(|at| *at > self.now && *at < end).min()
    }

    fn tell(&mut self, console: usize) {
        if self.desks[console].machine.is_none() || self.desks[console].frozen.is_some() {
            return;
        }
        if self.now.as_ms().is_multiple_of(5_000) {
            let answered = if self.desks[console].online { 3 } else { 0 };
            self.input(console, Input::Anchors { asked: 3, answered });
        }
        for place in self.relays(console) {
            self.report(console, place);
        }
        self.give_records(console);
    }

    /// Every console that runs is given the policy as it is now.
    pub fn give_policy(&mut self) {
        self.policy.version += 1;
        for console in 0..self.desks.len() {
            let policy = self.policy.clone();
            self.input(console, Input::Policy(policy));
        }
    }

    fn give_records(&mut self, console: usize) {
        let version = self.records_version;
        let desk = &self.desks[console];
        if desk.knows_records == version || desk.machine.is_none() || self.relays(console).is_empty() {
            return;
        }
        self.desk(console).knows_records = version;
        let now = self.now;
        let aged = |(record, born): &(MoveRecord, Time)| MoveRecord { age: now - *born, ..*record };
        let moves = self.records.values().map(aged).collect();
        self.input(console, Input::Records(Records { moves, unreadable: false }));
    }

    /// What a console has on disk.
    pub fn disk(&self, console: usize) -> &Memory {
        &self.desks[console].disk
    }

    /// The member that a marker's address belongs to, by name.
    pub fn name_of(&self, member: MemberId) -> String {
        ids::voter(member).map_or_else(|| member.short(), |place| format!("edge-{}", place + 1))
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            machine: None,
            frozen: None,
            online: true,
            cut_from: BTreeSet::new(),
            store: Store::AtOnce,
            view: View::Truth,
            held: None,
            reading: None,
            open: Vec::new(),
            disk: Memory { marker: Some(ids::first_marker()), ..Memory::default() },
            before: None,
            outbox: Vec::new(),
            starts: 0,
            token: None,
            knows_records: 0,
            wake: None,
            print: 0,
        }
    }
}
