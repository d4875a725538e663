//! A small world around one machine: members that beat, relays that report and testify, one register, one lease. It
//! answers at once, so that what a story measures is the machine's own time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use evaluator::Machine;
use evaluator::beacon::BeaconLog;
use evaluator::io::{
    Claim, Command, Credential, DnsFault, Entry, ForeignIntent, Goodbye, Holder, Input, LeaseAnswer, Life,
    Link, MarkerText, Member, Memory, Notice, NoticeKind, Output, Part, Policy, Reading, Records, Report,
    Roster, Setup, State, Testimony, WriteOutcome,
};
use model::haproxy::Down;
use model::marker::Short8;
use model::settings::{Arming, Targets};
use model::{BootId, ConsoleId, FleetId, Marker, MemberId, Nonce, PoolId, Settings, Span, Time};

/// Length of one round of the world.
const ROUND: u64 = 250;

pub const FLEET: FleetId = FleetId::from_number(0x0f1e_e700);

pub const fn id(n: u32) -> MemberId {
    MemberId::from_number(n)
}

pub const fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, n as u8)
}

/// A member of the fake world.
#[derive(Clone)]
pub struct Host {
    pub powered: bool,
    /// Whether this console reaches its relay.
    pub reached: bool,
    /// Whether the other members hear it.
    pub heard_by_peers: bool,
    pub down: Down,
    pub cfg_valid: Option<bool>,
    pub fit: bool,
    pub up: Span,
    pub seq: u64,
    pub incarnation: u64,
    pub goodbye: Option<Goodbye>,
    pub planned: Option<Span>,
    pub maintenance: bool,
    pub ip: Ipv4Addr,
    pub witness: bool,
    /// Its service port answers.
    pub serves: bool,
    last_beat: Option<Time>,
    echo: Option<Nonce>,
}

/// How the register answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    Well,
    /// Readings fail.
    Unreachable,
    Refused,
    /// Writes are applied, and their answers lost.
    SilentAfter,
    /// Writes vanish, and so do their answers.
    Swallows,
    Rejects,
    /// The executor stood still after the decision: writes are dropped before they leave.
    Late,
}

pub struct World {
    pub now: Time,
    pub machine: Machine,
    pub setup: Setup,
    pub hosts: BTreeMap<MemberId, Host>,
    pub beacons: BeaconLog,
    beacon_count: u64,
    /// The register.
    pub a: Vec<Ipv4Addr>,
    pub markers: Vec<MarkerText>,
    pub answers: Answers,
    pub reads: u32,
    pub accepted: Vec<(Time, Claim)>,
    pub sent: Vec<(Time, Claim)>,
    /// Another holder that the relays name.
    pub other_holder: Option<Holder>,
    pub lease_open: bool,
    pub anchors: Option<(u32, u32)>,
    pub intents: BTreeMap<Nonce, (ForeignIntent, Time)>,
    pub acks: bool,
    pub entries: Vec<Entry>,
    pub notices: Vec<Notice>,
    pub outputs: Vec<(Time, Output)>,
    pub states: Vec<(Time, State)>,
    wakes: BTreeSet<Time>,
    pending: VecDeque<Input>,
}

pub fn settings(delay_s: u32) -> Settings {
    Settings { delay_s, targets: Targets::Any, arming: Arming::Armed, ..Settings::default() }.check().unwrap()
}

pub fn first_marker(member: u32) -> Marker {
    Marker {
        fleet: Short8::of(FLEET.as_bytes()),
        epoch: 7,
        address: address(member),
        member: Short8::of(id(member).as_bytes()),
        nonce: Short8::of(&[0xaa; 4]),
        previous: Short8::of(&[0xbb; 4]),
        unknown: vec![],
    }
}

impl World {
    /// Members 1 to n, 1 is active; all have been up for an hour and are heard.
    pub fn new(members: u32, settings: Settings) -> Self {
        let entry = |n: u32| Member {
            name: format!("edge-{n}"),
            address: address(n),
            part: Part::Member,
            priority: n,
            same_host: false,
        };
        let roster = Roster { version: 1, members: (1..=members).map(|n| (id(n), entry(n))).collect() };
        let setup = Setup {
            fleet: FLEET,
            pool: PoolId::from_number(1),
            console: ConsoleId::from_number(1),
            rank: 100,
            start_counter: 1,
            seed: 42,
            attachment: 9,
            roster,
            policy: Policy {
                version: 1,
                hostname: Some("lb.example.com".into()),
                settings,
                ..Policy::default()
            },
            credential: Credential::Working,
            memory: Memory { marker: Some(first_marker(1)), ..Memory::default() },
        };
        Self::start(setup, (1..=members).map(|n| (id(n), host(n))).collect())
    }

    pub fn start(setup: Setup, hosts: BTreeMap<MemberId, Host>) -> Self {
        let now = Time::from_ms(1_000_000);
        Self {
            now,
            machine: Machine::new(now, setup.clone()),
            setup,
            hosts,
            beacons: BeaconLog::default(),
            beacon_count: 0,
            a: vec![address(1)],
            markers: vec![MarkerText::Marker(first_marker(1))],
            answers: Answers::Well,
            reads: 0,
            accepted: vec![],
            sent: vec![],
            other_holder: None,
            lease_open: true,
            anchors: Some((3, 3)),
            intents: BTreeMap::new(),
            acks: true,
            entries: vec![],
            notices: vec![],
            outputs: vec![],
            states: vec![(now, State::Cold)],
            wakes: BTreeSet::new(),
            pending: VecDeque::new(),
        }
    }

    pub fn add_witness(&mut self, n: u32) {
        let witness = Member {
            name: format!("witness-{n}"),
            address: address(n),
            part: Part::Witness,
            priority: n,
            same_host: false,
        };
        let mut roster = self.setup.roster.clone();
        roster.members.insert(id(n), witness);
        self.setup.roster = roster;
        self.hosts.insert(id(n), Host { witness: true, ..host(n) });
        self.machine = Machine::new(self.now, self.setup.clone());
    }

    /// A new process of this console, with what the machine asked to keep.
    pub fn restart(&mut self) {
        self.setup.memory = self.machine.memory();
        self.setup.start_counter += 1;
        self.beacons.clear();
        self.machine = Machine::new(self.now, self.setup.clone());
        self.wakes.clear();
        self.note_state();
    }

    pub fn host(&mut self, n: u32) -> &mut Host {
        self.hosts.get_mut(&id(n)).unwrap()
    }

    pub fn state(&self) -> State {
        self.machine.state()
    }

    /// The machine gets one input; what it asks for is answered at once.
    pub fn input(&mut self, input: Input) {
        self.pending.push_back(input);
        if self.pending.len() > 1 {
            // Answers wait until the outputs of the present step are executed.
            return;
        }
        while let Some(input) = self.pending.front().cloned() {
            let outputs = self.machine.step(self.now, input);
            self.note_state();
            for output in outputs {
                self.execute(output);
            }
            self.pending.pop_front();
        }
    }

    fn note_state(&mut self) {
        if self.states.last().is_none_or(|(_, state)| *state != self.machine.state()) {
            self.states.push((self.now, self.machine.state()));
        }
    }

    fn execute(&mut self, output: Output) {
        self.outputs.push((self.now, output.clone()));
        match output {
            Output::WakeAt(at) => {
                self.wakes.insert(at);
            }
            Output::LeaseRequest { .. } => self.answer_lease(),
            Output::IntentAnnounce(claim) => {
                let relay =
                    self.hosts.iter().find(|(_, host)| host.powered && host.reached).map(|(id, _)| *id);
                if let Some(relay) = relay.filter(|_| self.acks) {
                    self.input(Input::IntentStored { relay, nonce: claim.nonce });
                }
            }
            Output::IntentClose { nonce, .. } => {
                self.intents.remove(&nonce);
            }
            Output::DnsRead => {
                self.reads += 1;
                let result = self.read();
                self.input(Input::DnsRead(result));
            }
            Output::DnsCas { claim, deadline, not_after } => {
                assert_eq!(deadline, self.now + Span::from_s(8));
                assert_eq!(not_after, self.now + Span::from_ms(250));
                self.write(claim);
            }
            Output::Notify(notice) => self.notices.push(notice),
            Output::Journal(entry) => {
                assert!(entry.evidence.len() <= 12);
                self.states.extend((entry.from != entry.to).then_some((entry.at, entry.to)));
                self.entries.push(entry);
            }
            Output::Poll(_)
            | Output::LeaseRelease
            | Output::Role { .. }
            | Output::Revive(_)
            | Output::Moved(..) => {}
        }
    }

    fn answer_lease(&mut self) {
        let relays: Vec<_> =
            self.hosts.iter().filter(|(_, host)| host.powered && host.reached).map(|(id, _)| *id).collect();
        for relay in relays {
            let granted = self.lease_open && self.other_holder.is_none();
            let answer = LeaseAnswer {
                sent: self.now,
                granted,
                holder: self.other_holder,
                wanted_by: None,
                refusal: None,
            };
            self.input(Input::Lease { relay, answer });
        }
    }

    fn read(&self) -> Result<Reading, DnsFault> {
        match self.answers {
            Answers::Unreachable => Err(DnsFault::Unreachable("timed out".into())),
            Answers::Refused => Err(DnsFault::Refused("401".into())),
            Answers::Well | Answers::SilentAfter | Answers::Swallows | Answers::Rejects | Answers::Late => {
                Ok(Reading {
                    asked: self.now,
                    a: self.a.clone(),
                    markers: self.markers.clone(),
                    aaaa: false,
                    cname: false,
                })
            }
        }
    }

    /// Compare-and-set, as the providers do it.
    pub fn apply(&mut self, claim: &Claim) -> bool {
        let expected = claim.expect_marker.clone().map(MarkerText::Marker);
        let stands = self.a == [claim.expect_a] && self.markers == expected.as_slice();
        if stands {
            self.a = vec![claim.set_a];
            self.markers = vec![MarkerText::Marker(claim.set_marker.clone())];
            self.accepted.push((self.now, claim.clone()));
        }
        stands
    }

    fn write(&mut self, claim: Claim) {
        if self.answers == Answers::Late {
            let outcome = WriteOutcome::NotSent("the process stood still".into());
            return self.input(Input::DnsWrite { nonce: claim.nonce, outcome });
        }
        self.sent.push((self.now, claim.clone()));
        let nonce = claim.nonce;
        let outcome = match self.answers {
            Answers::Swallows => return,
            Answers::SilentAfter => {
                self.apply(&claim);
                return;
            }
            Answers::Rejects | Answers::Refused => WriteOutcome::Rejected("no such zone".into()),
            Answers::Unreachable => WriteOutcome::Unknown("reset".into()),
            Answers::Well | Answers::Late => {
                if self.apply(&claim) {
                    WriteOutcome::Accepted
                } else {
                    WriteOutcome::Conflict
                }
            }
        };
        self.input(Input::DnsWrite { nonce, outcome });
    }

    /// Lets time pass, round by round, stopping at the machine's own wake-ups in between.
    pub fn run_ms(&mut self, ms: u64) {
        let end = self.now + Span::from_ms(ms);
        while self.now < end {
            let regular = Time::from_ms((self.now.as_ms() / ROUND + 1) * ROUND);
            self.wakes.retain(|at| *at > self.now);
            let wake = self.wakes.first().copied();
            let next = wake.map_or(regular, |at| at.min(regular)).min(end);
            self.now = next;
            if next == regular {
                self.round();
            }
            self.input(Input::Tick);
        }
    }

    pub fn run(&mut self, s: u64) {
        self.run_ms(s * 1000);
    }

    /// Runs until the state is reached; says how long it took.
    pub fn until(&mut self, state: State, within_s: u64) -> Span {
        let start = self.now;
        while self.state() != state {
            assert!(
                self.now - start < Span::from_s(within_s),
                "{state:?} not reached: {:?}\n{:#?}",
                self.states,
                self.machine.explain(self.now)
            );
            self.run_ms(50);
        }
        self.now - start
    }

    fn round(&mut self) {
        if self.beacons.due() <= self.now {
            self.beacon_count += 1;
            self.beacons.give(self.now, Nonce::from_u64(self.beacon_count));
        }
        let newest = self.beacons.newest();
        if self.now.as_ms().is_multiple_of(1000) {
            for host in self.hosts.values_mut().filter(|host| host.powered) {
                host.seq += 1;
                host.up = host.up + Span::from_s(1);
                host.last_beat = Some(self.now);
                host.echo = newest;
            }
        }
        // Relays report twice a second.
        if self.now.as_ms().is_multiple_of(500) {
            let relays: Vec<_> = self.hosts.keys().copied().collect();
            for relay in relays {
                self.report(relay);
            }
            if let Some((asked, answered)) = self.anchors
                && self.now.as_ms().is_multiple_of(5000)
            {
                self.input(Input::Anchors { asked, answered });
            }
        }
    }

    /// A heartbeat of a host, as it is now.
    pub fn life(&self, member: MemberId) -> Life {
        let host = &self.hosts[&member];
        Life {
            member,
            boot: BootId::from_number(5),
            incarnation: host.incarnation,
            seq: host.seq,
            made_after: host.echo.and_then(|nonce| self.beacons.made_after(nonce)),
            monitored: !host.witness,
            down: host.down,
            cfg: 1,
            cfg_valid: host.cfg_valid,
            ip: Some(host.ip),
            planned: host.planned,
            maintenance: host.maintenance,
            time_travel: false,
            goodbye: host.goodbye,
            fit: host.fit,
            up: host.up,
            agent_version: String::from("0.1.0"),
        }
    }

    fn hears(&self, by: MemberId, about: MemberId) -> bool {
        by == about || (self.hosts[&about].heard_by_peers && self.hosts[&by].heard_by_peers)
    }

    pub fn report(&mut self, relay: MemberId) {
        let host = &self.hosts[&relay];
        if !host.powered || !host.reached {
            return;
        }
        let heard: Vec<_> = self.hosts.keys().filter(|other| self.hears(relay, **other)).copied().collect();
        let lives =
            heard.iter().filter(|id| self.hosts[id].last_beat.is_some()).map(|id| self.life(*id)).collect();
        let mut testimonies = vec![];
        for by in &heard {
            testimonies.extend(
                self.hosts
                    .keys()
                    .filter(|about| **about != *by)
                    .filter_map(|about| self.testimony(*by, *about)),
            );
        }
        let now = self.now;
        let intents = self
            .intents
            .values()
            .map(|(intent, at)| ForeignIntent { age: intent.age + (now - *at), ..intent.clone() });
        let report =
            Report { relay, lives, testimonies, intents: intents.collect(), epoch_max: self.epoch() };
        self.input(Input::Report(report));
    }

    fn testimony(&self, by: MemberId, about: MemberId) -> Option<Testimony> {
        let (witness, other) = (&self.hosts[&by], &self.hosts[&about]);
        if !witness.powered {
            return None;
        }
        let silent = if self.hears(by, about) { self.now - other.last_beat? } else { Span::from_s(3600) };
        let echo = witness.echo.and_then(|nonce| self.beacons.made_after(nonce));
        let probing = self.setup.policy.settings.probe_port.is_some();
        Some(Testimony {
            by,
            about,
            last: (other.incarnation, other.seq),
            silent,
            baseline: true,
            hears_other: true,
            service_answers: probing.then_some(other.serves),
            made_after: echo,
            fit: witness.fit,
            up: witness.up,
        })
    }

    pub fn epoch(&self) -> u64 {
        match self.markers.first() {
            Some(MarkerText::Marker(marker)) => marker.epoch,
            _ => 0,
        }
    }

    /// Cuts a host's power: no beat, no relay.
    pub fn cut(&mut self, n: u32) -> Time {
        self.host(n).powered = false;
        self.host(n).serves = false;
        self.input(Input::Relay { relay: id(n), link: Link::Down });
        self.now
    }

    /// A host says at once that something changed.
    pub fn speak(&mut self, n: u32) {
        let now = self.now;
        let newest = self.beacons.newest();
        let host = self.host(n);
        host.seq += 1;
        host.last_beat = Some(now);
        host.echo = newest;
        self.report(id(n));
    }

    pub fn steady(members: u32, delay_s: u32) -> Self {
        Self::steady_as(1, members, delay_s)
    }

    /// The same on another console.
    pub fn steady_as(console: u32, members: u32, delay_s: u32) -> Self {
        let mut world = Self::new(members, settings(delay_s));
        world.setup.console = ConsoleId::from_number(console);
        world.setup.seed = u64::from(console);
        world.machine = Machine::new(world.now, world.setup.clone());
        world.until(State::Steady, 30);
        world.run(120);
        assert_eq!(world.state(), State::Steady);
        world.sweep();
        world
    }

    /// Forgets what was noted so far.
    pub fn sweep(&mut self) {
        self.entries.clear();
        self.notices.clear();
        self.outputs.clear();
        self.states.clear();
        self.reads = 0;
    }

    pub fn path(&self) -> Vec<State> {
        let mut path: Vec<_> = self.entries.iter().filter(|e| e.from != e.to).map(|entry| entry.to).collect();
        path.dedup();
        path
    }

    pub fn told(&self, kind: NoticeKind) -> usize {
        self.notices.iter().filter(|notice| notice.kind == kind).count()
    }

    pub fn command(&mut self, command: Command) {
        self.input(Input::Operator(command));
    }

    pub fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        change(&mut self.setup.policy);
        self.setup.policy.version += 1;
        self.input(Input::Policy(self.setup.policy.clone()));
    }

    pub fn records(&mut self, records: Records) {
        self.input(Input::Records(records));
    }

    pub fn last_reason(&self) -> &str {
        self.entries.last().map_or("", |entry| entry.reason.as_str())
    }
}

pub fn host(n: u32) -> Host {
    Host {
        powered: true,
        reached: true,
        heard_by_peers: true,
        down: Down::None,
        cfg_valid: Some(true),
        fit: true,
        up: Span::from_s(3600),
        seq: 100,
        incarnation: 1,
        goodbye: None,
        planned: None,
        maintenance: false,
        ip: address(n),
        witness: false,
        serves: true,
        last_beat: None,
        echo: None,
    }
}
