//! Turns what relays send into what machines understand: opens signatures once, bounds ages by beacons, notices a
//! member that was restored from a memory snapshot.
//!
//! Sans-IO apart from the clock that its caller passes in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use evaluator::beacon::BeaconLog;
use evaluator::io::{Goodbye, Life, Testimony};
use model::{BootId, ConsoleId, MemberId, Span, Time};
use protocol::heartbeat::Heartbeat;
use protocol::key::PublicKey;
use protocol::sign::{Signed, Signer};

/// What a member says about others' sources counts this long, by this console's own beacons.
const SOURCES_FRESH: Span = Span::from_s(5);

/// The newest heartbeat of one member, as this console knows it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) heartbeat: Arc<Heartbeat>,
    signature: protocol::key::Signature,
    made_after: Option<Time>,
    /// When this console first received it, by any way.
    pub(crate) received: Time,
    travelled: Option<(BootId, u64)>,
}

/// Everything seen of the fleet's members.
#[derive(Debug)]
pub(crate) struct Sightings {
    console: ConsoleId,
    keys: BTreeMap<MemberId, PublicKey>,
    seen: BTreeMap<MemberId, Seen>,
    pub(crate) beacons: BeaconLog,
}

/// Why a heartbeat was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its signer is in no roster.
    Stranger,
    /// It is not what its signer signed.
    Forged,
}

impl Sightings {
    pub(crate) fn new(console: ConsoleId) -> Self {
        Self { console, keys: BTreeMap::new(), seen: BTreeMap::new(), beacons: BeaconLog::default() }
    }

    /// Takes the keys of the newest roster; members that left are forgotten.
    pub(crate) fn set_keys(&mut self, keys: BTreeMap<MemberId, PublicKey>) {
        self.seen.retain(|member, _| keys.get(member) == self.keys.get(member));
        self.keys = keys;
    }

    /// After sleep or on another network: no age survives.
    pub(crate) fn forget_ages(&mut self) {
        self.beacons.clear();
    }

    pub(crate) fn seen(&self, member: MemberId) -> Option<&Seen> {
        self.seen.get(&member)
    }

    /// When anybody was heard last.
    pub(crate) fn newest(&self) -> Option<Time> {
        self.seen.values().map(|seen| seen.received).max()
    }

    /// From where others get a member's heartbeats, by their own signed word of now.
    pub(crate) fn sources_of(&self, now: Time, about: MemberId) -> Vec<(MemberId, IpAddr)> {
        let fresh = |seen: &Seen| seen.made_after.is_some_and(|made| now - made <= SOURCES_FRESH);
        let others = self.seen.iter().filter(|(by, seen)| **by != about && fresh(seen));
        let said = others.filter_map(|(by, seen)| {
            let said = seen.heartbeat.seen_from.iter().find(|said| said.member == about)?;
            Some((*by, said.source.to_canonical()))
        });
        said.collect()
    }

    /// Opens a signed heartbeat and gives its facts and testimonies.
    ///
    /// # Errors
    /// [`Refused`] when the signer is unknown or the signature does not hold.
    pub(crate) fn take(&mut self, now: Time, signed: &Signed) -> Result<(Life, Vec<Testimony>), Refused> {
        let Signer::Member(member) = signed.by else { return Err(Refused::Stranger) };
        let key = *self.keys.get(&member).ok_or(Refused::Stranger)?;
        // Several relays bring the same heartbeat: the signature is checked once.
        if let Some(seen) = self.seen.get(&member).filter(|seen| seen.signature == signed.sig) {
            return Ok(self.facts(seen, now));
        }
        let heartbeat = Heartbeat::open(signed, &key).map_err(|_| Refused::Forged)?;
        let made_after = self.made_after(&heartbeat);
        let travelled = self.travelled(&heartbeat, made_after);
        let fresh = Seen {
            heartbeat: Arc::new(heartbeat),
            signature: signed.sig,
            made_after,
            received: now,
            travelled,
        };
        let facts = self.facts(&fresh, now);
        let newest = self.seen.get(&member).is_none_or(|seen| is_newer(&fresh, seen));
        if newest {
            self.seen.insert(member, fresh);
        }
        Ok(facts)
    }

    fn made_after(&self, heartbeat: &Heartbeat) -> Option<Time> {
        let echoes = heartbeat.beacons.iter().filter(|echo| echo.console == self.console);
        echoes.filter_map(|echo| self.beacons.made_after(echo.nonce)).max()
    }

    /// A heartbeat that was certainly made later than the newest one, yet counts lower under the same boot, comes
    /// from a host restored from a memory snapshot. The flag stays until its agent starts again.
    fn travelled(&self, heartbeat: &Heartbeat, made_after: Option<Time>) -> Option<(BootId, u64)> {
        let seen = self.seen.get(&heartbeat.member)?;
        let last = &seen.heartbeat;
        let mark = (heartbeat.boot_id, heartbeat.incarnation);
        let regressed = last.boot_id == heartbeat.boot_id
            && (heartbeat.incarnation, heartbeat.seq) < (last.incarnation, last.seq)
            && made_after > Some(seen.received);
        if regressed { Some(mark) } else { seen.travelled.filter(|old| *old == mark) }
    }

    fn facts(&self, seen: &Seen, _now: Time) -> (Life, Vec<Testimony>) {
        let heartbeat = &seen.heartbeat;
        let life = Life {
            member: heartbeat.member,
            boot: heartbeat.boot_id,
            incarnation: heartbeat.incarnation,
            seq: heartbeat.seq,
            made_after: seen.made_after.or_else(|| self.made_after(heartbeat)),
            monitored: heartbeat.haproxy.monitored,
            down: heartbeat.haproxy.down,
            cfg: short_hash(&heartbeat.haproxy.cfg_sha256),
            cfg_valid: heartbeat.haproxy.cfg_valid,
            ip: heartbeat.ip,
            planned: heartbeat.planned_until_ms.map(Span::from_ms),
            maintenance: heartbeat.maintenance,
            time_travel: seen.travelled.is_some(),
            goodbye: heartbeat.goodbye.map(|goodbye| match goodbye {
                protocol::heartbeat::Goodbye::HostShutdown => Goodbye::HostShutdown,
                protocol::heartbeat::Goodbye::AgentStop => Goodbye::AgentStop,
            }),
            fit: heartbeat.fit,
            up: Span::from_ms(heartbeat.up_ms),
            agent_version: heartbeat.agent_version.clone(),
        };
        let testimonies = heartbeat.testimonies.iter().map(|testimony| Testimony {
            by: heartbeat.member,
            about: testimony.about,
            last: (testimony.incarnation, testimony.seq),
            silent: Span::from_ms(testimony.silent_ms),
            baseline: testimony.baseline,
            hears_other: testimony.hears_other,
            service_answers: testimony.service_answers,
            made_after: life.made_after,
            fit: heartbeat.fit,
            up: life.up,
        });
        let testimonies = testimonies.collect();
        (life, testimonies)
    }
}

/// An agent counts its starts across boots, so an old boot's heartbeat counts lower; one whose count was lost is proven
/// newer by its beacon.
fn is_newer(fresh: &Seen, seen: &Seen) -> bool {
    let order = |seen: &Seen| (seen.heartbeat.incarnation, seen.heartbeat.seq);
    order(fresh) > order(seen) || fresh.made_after > Some(seen.received) || fresh.travelled.is_some()
}

/// The first eight bytes of a hex digest as a number; 0 when unknown.
fn short_hash(hex_digest: &str) -> u64 {
    hex_digest.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use model::Nonce;
    use protocol::heartbeat::Echo;
    use protocol::key::SecretKey;

    use super::*;

    const ME: ConsoleId = ConsoleId::from_number(9);
    const LB1: MemberId = MemberId::from_number(1);

    fn sightings() -> (Sightings, SecretKey) {
        let key = SecretKey::from_bytes(&[1; 32]);
        let mut sightings = Sightings::new(ME);
        sightings.set_keys([(LB1, key.public())].into());
        (sightings, key)
    }

    fn beat(seq: u64, echo: Option<u64>) -> Heartbeat {
        let mut beat = Heartbeat::bare(LB1, BootId::from_number(1), 3, seq);
        beat.beacons.extend(echo.map(|nonce| Echo { console: ME, nonce: Nonce::from_u64(nonce) }));
        beat
    }

    #[test]
    fn a_source_counts_by_anothers_fresh_word_and_never_by_the_members_own() {
        const LB2: MemberId = MemberId::from_number(2);
        let (mut sightings, key) = sightings();
        let key2 = SecretKey::from_bytes(&[2; 32]);
        sightings.set_keys([(LB1, key.public()), (LB2, key2.public())].into());
        sightings.beacons.give(Time::from_ms(1_000), Nonce::from_u64(1));
        let source: IpAddr = "198.51.100.9".parse().unwrap();
        let said = protocol::SeenFrom { member: LB1, source };
        let mut own = beat(1, Some(1));
        own.seen_from = vec![said];
        sightings.take(Time::from_ms(1_100), &own.seal(&key)).unwrap();
        assert!(sightings.sources_of(Time::from_ms(1_200), LB1).is_empty());
        let mut other = beat(1, Some(1));
        (other.member, other.seen_from) = (LB2, vec![said]);
        sightings.take(Time::from_ms(1_300), &other.seal(&key2)).unwrap();
        assert_eq!(sightings.sources_of(Time::from_ms(6_000), LB1), [(LB2, source)]);
        assert!(sightings.sources_of(Time::from_ms(6_001), LB1).is_empty(), "it is of the past");
        // Without a beacon of this console's nobody knows when it was said.
        let mut undated = beat(2, None);
        (undated.member, undated.seen_from) = (LB2, vec![said]);
        sightings.take(Time::from_ms(6_100), &undated.seal(&key2)).unwrap();
        assert!(sightings.sources_of(Time::from_ms(6_100), LB1).is_empty());
    }

    #[test]
    fn only_the_members_own_signature_counts() {
        let (mut sightings, key) = sightings();
        let now = Time::from_ms(5_000);
        assert!(sightings.take(now, &beat(1, None).seal(&key)).is_ok());
        let forged = beat(2, None).seal(&SecretKey::from_bytes(&[2; 32]));
        assert_eq!(sightings.take(now, &forged).unwrap_err(), Refused::Forged);
        let mut stranger = beat(2, None);
        stranger.member = MemberId::from_number(7);
        assert_eq!(sightings.take(now, &stranger.seal(&key)).unwrap_err(), Refused::Stranger);
    }

    #[test]
    fn age_is_bounded_by_our_own_beacon_and_by_nothing_else() {
        let (mut sightings, key) = sightings();
        sightings.beacons.give(Time::from_ms(4_000), Nonce::from_u64(44));
        let (life, _) = sightings.take(Time::from_ms(5_000), &beat(1, Some(44)).seal(&key)).unwrap();
        assert_eq!(life.made_after, Some(Time::from_ms(4_000)));
        let (life, _) = sightings.take(Time::from_ms(5_000), &beat(2, Some(99)).seal(&key)).unwrap();
        assert_eq!(life.made_after, None);
    }

    #[test]
    fn a_heartbeat_of_an_earlier_boot_takes_nobodys_place() {
        let (mut sightings, key) = sightings();
        sightings.beacons.give(Time::from_ms(1_000), Nonce::from_u64(1));
        let mut old = beat(900, Some(1));
        old.boot_id = BootId::from_number(8);
        old.incarnation = 2;
        sightings.take(Time::from_ms(1_200), &beat(5, Some(1)).seal(&key)).unwrap();
        sightings.take(Time::from_ms(1_300), &old.seal(&key)).unwrap();
        assert_eq!(sightings.seen(LB1).unwrap().heartbeat.boot_id, BootId::from_number(1));
        // A reinstalled agent counts from one again, and its beacon proves that it lives now.
        sightings.beacons.give(Time::from_ms(5_000), Nonce::from_u64(2));
        let mut reinstalled = beat(1, Some(2));
        reinstalled.boot_id = BootId::from_number(9);
        reinstalled.incarnation = 1;
        sightings.take(Time::from_ms(5_100), &reinstalled.seal(&key)).unwrap();
        assert_eq!(sightings.seen(LB1).unwrap().heartbeat.boot_id, BootId::from_number(9));
    }

    #[test]
    fn a_host_restored_from_a_snapshot_is_flagged_until_its_agent_restarts() {
        let (mut sightings, key) = sightings();
        sightings.beacons.give(Time::from_ms(1_000), Nonce::from_u64(1));
        sightings.take(Time::from_ms(1_500), &beat(500, Some(1)).seal(&key)).unwrap();
        // An old heartbeat that was merely held back is not made later than the newest one.
        let (life, _) = sightings.take(Time::from_ms(1_600), &beat(499, Some(1)).seal(&key)).unwrap();
        assert!(!life.time_travel);
        sightings.beacons.give(Time::from_ms(9_000), Nonce::from_u64(9));
        let (life, _) = sightings.take(Time::from_ms(9_500), &beat(20, Some(9)).seal(&key)).unwrap();
        assert!(life.time_travel);
        let (life, _) = sightings.take(Time::from_ms(9_900), &beat(21, Some(9)).seal(&key)).unwrap();
        assert!(life.time_travel);
        let mut restarted = beat(1, Some(9));
        restarted.incarnation = 4;
        let (life, _) = sightings.take(Time::from_ms(9_950), &restarted.seal(&key)).unwrap();
        assert!(!life.time_travel);
    }
}
