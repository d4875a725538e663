//! A console's state: what is on its disk, and what its running process holds.
//!
//! The engine around the machine is modelled here as it must behave: it stores the machine's memory and the outputs
//! of a step before it acts on any of them, looks at its two clocks before every input, and starts again with a
//! higher start counter.

use std::collections::BTreeMap;
use std::rc::Rc;

use evaluator::Machine;
use evaluator::beacon::BeaconLog;
use evaluator::io::{
    Claim, Credential, Input, MarkerText, Member, Memory, MoveRecord, Output, Part, Pause, Policy, Reading,
    Records, Roster, Setup, State,
};
use model::stall::{Gap, Look, StallWatch};
use model::{ConsoleId, IncidentId, Nonce, Span, Time};

use crate::clock::Clock;
use crate::ids;
use crate::plan::Plan;
use crate::register::Token;
use crate::rng::Dice;
use crate::shadow::Shadow;
use crate::wire::Docs;

/// One move as a console keeps it.
#[derive(Clone, Debug)]
pub struct KeptMove {
    /// The record.
    pub record: MoveRecord,
    /// The incident it belongs to.
    pub incident: IncidentId,
    /// True time at which it was made, by the relays' ages.
    pub born: i64,
}

/// What survives a restart.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The machine's memory, as of its last step.
    pub memory: Memory,
    /// Starts so far.
    pub start_counter: u64,
    /// Outputs of the last step that were stored and perhaps not acted on.
    pub outbox: Vec<Output>,
    /// Moves, by epoch.
    pub moves: BTreeMap<u64, KeptMove>,
    /// The documents.
    pub docs: Rc<Docs>,
    /// The roster's version.
    pub roster_version: u64,
    /// The clock's reading when the memory was stored: the ages in it are carried over by it.
    pub stored_at: Time,
}

/// A request to the register that has not been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub id: u64,
    /// The claim's nonce, if it is a write.
    pub nonce: Option<Nonce>,
}

/// A running process.
pub struct Process {
    /// The machine under test.
    pub machine: Machine,
    /// What its disk holds where that is not the machine's memory: the disk refuses, or a planted bug acts first.
    pub memory_before: Option<Memory>,
    /// The disk refused a step, and the machine was told so.
    pub refused: bool,
    /// What must be stored before it is done.
    pub owed: Vec<Output>,
    /// Whether the machine was told of the fleet guard.
    pub guarded: bool,
    /// Looks at the two clocks.
    pub stall: StallWatch,
    /// Beacons given out.
    pub beacons: BeaconLog,
    /// Where beacons come from.
    pub dice: Dice,
    /// Drawn at this start.
    pub start_nonce: Nonce,
    /// Lease requests so far, with when each was sent.
    pub asked: Vec<(u64, Time)>,
    /// The next request's number.
    pub next_request: u64,
    /// The rhythm of reports.
    pub poll_ms: u32,
    /// When ports are probed next.
    pub next_probe: Time,
    /// When anchors are asked next.
    pub next_anchors: Time,
    /// What it was told.
    pub shadow: Shadow,
    /// What the provider's adapter remembers of its last reading.
    pub token: Option<Token>,
    /// Requests to the register without an answer.
    pub pending: Vec<Pending>,
    /// Open intents, announced again on every new link.
    pub announced: Vec<Claim>,
    /// The head of each relay's records that was read.
    pub heads: Vec<u64>,
    /// Whether the machine was given records, and whether any relay gave them.
    pub records: RecordsGiven,
    /// When it started.
    pub started: Time,
    /// When the last step ended.
    pub stepped: Time,
}

/// What the machine knows of the shared records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordsGiven {
    /// Nothing yet.
    Nothing,
    /// That no relay could give them.
    Unreadable,
    /// What relays gave.
    FromRelays,
}

/// One console.
pub struct Console {
    /// Its node in the network.
    pub node: usize,
    /// Its id; a clone has its original's.
    pub id: ConsoleId,
    /// Its rank.
    pub rank: u32,
    /// Its clocks.
    pub clock: Clock,
    /// What survives.
    pub disk: Disk,
    /// Rises with every start and end: what belongs to an earlier life is void.
    pub life: u32,
    /// The process, if it runs.
    pub process: Option<Process>,
    /// Until when the process is stopped (stall).
    pub stalled_until: u64,
    /// Until when the computer sleeps.
    pub asleep_until: u64,
    /// Since when, on its own clock.
    pub asleep_since: Time,
    /// The present network.
    pub attachment: u64,
    /// How many faults take the credential away.
    pub credential_lost: u32,
    /// How many faults make the provider refuse it.
    pub revoked: u32,
    /// How many faults keep its disk from taking anything.
    pub store_refuses: u32,
    /// How many faults make its engine hold the fleet guard.
    pub fleet_guard: u32,
    /// How many captive portals it sits behind.
    pub captive: u32,
    /// It dies between storing and acting, this many steps that act from now; back after these ms.
    pub dies_before_acting: Option<(u32, u64)>,
    /// It stands still between deciding and sending, next time, for these ms.
    pub stalls_before_sending: Option<u64>,
    /// Its computer sleeps as soon as it has sent, next time, for these ms.
    pub sleeps_after_sending: Option<u64>,
    /// Requests that left a process which has ended: they may still land, whatever its disk says.
    pub in_flight: Vec<Claim>,
    /// Its watch is off until then.
    pub watch_off_until: u64,
    /// Epochs that it saw move the record, in all its lives.
    pub saw_moves: std::collections::BTreeSet<u64>,
    /// The newest epoch it was shown, and where that pointed.
    pub shown: Option<(u64, std::net::Ipv4Addr)>,
    /// It only exists to be a copy.
    pub is_clone: bool,
    /// Draws this console's own numbers.
    pub dice: Dice,
}

impl Console {
    /// Whether events reach the process now; otherwise the moment from which they do.
    pub fn awake(&self, now: u64) -> Result<(), u64> {
        let until = self.stalled_until.max(self.asleep_until);
        if until > now { Err(until) } else { Ok(()) }
    }

    /// Now, on its clock.
    pub fn tb(&self, now: u64) -> Time {
        self.clock.tb(now)
    }

    /// The state of its machine.
    pub fn state(&self) -> Option<State> {
        self.process.as_ref().map(|process| process.machine.state())
    }

    /// Starts the process on what is on the disk.
    pub fn start(&mut self, now: u64, plan: &Plan) {
        self.life += 1;
        self.disk.start_counter += 1;
        let tb = self.tb(now);
        let mut dice = self.dice.fork(self.disk.start_counter);
        let setup = Setup {
            fleet: ids::FLEET,
            pool: ids::POOL,
            console: self.id,
            rank: self.rank,
            start_counter: self.disk.start_counter,
            seed: dice.draw(),
            attachment: self.attachment,
            roster: roster(plan, self.disk.roster_version),
            policy: policy(&self.disk.docs, now),
            credential: self.credential(),
            memory: self.disk.memory.clone(),
        };
        let shadow = Shadow::new(tb, plan.voters.len(), setup.policy.clone(), &setup.roster);
        let mut process = Process {
            machine: Machine::new(tb, setup),
            memory_before: None,
            refused: false,
            owed: Vec::new(),
            guarded: false,
            stall: StallWatch::default(),
            beacons: BeaconLog::default(),
            start_nonce: Nonce::from_u64(dice.draw()),
            dice,
            asked: Vec::new(),
            next_request: 1,
            poll_ms: 1_000,
            next_probe: tb,
            next_anchors: tb,
            shadow,
            token: None,
            pending: Vec::new(),
            announced: Vec::new(),
            heads: vec![u64::MAX; plan.voters.len()],
            records: RecordsGiven::Nothing,
            started: tb,
            stepped: tb,
        };
        // An own claim whose outcome is not settled may still land: it is open for the checks too.
        let memory = &self.disk.memory;
        for claim in memory.intent.iter().chain(&memory.abort).chain(&self.in_flight) {
            process.shadow.sent(claim);
        }
        self.in_flight.clear();
        self.process = Some(process);
    }

    /// Ends the process; `memory` is what its last store left on the disk.
    pub fn stop(&mut self, now: u64) {
        self.life += 1;
        if let Some(process) = self.process.take() {
            self.in_flight = process.shadow.open.iter().map(|open| open.claim.clone()).collect();
            self.disk.memory = process.memory_before.unwrap_or_else(|| process.machine.memory());
            self.disk.stored_at = self.tb(now);
        }
    }

    /// Whether its credential can be used, as far as it knows.
    pub fn credential(&self) -> Credential {
        if self.credential_lost > 0 {
            Credential::Missing("the vault is locked".into())
        } else {
            Credential::Working
        }
    }

    /// What its disk holds of the running machine's memory.
    pub fn kept(&self) -> Option<Memory> {
        let process = self.process.as_ref()?;
        Some(process.memory_before.clone().unwrap_or_else(|| process.machine.memory()))
    }

    /// Looks at the clocks, as the engine does before every input.
    pub fn look(&mut self, now: u64) -> Option<Gap> {
        let look = Look {
            tb_ms: self.clock.tb(now).as_ms(),
            tm_ms: self.clock.tm(now).as_ms(),
            wall_ms: (now as i64 + 2_000_000_000_000 + self.clock.wall_offset_ms).max(0) as u64,
        };
        self.process.as_mut()?.stall.look(look)
    }

    /// Notes whether a reading shows that the record has moved.
    pub fn is_shown(&mut self, reading: &Reading) {
        let [MarkerText::Marker(marker)] = reading.markers.as_slice() else { return };
        let newer = self.shown.is_none_or(|(epoch, _)| marker.epoch > epoch);
        if newer {
            if self.shown.is_some_and(|(_, address)| address != marker.address) {
                self.saw_moves.insert(marker.epoch);
            }
            self.shown = Some((marker.epoch, marker.address));
        }
    }

    /// The shared records as the machine is given them.
    pub fn records(&self, now: u64, unreadable: bool) -> Input {
        let moves = self.disk.moves.values().map(|kept| MoveRecord {
            age: Span::from_ms((now as i64 - kept.born).max(0) as u64),
            ..kept.record
        });
        let newest: Vec<_> = moves.collect();
        let skip = newest.len().saturating_sub(32);
        Input::Records(Records { moves: newest[skip..].to_vec(), unreadable })
    }
}

/// The roster as a machine is given it.
pub fn roster(plan: &Plan, version: u64) -> Roster {
    let entry = |voter: usize| Member {
        name: format!("m{voter}"),
        address: ids::address(voter),
        part: if plan.voters[voter].witness { Part::Witness } else { Part::Member },
        priority: voter as u32,
        same_host: false,
    };
    Roster {
        version,
        members: (0..plan.voters.len()).map(|voter| (ids::member(voter), entry(voter))).collect(),
    }
}

/// The policy as a machine is given it.
pub fn policy(docs: &Docs, now: u64) -> Policy {
    let pause = (docs.paused_until > now).then(|| Pause {
        remaining: Span::from_ms(docs.paused_until - now),
        by: "operator".into(),
        why: "work".into(),
    });
    Policy {
        version: docs.policy_version,
        hostname: Some("www.example.org".into()),
        settings: docs.settings.clone(),
        pause,
        preferred: docs.preferred,
        held: None,
    }
}
