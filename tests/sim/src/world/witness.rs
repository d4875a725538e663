//! The oracle: it knows who truly serves, who could have been asked, and what every console was told.

use std::collections::{BTreeMap, BTreeSet};

use evaluator::claim::outcome;
use evaluator::io::{Cause, Claim, Entry, Holder, MoveRecord, State};
use evaluator::state;
use model::haproxy::Down;
use model::settings::{AgentLost, Arming};
use model::{IncidentId, MemberId, Nonce, Span, Time};

use crate::clock::RATE_ONE;
use crate::ids;
use crate::invariant::send::{self, Sending};
use crate::invariant::{Invariant, Violation, register};
use crate::link::End;

use super::{Event, World};

/// A vantage point that has held a heartbeat for this long could have told it: a report's rhythm, the way, a retry.
const COULD_TELL_MS: u64 = 2_500;
/// A link that brought something within this span is one that can be read.
const READABLE_MS: u64 = 1_500;
/// What a move may take beyond the delay: I17.
const ALLOWANCE_MS: u64 = 30_000;
/// What a console may need before it is one that acts: COLD, the lease, its own silence.
const READY_MS: u64 = 30_000;

/// What the oracle remembers.
pub(super) struct Oracle {
    /// Each member's peers in order of preference.
    pub(super) peers: Vec<Vec<MemberId>>,
    /// The rhythm that each console link asked for.
    pub(super) poll_ms: Vec<u32>,
    /// Numbers of requests to the register.
    pub(super) next_ask: u64,
    /// Automatic moves that were accepted.
    pub(super) moves: Vec<Move>,
    /// When a person last saw them.
    pub(super) seen_at: u64,
    /// Whether the active served when a claim left, and whether somebody who could be read knew it.
    sent: BTreeMap<Nonce, Sent>,
    /// Claims that their console called settled before they were accepted.
    closed: Vec<(usize, Nonce, u32)>,
    /// Moves told to everybody.
    told: BTreeSet<(usize, u32, IncidentId)>,
    /// Incidents of accepted automatic moves.
    pub(super) incidents: Vec<(IncidentId, usize, u64)>,
    told_by: BTreeMap<IncidentId, u32>,
    /// Claims of which their console learned that it never will know.
    unknowable: BTreeSet<(usize, u64)>,
    /// Epochs of moves that somebody recorded.
    recorded: BTreeSet<u64>,
    /// When a move was last recorded.
    recorded_at: u64,
    /// Since when each member has truly not served.
    dead_since: Vec<Option<u64>>,
    /// When the world last changed by a fault, its end, or a click.
    pub(super) disturbed_at: u64,
    /// Since when a move is due and possible.
    due_since: Option<u64>,
    /// The move that is due has been counted.
    counted: bool,
    /// Ways of the table that were taken.
    pub(super) ways: BTreeSet<(State, State, String)>,
}

/// An automatic move that was accepted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    at: u64,
    cause: Cause,
    epoch: u64,
    console: usize,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    served: bool,
    known_alive: bool,
}

impl Oracle {
    pub(super) fn new(voters: usize, _consoles: usize) -> Self {
        Self {
            peers: Vec::new(),
            poll_ms: Vec::new(),
            next_ask: 0,
            moves: Vec::new(),
            seen_at: 0,
            sent: BTreeMap::new(),
            closed: Vec::new(),
            told: BTreeSet::new(),
            incidents: Vec::new(),
            told_by: BTreeMap::new(),
            unknowable: BTreeSet::new(),
            recorded: BTreeSet::new(),
            recorded_at: 0,
            dead_since: vec![None; voters],
            disturbed_at: 0,
            due_since: None,
            counted: false,
            ways: BTreeSet::new(),
        }
    }
}

impl World {
    /// The member that the register points at.
    pub(super) fn active(&self) -> Option<usize> {
        self.register.address().and_then(ids::by_address).filter(|place| *place < self.members.len())
    }

    /// Everything that is checked when a console lets a write go.
    pub(super) fn judge_sending(&mut self, console: usize, decided: Time, claim: &Claim) {
        let now = self.consoles[console].tb(self.now);
        let Some(process) = &self.consoles[console].process else { return };
        let (rank, id) = (self.consoles[console].rank, self.consoles[console].id);
        let me = Holder { rank, console: id };
        let sending = Sending { now, decided, me, shadow: &process.shadow, claim, plan: &self.plan };
        let check = send::all(&sending);
        self.check(check);
        let active = ids::by_address(claim.expect_a).filter(|place| *place < self.members.len());
        // Who has said goodbye or down itself was not silent, whether or not its last answer has left.
        let says_down = |place| {
            (0..self.members.len())
                .any(|relay| self.held(relay, place).is_some_and(|beat| beat.heartbeat.says_down()))
        };
        let served = active.is_some_and(|place| self.members[place].serves(self.now) && !says_down(place));
        let known_alive = served && active.is_some_and(|place| self.is_known_alive(console, place));
        let judged = claim.cause.is_automatic_move() && claim.cause != Cause::Preferred;
        if judged && known_alive {
            self.fail(Violation::new(
                Invariant::I8,
                format!("a relay that console {console} can read holds a fresh heartbeat of the active (epoch {})", claim.epoch),
            ));
        }
        self.oracle.sent.insert(claim.nonce, Sent { served, known_alive });
        while self.oracle.sent.len() > 64 {
            self.oracle.sent.pop_first();
        }
    }

    /// I6: what leaves stands on disk.
    pub(super) fn judge_kept(&mut self, console: usize, claim: &Claim) {
        let Some(kept) = self.consoles[console].kept() else { return };
        if !kept.intent.iter().chain(&kept.abort).any(|kept| kept.nonce == claim.nonce) {
            let text = format!("console {console} sends nonce {} that is not on its disk", claim.nonce);
            self.fail(Violation::new(Invariant::I6, text));
        }
    }

    /// I8 against the truth: an honest relay that this console can read holds, as the newest of this member, a
    /// beacon-fresh heartbeat with HAProxy up.
    fn is_known_alive(&self, console: usize, about: usize) -> bool {
        let Some(process) = &self.consoles[console].process else { return false };
        let tb = self.consoles[console].tb(self.now);
        let delay = process.shadow.policy.0.settings.delay();
        let own = &process.shadow.known[about];
        // The newest that anybody who can be read holds, or that it was told: only the newest speaks.
        let mut newest = (own.order, false);
        for relay in 0..self.members.len() {
            let link = &self.links[self.console_link(console, relay)];
            let readable = link.is_open(End::Dialler)
                && link.is_open(End::Acceptor)
                && self.now - link.heard_at[End::Dialler as usize] <= READABLE_MS
                && self.members[relay].awake(self.now).is_ok()
                && self.members[relay].lie.is_none();
            let Some(agent) = self.members[relay].agent.as_ref().filter(|_| readable) else { continue };
            let Some(heard) = agent.core.observer().heard(ids::member(about)) else { continue };
            let held = self.members[relay].tb(self.now) - heard.at;
            let heartbeat = &heard.beat.heartbeat;
            let up = heartbeat.haproxy.down == Down::None && heartbeat.goodbye.is_none();
            let made = super::speech::made_after(&process.beacons, self.consoles[console].id, heartbeat);
            let fresh = made.is_some_and(|at| tb - at <= delay && at >= process.shadow.disturbed);
            let order = (heartbeat.incarnation, heartbeat.seq);
            if order > newest.0 {
                newest = (order, up && fresh && held >= Span::from_ms(COULD_TELL_MS));
            }
        }
        newest.1
    }

    /// The register has accepted a write: the last of its list.
    pub(super) fn on_accepted(&mut self) {
        let Some(accepted) = self.register.accepted.last().cloned() else { return };
        self.check(register::i1_epochs_rise_by_one(&accepted));
        self.check(register::i2_the_marker_read_is_the_marker_replaced(&accepted));
        let (claim, cause) = (&accepted.claim, accepted.claim.cause);
        let closed = self
            .oracle
            .closed
            .iter()
            .find(|(_, nonce, lineage)| *nonce == claim.nonce && *lineage == accepted.lineage);
        if let Some((console, ..)) = closed {
            let text = format!("console {console} had settled nonce {} before it landed", claim.nonce);
            self.fail(Violation::new(Invariant::I6, text));
        }
        match cause {
            Cause::Manual => {
                self.totals.manual += 1;
                self.oracle.seen_at = self.now;
            }
            Cause::Adopt | Cause::Abort | Cause::Ddns => self.totals.housekeeping += 1,
            Cause::Down | Cause::ServiceDown | Cause::AgentLost | Cause::Preferred => {
                self.on_promotion(&accepted.claim, accepted.console);
            }
        }
        self.oracle.due_since = None;
        self.oracle.counted = false;
    }

    fn on_promotion(&mut self, claim: &Claim, console: usize) {
        self.totals.promotions += 1;
        self.oracle.moves.push(Move { at: self.now, cause: claim.cause, epoch: claim.epoch, console });
        let settings = self.newest_docs.settings.clone();
        // A move whose writer sleeps before recording it is known only to those who saw the record move.
        let saw = &self.consoles[console].saw_moves;
        let known = |one: &&Move| {
            one.console == console || self.oracle.recorded.contains(&one.epoch) || saw.contains(&one.epoch)
        };
        // Two copies of one console push each other off the relays that would give them the records.
        let copied = self.consoles.iter().any(|other| other.is_clone && other.process.is_some());
        let known: Vec<_> = self.oracle.moves.iter().filter(known).map(|one| (one.at, one.cause)).collect();
        let check =
            register::i13_moves_are_few(&known, self.oracle.seen_at, &settings, self.plan.fastest_percent());
        if !copied {
            self.check(check);
        }
        match claim.incident {
            Some(incident) => self.oracle.incidents.push((incident, console, claim.epoch)),
            None if claim.cause == Cause::Preferred => {}
            None => self.fail(Violation::new(Invariant::I18, "an automatic move belongs to no incident")),
        }
        if claim.cause == Cause::Preferred {
            self.totals.right += 1;
            return;
        }
        let sent = self.oracle.sent.get(&claim.nonce).copied();
        let Some(Sent { served, known_alive }) = sent else { return };
        if known_alive {
            self.totals.false_promotions += 1;
        } else if served {
            self.totals.unavoidable += 1;
            self.totals.agent_lost += u64::from(claim.cause == Cause::AgentLost);
        } else {
            let dead = ids::by_address(claim.expect_a).and_then(|place| self.oracle.dead_since[place]);
            let allowed = self.allowed_ms(claim.cause) + READY_MS;
            let late = dead.is_some_and(|since| self.now - since > allowed);
            self.totals.right += u64::from(!late);
            self.totals.late += u64::from(late);
        }
    }

    /// The delay and the allowance of I17, in true time, with room for clocks that run a tenth slow.
    fn allowed_ms(&self, cause: Cause) -> u64 {
        let delay = self.newest_docs.settings.delay().as_ms() * 115 / 100;
        delay + ALLOWANCE_MS + if cause == Cause::AgentLost { delay } else { 0 }
    }

    pub(super) fn on_closed(&mut self, console: usize, nonce: Nonce) {
        let landed =
            self.register.accepted.iter().rev().take(64).any(|accepted| accepted.claim.nonce == nonce);
        if !landed {
            if self.oracle.closed.len() > 256 {
                self.oracle.closed.remove(0);
            }
            self.oracle.closed.push((console, nonce, self.register.lineage));
        }
    }

    /// I18: one process tells one incident once; what a crash doubles folds by its id.
    pub(super) fn on_told(&mut self, console: usize, incident: IncidentId) {
        let life = self.consoles[console].life;
        if !self.oracle.told.insert((console, life, incident)) {
            self.fail(Violation::new(
                Invariant::I18,
                format!("console {console} told incident {incident} twice"),
            ));
        }
        *self.oracle.told_by.entry(incident).or_insert(0) += 1;
    }

    /// I18: every automatic move was told by somebody.
    pub(super) fn check_all_told(&mut self) {
        // Where somebody else took the marker away, a writer that missed the answer has nothing to know its own by.
        if self.register.lineage > 0 {
            return;
        }
        let untold = self.oracle.incidents.iter().find(|(incident, console, epoch)| {
            !self.oracle.told_by.contains_key(incident)
                && !self.consoles[*console].is_clone
                && !self.oracle.unknowable.contains(&(*console, *epoch))
        });
        if let Some((incident, console, _)) = untold.copied() {
            let text = format!("incident {incident}, moved by console {console}, was told to nobody");
            self.fail(Violation::new(Invariant::I18, text));
        }
    }

    /// Nothing is lost: every move that was accepted stands in the shared records, whoever died in between.
    pub(super) fn check_all_recorded(&mut self) {
        let lost = self.register.accepted.iter().find(|accepted| {
            accepted.lineage == self.register.lineage
                && accepted.claim.cause.is_move()
                && !self.consoles[accepted.console].is_clone
                && !self.oracle.recorded.contains(&accepted.claim.epoch)
                && !self.oracle.unknowable.contains(&(accepted.console, accepted.claim.epoch))
        });
        if let Some(accepted) = lost {
            let text = format!(
                "the move of epoch {} by console {} stands in no record",
                accepted.claim.epoch, accepted.console
            );
            self.fail(Violation::new(Invariant::I18, text));
        }
    }

    /// I3: what a console says of its own claims against what the register knows.
    pub(super) fn on_entry(&mut self, console: usize, entry: &Entry) {
        if entry.from != entry.to {
            let known = state::TABLE.iter().any(|way| {
                way.to == entry.to && way.from.contains(&entry.from) && way.rule.word() == entry.cause
            });
            if !known {
                let text =
                    format!("{:?} -> {:?} by {} is not in the table", entry.from, entry.to, entry.cause);
                self.fail(Violation::new(Invariant::I16, text));
            }
            let way = (entry.from, entry.to, entry.cause.clone());
            if !self.oracle.ways.contains(&way) {
                self.oracle.ways.insert(way);
            }
            return;
        }
        let won = entry.cause == outcome::WON;
        let Some(epoch) = epoch_in(&entry.reason) else { return };
        if entry.cause == outcome::UNKNOWN {
            // Two decisions later nothing proves what became of it, so nobody can tell of it either.
            self.oracle.unknowable.insert((console, epoch));
        }
        if !won && entry.cause != outcome::LOST {
            return;
        }
        let lineage = self.register.lineage;
        // A copy of a console has the same claims on its disk, so its write is the other's write.
        let id = self.consoles[console].id;
        let is_own = |accepted: &crate::register::Accepted| self.consoles[accepted.console].id == id;
        let own = |accepted: &&crate::register::Accepted| accepted.claim.epoch == epoch && is_own(accepted);
        let mine = self.register.accepted.iter().rev().find(own);
        let another = self.register.accepted.iter().rev().any(|accepted| {
            accepted.claim.epoch == epoch && accepted.console != console && accepted.lineage == lineage
        });
        let here = mine.is_some_and(|accepted| accepted.lineage == lineage && accepted.console == console);
        if won && mine.is_none() {
            self.fail(Violation::new(
                Invariant::I3,
                format!("console {console} says that it won epoch {epoch}"),
            ));
        } else if !won && (here || (!another && lineage == 0)) {
            self.fail(Violation::new(
                Invariant::I3,
                format!("console {console} says that it lost epoch {epoch}"),
            ));
        }
    }

    /// I3: a recorded move is one that the register accepted.
    pub(super) fn on_moved(&mut self, console: usize, record: &MoveRecord) {
        self.oracle.recorded.insert(record.epoch);
        self.oracle.recorded_at = self.now;
        let is_there = self
            .register
            .accepted
            .iter()
            .any(|accepted| accepted.claim.epoch == record.epoch && accepted.claim.member == record.to);
        if !is_there && record.cause.is_move() {
            let text =
                format!("console {console} records a move of epoch {} that was never accepted", record.epoch);
            self.fail(Violation::new(Invariant::I3, text));
        }
    }

    pub(super) fn on_audit(&mut self) {
        self.queue.push(self.now + 1_000, Event::Audit);
        for place in 0..self.members.len() {
            let serves = self.members[place].serves(self.now);
            let since = &mut self.oracle.dead_since[place];
            *since = if serves { None } else { Some(since.unwrap_or(self.now)) };
        }
        let Some(limit) = self.move_is_due() else {
            self.oracle.due_since = None;
            return;
        };
        let since = self.oracle.due_since.unwrap_or(self.now).max(self.oracle.disturbed_at);
        self.oracle.due_since = Some(since);
        if self.now - since > limit && !self.oracle.counted {
            self.oracle.counted = true;
            self.totals.missed += 1;
            let states: Vec<_> =
                self.consoles.iter().map(|console| format!("{:?}", console.state())).collect();
            let text = format!(
                "member {:?} has been lost and a standby ready for {} ms, and nothing moved; consoles are in {}",
                self.active(),
                self.now - since,
                states.join(", ")
            );
            self.fail(Violation::new(Invariant::I17, text));
        }
    }

    /// Whether somebody could and should move now; how long that may take.
    fn move_is_due(&self) -> Option<u64> {
        let active = self.active()?;
        let lost = !self.members[active].serves(self.now);
        let agent_gone = self.members[active].powered && self.members[active].agent.is_none();
        if !lost && !agent_gone {
            return None;
        }
        let cause = self.expected_cause(active, lost)?;
        let settings = &self.newest_docs.settings;
        let quiet = self.weather.is_clear()
            && settings.arming == Arming::Armed
            && self.newest_docs.paused_until <= self.now
            && self.register_is_ours();
        let someone = (0..self.consoles.len()).any(|console| self.is_able(console, active));
        if !quiet || !someone || !self.somebody_ready(active) || self.somebody_waits_for_a_person() {
            return None;
        }
        Some(self.allowed_ms(cause) + READY_MS)
    }

    fn expected_cause(&self, active: usize, lost: bool) -> Option<Cause> {
        let member = &self.members[active];
        let settings = &self.newest_docs.settings;
        let probed = settings.probe_port.is_some();
        if member.planned_until > self.now || member.maintenance > 0 || member.lie.is_some() {
            return None;
        }
        if !member.powered || member.frozen_until > self.now {
            // Where no port is probed, a clean stop before hides what came after it.
            if !probed && self.oracle_said_goodbye(active) {
                return None;
            }
            return Some(Cause::Down);
        }
        if member.agent.is_none() {
            // A clean stop waits for a person; so does everything but the documented rule.
            let silent =
                member.revivable || settings.agent_lost == AgentLost::ServiceConfirmed || self.held_down();
            return (!silent && (probed || !lost) && !self.oracle_said_goodbye(active))
                .then_some(Cause::AgentLost);
        }
        if member.stalled_until > self.now {
            return None;
        }
        match member.service.judged() {
            Down::None => None,
            Down::Stopped | Down::CrashLoop => Some(Cause::ServiceDown),
            Down::Hung => probed.then_some(Cause::ServiceDown),
        }
    }

    pub(super) fn held_down(&self) -> bool {
        let hold = self.newest_docs.settings.hold_down().as_ms() * 5;
        // Counted from when it was recorded, which may be long after it was made.
        self.now - self.oracle.recorded_at < hold
    }

    fn oracle_said_goodbye(&self, about: usize) -> bool {
        (0..self.members.len())
            .any(|relay| self.held(relay, about).is_some_and(|beat| beat.heartbeat.goodbye.is_some()))
    }

    fn register_is_ours(&self) -> bool {
        let zone = self.register.zone();
        let marker = self.register.marker();
        let newest = self.register.accepted.last().map(|accepted| accepted.claim.set_marker.clone());
        let expected = newest.unwrap_or_else(ids::first_marker);
        zone.a.len() == 1 && marker == Some(&expected) && self.register.address() == Some(expected.address)
    }

    fn sane(rate: u64) -> bool {
        (RATE_ONE * 85 / 100..=RATE_ONE * 115 / 100).contains(&rate)
    }

    /// A console whose every way is clean.
    fn is_able(&self, place: usize, active: usize) -> bool {
        let console = &self.consoles[place];
        let Some(_) = console.process else { return false };
        let fit = console.awake(self.now).is_ok()
            && console.credential_lost == 0
            && console.revoked == 0
            && console.captive == 0
            && console.store_refuses == 0
            && console.fleet_guard == 0
            && console.watch_off_until <= self.now
            && Self::sane(console.clock.rate());
        let alone = self.consoles.iter().all(|other| !other.is_clone || other.process.is_none());
        let clean = |to: usize| self.net.clean(console.node, to) && self.net.clean(to, console.node);
        let relays = (0..self.members.len()).filter(|voter| *voter != active);
        fit && alone
            && clean(self.register_node())
            && clean(self.internet_node())
            && {
                let mut relays = relays;
                relays.all(|voter| self.is_well(voter) && clean(voter))
            }
            && (0..self.members.len()).all(clean)
    }

    /// A voter that runs, speaks the truth, has been up for long, and hears the others.
    fn is_well(&self, place: usize) -> bool {
        let member = &self.members[place];
        let Some(agent) = &member.agent else { return false };
        let up = agent.core.observer().up(member.tb(self.now));
        let delay = self.newest_docs.settings.delay();
        let clean = |to: usize| self.net.clean(place, to) && self.net.clean(to, place);
        member.powered
            && member.awake(self.now).is_ok()
            && member.lie.is_none()
            && Self::sane(member.clock.rate())
            && up > delay.times(2) + Span::from_s(40)
            && (0..self.members.len()).all(|other| other == place || clean(other))
    }

    fn somebody_ready(&self, active: usize) -> bool {
        let voters = self.members.len();
        let traveller = |place: usize| {
            self.members.iter().filter_map(|member| member.agent.as_ref()).any(|agent| {
                agent.core.observer().heard(ids::member(place)).is_some_and(|heard| heard.time_travel)
            })
        };
        voters >= 2
            && (0..voters)
                .filter(|place| *place != active)
                .all(|place| !traveller(place) && !self.members[place].set_back)
            && (0..self.plan.members()).any(|place| {
                let member = &self.members[place];
                place != active
                    && member.serves(self.now)
                    && member.service.judged() == Down::None
                    && member.maintenance == 0
                    && member.planned_until <= self.now
                    && member.bad_config == 0
            })
    }

    /// LOCKED and DRIFT wait for a person, and so does whoever still believes in them.
    fn somebody_waits_for_a_person(&self) -> bool {
        self.consoles
            .iter()
            .any(|console| matches!(console.state(), Some(State::Locked | State::Drift | State::Paused)))
    }
}

fn epoch_in(reason: &str) -> Option<u64> {
    let rest = reason.strip_prefix("epoch ")?;
    rest.split(':').next()?.trim().parse().ok()
}
