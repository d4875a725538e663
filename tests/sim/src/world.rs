//! One world: its nodes, its events, and the loop that lets them happen one by one.
//!
//! Start reading at [`World::run`]. The rooms: [`traffic`] moves messages over links, [`voters`] is the agents' side,
//! [`engines`] the consoles' side, [`outbox`] the machine under test and what it asks for, [`dns`] the way to the
//! register, [`trouble`] the faults, [`witness`] the oracle that knows who truly serves, [`ending`] the healed time.

mod dns;
mod ending;
mod engines;
mod outbox;
mod speech;
mod traffic;
mod trouble;
mod voters;
mod witness;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;

use evaluator::io::State;
use protocol::docs;

use crate::console::Console;
use crate::fault::Fault;
use crate::haproxy::Due;
use crate::invariant::{Invariant, Violation};
use crate::link::{End, Link};
use crate::member::Member;
use crate::net::Net;
use crate::plan::Plan;
use crate::planted::Planted;
use crate::queue::Queue;
use crate::register::Register;
use crate::rng::Dice;
use crate::totals::Totals;
use crate::trace::{Node, Trace};
use crate::wire::{Docs, Message};

pub use dns::Ask;
pub use trouble::Undo;

/// Which link: consoles have one to every relay, members one to each other.
pub type LinkId = usize;

/// What can happen.
pub enum Event {
    /// The next planned fault.
    Fault(usize),
    /// A fault heals, unless everything was healed before.
    Undo(u32, Undo),
    /// A console's regular look at everything.
    Tick(usize, u32),
    /// A moment that a machine asked for.
    Wake(usize, u32),
    /// A process that stood still between deciding and doing goes on.
    ActLater(usize, u32, model::Time, Vec<evaluator::Output>),
    /// A console's process starts.
    Start(usize, u32),
    /// An agent makes its heartbeat.
    Beat(usize, u32),
    /// An agent starts.
    AgentStart(usize, u32),
    /// Something of a HAProxy is due.
    Service(usize, u32, Due),
    /// A relay tells a console what it heard.
    Report(LinkId, u32),
    /// A dial arrives.
    Dial(LinkId, u32),
    /// The dialler learns that it was answered.
    Answered(LinkId, u32),
    /// A dial was not answered in time.
    DialOver(LinkId, u32),
    /// A message arrives at the other end than it was sent from.
    Deliver(LinkId, u32, End, Message),
    /// A lost packet is sent again.
    Retry(LinkId, u32, End),
    /// A request arrives at the register.
    DnsArrives(Box<Ask>),
    /// An answer of the register arrives, or its time is over.
    DnsEnds(usize, u32, u64, Box<dns::Outcome>),
    /// A revive over SSH ends.
    Revived(usize, u32, usize),
    /// The oracle looks around.
    Audit,
    /// The faults end.
    Heal,
    /// A step of the healed time.
    Ending(ending::Stage),
}

/// Everything of one seed.
pub struct World {
    /// True time in ms.
    pub now: u64,
    plan: Plan,
    planted: Option<Planted>,
    dice: Dice,
    queue: Queue<Event>,
    net: Net,
    trace: Trace,
    members: Vec<Member>,
    consoles: Vec<Console>,
    links: Vec<Link<Message>>,
    register: Register,
    weather: dns::Skies,
    roster: Arc<docs::Roster>,
    newest_docs: Rc<Docs>,
    newest_roster: u64,
    oracle: witness::Oracle,
    ending: ending::Ending,
    layers: u32,
    /// Rises when everything is healed: what would have healed by itself is void.
    era: u32,
    totals: Totals,
    violation: Option<Violation>,
    over: bool,
}

/// How a world ended.
pub struct Outcome {
    /// Counts.
    pub totals: Totals,
    /// The trace's hash.
    pub hash: u128,
    /// Ways of the machines' table that were taken.
    pub ways: BTreeSet<(State, State, String)>,
    /// The broken invariant, with the story before it.
    pub failure: Option<Failure>,
}

/// A broken invariant, for people.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Which, and how.
    pub violation: Violation,
    /// When, in true ms.
    pub at: u64,
    /// The last events.
    pub story: String,
}

impl World {
    /// Builds the world of a plan.
    pub fn new(plan: Plan, planted: Option<Planted>) -> Self {
        let mut dice = Dice::new(plan.world_seed);
        let clones = plan.faults.iter().filter(|(_, fault)| matches!(fault, Fault::Clone(_))).count();
        let consoles = plan.consoles.len() + clones;
        let voters = plan.voters.len();
        let net = Net::new(voters + consoles + 2, dice.fork(1));
        let docs = Rc::new(Docs {
            policy_version: 1,
            settings: plan.settings.clone(),
            paused_until: 0,
            preferred: plan.preferred.map(crate::ids::member),
        });
        let marker = crate::ids::first_marker();
        let mut world = Self {
            now: 0,
            planted,
            queue: Queue::default(),
            net,
            trace: Trace::default(),
            members: Vec::new(),
            consoles: Vec::new(),
            links: Vec::new(),
            register: Register::new(plan.provider, marker.clone()),
            weather: dns::Skies::default(),
            roster: voters::signed_roster(&plan),
            newest_docs: Rc::clone(&docs),
            newest_roster: 1,
            oracle: witness::Oracle::new(voters, consoles),
            ending: ending::Ending::default(),
            layers: 0,
            era: 0,
            totals: Totals::default(),
            violation: None,
            over: false,
            dice,
            plan,
        };
        world.found_members(&docs);
        world.found_consoles(&docs, &marker, clones);
        world.found_links();
        if !world.plan.faults.is_empty() {
            world.queue.push(world.plan.faults[0].0, Event::Fault(0));
        }
        world.queue.push(world.plan.chaos_until, Event::Heal);
        world.queue.push(1_000, Event::Audit);
        world
    }

    /// Lets everything happen until the end or the first broken invariant.
    pub fn run(mut self) -> Outcome {
        if let Err(words) = std::panic::catch_unwind(AssertUnwindSafe(|| self.go())) {
            let text = words.downcast_ref::<String>().cloned();
            let text =
                text.or_else(|| words.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
            self.fail(Violation::new(Invariant::Panic, text));
        }
        self.totals.simulated_ms += self.now;
        self.totals.seeds += 1;
        self.totals.events += self.trace.events;
        self.totals.violations += u64::from(self.violation.is_some());
        let failure = self.violation.take().map(|violation| Failure {
            violation,
            at: self.now,
            story: self.trace.story(),
        });
        Outcome { totals: self.totals, hash: self.trace.hash(), ways: self.oracle.ways, failure }
    }

    fn go(&mut self) {
        while self.violation.is_none() && !self.over {
            let Some((at, event)) = self.queue.pop() else { break };
            debug_assert!(at >= self.now, "time goes forward");
            self.now = at;
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Fault(index) => self.on_fault(index),
            Event::Undo(era, undo) if era == self.era => self.on_undo(undo),
            Event::Undo(..) => {}
            Event::Tick(console, life) => self.on_tick(console, life),
            Event::Wake(console, life) => self.on_wake(console, life),
            Event::ActLater(console, life, decided, outputs) => {
                self.on_act_later(console, life, decided, outputs);
            }
            Event::Start(console, life) => self.on_start(console, life),
            Event::Beat(member, life) => self.on_beat(member, life),
            Event::AgentStart(member, life) => self.on_agent_start(member, life),
            Event::Service(member, generation, due) => self.on_service(member, generation, due),
            Event::Report(link, generation) => self.on_report_due(link, generation),
            Event::Dial(link, generation) => self.on_dial(link, generation),
            Event::Answered(link, generation) => self.on_answered(link, generation),
            Event::DialOver(link, generation) => self.on_dial_over(link, generation),
            Event::Deliver(link, generation, from, message) => {
                self.on_deliver(link, generation, from, message);
            }
            Event::Retry(link, generation, from) => self.on_retry(link, generation, from),
            Event::DnsArrives(ask) => self.on_dns_arrives(&ask),
            Event::DnsEnds(console, life, id, outcome) => self.on_dns_ends(console, life, id, *outcome),
            Event::Revived(console, life, member) => self.on_revived(console, life, member),
            Event::Audit => self.on_audit(),
            Event::Heal => self.on_heal(),
            Event::Ending(stage) => self.on_ending(stage),
        }
    }

    fn fail(&mut self, violation: Violation) {
        if self.violation.is_none() {
            self.trace.text(
                self.now,
                Node::World,
                format!("{:?} broken: {}", violation.invariant, violation.text),
            );
            self.violation = Some(violation);
        }
    }

    fn check(&mut self, check: crate::invariant::Check) {
        if let Err(violation) = check {
            self.fail(violation);
        }
    }

    fn tell(&mut self, node: Node, text: impl Into<Box<str>>) {
        self.trace.text(self.now, node, text);
    }

    const fn register_node(&self) -> usize {
        self.internet_node() - 1
    }

    const fn internet_node(&self) -> usize {
        self.net.nodes() - 1
    }
}
