//! What members say and what becomes of them.

use evaluator::io::{ForeignIntent, Input, Life, Link, Report, Testimony};
use model::haproxy::Down;
use model::{BootId, Span, Time};

use crate::ids;

use super::Small;

impl Small {
    /// What one relay says to one console now.
    pub fn report(&mut self, console: usize, place: usize) {
        let hears = |by: usize, about: usize| {
            by == about
                || (self.shape.peers_speak
                    && self.hosts[by].heard_by_peers
                    && self.hosts[about].heard_by_peers)
        };
        let heard: Vec<_> = (0..self.hosts.len()).filter(|about| hears(place, *about)).collect();
        let lives = heard.iter().filter_map(|about| self.life(*about)).collect();
        let mut testimonies = Vec::new();
        if self.shape.peers_speak {
            for by in &heard {
                let about = (0..self.hosts.len()).filter(|about| about != by);
                testimonies.extend(about.filter_map(|about| self.testimony(*by, about, hears(*by, about))));
            }
        }
        let now = self.now;
        let aged = |(intent, at): &(ForeignIntent, Time)| ForeignIntent { age: now - *at, ..intent.clone() };
        let intents = self.intents.values().map(aged).collect();
        let relay = ids::member(place);
        let report = Report { relay, lives, testimonies, intents, epoch_max: self.epoch_max };
        self.input(console, Input::Report(report));
    }

    fn life(&self, place: usize) -> Option<Life> {
        let host = &self.hosts[place];
        let made = host.beat_at?;
        Some(Life {
            member: ids::member(place),
            boot: BootId::from_number(host.boots << 8 | place as u32),
            incarnation: host.incarnation,
            seq: host.seq,
            made_after: Some(made),
            monitored: !host.witness,
            down: host.down,
            cfg: 1,
            cfg_valid: host.cfg_valid,
            ip: Some(ids::address(place)),
            planned: None,
            maintenance: host.maintenance,
            time_travel: false,
            goodbye: host.goodbye,
            fit: true,
            up: self.up(place),
            agent_version: "0.1.0".to_owned(),
        })
    }

    fn up(&self, place: usize) -> Span {
        // At the beginning everybody has been up for an hour.
        let since = self.hosts[place].since;
        if since == Time::ZERO { Span::from_s(3_600) } else { self.now - since }
    }

    fn testimony(&self, by: usize, about: usize, hears: bool) -> Option<Testimony> {
        let (witness, other) = (&self.hosts[by], &self.hosts[about]);
        if !witness.speaks() {
            return None;
        }
        Some(Testimony {
            by: ids::member(by),
            about: ids::member(about),
            last: (other.incarnation, other.seq),
            silent: if hears { self.now - other.beat_at? } else { Span::from_s(3_600) },
            baseline: true,
            hears_other: true,
            service_answers: None,
            made_after: witness.beat_at,
            fit: true,
            up: self.up(by),
        })
    }

    /// A member says at once what changed.
    pub fn speak(&mut self, place: usize) {
        let now = self.now;
        let host = &mut self.hosts[place];
        host.seq += 1;
        host.beat_at = Some(now);
        for console in 0..self.desks.len() {
            if self.reaches(console, place) {
                self.report(console, place);
            }
        }
    }

    /// A member loses power, or its agent ends.
    pub fn silence(&mut self, place: usize) {
        for console in 0..self.desks.len() {
            let relay = ids::member(place);
            self.input(console, Input::Relay { relay, link: Link::Down });
        }
    }

    /// A member's agent starts; with `boot`, its host does.
    pub fn rise(&mut self, place: usize, boot: bool) {
        let now = self.now;
        let host = &mut self.hosts[place];
        host.powered = true;
        host.agent = true;
        host.serves = true;
        host.goodbye = None;
        host.incarnation += 1;
        host.boots += u32::from(boot);
        host.seq = 0;
        host.since = now;
        if boot {
            host.down = Down::None;
        }
        for console in 0..self.desks.len() {
            let relay = ids::member(place);
            self.input(console, Input::Relay { relay, link: Link::Up });
        }
    }

    /// A console hears at once what a member has to say.
    pub fn hear_of(&mut self, console: usize, place: usize) {
        let now = self.now;
        let host = &mut self.hosts[place];
        host.seq += 1;
        host.beat_at = Some(now);
        self.report(console, place);
    }
}
