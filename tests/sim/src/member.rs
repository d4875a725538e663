//! A member or witness: its host, its HAProxy, its agent with the real relay core, and what its disk keeps.

use std::collections::VecDeque;
use std::sync::Arc;

use model::haproxy::{Down, Report};
use model::{BootId, Span, Time};
use protocol::docs::{self, Shelf};
use protocol::records::AgedRecord;
use protocol::relay::{Core, HeardBeat, Kept, Setup};
use protocol::{Beat, Goodbye, Heartbeat, Testimony};

use crate::clock::Clock;
use crate::fault::Lie;
use crate::haproxy::Haproxy;
use crate::ids;
use crate::wire::Docs;

/// How long a drip is hoarded before it begins.
const DRIP_AFTER_MS: u64 = 20_000;

/// What survives the agent's end.
#[derive(Clone, Debug)]
pub struct MemberDisk {
    /// Starts of the agent.
    pub incarnation: u64,
    /// The relay's state.
    pub kept: Option<Kept>,
    /// The relay's records, with their ages when it ended.
    pub records: Vec<AgedRecord>,
    /// The documents.
    pub docs: std::rc::Rc<Docs>,
    /// The roster's version.
    pub roster_version: u64,
}

/// A running agent.
pub struct Agent {
    /// Its relay.
    pub core: Core,
    /// Heartbeats of this incarnation.
    pub seq: u64,
    /// What a lying relay holds back: when it may go out, and what.
    pub held: VecDeque<(u64, HeardBeat)>,
}

/// A memory snapshot of a host.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The disk.
    pub disk: MemberDisk,
    /// The agent's heartbeat counter.
    pub seq: u64,
    /// The boot it belongs to.
    pub boots: u32,
}

/// One member or witness.
pub struct Member {
    /// Its place, which is also its node in the network.
    pub place: usize,
    /// Its clocks.
    pub clock: Clock,
    /// Whether the host has power.
    pub powered: bool,
    /// Boots so far.
    pub boots: u32,
    /// Rises with every start and end of the agent: what belongs to an earlier life is void.
    pub life: u32,
    /// The agent, if it runs.
    pub agent: Option<Agent>,
    /// What survives.
    pub disk: MemberDisk,
    /// Its HAProxy.
    pub service: Haproxy,
    /// The whole host is frozen until then.
    pub frozen_until: u64,
    /// Only the agent is stopped until then.
    pub stalled_until: u64,
    /// Until when planned work was announced, in true time.
    pub planned_until: u64,
    /// How many faults put it into maintenance.
    pub maintenance: u32,
    /// How many faults broke its configuration.
    pub bad_config: u32,
    /// How it lies, if it does.
    pub lie: Option<Lie>,
    /// It was set back to a snapshot, and its agent has not been restarted since.
    pub set_back: bool,
    /// Whether a start over SSH brings the agent back.
    pub revivable: bool,
}

impl Member {
    /// Until when the agent gets nothing done; `Ok` when it runs.
    pub fn awake(&self, now: u64) -> Result<(), u64> {
        let until = self.frozen_until.max(self.stalled_until);
        if until > now { Err(until) } else { Ok(()) }
    }

    /// Now, on its clock.
    pub fn tb(&self, now: u64) -> Time {
        self.clock.tb(now)
    }

    /// Whether customers get answers from it.
    pub fn serves(&self, now: u64) -> bool {
        self.powered && self.frozen_until <= now && self.service.serves()
    }

    /// Whether its port answers a TCP probe from its own host.
    pub fn answers(&self, now: u64) -> bool {
        self.powered && self.frozen_until <= now && self.service.answers()
    }

    /// This boot's id.
    pub fn boot(&self) -> BootId {
        BootId::from_number((self.place as u32) << 20 | self.boots)
    }

    /// Starts the agent on what is on its disk.
    pub fn start_agent(&mut self, now: u64, roster: &Arc<docs::Roster>, delay: Span) {
        self.set_back = false;
        self.life += 1;
        self.disk.incarnation += 1;
        let tb = self.tb(now);
        let setup = Setup {
            me: ids::member(self.place),
            boot: self.boot(),
            attachment: 1,
            kept: self.disk.kept.clone(),
            shelf: Shelf::default(),
        };
        let mut core = Core::new(setup, tb);
        core.on_roster(Arc::clone(roster));
        core.set_delay(delay);
        for aged in self.disk.records.drain(..) {
            core.record_put(aged.noted, tb.minus(aged.age));
        }
        self.agent = Some(Agent { core, seq: 0, held: VecDeque::new() });
    }

    /// Ends the agent; its disk is as of its last word, since it persists before it answers.
    pub fn stop_agent(&mut self, now: u64) {
        self.life += 1;
        let tb = self.tb(now);
        if let Some(agent) = self.agent.take() {
            self.disk.kept = Some(agent.core.kept(tb));
            self.disk.records = agent.core.records(ids::POOL, tb);
        }
    }

    /// Makes the next heartbeat and lets the own relay hear it.
    pub fn beat(&mut self, now: u64, witness: bool, goodbye: Option<Goodbye>) -> Option<Beat> {
        let tb = self.tb(now);
        let (member, boot_id, incarnation) = (ids::member(self.place), self.boot(), self.disk.incarnation);
        let planned_until_ms = (self.planned_until > now).then(|| self.planned_until - now);
        let agent = self.agent.as_mut()?;
        agent.core.on_tick(tb);
        agent.seq += 1;
        let sense = agent.core.sense(tb);
        let mut testimonies = sense.testimonies;
        if let Some(Lie::FalseTestimony(about)) = self.lie
            && about != self.place
        {
            testimonies.retain(|said| said.about != ids::member(about));
            testimonies.push(false_testimony(about));
        }
        let heartbeat = Heartbeat {
            beacons: sense.beacons,
            ip: Some(ids::address(self.place)),
            haproxy: Report {
                monitored: !witness,
                down: if witness { Down::None } else { self.service.judged() },
                cfg_valid: Some(self.bad_config == 0),
                ..Report::default()
            },
            role_epoch: sense.role_epoch,
            roster_version: sense.roster_version,
            planned_until_ms,
            maintenance: self.maintenance > 0,
            goodbye,
            fit: sense.fit,
            up_ms: sense.up.as_ms(),
            testimonies,
            ..Heartbeat::bare(member, boot_id, incarnation, agent.seq)
        };
        let beat = Beat::unsigned(heartbeat);
        agent.core.on_heartbeat(beat.clone(), tb);
        Some(beat)
    }

    /// What a lying relay makes of a report.
    pub fn distort(&mut self, now: u64, heard: Vec<HeardBeat>) -> Vec<HeardBeat> {
        let Some(lie) = self.lie else { return heard };
        let Some(agent) = self.agent.as_mut() else { return heard };
        let is = |beat: &HeardBeat, place: usize| ids::voter(beat.beat.heartbeat.member) == Some(place);
        match lie {
            Lie::FalseTestimony(_) => heard,
            Lie::Withhold(about) => heard.into_iter().filter(|beat| !is(beat, about)).collect(),
            Lie::Delay(ms) => {
                agent.held.extend(heard.into_iter().map(|beat| (now + ms, beat)));
                let ripe = agent.held.iter().take_while(|(at, _)| *at <= now).count();
                agent.held.drain(..ripe).map(|(_, beat)| beat).collect()
            }
            Lie::Drip(about) => {
                let (hoard, mut rest): (Vec<_>, Vec<_>) = heard.into_iter().partition(|beat| is(beat, about));
                agent.held.extend(hoard.into_iter().map(|beat| (now + DRIP_AFTER_MS, beat)));
                if agent.held.front().is_some_and(|(at, _)| *at <= now) {
                    rest.extend(agent.held.pop_front().map(|(_, beat)| beat));
                }
                rest
            }
        }
    }
}

fn false_testimony(about: usize) -> Testimony {
    Testimony {
        about: ids::member(about),
        incarnation: u64::MAX >> 1,
        seq: 1,
        silent_ms: 600_000,
        baseline: true,
        hears_other: true,
        service_answers: Some(false),
    }
}
