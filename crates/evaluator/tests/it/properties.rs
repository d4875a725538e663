//! Inputs that make no sense, in any order, doubled and torn: the machine never panics, never leaves its table, and
//! keeps what can be seen from outside of I5, I9, I15 and I16.

use std::net::Ipv4Addr;

use evaluator::Machine;
use evaluator::io::{
    Cause, Claim, Command, Credential, DnsFault, ForeignIntent, Goodbye, Holder, Input, LeaseAnswer, Life,
    Link, MarkerText, Output, OwnFault, Pause, Policy, Reading, Records, Report, State, Testimony, Watch,
    WriteOutcome,
};
use model::haproxy::Down;
use model::{BootId, ConsoleId, Nonce, Span, Time};
use proptest::prelude::*;

use crate::world::{World, address, first_marker, id, settings};

/// One thing that happens; times and values are filled in when it does.
#[derive(Clone, Debug)]
enum Act {
    Tick,
    Report {
        relay: u32,
        fresh: bool,
        down: Down,
        goodbye: Option<Goodbye>,
        silent_s: u64,
        about: u32,
        epoch: u64,
    },
    /// Heartbeats of all but the phase's dead member, who is testified to be silent.
    Beats,
    Link(u32, Link),
    Lease {
        relay: u32,
        granted: bool,
        other: Option<u32>,
        late_ms: u64,
    },
    Stored(u32),
    StoredWrong,
    Probe(u32, bool),
    Anchors(u32),
    Read(u8),
    Written(u8),
    Fault(u8),
    Command(u8, u32),
    Policy(u8),
    Records(u8),
    Credential(bool),
    Roster,
    /// Another console moves the record.
    Elsewhere(u32),
    Again,
}

fn act() -> impl Strategy<Value = Act> {
    let member = 0..5_u32;
    let down = prop_oneof![Just(Down::None), Just(Down::Stopped), Just(Down::Hung), Just(Down::CrashLoop)];
    let goodbye = prop_oneof![4 => Just(None), 1 => Just(Some(Goodbye::HostShutdown)), 1 => Just(Some(Goodbye::AgentStop))];
    let link = prop_oneof![Just(Link::Up), Just(Link::Down), Just(Link::WrongKey)];
    prop_oneof![
        12 => Just(Act::Tick),
        40 => Just(Act::Beats),
        3 => (member.clone(), any::<bool>(), down, goodbye, 0..60_u64, 0..5_u32, 0..12_u64).prop_map(
            |(relay, fresh, down, goodbye, silent_s, about, epoch)| Act::Report {
                relay, fresh, down, goodbye, silent_s, about, epoch
            }
        ),
        2 => (member.clone(), link).prop_map(|(m, l)| Act::Link(m, l)),
        2 => (member.clone(), any::<bool>(), proptest::option::weighted(0.2, 0..3_u32), 0..15_000_u64).prop_map(
            |(relay, granted, other, late_ms)| Act::Lease { relay, granted, other, late_ms }
        ),
        1 => (1..4_u32).prop_map(Act::Stored),
        1 => Just(Act::StoredWrong),
        2 => (member.clone(), any::<bool>()).prop_map(|(m, a)| Act::Probe(m, a)),
        4 => prop_oneof![30 => Just(3_u32), 1 => 0..2_u32].prop_map(Act::Anchors),
        4 => prop_oneof![3 => Just(0_u8), 1 => prop_oneof![1 => 1..3_u8, 6 => 3..8_u8]].prop_map(Act::Read),
        2 => (0..6_u8).prop_map(Act::Written),
        1 => proptest::option::weighted(0.2, 0..3_u8).prop_map(|kind| kind.map_or(Act::Tick, Act::Fault)),
        1 => (prop_oneof![6 => 0..6_u8, 1 => Just(6_u8), 6 => Just(7_u8)], member).prop_map(|(c, m)| Act::Command(c, m)),
        1 => (0..6_u8).prop_map(Act::Policy),
        1 => (0..4_u8).prop_map(Act::Records),
        1 => proptest::bool::weighted(0.95).prop_map(Act::Credential),
        1 => (0..40_u32).prop_map(|n| if n == 0 || n > 3 { Act::Tick } else { Act::Elsewhere(n) }),
        1 => (0..60_u8).prop_map(|n| if n == 0 { Act::Roster } else { Act::Tick }),
        3 => Just(Act::Again),
    ]
}

/// What the test keeps beside the machine.
struct Probe {
    now: Time,
    seq: [u64; 5],
    register: (Ipv4Addr, model::Marker),
    sent: Vec<Claim>,
    troubled: Time,
    paused_until: Option<Time>,
    last: Input,
    dead: u32,
    died: Time,
    pliant: bool,
    ready: bool,
    serves: bool,
    setup: evaluator::io::Setup,
}

impl Probe {
    fn life(&mut self, member: u32, down: Down, goodbye: Option<Goodbye>, fresh: bool) -> Life {
        let seq = &mut self.seq[member as usize];
        *seq += 1;
        let seq = *seq;
        Life {
            member: id(member),
            boot: BootId::from_number(member),
            incarnation: 1,
            seq,
            made_after: fresh.then(|| self.now.minus(Span::from_ms(500))),
            monitored: true,
            down,
            cfg: 3,
            cfg_valid: Some(self.ready),
            ip: Some(address(member)),
            planned: None,
            maintenance: false,
            time_travel: false,
            goodbye,
            fit: true,
            up: Span::from_s(1000),
            agent_version: String::new(),
        }
    }

    fn testimony(&self, by: u32, about: u32, silent: Span) -> Testimony {
        Testimony {
            by: id(by),
            about: id(about),
            last: (1, self.seq[about as usize]),
            silent,
            baseline: true,
            hears_other: true,
            service_answers: self.probing().then_some(self.serves),
            made_after: Some(self.now.minus(Span::from_ms(400))),
            fit: true,
            up: Span::from_s(1000),
        }
    }

    fn probing(&self) -> bool {
        self.setup.policy.settings.probe_port.is_some()
    }

    fn reading(&self, kind: u8) -> Result<Reading, DnsFault> {
        let (a, marker) = self.register.clone();
        let mut reading = Reading {
            asked: self.now,
            a: vec![a],
            markers: vec![MarkerText::Marker(marker.clone())],
            aaaa: false,
            cname: false,
        };
        match kind {
            0 => {}
            1 => return Err(DnsFault::Unreachable("no route".into())),
            2 => return Err(DnsFault::Refused("403".into())),
            3 => reading.a = vec![address(99)],
            4 => reading.markers.clear(),
            5 => reading.markers.push(MarkerText::Foreign("hello".into())),
            6 => reading.asked = self.now.minus(Span::from_s(40)),
            _ => reading.a.clear(),
        }
        Ok(reading)
    }

    fn input(&mut self, act: &Act, machine: &Machine) -> Input {
        let memory = machine.memory();
        let open = memory.intent.as_ref().map_or(Nonce::from_u64(1), |claim| claim.nonce);
        match act.clone() {
            Act::Tick => Input::Tick,
            Act::Beats => {
                let but = self.dead;
                let silent = self.now - self.died;
                let lives: Vec<_> =
                    (1..=3).filter(|n| *n != but).map(|n| self.life(n, Down::None, None, true)).collect();
                let by = if but == 2 { 3 } else { 2 };
                let testimonies = (1..=3)
                    .filter(|n| *n != but && but != 0)
                    .map(|n| self.testimony(n, but, silent))
                    .collect();
                Input::Report(Report { relay: id(by), lives, testimonies, intents: vec![], epoch_max: 7 })
            }
            Act::Report { .. } => self.report(act),
            Act::Link(n, link) => Input::Relay { relay: id(n), link },
            Act::Lease { relay, granted, other, late_ms } => Input::Lease {
                relay: id(relay),
                answer: LeaseAnswer {
                    sent: self.now.minus(Span::from_ms(late_ms)),
                    granted,
                    holder: other.map(|n| Holder { rank: 100 * n, console: ConsoleId::from_number(n) }),
                    wanted_by: None,
                    refusal: None,
                },
            },
            Act::Stored(n) => Input::IntentStored { relay: id(n), nonce: open },
            Act::StoredWrong => Input::IntentStored { relay: id(1), nonce: Nonce::from_u64(4) },
            Act::Probe(n, answered) => Input::Probe { member: id(n), answered },
            Act::Anchors(answered) => Input::Anchors { asked: 3, answered },
            Act::Read(kind) => Input::DnsRead(self.reading(kind)),
            Act::Written(kind) => self.written(kind, open),
            Act::Fault(kind) => Input::Fault(match kind {
                0 => OwnFault::Suspended(Span::from_s(60)),
                1 => OwnFault::Stalled(Span::from_s(4)),
                _ => OwnFault::NetworkChanged(7),
            }),
            Act::Command(kind, n) => Input::Operator(command(kind, n)),
            Act::Policy(kind) => self.policy(kind),
            Act::Records(kind) => Input::Records(Records { moves: vec![], unreadable: kind == 0 }),
            Act::Credential(there) => Input::Credential(if there {
                Credential::Working
            } else {
                Credential::Missing("locked".into())
            }),
            Act::Elsewhere(n) => {
                let epoch = self.register.1.epoch + 1;
                let previous = self.register.1.nonce;
                self.register = (address(n), model::Marker { epoch, previous, ..first_marker(n) });
                Input::Tick
            }
            Act::Roster => {
                self.setup.roster.version += 1;
                self.troubled = self.now;
                Input::Roster(self.setup.roster.clone())
            }
            Act::Again => self.last.clone(),
        }
    }

    fn report(&mut self, act: &Act) -> Input {
        let Act::Report { relay, fresh, down, goodbye, silent_s, about, epoch } = act.clone() else {
            return Input::Tick;
        };
        let lives = vec![self.life(about, down, goodbye, fresh), self.life(relay, Down::None, None, fresh)];
        let testimonies = vec![self.testimony(relay, about, Span::from_s(silent_s))];
        let intent = ForeignIntent {
            console: ConsoleId::from_number(relay),
            epoch,
            nonce: Nonce::from_u64(epoch),
            target: id(about),
            age: Span::from_s(silent_s * 2),
        };
        Input::Report(Report {
            relay: id(relay),
            lives,
            testimonies,
            intents: vec![intent],
            epoch_max: epoch,
        })
    }

    /// The register answers a write: by compare-and-set, or in ways that prove nothing.
    fn written(&mut self, kind: u8, open: Nonce) -> Input {
        let Some(claim) = self.sent.last().cloned() else {
            return Input::DnsWrite { nonce: open, outcome: WriteOutcome::Conflict };
        };
        let stands =
            Some(&self.register.1) == claim.expect_marker.as_ref() && self.register.0 == claim.expect_a;
        if stands && kind < 3 {
            self.register = (claim.set_a, claim.set_marker.clone());
        }
        let outcome = match kind {
            0 | 1 if stands => WriteOutcome::Accepted,
            0 | 1 => WriteOutcome::Conflict,
            2 => WriteOutcome::Unknown("lost".into()),
            3 => WriteOutcome::Throttled(Span::from_s(3)),
            4 => WriteOutcome::Rejected("no".into()),
            _ => WriteOutcome::Unknown("reset".into()),
        };
        Input::DnsWrite { nonce: claim.nonce, outcome }
    }

    fn policy(&mut self, kind: u8) -> Input {
        let version = self.setup.policy.version + 1;
        let mut policy = Policy { version, ..self.setup.policy.clone() };
        policy.pause =
            (kind == 0).then(|| Pause { remaining: Span::from_s(20), by: "a".into(), why: "b".into() });
        policy.settings.delay_s = if kind == 1 { 30 } else { 10 };
        policy.preferred = (kind == 2).then(|| id(3));
        self.paused_until = policy.pause.as_ref().map(|pause| self.now + pause.remaining);
        self.setup.policy = policy.clone();
        Input::Policy(policy)
    }
}

fn command(kind: u8, n: u32) -> Command {
    let by = String::from("anna");
    match kind {
        0 => Command::Activate { member: id(n), even_if_not_ready: false, by },
        1 => Command::Activate { member: id(n), even_if_not_ready: true, by },
        2 => Command::Cutover { by },
        3 => Command::Acknowledge { by },
        4 => Command::AdoptRecord { by },
        5 => Command::RestoreRecord { by },
        6 => Command::Watch(Watch::Off),
        _ => Command::Watch(Watch::On),
    }
}

fn is_automatic(cause: Cause) -> bool {
    !matches!(cause, Cause::Manual | Cause::Adopt)
}

/// What must hold of every write that goes out.
fn check_send(probe: &Probe, machine: &Machine, before: State, claim: &Claim) {
    assert_eq!(claim.epoch, claim.set_marker.epoch);
    match &claim.expect_marker {
        Some(expected) => {
            assert!(claim.epoch > expected.epoch);
            assert_eq!(claim.set_marker.previous, expected.nonce);
        }
        None => assert_eq!(claim.cause, Cause::Adopt, "only a person puts a marker where none stands"),
    }
    assert_eq!(claim.set_a, claim.set_marker.address);
    let memory = machine.memory();
    let kept = [&memory.intent, &memory.abort];
    assert!(kept.into_iter().flatten().any(|own| own == claim), "persisted before it is sent");
    if !is_automatic(claim.cause) {
        return;
    }
    // An abort may close the way for a waiting person.
    let for_person = claim.cause == Cause::Abort && matches!(before, State::Write | State::Unknown);
    assert!(for_person || machine.holds_lease(probe.now), "I5: not the holder: {before:?} {claim:?}");
    if claim.cause != Cause::Abort {
        assert!(
            probe.now - probe.troubled >= Span::from_s(5),
            "I9: {:?} after trouble",
            probe.now - probe.troubled
        );
        assert!(probe.paused_until.is_none_or(|until| probe.now >= until), "I15: paused");
    }
    assert!(!matches!(before, State::NoTarget | State::Paused | State::Drift | State::Locked | State::Cold));
    assert_eq!(memory.drift, None, "I15");
}

/// A stretch of time: who is dead in it, whether the world answers what it is asked, and what else happens.
#[derive(Clone, Debug)]
struct Phase {
    dead: u32,
    pliant: bool,
    /// The standbys' configuration is checked and good.
    ready: bool,
    /// The service ports answer.
    serves: bool,
    acts: Vec<(Act, u64)>,
}

fn run(phases: &[Phase], seed: u64) -> (Vec<Vec<Output>>, Machine) {
    let world = World::new(3, settings(10));
    let mut setup = evaluator::io::Setup { seed, ..world.setup.clone() };
    setup.policy.settings.probe_port = seed.is_multiple_of(2).then_some(443);
    let now = Time::from_ms(5_000);
    let mut machine = Machine::new(now, setup.clone());
    let mut probe = Probe {
        now,
        seq: [10; 5],
        register: (address(1), first_marker(1)),
        sent: vec![],
        troubled: now,
        paused_until: None,
        last: Input::Tick,
        dead: 0,
        died: now,
        pliant: true,
        ready: true,
        serves: false,
        setup,
    };
    let mut all = vec![];
    for phase in phases {
        (probe.dead, probe.died, probe.pliant) = (phase.dead, probe.now, phase.pliant);
        (probe.ready, probe.serves) = (phase.ready, phase.serves);
        for (act, after) in &phase.acts {
            let mut open = vec![(act.clone(), *after)];
            // What the machine asks for is answered 20 ms later; a loop of answers would be a fault.
            for _ in 0..30 {
                let Some((act, after)) = open.pop() else { break };
                let outputs = one_step(&mut probe, &mut machine, &act, after);
                if probe.pliant {
                    open.extend(outputs.iter().filter_map(answer).map(|act| (act, 20)));
                }
                all.push(outputs);
            }
            assert!(open.is_empty(), "the machine asks without end in {:?}", machine.state());
        }
    }
    let _ = machine.explain(probe.now);
    (all, machine)
}

fn answer(output: &Output) -> Option<Act> {
    match output {
        Output::DnsRead => Some(Act::Read(0)),
        Output::LeaseRequest { .. } => Some(Act::Lease { relay: 2, granted: true, other: None, late_ms: 20 }),
        Output::IntentAnnounce(_) => Some(Act::Stored(2)),
        Output::DnsCas { .. } => Some(Act::Written(0)),
        _ => None,
    }
}

fn one_step(probe: &mut Probe, machine: &mut Machine, act: &Act, after: u64) -> Vec<Output> {
    probe.now += Span::from_ms(after);
    if after > 1_250 {
        probe.troubled = probe.now;
    }
    let input = probe.input(act, machine);
    if matches!(input, Input::Fault(_)) {
        probe.troubled = probe.now;
    }
    probe.last = input.clone();
    let before = machine.state();
    let memory = (machine.memory(), machine.memory_changes());
    let outputs = machine.step(probe.now, input);
    assert_eq!(memory.0 == machine.memory(), memory.1 == machine.memory_changes());
    let writes = outputs.iter().filter(|output| matches!(output, Output::DnsCas { .. })).count();
    assert!(writes <= 1, "one request at a time");
    for output in &outputs {
        match output {
            Output::DnsCas { claim, .. } => {
                check_send(probe, machine, before, claim);
                probe.sent.push(claim.clone());
            }
            Output::WakeAt(at) => assert!(*at > probe.now),
            _ => {}
        }
    }
    outputs
}

fn acts() -> impl Strategy<Value = Vec<Phase>> {
    let gap =
        prop_oneof![10 => 0..400_u64, 20 => Just(500_u64), 10 => Just(1_000_u64), 1 => 1_200..5_000_u64];
    let acts = proptest::collection::vec((act(), gap), 1..120);
    let dead = prop_oneof![3 => Just(0_u32), 4 => Just(1_u32), 1 => Just(2_u32), 2 => Just(3_u32)];
    let weighted = proptest::bool::weighted;
    let phase = (dead, weighted(0.8), weighted(0.8), weighted(0.4), acts)
        .prop_map(|(dead, pliant, ready, serves, acts)| Phase { dead, pliant, ready, serves, acts });
    proptest::collection::vec(phase, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_breaks_the_machine(acts in acts(), seed in any::<u64>()) {
        run(&acts, seed);
    }

    #[test]
    fn equal_inputs_give_equal_outputs(acts in acts(), seed in any::<u64>()) {
        let (first, one) = run(&acts, seed);
        let (second, two) = run(&acts, seed);
        prop_assert_eq!(first, second);
        prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }

    #[test]
    fn a_restart_at_any_moment_keeps_what_it_must(acts in acts()) {
        let (_, machine) = run(&acts, 1);
        let memory = machine.memory();
        let text = serde_json::to_string(&memory).unwrap();
        prop_assert_eq!(serde_json::from_str::<evaluator::io::Memory>(&text).unwrap(), memory);
    }
}

/// The properties above mean something only if the sequences get somewhere.
#[test]
fn the_sequences_reach_most_of_the_table() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut states = std::collections::BTreeSet::new();
    let mut ways = std::collections::BTreeSet::new();
    let mut sent = 0;
    for seed in 0..400 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        let (all, _) = run(&acts, seed);
        for output in all.into_iter().flatten() {
            match output {
                Output::Journal(entry) => {
                    states.insert(entry.to);
                    ways.insert((entry.from, entry.to, entry.cause));
                }
                Output::DnsCas { .. } => sent += 1,
                _ => {}
            }
        }
    }
    assert!(states.len() >= 18, "{states:?}");
    assert!(ways.len() >= 120, "{}", ways.len());
    assert!(sent >= 150, "{sent}");
}
