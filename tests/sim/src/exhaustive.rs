//! Every way in which a few consoles' claims can cross: safety.md 9.3, over the real machine.
//!
//! A search, depth first, over all orders of what can happen next: an operator's click or the news that the active has
//! stopped, a request that arrives at the register now, later, twice or never, its answer likewise, a reading that lags,
//! a process that dies at any step and starts again, one that stands still, somebody else's edit. Worlds that look
//! alike are looked at once. Faults and steps of time are bounded, so the search ends; what it has seen whole is
//! whole. Where time is used up everything is healed, and every console must come to the same end.

use std::collections::HashSet;

use evaluator::io::{Cause, Command, Input, State};
use model::Span;
use model::haproxy::Down;

use crate::ids;
use crate::invariant::{Invariant, Violation};
use crate::register::{ForeignA, Provider};
use crate::small::{Leg, Shape, Small, Store, View};

mod judge;

use judge::Judge;

/// Time passes in steps of this length: as often as members beat.
const BEAT_MS: u64 = 1_000;
/// One step of time goes on until something happens, at most this long.
const PASS_BEATS: u64 = 10;
/// Everything is settled this long after all is healed.
const SETTLED_WITHIN: Span = Span::from_s(200);
/// Beats between two looks whether an end is known already.
const LOOK_EVERY: u32 = 8;
/// Requests of one console that are on their way at once; more are as good as lost.
const FLIGHTS_MAX: usize = 3;

/// What makes the consoles write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The active says that its service is down, and every console holds the lease.
    ServiceDown,
    /// An operator on each console moves, each to another member.
    Orders,
    /// The first console moves by itself, on the others an operator does.
    Both,
}

/// Kinds of faults that may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request arrives, and once more later.
    Double,
    /// A process dies between two steps.
    Crash,
    /// A process stands still, or dies, between storing and acting.
    Hold,
    /// A reading is delivered later than it was made.
    LateReading,
    /// A reading shows what stood before the last change.
    OldReading,
    /// A process stands still.
    Freeze,
    /// Somebody else edits the record.
    Edit,
}

/// One search.
#[derive(Clone, Debug)]
pub struct Search {
    /// Consoles.
    pub consoles: usize,
    /// What makes them write.
    pub reason: Reason,
    /// Times that each is asked to.
    pub attempts: u8,
    /// Steps of time.
    pub passes: u8,
    /// Faults that strike at most.
    pub faults: u8,
    /// Of which kinds.
    pub kinds: Vec<Kind>,
    /// Which provider.
    pub provider: Provider,
    /// A bug.
    pub planted: Option<crate::planted::Planted>,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Worlds looked at.
    pub states: u64,
    /// Ends that were healed and settled.
    pub ends: u64,
    /// Writes accepted, over all ways.
    pub accepted: u64,
    /// Writes refused, over all ways.
    pub refused: u64,
    /// Claims that ended as won, lost or unknown.
    pub outcomes: [u64; 3],
    /// What broke, and the way there.
    pub broken: Option<(Violation, Vec<String>)>,
}

/// One thing that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Ask(usize),
    Pass,
    Land(usize),
    LandTwice(usize),
    Answer(usize),
    Crash(usize),
    Start(usize),
    HoldBack(usize),
    Act(usize),
    ReadLate(usize),
    ReadOld(usize),
    Reading(usize),
    Freeze(usize),
    Thaw(usize),
    Edit,
}

#[derive(Clone)]
struct Node {
    small: Small,
    judge: Judge,
    asks: Vec<u8>,
    passes: u8,
    faults: u8,
    edited: bool,
}

impl Search {
    /// Looks at everything.
    pub fn run(&self) -> Seen {
        let mut walk =
            Walk { search: self, seen: Seen::default(), known: HashSet::new(), ended: HashSet::new() };
        let mut path = Vec::new();
        walk.visit(self.begin(), &mut path);
        walk.seen
    }

    /// Every console watches, everybody is well, and the record was just read.
    fn begin(&self) -> Node {
        let shape = Shape {
            members: 3,
            witnesses: 0,
            consoles: self.consoles,
            delay_s: 10,
            provider: self.provider,
            lease_for_all: true,
            prompt: true,
            peers_speak: false,
            planted: self.planted,
        };
        let mut small = Small::new(shape);
        let steady = |small: &Small, console: usize| {
            small.desks[console].machine.as_ref().map(evaluator::Machine::state) == Some(State::Steady)
        };
        for _ in 0..60 {
            small.pass(BEAT_MS);
        }
        assert!((0..self.consoles).all(|console| steady(&small, console)), "all consoles watch");
        small.shape.prompt = false;
        small.noted.clear();
        Node {
            judge: Judge::new(self.consoles),
            asks: vec![self.attempts; self.consoles],
            passes: self.passes,
            faults: self.faults,
            edited: false,
            small,
        }
    }
}

struct Walk<'a> {
    search: &'a Search,
    seen: Seen,
    known: HashSet<u64>,
    ended: HashSet<u64>,
}

impl Walk<'_> {
    fn visit(&mut self, mut node: Node, path: &mut Vec<String>) {
        self.seen.states += 1;
        if node.passes == 0 {
            self.end(node, path);
            return;
        }
        for next in self.choices(&node) {
            let mut then = node.clone();
            path.push(format!("{} {next:?}", node.small.now));
            then.happen(next, self.search);
            if let Err(violation) = self.look(&mut then, path) {
                self.seen.broken = Some((violation, path.clone()));
            } else if self.known.insert(then.print()) {
                self.visit(then, path);
            }
            if self.seen.broken.is_some() {
                return;
            }
            path.pop();
        }
        node.small.noted.clear();
    }

    /// Judges what was noted.
    fn look(&mut self, node: &mut Node, path: &mut [String]) -> Result<(), Violation> {
        let noted = std::mem::take(&mut node.small.noted);
        for (_, console, noted) in &noted {
            judge::count(&mut self.seen, noted);
            if let (Some(words), Some(last)) = (judge::words(noted), path.last_mut()) {
                *last = format!("{last}; console {console} {words}");
            }
        }
        node.judge.all(&node.small, &noted)
    }

    fn choices(&self, node: &Node) -> Vec<Next> {
        let mut next = Vec::new();
        for (place, flight) in node.small.flights.iter().enumerate() {
            match flight.leg {
                Leg::There(_) => next.push(Next::Land(place)),
                Leg::Back(_) => {
                    let desk = &node.small.desks[flight.desk];
                    if desk.frozen.is_none() && desk.held.is_none() {
                        next.push(Next::Answer(place));
                    }
                }
            }
        }
        for console in 0..self.search.consoles {
            self.choices_of(node, console, &mut next);
        }
        next.push(Next::Pass);
        if node.faults > 0 {
            if self.may(Kind::Double) {
                let there = node.small.flights.iter().enumerate();
                let there = there.filter(|(_, flight)| matches!(flight.leg, Leg::There(_)));
                next.extend(there.map(|(place, _)| Next::LandTwice(place)));
            }
            if self.may(Kind::Edit) && !node.edited {
                next.push(Next::Edit);
            }
        }
        next
    }

    fn choices_of(&self, node: &Node, console: usize, next: &mut Vec<Next>) {
        let desk = &node.small.desks[console];
        if desk.machine.is_none() {
            next.push(Next::Start(console));
            return;
        }
        if desk.held.is_some() {
            next.extend([Next::Act(console), Next::Crash(console)]);
            return;
        }
        if desk.frozen.is_some() {
            next.push(Next::Thaw(console));
            return;
        }
        if desk.reading.is_some() {
            next.push(Next::Reading(console));
        }
        if node.asks[console] > 0 {
            next.push(Next::Ask(console));
        }
        if node.faults == 0 {
            return;
        }
        let armed = desk.store != Store::AtOnce || desk.view != View::Truth;
        let arms = [
            (Kind::Crash, Next::Crash(console), false),
            (Kind::Freeze, Next::Freeze(console), false),
            (Kind::Hold, Next::HoldBack(console), armed),
            (Kind::LateReading, Next::ReadLate(console), armed),
            (Kind::OldReading, Next::ReadOld(console), armed),
        ];
        next.extend(
            arms.into_iter().filter(|(kind, _, barred)| self.may(*kind) && !barred).map(|(_, step, _)| step),
        );
    }

    fn may(&self, kind: Kind) -> bool {
        self.search.kinds.contains(&kind)
    }

    /// Everything is healed and arrives; every console must settle, and nothing may be lost.
    fn end(&mut self, mut node: Node, path: &mut Vec<String>) {
        path.push(format!("{} everything is healed", node.small.now));
        node.heal(self.search);
        let until = node.small.now + SETTLED_WITHIN;
        let mut result = self.look(&mut node, path);
        for beat in 0.. {
            if result.is_err() || node.judge.is_settled(&node.small) {
                break;
            }
            // To look whether another end has come by here costs as much as going on for a while.
            if beat % LOOK_EVERY == 0 && !self.ended.insert(node.print()) {
                path.pop();
                return;
            }
            if node.small.now > until {
                result = Err(node.judge.unsettled(&node.small));
                break;
            }
            node.small.pass(BEAT_MS);
            result = self.look(&mut node, path);
        }
        let result = result.and_then(|()| node.judge.nothing_lost(&node.small));
        self.seen.ends += 1;
        match result {
            Ok(()) => {
                path.pop();
            }
            Err(violation) => self.seen.broken = Some((violation, path.clone())),
        }
    }
}

impl Node {
    fn happen(&mut self, next: Next, search: &Search) {
        match next {
            Next::Ask(console) => self.ask(console, search),
            Next::Pass => self.pass(),
            Next::Land(place) => self.small.land(place, false),
            Next::LandTwice(place) => {
                self.faults -= 1;
                self.small.land(place, true);
            }
            Next::Answer(place) => self.small.answer(place),
            Next::Crash(console) => {
                // Where it was held back before acting, that was the fault.
                self.faults -= u8::from(self.small.desks[console].held.is_none());
                self.small.crash(console);
            }
            Next::Start(console) => self.small.start(console),
            Next::HoldBack(console) => {
                self.faults -= 1;
                self.small.desk(console).store = Store::Held;
            }
            Next::Act(console) => self.small.act_held(console),
            Next::ReadLate(console) => {
                self.faults -= 1;
                self.small.desk(console).view = View::Held;
            }
            Next::ReadOld(console) => {
                self.faults -= 1;
                self.small.desk(console).view = View::Old;
            }
            Next::Reading(console) => self.small.deliver_reading(console),
            Next::Freeze(console) => {
                self.faults -= 1;
                let now = self.small.now;
                self.small.desk(console).frozen = Some(now);
            }
            Next::Thaw(console) => self.small.thaw(console, false),
            Next::Edit => {
                self.faults -= 1;
                self.edited = true;
                let now = self.small.now.as_ms();
                self.small.register.foreign_a(now, std::net::Ipv4Addr::new(45, 76, 99, 1), ForeignA::Edit);
            }
        }
        // What exceeds the bound is lost on its way.
        for console in 0..search.consoles {
            let mine = |flight: &&crate::small::Flight| flight.desk == console;
            while self.small.flights.iter().filter(mine).count() > FLIGHTS_MAX {
                let oldest = self.small.flights.iter().position(|flight| flight.desk == console);
                self.small.flights.remove(oldest.expect("there are more than the bound"));
            }
        }
    }

    fn ask(&mut self, console: usize, search: &Search) {
        self.asks[console] -= 1;
        let by_itself = match search.reason {
            Reason::ServiceDown => true,
            Reason::Orders => false,
            Reason::Both => console == 0,
        };
        if by_itself {
            self.small.hosts[0].down = Down::Stopped;
            self.small.hear_of(console, 0);
            return;
        }
        // The second order goes back to where the first one left.
        let first = self.asks[console] + 1 == search.attempts;
        let target = if first { 1 + console % 2 } else { 0 };
        let member = ids::member(target);
        let command =
            Command::Activate { member, even_if_not_ready: false, by: format!("operator {console}") };
        self.small.input(console, Input::Operator(command));
    }

    /// Time passes until something happens.
    fn pass(&mut self) {
        self.passes -= 1;
        let states = self.states();
        for _ in 0..PASS_BEATS {
            let before = self.small.noted.len();
            self.small.pass(BEAT_MS);
            let sent = self.small.noted[before..]
                .iter()
                .any(|(_, _, noted)| matches!(noted, crate::small::Noted::Sent(_)));
            let held = self.small.desks.iter().any(|desk| desk.held.is_some() || desk.reading.is_some());
            if sent || held || self.states() != states {
                return;
            }
        }
    }

    fn states(&self) -> Vec<Option<State>> {
        self.small.desks.iter().map(|desk| desk.machine.as_ref().map(evaluator::Machine::state)).collect()
    }

    fn heal(&mut self, search: &Search) {
        for console in 0..search.consoles {
            self.small.desk(console).store = Store::AtOnce;
            self.small.desk(console).view = View::Truth;
            if self.small.desks[console].held.is_some() {
                self.small.act_held(console);
            }
            self.small.thaw(console, false);
            self.small.deliver_reading(console);
            if self.small.desks[console].machine.is_none() {
                self.small.start(console);
            }
        }
        self.small.shape.prompt = true;
        while !self.small.flights.is_empty() {
            match self.small.flights[0].leg {
                Leg::There(_) => self.small.land(0, false),
                Leg::Back(_) => self.small.answer_now(0),
            }
        }
        if self.edited
            && let Some(marker) = self.small.register.marker().cloned()
            && self.small.register.address() != Some(marker.address)
        {
            // Whoever edited it puts it back.
            let now = self.small.now.as_ms();
            self.small.register.foreign_a(now, marker.address, ForeignA::Edit);
        }
    }

    fn print(&mut self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hash = DefaultHasher::new();
        self.small.fingerprint().hash(&mut hash);
        (&self.asks, self.passes, self.faults, self.edited).hash(&mut hash);
        self.judge.hash(&mut hash);
        hash.finish()
    }
}

/// Whether this claim moves traffic, so that people must learn of it.
const fn is_told(cause: Cause) -> bool {
    cause.is_move()
}

/// A violation of an invariant of the claim.
fn broken(invariant: Invariant, text: String) -> Violation {
    Violation::new(invariant, text)
}
