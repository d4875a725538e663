//! The machine: what it holds, its one entry, and the loop that takes one way of the table after another until it
//! rests. What each input changes is in `absorb`, what each state does is in `rows`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use model::marker::Short8;
use model::settings::COLD;
use model::{IncidentId, Marker, MemberId, Nonce, PoolId, Span, Time};

use crate::claim::{Stuck, Verifying, Work};
use crate::fitness::{Fitness, Punctual};
use crate::hold::Hold;
use crate::io::{
    Claim, Credential, ForeignIntent, Holder, Input, Memory, NoticeKind, Output, Part, Policy, Roster, Setup,
    State, Watch,
};
use crate::lease::Lease;
use crate::order::Order;
#[cfg(feature = "planted")]
use crate::plant::Bug;
use crate::plant::Planted;
use crate::register::Register;
use crate::rng::Numbers;
use crate::sight::Sight;
use crate::state::{Rule, allows};
use crate::verdict::Verdict;

/// Ways taken in one step at most; more would be a loop in the table.
const WAYS_PER_STEP: usize = 16;
/// A wake-up further away than this is left to the regular tick.
const WAKE_WITHIN: Span = Span::from_ms(1_250);

/// One pool's machine.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) now: Time,
    pub(crate) pool: PoolId,
    pub(crate) me: Holder,
    pub(crate) attachment: u64,
    pub(crate) roster: Roster,
    pub(crate) policy: Policy,
    pub(crate) credential: Credential,
    pub(crate) memory: Memory,
    pub(crate) memory_changes: u64,
    pub(crate) numbers: Numbers,
    pub(crate) state: State,
    pub(crate) since: Time,
    pub(crate) sight: Sight,
    pub(crate) fitness: Fitness,
    pub(crate) lease: Lease,
    pub(crate) register: Register,
    pub(crate) hold: Hold,
    pub(crate) active: Option<MemberId>,
    /// The active member was up at some moment since the newest marker.
    pub(crate) has_served: bool,
    pub(crate) work: Option<Work>,
    pub(crate) verifying: Option<Verifying>,
    pub(crate) order: Option<Order>,
    pub(crate) pause_until: Option<Time>,
    pub(crate) watch: Watch,
    pub(crate) foreign: BTreeMap<Nonce, (ForeignIntent, Time)>,
    /// Own intents that this process has closed.
    pub(crate) closed: VecDeque<Nonce>,
    pub(crate) epoch_heard: u64,
    pub(crate) hint_tries: u32,
    pub(crate) incident: Option<IncidentId>,
    pub(crate) told: BTreeSet<(Option<IncidentId>, NoticeKind)>,
    pub(crate) blind: Blind,
    pub(crate) failed_writes: u32,
    pub(crate) stuck: Option<Stuck>,
    pub(crate) revive_since: Option<Time>,
    /// Where two vantage points see the active member, and when they last did.
    pub(crate) new_address: Option<(MemberId, Ipv4Addr, Time)>,
    pub(crate) ddns_at: Option<Time>,
    pub(crate) chilled: Option<Rule>,
    pub(crate) policy_changed: bool,
    pub(crate) poll: Span,
    pub(crate) wake: Time,
    pub(crate) planted: Planted,
}

/// What BLIND remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blind {
    pub(crate) why: String,
    pub(crate) own_fault: bool,
    pub(crate) clear_since: Option<Time>,
}

/// One way to take.
#[derive(Clone, Debug)]
pub(crate) struct Go {
    pub(crate) to: State,
    pub(crate) rule: Rule,
    pub(crate) reason: String,
}

impl Go {
    pub(crate) fn new(to: State, rule: Rule, reason: impl Into<String>) -> Self {
        Self { to, rule, reason: reason.into() }
    }
}

impl Machine {
    /// A machine that starts in COLD, with what the last one asked to keep.
    pub fn new(now: Time, setup: Setup) -> Self {
        let me = Holder { rank: setup.rank, console: setup.console };
        let mut machine = Self {
            now,
            pool: setup.pool,
            me,
            attachment: setup.attachment,
            sight: Sight::new(&setup.roster, now),
            fitness: Fitness::new(now),
            lease: Lease::new(me, now),
            register: Register::new(Short8::of(setup.fleet.as_bytes()), now),
            hold: Hold::default(),
            roster: setup.roster,
            policy: Policy::default(),
            credential: setup.credential,
            memory: setup.memory,
            memory_changes: 0,
            // The start counter is mixed in so that two starts with one seed still give other nonces.
            numbers: Numbers::from_seed(setup.seed ^ setup.start_counter.rotate_left(32)),
            state: State::Cold,
            since: now,
            active: None,
            has_served: false,
            work: None,
            verifying: None,
            order: None,
            pause_until: None,
            watch: Watch::On,
            foreign: BTreeMap::new(),
            closed: VecDeque::new(),
            epoch_heard: 0,
            hint_tries: 0,
            incident: None,
            told: BTreeSet::new(),
            blind: Blind::default(),
            failed_writes: 0,
            stuck: None,
            revive_since: None,
            new_address: None,
            ddns_at: None,
            chilled: None,
            policy_changed: false,
            poll: Span::ZERO,
            wake: Time::ZERO,
            planted: Planted::default(),
        };
        let newest = machine.epoch();
        if let Some(left) = machine.memory.unrecorded.filter(|left| left.epoch <= newest) {
            // Its writer may never come back to record it: it goes on counting, as one just made.
            machine.hold.assume(now, left.epoch, left.from, left.to);
        }
        machine.take_policy(now, setup.policy);
        machine.policy_changed = false;
        machine.find_active();
        machine
    }

    /// Takes one input in and says what is to be done. Nothing else changes a machine.
    ///
    /// The runtime stores the outputs, and [`Machine::memory`] if [`Machine::memory_changes`] moved, in one
    /// transaction before it executes any of them. A time before the last one counts as the last one.
    pub fn step(&mut self, now: Time, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        let now = now.max(self.now);
        self.now = now;
        if let Punctual::Stalled(gap) = self.fitness.on_step(now) {
            self.on_own_fault(now, Some(gap));
        }
        self.note_serving(now);
        self.absorb(now, input, &mut out);
        self.settle(now, &mut out);
        self.note_serving(now);
        self.routine(now, &mut out);
        out
    }

    fn note_serving(&mut self, now: Time) {
        let active = self.active.filter(|_| !self.has_served);
        self.has_served |= active.is_some_and(|id| self.verdict(now, id, None) == Verdict::Up);
    }

    /// The active member, if a person moved traffic to it although it did not serve and it never has since: for how
    /// long automation leaves it at that. A person's explicit word is not undone in the same breath.
    pub(crate) fn left_by_hand(&self, now: Time) -> Option<(MemberId, Span)> {
        let left = self.hold.by_hand(now, &self.policy.settings);
        let active = self.active.filter(|_| !self.has_served && left > Span::ZERO)?;
        Some((active, left))
    }

    /// What must survive a restart.
    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Rises with every change of [`Machine::memory`]; equal before and after a step means: nothing to store.
    pub const fn memory_changes(&self) -> u64 {
        self.memory_changes
    }

    /// The present state.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The member that the newest known marker names, if it is in the roster.
    pub const fn active(&self) -> Option<MemberId> {
        self.active
    }

    /// Whether this console holds the watch lease, as far as it knows.
    pub fn holds_lease(&self, now: Time) -> bool {
        self.watch == Watch::On && self.lease.held(now)
    }

    /// Plants a bug, to see that it is found.
    #[cfg(feature = "planted")]
    pub fn plant(&mut self, bug: Bug) {
        self.planted.plant(bug);
    }

    /// Takes ways until none is open.
    fn settle(&mut self, now: Time, out: &mut Vec<Output>) {
        for _ in 0..WAYS_PER_STEP {
            match self.decide(now, out) {
                Some(go) => self.go(now, go, out),
                None => return,
            }
        }
        debug_assert!(false, "the table loops at {:?}", self.state);
    }

    fn go(&mut self, now: Time, go: Go, out: &mut Vec<Output>) {
        let from = self.state;
        debug_assert!(
            allows(from, go.to, go.rule),
            "{from:?} -> {:?} by {:?} is not in the table",
            go.to,
            go.rule
        );
        // The line that ends an incident belongs to it, too.
        let ending = self.incident;
        self.leave(now, &go, out);
        self.state = go.to;
        self.since = now;
        self.enter(now, from, &go, out);
        let mut entry = self.entry(now, from, go.to, go.rule.word(), go.reason);
        entry.incident = entry.incident.or(ending);
        out.push(Output::Journal(entry));
    }

    /// What runs on its own: lease, readings, the rhythm of polls, the next wake-up.
    fn routine(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.asks_lease() && now >= self.lease.next_ask {
            self.lease.asked(now);
            out.push(Output::LeaseRequest { epoch_max: self.epoch_max() });
        }
        if self.reads() && now >= self.next_reading(now) && !self.register.is_asking() {
            let rhythm = self.read_rhythm(now);
            self.register.ask(now, rhythm);
            out.push(Output::DnsRead);
        }
        let poll = self.poll_rhythm();
        if poll != self.poll {
            self.poll = poll;
            out.push(Output::Poll(poll));
        }
        if let Some(at) =
            self.next_wake(now).filter(|at| *at > now && *at - now <= WAKE_WITHIN && *at != self.wake)
        {
            self.wake = at;
            out.push(Output::WakeAt(at));
        }
    }

    fn asks_lease(&self) -> bool {
        self.watch == Watch::On
            && self.credential == Credential::Working
            && !matches!(self.state, State::Cold | State::Blind | State::Failed)
    }

    pub(crate) fn reads(&self) -> bool {
        self.policy.hostname.is_some() && self.credential == Credential::Working
    }

    /// When the register is read next. What was planned by the rhythm of an earlier state is brought forward: a
    /// console that gains the lease in HOLD must not go on with the five minutes of one that has none.
    fn next_reading(&self, now: Time) -> Time {
        let by_rhythm = self.register.asked_at().map(|at| at + self.base_rhythm(now));
        by_rhythm.map_or(self.register.next, |at| at.min(self.register.next))
    }

    /// How often the register is read in this state.
    fn base_rhythm(&self, now: Time) -> Span {
        match self.state {
            State::Cold => Span::from_s(2),
            State::Unknown if now - self.since < Span::from_s(60) => Span::from_s(2),
            State::Route | State::Blind | State::Verify => Span::from_s(5),
            State::Confirm | State::Claim | State::Write => Span::from_ms(1_500),
            State::Unknown | State::Drift => Span::from_s(10),
            State::Follow => Span::from_s(300),
            State::Failed => Span::from_s(30),
            State::Steady
            | State::Suspect
            | State::Revive
            | State::Ask
            | State::NoTarget
            | State::Adopt
            | State::Hold
            | State::Paused
            | State::Locked => {
                if self.holds_lease(now) {
                    Span::from_s(30)
                } else {
                    Span::from_s(300)
                }
            }
        }
    }

    /// How long after this reading the next one follows, unless something asks for it sooner.
    fn read_rhythm(&mut self, now: Time) -> Span {
        let rhythm = self.base_rhythm(now);
        if self.epoch_heard <= self.epoch() {
            return rhythm;
        }
        // A relay knows of a newer epoch: look again soon, then more and more seldom.
        self.hint_tries = self.hint_tries.saturating_add(1);
        rhythm.min(Span::from_ms(500 << self.hint_tries.min(10)))
    }

    const fn poll_rhythm(&self) -> Span {
        if matches!(self.state, State::Suspect | State::Confirm | State::Revive | State::Claim) {
            return Span::from_ms(500);
        }
        Span::from_s(1)
    }

    /// The next moment at which something falls due.
    fn next_wake(&self, now: Time) -> Option<Time> {
        let mut next: Option<Time> = None;
        let mut due = |at: Time| next = Some(next.map_or(at, |before| before.min(at)));
        if self.asks_lease() {
            due(self.lease.next_ask);
        }
        if let Some(at) = self.register.unanswered_at() {
            due(at);
        } else if self.reads() {
            due(self.register.next);
        }
        if self.fitness.slept(now) {
            due(self.fitness.slept_until());
        }
        if let Some(at) = self.state_due(now) {
            due(at);
        }
        next
    }

    /// When the present state has something to do at the latest.
    fn state_due(&self, now: Time) -> Option<Time> {
        let settings = &self.policy.settings;
        let just_after = Span::from_ms(1);
        match self.state {
            State::Cold => Some(self.since + COLD),
            State::Route | State::Hold | State::Suspect | State::Steady => {
                let active = self.active?;
                let silent = self.sight.silent_since(active) + settings.delay() + just_after;
                let stale =
                    self.sight.get(active)?.made_after.map(|at| at + settings.suspect_after() + just_after);
                let over = (self.state == State::Hold).then(|| now + self.hold.remaining(now, settings));
                [Some(silent), stale, over].into_iter().flatten().filter(|at| *at > now).min()
            }
            State::Confirm => Some(self.confirm_due(now)),
            State::Revive => Some(self.revive_over()),
            State::Write => self.work.as_ref().map(|work| work.deadline),
            State::Unknown => self.work.as_ref().map(|work| work.not_before.max(work.deadline)),
            State::Paused => self.pause_until,
            State::Verify => Some(self.since + crate::rows::READ_BACK_WITHIN),
            State::Blind => self.blind.clear_since.map(|at| at + crate::rows::CLEAR_FOR),
            State::Failed
            | State::Follow
            | State::Ask
            | State::NoTarget
            | State::Claim
            | State::Adopt
            | State::Drift
            | State::Locked => None,
        }
    }

    /// When REVIVE has had its time, counted from the first attempt of this incident.
    pub(crate) fn revive_over(&self) -> Time {
        self.revive_since.unwrap_or(self.since) + self.policy.settings.revive()
    }

    /// In CONFIRM: the end of the window, or the moment at which this console's own path has been silent for D.
    fn confirm_due(&self, now: Time) -> Time {
        let settings = &self.policy.settings;
        let window = self.since + settings.confirm_window();
        let direct = self.active.and_then(|id| self.sight.get(id)).and_then(|seen| seen.direct);
        let from = direct.unwrap_or(self.sight.silence_from).max(self.sight.silence_from);
        let voice = from + settings.delay() + Span::from_ms(1);
        if voice > now { window.min(voice) } else { window }
    }

    /// The claim on its way; there is one in CLAIM, WRITE and UNKNOWN.
    pub(crate) const fn at_work(&mut self) -> &mut Work {
        self.work.as_mut().expect("CLAIM, WRITE and UNKNOWN are entered with work to do")
    }

    /// The intent kept on disk; there is one in WRITE and UNKNOWN.
    pub(crate) fn open_claim(&self) -> Claim {
        self.memory.intent.clone().expect("WRITE and UNKNOWN are entered with an intent kept")
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.memory.marker.as_ref().map_or(0, |marker| marker.epoch)
    }

    /// The highest epoch that this console has seen anywhere.
    pub(crate) fn epoch_max(&self) -> u64 {
        let intent = self.memory.intent.as_ref().map_or(0, |claim| claim.epoch);
        self.epoch().max(intent).max(self.epoch_heard)
    }

    /// The member that the newest marker names: by its short id, else by its address.
    pub(crate) fn find_active(&mut self) {
        let find = |marker: &Marker| {
            let members = || self.roster.members.iter().filter(|(_, member)| member.part == Part::Member);
            let by_id = members().find(|(id, _)| Short8::of(id.as_bytes()) == marker.member);
            let found = by_id.or_else(|| members().find(|(_, member)| member.address == marker.address));
            found.map(|(id, _)| *id)
        };
        self.active = self.memory.marker.as_ref().and_then(find);
    }

    /// A member's name for people.
    pub(crate) fn name(&self, id: MemberId) -> String {
        self.roster.members.get(&id).map_or_else(|| id.short(), |member| member.name.clone())
    }

    pub(crate) fn remember(&mut self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.memory);
        self.memory_changes += 1;
    }
}
