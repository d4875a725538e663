//! What a console was told, written down a second time by somebody who does not decide.
//!
//! The machine under test keeps its own books; the invariants must not be judged by them. This file keeps the facts
//! of every delivered input in the plainest form, so that a check can ask "what did it have in hand when it wrote?".

use std::net::Ipv4Addr;

use evaluator::io::{
    Claim, Command, Goodbye, Input, LeaseAnswer, Life, Policy, Reading, Report, Roster, Testimony,
    WriteOutcome,
};
use model::haproxy::Down;
use model::{Nonce, Span, Time};

use crate::ids;

/// The newest that was heard of one voter, by any way.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Newest (incarnation, seq).
    pub order: (u64, u64),
    /// The latest moment after which one of its heartbeats was certainly made.
    pub fresh_at: Option<Time>,
    /// What the newest one says of HAProxy.
    pub down: Down,
    /// What the newest one says when leaving.
    pub goodbye: Option<Goodbye>,
    /// Until when it has planned work.
    pub planned_until: Option<Time>,
    /// In maintenance.
    pub maintenance: bool,
    /// Its configuration was checked and is good.
    pub cfg_valid: Option<bool>,
    /// Its HAProxy is watched.
    pub monitored: bool,
    /// The address it declares.
    pub ip: Option<Ipv4Addr>,
    /// Restored from a snapshot.
    pub time_travel: bool,
    /// When anything new of it last arrived.
    pub arrived: Option<Time>,
    /// When anything new of it last arrived from its own relay.
    pub direct: Option<Time>,
    /// The newest (incarnation, seq) that arrived so.
    pub direct_order: (u64, u64),
    /// The newest own probe: when, and whether it answered.
    pub probe: Option<(Time, bool)>,
}

/// One relay's last word about the lease.
#[derive(Clone, Debug)]
pub struct LeaseWord {
    /// When the answer came.
    pub received: Time,
    /// The answer.
    pub answer: LeaseAnswer,
}

/// A compare-and-set that left, whose outcome this console has not been shown.
#[derive(Clone, Debug)]
pub struct Open {
    /// What was sent.
    pub claim: Claim,
}

/// Everything one process of a console was told.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// Per voter.
    pub known: Vec<Known>,
    /// Per witness and subject: the newest testimony.
    pub testimonies: Vec<Option<Testimony>>,
    voters: usize,
    /// Per relay.
    pub leases: Vec<Option<LeaseWord>>,
    /// The newest reading.
    pub reading: Option<Reading>,
    /// Claims sent and not settled.
    pub open: Vec<Open>,
    /// When this process started or last slept, stalled or changed networks.
    pub disturbed: Time,
    /// When a step last came more than a second late.
    pub late_at: Time,
    stepped: Time,
    /// The newest policy delivered, and when.
    pub policy: (Policy, Time),
    /// The newest roster delivered.
    pub roster_version: u64,
    /// Whether the fleet guard holds.
    pub fleet_guard: bool,
    /// When a person last ordered a write.
    pub ordered: Option<Time>,
}

impl Shadow {
    /// A process that starts now.
    pub fn new(now: Time, voters: usize, policy: Policy, roster: &Roster) -> Self {
        Self {
            known: vec![Known::default(); voters],
            testimonies: vec![None; voters * voters],
            voters,
            leases: vec![None; voters],
            reading: None,
            open: Vec::new(),
            disturbed: now,
            late_at: Time::ZERO,
            stepped: now,
            policy: (policy, now),
            roster_version: roster.version,
            fleet_guard: false,
            ordered: None,
        }
    }

    /// Notes an input before the machine gets it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not noted here is no evidence")]
    pub fn observe(&mut self, now: Time, input: &Input) {
        if now - self.stepped > Span::from_ms(1_250) {
            self.late_at = now;
        }
        self.stepped = now;
        match input {
            Input::Report(report) => self.observe_report(now, report),
            Input::Probe { member, answered } => {
                if let Some(voter) = ids::voter(*member) {
                    self.known[voter].probe = Some((now, *answered));
                }
            }
            Input::Lease { relay, answer } => {
                if let Some(voter) = ids::voter(*relay) {
                    self.leases[voter] = Some(LeaseWord { received: now, answer: answer.clone() });
                }
            }
            Input::DnsRead(Ok(reading)) => self.observe_reading(reading),
            Input::DnsWrite { nonce, outcome: WriteOutcome::Accepted | WriteOutcome::Rejected(_) } => {
                self.settle(*nonce);
            }
            Input::Fault(_) => {
                self.forget();
                self.disturbed = now;
            }
            Input::Policy(policy) => {
                if policy.version >= self.policy.0.version {
                    self.policy = (policy.clone(), now);
                }
            }
            Input::FleetGuard(holds) => self.fleet_guard = *holds,
            Input::Roster(roster) => {
                self.roster_version = self.roster_version.max(roster.version);
                self.disturbed = now;
                self.forget();
            }
            Input::Operator(
                Command::Activate { .. }
                | Command::Cutover { .. }
                | Command::AdoptRecord { .. }
                | Command::RestoreRecord { .. },
            ) => self.ordered = Some(now),
            _ => {}
        }
    }

    /// After sleep no age survives.
    fn forget(&mut self) {
        for known in &mut self.known {
            known.fresh_at = None;
            known.arrived = None;
            known.direct = None;
            known.probe = None;
        }
        self.testimonies.fill(None);
        self.reading = None;
    }

    fn observe_report(&mut self, now: Time, report: &Report) {
        let relay = ids::voter(report.relay);
        for life in &report.lives {
            self.observe_life(now, relay, life);
        }
        for testimony in &report.testimonies {
            if let (Some(by), Some(about)) = (ids::voter(testimony.by), ids::voter(testimony.about)) {
                let slot = &mut self.testimonies[by * self.voters + about];
                // One beacon may stand in several of them, which come by several ways.
                let order = |said: &Testimony| (said.made_after, said.last, said.silent);
                let newer = slot.as_ref().is_none_or(|old| order(old) <= order(testimony));
                if newer {
                    *slot = Some(testimony.clone());
                }
            }
        }
    }

    fn observe_life(&mut self, now: Time, relay: Option<usize>, life: &Life) {
        let Some(voter) = ids::voter(life.member) else { return };
        let known = &mut self.known[voter];
        if life.made_after > known.fresh_at {
            known.fresh_at = life.made_after;
        }
        let order = (life.incarnation, life.seq);
        // What was provably made after the newest had arrived is newer, whatever its number: a snapshot put back.
        let set_back = life.made_after.is_some_and(|made| known.arrived.is_some_and(|at| made > at));
        if relay == Some(voter) && (order > known.direct_order || set_back) {
            known.direct = Some(now);
            known.direct_order = order;
        }
        // The same one again, by another way and perhaps much later, says nothing new.
        if order <= known.order && !set_back {
            return;
        }
        known.arrived = Some(now);
        known.order = order;
        known.down = life.down;
        known.goodbye = life.goodbye;
        known.planned_until = life.planned.map(|span| now + span);
        known.maintenance = life.maintenance;
        known.cfg_valid = life.cfg_valid;
        known.monitored = life.monitored;
        known.ip = life.ip;
        known.time_travel = life.time_travel;
    }

    fn observe_reading(&mut self, reading: &Reading) {
        use evaluator::io::MarkerText;
        self.reading = Some(reading.clone());
        // A marker that is not the one a claim wants to consume proves that the claim has landed or never can.
        if let [MarkerText::Marker(marker)] = reading.markers.as_slice() {
            self.open.retain(|open| {
                let expected = open.claim.expect_marker.as_ref();
                marker.epoch < open.claim.epoch
                    && expected.is_some_and(|expected| marker.nonce == expected.nonce)
            });
        }
    }

    /// Forgets an open claim.
    pub fn settle(&mut self, nonce: Nonce) {
        self.open.retain(|open| open.claim.nonce != nonce);
    }

    /// Notes that a claim leaves.
    pub fn sent(&mut self, claim: &Claim) {
        if self.open.iter().all(|open| open.claim.nonce != claim.nonce) {
            self.open.push(Open { claim: claim.clone() });
        }
    }

    /// The newest testimony of `by` about `about`.
    pub fn testimony(&self, by: usize, about: usize) -> Option<&Testimony> {
        self.testimonies[by * self.voters + about].as_ref()
    }

    /// How long ago, at most, the newest heartbeat of this voter was made.
    pub fn age(&self, now: Time, voter: usize) -> Option<Span> {
        self.known[voter].fresh_at.map(|at| now - at)
    }
}
