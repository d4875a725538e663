//! What this console knows of each member: newest life, how old it can at most be, who testifies to its silence, and
//! which relays answer. Evidence only; what it means is decided in `verdict`, `ready` and `voters`.
//!
//! Two ages, on purpose. The **bounded age** counts from the moment our beacon was given out: it can only be too high,
//! so life rests on it. The **silence** counts from when the newest life arrived, at most [`BEACON_SLACK`] after its
//! beacon, so that a relay that drips old heartbeats cannot keep a dead member warm.

use std::collections::BTreeMap;

use model::haproxy::Down;
use model::{BootId, MemberId, Span, Time};

use crate::io::{Goodbye, Life, Link, Roster, Testimony};
use crate::plant::{Bug, Planted};

/// By how much the beacon bound may overestimate an age.
pub(crate) const BEACON_SLACK: Span = Span::from_s(3);
/// A testimony older than this says nothing.
pub(crate) const TESTIMONY_FRESH: Span = Span::from_s(5);
/// A voter is heard if a life arrived within this span, made within [`TESTIMONY_FRESH`].
pub(crate) const HEARD: Span = Span::from_s(3);
/// A relay answers if it said something within this span.
pub(crate) const RELAY_ANSWERS: Span = Span::from_s(3);
/// Planned work lasts at most this long.
const PLANNED_MAX: Span = Span::from_s(600);
/// Heartbeats looked back at for readiness.
const BEATS: u8 = 10;

/// Everything seen, per member of the roster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub(crate) seen: BTreeMap<MemberId, Seen>,
    /// Testimonies, by whom they are about, then by whom they are.
    said: BTreeMap<(MemberId, MemberId), Said>,
    /// Proofs of life older than this do not count: COLD's beginning.
    floor: Time,
    /// Silence of members not heard since counts from here: the end of COLD or of an own-fault BLIND.
    pub(crate) silence_from: Time,
}

/// One member as seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    order: Option<Order>,
    /// The newest moment after which it certainly lived.
    pub(crate) made_after: Option<Time>,
    /// When its newest proven life arrived here.
    pub(crate) received: Option<Time>,
    /// Silence counts from here.
    heard: Option<Time>,
    /// When its newest life came from its own relay.
    pub(crate) direct: Option<Time>,
    /// Whose relay brought its newest life by a way round, and when.
    pub(crate) through: Option<(MemberId, Time)>,
    direct_order: (u64, u64),
    pub(crate) facts: Option<Facts>,
    beats: Beats,
    /// Its sequence went backwards: a restored memory snapshot, no vote until its agent restarts.
    pub(crate) travelled: bool,
    /// Own probes of its port: newest failure and newest answer.
    pub(crate) probe_failed: Option<Time>,
    pub(crate) probe_answered: Option<Time>,
    pub(crate) ready_since: Option<Time>,
    pub(crate) link: Option<Link>,
    /// Its relay said something.
    pub(crate) contact: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    boot: BootId,
    incarnation: u64,
    seq: u64,
    at: Time,
}

/// What its newest life said.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) at: Time,
    /// This very life was made after this moment.
    pub(crate) proof: Option<Time>,
    pub(crate) monitored: bool,
    pub(crate) down: Down,
    pub(crate) cfg: u64,
    pub(crate) cfg_valid: Option<bool>,
    pub(crate) ip: Option<std::net::Ipv4Addr>,
    pub(crate) planned_until: Option<Time>,
    pub(crate) maintenance: bool,
    pub(crate) time_travel: bool,
    pub(crate) goodbye: Option<Goodbye>,
    pub(crate) fit: bool,
    pub(crate) up: Span,
    pub(crate) agent_version: String,
}

/// Which of its last ten heartbeats arrived; bit 0 is the newest.
#[derive(Clone, Copy, Debug, Default)]
struct Beats {
    mask: u16,
    expected: u8,
}

impl Beats {
    fn advance(&mut self, by: u64) {
        let by = by.min(16) as u32;
        self.mask = self.mask.checked_shl(by).unwrap_or(0) | 1;
        self.expected = self.expected.saturating_add(by as u8).min(BEATS);
    }

    fn late(&mut self, back: u64) {
        if back < 16 {
            self.mask |= 1 << back;
        }
    }

    /// At least 8 of the last 10, or at most 2 missed since it was first heard, of at least 3.
    fn enough(self) -> bool {
        let window = (1_u16 << self.expected) - 1;
        let seen = (self.mask & window).count_ones() as u8;
        self.expected >= 3 && seen + 2 >= self.expected
    }
}

/// A testimony, kept small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) made_after: Option<Time>,
    last: (u64, u64),
    pub(crate) silent: Span,
    pub(crate) baseline: bool,
    pub(crate) hears_other: bool,
    pub(crate) service_answers: Option<bool>,
    pub(crate) fit: bool,
    pub(crate) up: Span,
}

/// What a life changed, for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Somebody who is not in the roster, or an old repetition.
    Nothing,
    /// New life.
    New,
    /// New life from the member's own relay.
    NewDirect,
}

impl Sight {
    pub(crate) fn new(roster: &Roster, now: Time) -> Self {
        let mut sight = Self { floor: now, silence_from: now, ..Self::default() };
        sight.enrol(roster);
        sight
    }

    /// Takes over a new roster: forgets who left, makes room for who came.
    pub(crate) fn enrol(&mut self, roster: &Roster) {
        self.seen.retain(|id, _| roster.members.contains_key(id));
        for id in roster.members.keys() {
            self.seen.entry(*id).or_default();
        }
        self.said
            .retain(|(about, by), _| roster.members.contains_key(about) && roster.members.contains_key(by));
    }

    /// COLD: no age survives. What identifies a life (boot, incarnation, seq) stays, so that old ones stay old.
    pub(crate) fn chill(&mut self, now: Time) {
        self.floor = now;
        self.silence_from = now;
        self.said.clear();
        for seen in self.seen.values_mut() {
            seen.forget();
            seen.contact = None;
            seen.link = None;
            seen.probe_answered = None;
            seen.probe_failed = None;
        }
    }

    /// COLD is over: silence counts from now for everybody who was not heard in it.
    pub(crate) fn warm(&mut self, now: Time) {
        self.silence_from = now;
    }

    /// The end of an own-fault BLIND: who was not heard in the last 3 s becomes unknown.
    pub(crate) fn forget_unheard(&mut self, now: Time) {
        self.silence_from = now;
        for seen in self.seen.values_mut() {
            if seen.received.is_none_or(|at| now - at > HEARD) {
                seen.forget();
            }
        }
    }

    pub(crate) fn get(&self, member: MemberId) -> Option<&Seen> {
        self.seen.get(&member)
    }

    /// Takes one heartbeat in.
    pub(crate) fn on_life(&mut self, now: Time, relay: MemberId, life: Life, planted: &Planted) -> Heard {
        let floor = self.floor;
        let Some(seen) = self.seen.get_mut(&life.member) else { return Heard::Nothing };
        let mut proof = life.made_after.filter(|at| *at >= floor && *at <= now);
        if planted.has(Bug::StaleBeaconTrusted) {
            proof = Some(now);
        }
        let newer = seen.take_order(now, &life, proof);
        let direct = relay == life.member;
        if direct && (life.incarnation, life.seq) > seen.direct_order {
            seen.direct = Some(now);
            seen.direct_order = (life.incarnation, life.seq);
        }
        if let Some(made) = proof {
            let later = seen.made_after.is_none_or(|before| made > before);
            if later {
                seen.made_after = Some(made);
            }
            if newer {
                seen.received = Some(now);
            }
            // Age and silence rest on the same proof, also when the life that gave it is not the newest by number:
            // one that is fresh and silent for long at once would be up and lost in turns.
            if newer || later {
                let heard = now.min(made + BEACON_SLACK);
                seen.heard = Some(seen.heard.map_or(heard, |before| before.max(heard)));
            }
        }
        if !newer {
            return Heard::Nothing;
        }
        if !direct && proof.is_some() {
            seen.through = Some((relay, now));
        }
        seen.take_facts(now, life, proof);
        if direct { Heard::NewDirect } else { Heard::New }
    }

    /// Takes one testimony in; an older one of the same witness does not replace a newer one.
    pub(crate) fn on_testimony(&mut self, now: Time, testimony: &Testimony) {
        let known = self.seen.contains_key(&testimony.by) && self.seen.contains_key(&testimony.about);
        if !known || testimony.by == testimony.about {
            return;
        }
        let said = Said {
            made_after: testimony.made_after.filter(|at| *at >= self.floor && *at <= now),
            last: testimony.last,
            silent: testimony.silent,
            baseline: testimony.baseline,
            hears_other: testimony.hears_other,
            service_answers: testimony.service_answers,
            fit: testimony.fit,
            up: testimony.up,
        };
        let order = |said: &Said| (said.made_after, said.last, said.silent);
        let slot = self.said.entry((testimony.about, testimony.by)).or_insert(said);
        if order(&said) >= order(slot) {
            *slot = said;
        }
    }

    pub(crate) fn on_probe(&mut self, now: Time, member: MemberId, answered: bool) {
        if let Some(seen) = self.seen.get_mut(&member) {
            let slot = if answered { &mut seen.probe_answered } else { &mut seen.probe_failed };
            *slot = Some(now);
        }
    }

    pub(crate) fn on_contact(&mut self, now: Time, relay: MemberId) {
        if let Some(seen) = self.seen.get_mut(&relay) {
            seen.contact = Some(now);
            seen.link = Some(Link::Up);
        }
    }

    pub(crate) fn on_link(&mut self, now: Time, relay: MemberId, link: Link) {
        if let Some(seen) = self.seen.get_mut(&relay) {
            seen.link = Some(link);
            if link == Link::Up {
                seen.contact = Some(now);
            }
        }
    }

    /// Testimonies about one member.
    pub(crate) fn testimonies(&self, about: MemberId) -> impl Iterator<Item = (MemberId, &Said)> {
        let first = (about, MemberId::from_bytes([0; 16]));
        let last = (about, MemberId::from_bytes([0xff; 16]));
        self.said.range(first..=last).map(|((_, by), said)| (*by, said))
    }

    /// How long nothing new was heard of a member, by any path.
    pub(crate) fn silent(&self, member: MemberId, now: Time) -> Span {
        now - self.silent_since(member)
    }

    /// Since when nothing new was heard of a member.
    pub(crate) fn silent_since(&self, member: MemberId) -> Time {
        self.get(member).and_then(|seen| seen.heard).unwrap_or(self.silence_from)
    }
}

impl Seen {
    fn forget(&mut self) {
        self.made_after = None;
        self.received = None;
        self.heard = None;
        self.direct = None;
        self.through = None;
        self.ready_since = None;
        self.beats = Beats::default();
    }

    /// Whether this life is newer than all before, and notes it. A life is newer if it counts higher, or if it was
    /// provably made after the newest one had already arrived: then its sequence went backwards.
    fn take_order(&mut self, now: Time, life: &Life, proof: Option<Time>) -> bool {
        let next = Order { boot: life.boot, incarnation: life.incarnation, seq: life.seq, at: now };
        let Some(last) = self.order else {
            self.order = Some(next);
            self.beats.advance(1);
            return true;
        };
        let counts_higher = (life.incarnation, life.seq) > (last.incarnation, last.seq);
        let made_later = proof.is_some_and(|made| made > last.at);
        if !counts_higher && !made_later {
            if last.incarnation == life.incarnation && last.boot == life.boot {
                self.beats.late(last.seq.saturating_sub(life.seq));
            }
            return false;
        }
        let same_boot = life.boot == last.boot;
        if !counts_higher {
            // Its numbers begin lower again, on its own path too.
            self.direct_order = (0, 0);
        }
        if same_boot && !counts_higher {
            self.travelled = true;
        } else if !same_boot || life.incarnation > last.incarnation {
            self.travelled = false;
        }
        if same_boot && life.incarnation == last.incarnation && counts_higher && self.beats.expected > 0 {
            self.beats.advance(life.seq - last.seq);
        } else {
            self.beats = Beats::default();
            self.beats.advance(1);
        }
        self.order = Some(next);
        true
    }

    fn take_facts(&mut self, now: Time, life: Life, proof: Option<Time>) {
        // A stopped agent that starts again is silent until it echoes a beacon: it counts as stopped until then, and not
        // as silent for all the time that it said it would be.
        let stopped = self.facts.as_ref().and_then(|facts| facts.goodbye);
        let stopped = stopped.filter(|said| *said == Goodbye::AgentStop && proof.is_none());
        self.facts = Some(Facts {
            at: now,
            proof,
            monitored: life.monitored,
            down: life.down,
            cfg: life.cfg,
            cfg_valid: life.cfg_valid,
            ip: life.ip,
            planned_until: life.planned.map(|span| now + span.min(PLANNED_MAX)),
            maintenance: life.maintenance,
            time_travel: life.time_travel,
            goodbye: life.goodbye.or(stopped),
            fit: life.fit,
            up: life.up,
            agent_version: life.agent_version,
        });
    }

    /// Upper bound of the age of its newest proven life.
    pub(crate) fn bounded_age(&self, now: Time) -> Option<Span> {
        self.made_after.map(|made| now - made)
    }

    /// Heard as a voter: beacon-fresh life within 3 s by any path.
    pub(crate) fn is_heard(&self, now: Time) -> bool {
        let arrived = self.received.is_some_and(|at| now - at <= HEARD);
        arrived && self.bounded_age(now).is_some_and(|age| age <= TESTIMONY_FRESH) && !self.time_travelled()
    }

    pub(crate) fn time_travelled(&self) -> bool {
        self.travelled || self.facts.as_ref().is_some_and(|facts| facts.time_travel)
    }

    /// Its relay answers this console.
    pub(crate) fn relay_answers(&self, now: Time) -> bool {
        self.link == Some(Link::Up) && self.contact.is_some_and(|at| now - at <= RELAY_ANSWERS)
    }

    pub(crate) fn boot(&self) -> BootId {
        self.order.map_or(BootId::from_bytes([0; 16]), |order| order.boot)
    }

    pub(crate) fn counts(&self) -> (u64, u64) {
        self.order.map_or((0, 0), |order| (order.incarnation, order.seq))
    }

    pub(crate) fn beats_enough(&self) -> bool {
        self.beats.enough()
    }

    /// Planned work goes on.
    pub(crate) fn planned(&self, now: Time) -> bool {
        self.facts.as_ref().and_then(|facts| facts.planned_until).is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_ten_heartbeats_may_be_lost() {
        let mut beats = Beats::default();
        for _ in 0..10 {
            beats.advance(1);
        }
        beats.advance(3);
        assert!(beats.enough());
        beats.advance(2);
        assert!(!beats.enough());
        beats.late(1);
        assert!(beats.enough());
    }

    #[test]
    fn a_long_gap_needs_new_heartbeats() {
        let mut beats = Beats::default();
        beats.advance(1);
        beats.advance(1);
        assert!(!beats.enough());
        beats.advance(1);
        assert!(beats.enough());
        beats.advance(400);
        assert!(!beats.enough());
    }
}
