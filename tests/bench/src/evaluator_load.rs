//! What deciding costs: a hundred machines of ten members each, fed as a quiet minute feeds them.
//!
//! Each second every relay of a pool reports three members' heartbeats and its own testimony about the nine others; each
//! machine is ticked four times, and what it asks for (lease, register) is answered. The machines have to be in STEADY
//! before anything counts: a machine that waits for something would be cheap.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use evaluator::io::{
    Credential, Input, LeaseAnswer, Life, Link, MarkerText, Memory, Output, Part, Policy, Reading, Report,
    Roster, Setup, State, Testimony,
};
use evaluator::{Machine, io};
use model::haproxy::Down;
use model::marker::Short8;
use model::{BootId, ConsoleId, FleetId, Marker, MemberId, PoolId, Settings, Span, Time};
use rustix::time::{ClockId, clock_gettime};

use crate::figure::{Figure, Limit};

const POOLS: u32 = 100;
const MEMBERS: u32 = 10;
/// Until every machine is in STEADY and has filled its windows.
const SETTLE_S: u64 = 120;
const MEASURED_S: u64 = 60;
const SHARE_MAX_PERCENT: f64 = 2.0;

pub(crate) fn share() -> Result<Vec<Figure>> {
    let mut pools: Vec<Pool> = (0..POOLS).map(Pool::new).collect();
    for second in 0..SETTLE_S {
        for pool in &mut pools {
            pool.second(second);
        }
    }
    // Inputs are made outside the measured time: making them is the engine's work.
    let mut cpu_ns = 0;
    for second in SETTLE_S..SETTLE_S + MEASURED_S {
        let inputs: Vec<_> = pools.iter_mut().map(|pool| pool.inputs(second)).collect();
        let start_ns = processor_time_ns();
        for (pool, inputs) in pools.iter_mut().zip(inputs) {
            pool.feed(inputs);
        }
        cpu_ns += processor_time_ns() - start_ns;
    }
    let now = Time::from_ms((SETTLE_S + MEASURED_S) * 1_000);
    let unsteady = pools.iter().filter(|pool| pool.machine.explain(now).state != State::Steady).count();
    ensure!(unsteady == 0, "{unsteady} of {POOLS} machines are not in STEADY; nothing was measured");
    let percent = cpu_ns as f64 / 1e9 / MEASURED_S as f64 * 100.0;
    Ok(vec![Figure {
        name: "evaluator, 100 pools of 10".into(),
        value: percent,
        unit: "% of a core",
        limit: Limit::AtMost(SHARE_MAX_PERCENT),
        how: format!("{MEASURED_S} simulated seconds, all in STEADY"),
    }])
}

struct Pool {
    machine: Machine,
    members: Vec<MemberId>,
    marker: Marker,
    /// What the machine asked for since it was last fed.
    asked: Vec<Output>,
}

impl Pool {
    fn new(number: u32) -> Self {
        let members: Vec<MemberId> =
            (0..MEMBERS).map(|m| MemberId::from_number(number * 100 + m + 1)).collect();
        let fleet = FleetId::from_number(1);
        let nothing = Short8::of(&[0; 4]);
        let marker = Marker {
            fleet: Short8::of(fleet.as_bytes()),
            epoch: 1,
            address: address(0),
            member: Short8::of(members[0].as_bytes()),
            nonce: Short8::of(&number.to_be_bytes()),
            previous: nothing,
            unknown: Vec::new(),
        };
        let entry = |(at, id): (u32, &MemberId)| {
            let member = io::Member {
                name: format!("lb{at}"),
                address: address(at),
                part: Part::Member,
                priority: at,
                same_host: false,
            };
            (*id, member)
        };
        let settings = Settings {
            targets: model::settings::Targets::Any,
            arming: model::settings::Arming::Armed,
            ..Settings::default()
        };
        let setup = Setup {
            fleet,
            pool: PoolId::from_number(number + 1),
            console: ConsoleId::from_number(1),
            rank: 200,
            start_counter: 1,
            seed: u64::from(number),
            attachment: 1,
            roster: Roster { version: 1, members: (0..).zip(&members).map(entry).collect() },
            policy: Policy {
                version: 1,
                hostname: Some(format!("lb{number}.example.org")),
                settings,
                ..Policy::default()
            },
            credential: Credential::Working,
            memory: Memory { marker: Some(marker.clone()), ..Memory::default() },
        };
        Self { machine: Machine::new(Time::ZERO, setup), members, marker, asked: Vec::new() }
    }

    fn second(&mut self, second: u64) {
        let inputs = self.inputs(second);
        self.feed(inputs);
    }

    fn feed(&mut self, inputs: Vec<(Time, Input)>) {
        for (now, input) in inputs {
            self.asked.extend(self.machine.step(now, input));
        }
    }

    /// One second of a quiet pool, spread over it, with answers to what was asked in the last one.
    fn inputs(&mut self, second: u64) -> Vec<(Time, Input)> {
        let start_ms = second * 1_000;
        let mut inputs = vec![(Time::from_ms(start_ms + 1), Input::Anchors { asked: 3, answered: 3 })];
        for asked in std::mem::take(&mut self.asked) {
            inputs.extend(self.answers(&asked, Time::from_ms(start_ms + 2)));
        }
        for (at, relay) in (0..).zip(self.members.clone()) {
            let now = Time::from_ms(start_ms + 10 + at * 90);
            if second == 0 {
                inputs.push((now, Input::Relay { relay, link: Link::Up }));
            }
            inputs.push((now, Input::Report(self.report(at as usize, second, now))));
        }
        inputs.extend((0..4).map(|quarter| (Time::from_ms(start_ms + 240 + quarter * 250), Input::Tick)));
        inputs.sort_by_key(|(now, _)| *now);
        inputs
    }

    fn answers(&self, asked: &Output, now: Time) -> Vec<(Time, Input)> {
        if let Output::LeaseRequest { .. } = asked {
            let answer =
                LeaseAnswer { sent: now, granted: true, holder: None, wanted_by: None, refusal: None };
            let answer = |relay: &MemberId| (now, Input::Lease { relay: *relay, answer: answer.clone() });
            return self.members.iter().map(answer).collect();
        }
        if *asked == Output::DnsRead {
            let reading = Reading {
                asked: now,
                a: vec![self.marker.address],
                markers: vec![MarkerText::Marker(self.marker.clone())],
                aaaa: false,
                cname: false,
            };
            return vec![(now, Input::DnsRead(Ok(reading)))];
        }
        Vec::new()
    }

    /// What the relay of member `at` says: its own heartbeat and those of two others, and its testimony.
    fn report(&self, at: usize, second: u64, now: Time) -> Report {
        let others = (1..self.members.len()).map(|step| self.members[(at + step) % self.members.len()]);
        let heard = [0, 1, 2].map(|step| (at + step) % self.members.len());
        Report {
            relay: self.members[at],
            lives: heard.into_iter().map(|member| self.life(member, second, now)).collect(),
            testimonies: others.map(|about| testimony(self.members[at], about, second, now)).collect(),
            intents: Vec::new(),
            epoch_max: 1,
        }
    }

    fn life(&self, at: usize, second: u64, now: Time) -> Life {
        Life {
            member: self.members[at],
            boot: BootId::from_number(1),
            incarnation: 1,
            seq: second + 1,
            made_after: Some(now.minus(Span::from_ms(900))),
            monitored: true,
            down: Down::None,
            cfg: 7,
            cfg_valid: Some(true),
            ip: u32::try_from(at).ok().map(address),
            planned: None,
            maintenance: false,
            time_travel: false,
            goodbye: None,
            fit: true,
            up: Span::from_s(3_600 + second),
            agent_version: "0.1.0".into(),
        }
    }
}

fn testimony(by: MemberId, about: MemberId, second: u64, now: Time) -> Testimony {
    Testimony {
        by,
        about,
        last: (1, second + 1),
        silent: Span::from_ms(400),
        baseline: true,
        hears_other: true,
        service_answers: Some(true),
        made_after: Some(now.minus(Span::from_ms(900))),
        fit: true,
        up: Span::from_s(3_600 + second),
    }
}

fn address(at: u32) -> Ipv4Addr {
    Ipv4Addr::from(0x0a00_0000 + at + 1)
}

/// Of this thread: others do not count, and neither does time it was not running.
fn processor_time_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measured_machines_are_steady() {
        let mut pool = Pool::new(3);
        for second in 0..SETTLE_S {
            pool.second(second);
        }
        let explanation = pool.machine.explain(Time::from_ms(SETTLE_S * 1_000));
        assert_eq!(explanation.state, State::Steady, "{explanation:?}");
    }
}
