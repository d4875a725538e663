//! Making the heartbeat: about once a second, and at once when something changes.

use std::net::{IpAddr, Ipv4Addr};

use model::haproxy::Report;
use model::host::Figures;
use model::{Span, Time};
use protocol::heartbeat::{Beat, Heartbeat};
use protocol::{Frame, Goodbye, limits as wire};

use super::Node;
use crate::sense::host;
use crate::session::Who;

/// The rhythm, as settings and evaluator know it.
const EVERY_MS: u64 = model::settings::HEARTBEAT.as_ms();
/// Random part of each interval, up to a tenth more.
const JITTER_MS: u64 = EVERY_MS / 10;
/// A loop that something else woke makes the next heartbeat when the last is this old: up to a tenth early. Members that
/// hear each other so fall into one burst a second, and each wakes about twice for it instead of once per link.
const EARLY: Span = Span::from_ms(EVERY_MS - EVERY_MS / 10);
/// Shortest time between two heartbeats, however much happens.
const GAP: Span = Span::from_ms(100);
/// How often the host's figures are read; they are for people.
const FIGURES_EVERY: Span = Span::from_s(5);
/// Longest text of a listener: 64 of them and 24 testimonies then fit a heartbeat twice.
const LISTENER_CHARS: usize = 60;
/// Longest other text of the report.
const TEXT_CHARS: usize = 200;

impl Node {
    /// Has the next heartbeat made at once, but not before the gap is over.
    pub(super) fn beat_soon(&mut self) {
        self.beat_due = self.beat_due.min(self.last_beat + GAP);
    }

    /// Whether a heartbeat is to be made now: it is due, or nearly due while this loop is awake.
    pub(super) fn beat_is_due(&self, now: Time) -> bool {
        now >= self.beat_due || now >= self.last_beat + EARLY
    }

    /// Makes a heartbeat, hears it itself and sends it to every peer.
    pub(super) fn beat(&mut self, now: Time, goodbye: Option<Goodbye>) {
        let former = self.testified();
        self.seq += 1;
        self.last_beat = now;
        self.beat_due = now + self.next_interval();
        let beat = Beat::seal(self.heartbeat(now, goodbye), &self.parts.identity.key);
        let signed = beat.signed.clone();
        let sudden = beat.heartbeat.says_down() || goodbye.is_some();
        self.parts.core.on_heartbeat(beat, now);
        if let Some(signed) = signed {
            for id in self.ids_of(|who| matches!(who, Who::Peer(_))) {
                self.send(id, Frame::Heartbeat((*signed).clone()));
            }
        }
        if sudden || self.testified() != former {
            self.report_at_once(now);
        } else {
            self.report_with_beat(now);
        }
    }

    fn heartbeat(&mut self, now: Time, goodbye: Option<Goodbye>) -> Heartbeat {
        let sense = self.parts.core.sense(now);
        Heartbeat {
            member: self.parts.identity.member,
            hostname: self.parts.hostname.clone(),
            boot_id: self.parts.boot,
            incarnation: self.parts.incarnation,
            seq: self.seq,
            beacons: sense.beacons,
            ip: self.declared_ip(),
            haproxy: within_bounds(&self.report),
            host: self.figures(now),
            role_epoch: sense.role_epoch,
            roster_version: sense.roster_version,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            planned_until_ms: None,
            maintenance: false,
            goodbye,
            fit: sense.fit,
            up_ms: sense.up.as_ms(),
            testimonies: sense.testimonies,
            seen_from: sense.seen_from,
        }
    }

    /// Declared, else as a peer sees this host, else as the kernel would send.
    pub(super) fn declared_ip(&self) -> Option<Ipv4Addr> {
        if self.parts.env.declare_ip.is_some() {
            return self.parts.env.declare_ip;
        }
        match self.seen_from.map(|seen| seen.to_canonical()) {
            Some(IpAddr::V4(seen)) if self.parts.env.probe_public_ip && !seen.is_loopback() => Some(seen),
            Some(IpAddr::V4(_) | IpAddr::V6(_)) | None => host::default_route_address(),
        }
    }

    fn figures(&mut self, now: Time) -> Figures {
        let (read, _) = self.figures;
        if read == Time::ZERO || now.since(read) >= FIGURES_EVERY {
            self.figures = (now, self.parts.figures.read());
        }
        self.figures.1.clone()
    }

    fn next_interval(&mut self) -> Span {
        // Xorshift: spread is all that is asked of it.
        self.jitter ^= self.jitter << 13;
        self.jitter ^= self.jitter >> 7;
        self.jitter ^= self.jitter << 17;
        Span::from_ms(EVERY_MS + self.jitter % (JITTER_MS + 1))
    }

    /// Whom the newest own heartbeat testified about, and whether their ports answer.
    fn testified(&self) -> Vec<(model::MemberId, Option<bool>)> {
        let own = self.parts.core.observer().heard(self.parts.identity.member);
        let of = |heard: &protocol::observer::Heard| {
            heard.beat.heartbeat.testimonies.iter().map(|one| (one.about, one.service_answers)).collect()
        };
        own.map(of).unwrap_or_default()
    }

    /// When the silence of a peer passes the delay of its pool: its testimony then counts, so it is said at once.
    pub(super) fn crossing_due(&self) -> Option<Time> {
        let core = &self.parts.core;
        let roster = core.roster()?;
        let crossing = |peer: model::MemberId| {
            let pool = roster.member(peer)?.pool;
            let delay = core.shelf().policy(pool)?.content.settings.delay();
            let at = core.observer().heard(peer)?.at + delay + Span::from_ms(1);
            (at > self.last_beat).then_some(at)
        };
        roster.peers_of(self.parts.identity.member).into_iter().filter_map(crossing).min()
    }
}

/// The report within the wire's bounds, whatever HAProxy's configuration holds: a heartbeat that is refused for a
/// long name would look like death.
fn within_bounds(report: &Report) -> Report {
    let mut report = report.clone();
    report.listeners.truncate(wire::LISTENERS_MAX);
    for listener in &mut report.listeners {
        shorten(&mut listener.section, LISTENER_CHARS);
        shorten(&mut listener.address, LISTENER_CHARS);
    }
    shorten(&mut report.reason, TEXT_CHARS);
    shorten(&mut report.version, TEXT_CHARS);
    shorten(&mut report.cfg_sha256, 64);
    report
}

/// Cuts a text and replaces what JSON would have to write at length.
fn shorten(text: &mut String, chars_max: usize) {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ';
    if text.len() <= chars_max && text.chars().all(plain) {
        return;
    }
    *text = text.chars().take(chars_max).map(|c| if plain(c) { c } else { '?' }).collect();
}

#[cfg(test)]
mod tests {
    use model::haproxy::Listener;
    use protocol::SecretKey;
    use protocol::heartbeat::{SeenFrom, Testimony};

    use super::*;

    #[test]
    fn the_fullest_heartbeat_is_one_that_peers_accept() {
        let long = "\u{0}\"\\\u{e9}".repeat(300);
        let listener = Listener {
            section: long.clone(),
            address: long.clone(),
            port: Some(65_535),
            http: false,
            tls: false,
            answers: Some(false),
        };
        let report = Report {
            reason: long.clone(),
            version: long.clone(),
            cfg_sha256: long.clone(),
            listeners: vec![listener; 5000],
            ..Report::default()
        };
        let member = model::MemberId::from_number(1);
        let testimony = Testimony {
            about: member,
            incarnation: u64::MAX,
            seq: u64::MAX,
            silent_ms: u64::MAX,
            baseline: false,
            hears_other: false,
            service_answers: Some(false),
        };
        let seen = SeenFrom {
            member,
            source: IpAddr::V6("2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap()),
        };
        let heartbeat = Heartbeat {
            haproxy: within_bounds(&report),
            hostname: "x".repeat(wire::HOSTNAME_BYTES_MAX),
            testimonies: vec![testimony; wire::TESTIMONIES_MAX],
            seen_from: vec![seen; wire::TESTIMONIES_MAX],
            ..Heartbeat::bare(member, model::BootId::from_number(1), u64::MAX, u64::MAX)
        };
        let key = SecretKey::from_bytes(&[1; 32]);
        Heartbeat::open(&heartbeat.seal(&key), &key.public()).unwrap();
    }
}
