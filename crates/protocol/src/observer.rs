//! What one member hears of the others: who, when, from which attachment; and what it may therefore testify.
//!
//! Life is the pair (incarnation, seq) going forward. Under one boot it never goes back by itself, so a regress is a
//! virtual machine restored from a memory snapshot (or a clone): it is still alive, but flagged `time_travel` until its
//! agent starts again. A regress of up to [`REGRESS`] is ignored: over two links the same heartbeats may arrive twice.
//!
//! Silence is testified about a peer that was heard before, after 2.5 s. Whether the testimony counts (baseline, other
//! parties heard, fitness, up-time) travels with it; the reader judges. A peer that says it hangs, or whose port does
//! not answer, is testified about as well: "hung" counts only when a second vantage point's probe fails too.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use model::haproxy::Down;
use model::{BootId, ConsoleId, MemberId, Nonce, Span, Time};
use serde::{Deserialize, Serialize};

use crate::docs::Roster;
use crate::heartbeat::{Beat, Echo, SeenFrom, Testimony};
use crate::limits;

/// A regress of seq up to this many heartbeats is a late double, not a restored machine.
pub const REGRESS: u64 = 10;
/// Different beacons of one console that are echoed at once: ways of different length may deliver different ones.
const ECHOES_PER_CONSOLE: usize = 3;
/// A console whose own beacon came within this span is heard: beacons come every 2 s.
const CONSOLE_HEARD: Span = Span::from_s(5);

/// A moment that survives a restart: an age gathered before, and since when it goes on growing on this clock. Time
/// spent switched off is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aged {
    base: Span,
    since: Time,
}

impl Aged {
    /// A moment that is now.
    pub const fn new(now: Time) -> Self {
        Self { base: Span::ZERO, since: now }
    }

    /// How long ago it was.
    pub fn age(self, now: Time) -> Span {
        self.base + now.since(self.since)
    }

    /// The same moment, written so that its age needs no clock up to now.
    #[must_use]
    pub fn at(self, now: Time) -> Self {
        Self { base: self.age(now), since: now }
    }

    /// The moment as it reads after a restart: on the same boot the clock went on, on another it began anew.
    #[must_use]
    pub const fn carried(self, now: Time, same_boot: bool) -> Self {
        if same_boot { self } else { Self { base: self.base, since: now } }
    }
}

/// Over which way a beacon came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// From the console itself.
    Console,
    /// Passed on by this peer.
    Peer(MemberId),
}

/// What to do with a beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// It is new and came from the console itself: pass it to every peer link.
    Pass,
    /// It is echoed, and goes no further: one hop is enough, since only whom this relay hears could make use of it.
    Keep,
    /// Nothing new, or of a stranger.
    Ignore,
}

/// What a heartbeat turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heed {
    /// News of life.
    New,
    /// Already heard, or older than what was heard.
    Old,
    /// News of life from a machine that was set back.
    TimeTravel,
    /// Of somebody outside the roster.
    Stranger,
}

/// A member as this one last heard it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The newest heartbeat.
    pub beat: Beat,
    /// When it came.
    pub at: Time,
    /// Its machine was set back.
    pub time_travel: bool,
}

/// When a peer was last heard, on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptBaseline {
    /// Whom.
    pub member: MemberId,
    /// When.
    pub heard: Aged,
    /// From which attachment.
    pub attachment: u64,
}

/// One member's ears.
#[derive(Clone, Debug)]
pub struct Observer {
    me: MemberId,
    started: Time,
    attachment: u64,
    known: BTreeSet<MemberId>,
    consoles: BTreeSet<ConsoleId>,
    /// Those that this member testifies about.
    peers: BTreeSet<MemberId>,
    ears: BTreeMap<MemberId, Ear>,
    beacons: BTreeMap<(ConsoleId, Via), (Nonce, Time)>,
    change: u64,
    last_tick: Time,
    stalled: Option<Time>,
    unfit_for: Span,
}

#[derive(Clone, Debug, Default)]
struct Ear {
    heard: Option<Heard>,
    former_boot: Option<BootId>,
    change: u64,
    baseline: Option<(Aged, u64)>,
    probe: Option<(bool, Time)>,
    /// From where its newest heartbeat came.
    source: Option<(IpAddr, Time)>,
}

impl Observer {
    /// Ears that have heard nothing yet.
    pub fn new(me: MemberId, attachment: u64, now: Time) -> Self {
        Self {
            me,
            started: now,
            attachment,
            known: BTreeSet::from([me]),
            consoles: BTreeSet::new(),
            peers: BTreeSet::new(),
            ears: BTreeMap::new(),
            beacons: BTreeMap::new(),
            change: 0,
            last_tick: now,
            stalled: None,
            unfit_for: Span::from_s(30),
        }
    }

    /// Takes baselines back from disk.
    pub fn restore(&mut self, kept: &[KeptBaseline], now: Time, same_boot: bool) {
        for one in kept.iter().take(limits::MEMBERS_MAX) {
            let ear = self.ears.entry(one.member).or_default();
            ear.baseline = Some((one.heard.carried(now, same_boot), one.attachment));
        }
    }

    /// Baselines that are still worth something, for the disk.
    pub fn baselines(&self, now: Time) -> Vec<KeptBaseline> {
        let kept = |(member, ear): (&MemberId, &Ear)| {
            let (heard, attachment) = ear.baseline?;
            let fresh = *member != self.me && heard.age(now) <= limits::BASELINE;
            fresh.then(|| KeptBaseline { member: *member, heard: heard.at(now), attachment })
        };
        self.ears.iter().filter_map(kept).collect()
    }

    /// Goes by this roster from now on; who left it is forgotten.
    pub fn on_roster(&mut self, roster: &Roster) {
        self.known = roster.members.iter().map(|entry| entry.id).collect();
        self.known.insert(self.me);
        self.consoles = roster.consoles.iter().map(|entry| entry.id).collect();
        self.peers = roster.peers_of(self.me);
        let known = &self.known;
        self.ears.retain(|member, _| known.contains(member));
        let consoles = &self.consoles;
        self.beacons.retain(|(console, _), _| consoles.contains(console));
    }

    /// How long a stall makes unfit: the failover delay.
    pub fn set_delay(&mut self, delay: Span) {
        self.unfit_for = delay;
    }

    /// The network attachment changed: baselines of the old one count only together with somebody heard here.
    pub fn on_attachment(&mut self, attachment: u64) {
        self.attachment = attachment;
    }

    /// Time passed; to be called every 250 ms. Later than a second more is a stall.
    pub fn on_tick(&mut self, now: Time) {
        if now.since(self.last_tick) > limits::STALL {
            self.stalled = Some(now);
        }
        self.last_tick = now;
    }

    /// The process was stopped or the machine slept, by another detector's word.
    pub fn on_stall(&mut self, now: Time) {
        self.stalled = Some(now);
    }

    /// Whether it did not stall within the failover delay.
    pub fn is_fit(&self, now: Time) -> bool {
        self.stalled.is_none_or(|at| now.since(at) > self.unfit_for)
    }

    /// How long the agent has been up.
    pub fn up(&self, now: Time) -> Span {
        now.since(self.started)
    }

    /// Takes a heartbeat in: the own one, or one that its member sent over its own link.
    pub fn on_heartbeat(&mut self, beat: Beat, now: Time) -> Heed {
        let member = beat.heartbeat.member;
        if !self.known.contains(&member) {
            return Heed::Stranger;
        }
        let attachment = self.attachment;
        let ear = self.ears.entry(member).or_default();
        let heed = ear.judge(&beat);
        if heed == Heed::Old {
            return heed;
        }
        self.change += 1;
        ear.change = self.change;
        ear.baseline = Some((Aged::new(now), attachment));
        ear.heard = Some(Heard { beat, at: now, time_travel: heed == Heed::TimeTravel });
        heed
    }

    /// A heartbeat of a peer came over a link whose other end is there.
    pub fn on_source(&mut self, member: MemberId, source: IpAddr, now: Time) {
        if self.peers.contains(&member) {
            self.ears.entry(member).or_default().source = Some((source.to_canonical(), now));
        }
    }

    /// From where the heartbeats of peers come that are heard now.
    pub fn sources(&self, now: Time) -> impl Iterator<Item = SeenFrom> {
        self.peers.iter().filter_map(move |peer| {
            let (source, at) = self.ears.get(peer)?.source?;
            (now.since(at) <= limits::HEARD_NOW).then_some(SeenFrom { member: *peer, source })
        })
    }

    /// Takes a beacon in.
    pub fn on_beacon(&mut self, via: Via, console: ConsoleId, nonce: Nonce, now: Time) -> Spread {
        if !self.consoles.contains(&console) {
            return Spread::Ignore;
        }
        if let Via::Peer(peer) = via
            && !self.known.contains(&peer)
        {
            return Spread::Ignore;
        }
        // One that is repeated counts from when it first came: it proves nothing newer.
        let fresh = self.beacons.get(&(console, via)).is_none_or(|(known, _)| *known != nonce);
        if fresh {
            self.beacons.insert((console, via), (nonce, now));
        }
        match (fresh, via) {
            (true, Via::Console) => Spread::Pass,
            (true, Via::Peer(_)) => Spread::Keep,
            (false, _) => Spread::Ignore,
        }
    }

    /// The beacons for the next own heartbeat: the newest of each console first, then others of the same console that
    /// came over other ways, since a way that lags or hoards must not push a fresher one out.
    pub fn echoes(&self, now: Time) -> Vec<Echo> {
        let mut all: Vec<(Time, ConsoleId, Nonce)> = self
            .beacons
            .iter()
            .filter(|(_, (_, at))| now.since(*at) <= limits::BEACON_ECHOED)
            .map(|((console, _), (nonce, at))| (*at, *console, *nonce))
            .collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let mut echoes: Vec<Echo> = Vec::with_capacity(limits::BEACONS_MAX);
        for round in 0..ECHOES_PER_CONSOLE {
            for (_, console, nonce) in &all {
                let of_console = echoes.iter().filter(|echo| echo.console == *console).count();
                let echo = Echo { console: *console, nonce: *nonce };
                if echoes.len() < limits::BEACONS_MAX && of_console <= round && !echoes.contains(&echo) {
                    echoes.push(echo);
                }
            }
        }
        echoes
    }

    /// A probe of a peer's service port ended.
    pub fn on_probe(&mut self, about: MemberId, answered: bool, now: Time) {
        if self.peers.contains(&about) {
            self.ears.entry(about).or_default().probe = Some((answered, now));
        }
    }

    /// Peers whose service port should be probed now: those that are silent or say that they hang.
    pub fn to_probe(&self, now: Time) -> impl Iterator<Item = MemberId> {
        self.peers.iter().copied().filter(move |peer| {
            self.ears
                .get(peer)
                .is_some_and(|ear| ear.was_heard() && (ear.says_hung() || self.is_silent(ear, now)))
        })
    }

    /// What this member has to say about others, now.
    pub fn testimonies(&self, now: Time) -> Vec<Testimony> {
        let mut testimonies: Vec<Testimony> =
            self.peers.iter().filter_map(|peer| self.testimony(*peer, now)).collect();
        if testimonies.len() > limits::TESTIMONIES_MAX {
            testimonies.sort_by_key(|one| one.silent_ms);
            testimonies.truncate(limits::TESTIMONIES_MAX);
        }
        testimonies
    }

    /// A member as last heard.
    pub fn heard(&self, member: MemberId) -> Option<&Heard> {
        self.ears.get(&member)?.heard.as_ref()
    }

    /// Everybody heard whose news is newer than `cursor`, in the order of the news, each with its cursor.
    pub fn news_since(&self, cursor: u64) -> Vec<(u64, &Heard)> {
        let newer = |ear: &'_ Ear| ear.change > cursor;
        let mut news: Vec<_> = self
            .ears
            .values()
            .filter(|ear| newer(ear))
            .filter_map(|ear| ear.heard.as_ref().map(|heard| (ear.change, heard)))
            .collect();
        news.sort_unstable_by_key(|(change, _)| *change);
        news
    }

    /// Whether the member hears anybody but `about` now: another member, or a console that sends it beacons.
    pub fn hears_other(&self, about: MemberId, now: Time) -> bool {
        let member = |(member, ear): (&MemberId, &Ear)| {
            *member != about
                && *member != self.me
                && ear.heard.as_ref().is_some_and(|heard| now.since(heard.at) <= limits::HEARD_NOW)
        };
        let console = |((_, via), (_, at)): (&(ConsoleId, Via), &(Nonce, Time))| {
            *via == Via::Console && now.since(*at) <= CONSOLE_HEARD
        };
        self.ears.iter().any(member) || self.beacons.iter().any(console)
    }

    fn testimony(&self, about: MemberId, now: Time) -> Option<Testimony> {
        let ear = self.ears.get(&about)?;
        let probe =
            ear.probe.filter(|(_, at)| now.since(*at) <= limits::PROBE_FRESH).map(|(answered, _)| answered);
        let worth_it = self.is_silent(ear, now) || ear.says_hung() || probe == Some(false);
        if !ear.was_heard() || !worth_it {
            return None;
        }
        let last = ear.heard.as_ref().map(|heard| &heard.beat.heartbeat);
        Some(Testimony {
            about,
            incarnation: last.map_or(0, |beat| beat.incarnation),
            seq: last.map_or(0, |beat| beat.seq),
            silent_ms: self.silence(ear, now).as_ms(),
            baseline: self.has_baseline(about, ear, now),
            hears_other: self.hears_other(about, now),
            service_answers: probe,
        })
    }

    fn has_baseline(&self, about: MemberId, ear: &Ear, now: Time) -> bool {
        let Some((heard, attachment)) = ear.baseline else { return false };
        if heard.age(now) > limits::BASELINE {
            return false;
        }
        // From another attachment it counts only when a third party of the pool is heard from this one.
        attachment == self.attachment
            || self
                .peers
                .iter()
                .filter(|peer| **peer != about)
                .any(|peer| self.heard(*peer).is_some_and(|heard| now.since(heard.at) <= limits::HEARD_NOW))
    }

    fn silence(&self, ear: &Ear, now: Time) -> Span {
        now.since(ear.heard.as_ref().map_or(self.started, |heard| heard.at))
    }

    fn is_silent(&self, ear: &Ear, now: Time) -> bool {
        self.silence(ear, now) > limits::TESTIFY_AFTER
    }
}

impl Ear {
    fn was_heard(&self) -> bool {
        self.heard.is_some() || self.baseline.is_some()
    }

    fn says_hung(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| heard.beat.heartbeat.haproxy.down == Down::Hung)
    }

    fn judge(&mut self, beat: &Beat) -> Heed {
        let Some(heard) = &self.heard else { return Heed::New };
        let (new, old) = (&beat.heartbeat, &heard.beat.heartbeat);
        if new.boot_id != old.boot_id {
            // A boot that was left behind comes back: two copies of one machine, or one set back.
            let heed = if self.former_boot == Some(new.boot_id) { Heed::TimeTravel } else { Heed::New };
            self.former_boot = Some(old.boot_id);
            return heed;
        }
        if new.incarnation > old.incarnation {
            return Heed::New;
        }
        let back = if new.incarnation < old.incarnation { u64::MAX } else { old.seq.saturating_sub(new.seq) };
        if new.incarnation == old.incarnation && new.seq > old.seq {
            // The flag stays until the agent starts again.
            return if heard.time_travel { Heed::TimeTravel } else { Heed::New };
        }
        let two_of_one_number = back == 0 && new != old;
        if two_of_one_number || back > REGRESS { Heed::TimeTravel } else { Heed::Old }
    }
}

#[cfg(test)]
mod tests;
