//! What `status` is told.

use std::collections::VecDeque;

use model::{Span, Time};
use protocol::check::Refusal;

use super::Node;
use crate::limits::REFUSALS_KEPT;
use crate::log;
use crate::session::Who;
use crate::status::{Console, Fleet, Overview, Peer, Refused};

/// The newest refusals. The same one again only moves up and is logged at most once a minute, so that whoever knocks
/// in a loop fills neither this list nor the journal.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    newest_first: VecDeque<Noted>,
}

#[derive(Debug)]
struct Noted {
    at: Time,
    logged: Time,
    address: String,
    status: u16,
    words: String,
}

const LOG_EVERY: Span = Span::from_s(60);

impl Refusals {
    pub(super) fn note(&mut self, now: Time, address: String, refusal: &Refusal) {
        let (status, words) = (u16::from(refusal.status), log::foreign(&refusal.message));
        let same = |one: &Noted| one.address == address && one.status == status && one.words == words;
        let known = self.newest_first.iter().position(same).and_then(|at| self.newest_first.remove(at));
        let quiet = known.as_ref().is_some_and(|one| now.since(one.logged) < LOG_EVERY);
        let logged = match known {
            Some(one) if quiet => one.logged,
            Some(_) | None => {
                tracing::warn!(address = %address, status, reason = %words, "refused {address}: {status} {words}");
                now
            }
        };
        self.newest_first.truncate(REFUSALS_KEPT - 1);
        self.newest_first.push_front(Noted { at: now, logged, address, status, words });
    }

    fn list(&self, now: Time) -> Vec<Refused> {
        let line = |one: &Noted| Refused {
            ms_ago: now.since(one.at).as_ms(),
            address: one.address.clone(),
            status: one.status,
            words: one.words.clone(),
        };
        self.newest_first.iter().map(line).collect()
    }
}

impl Node {
    pub(super) fn overview(&self) -> Overview {
        let now = self.now();
        let mut notes = self.parts.notes.clone();
        if let Some(words) = self.answers.fault() {
            notes.push(format!("state cannot be kept, so nothing is confirmed to consoles: {words}"));
        }
        Overview {
            version: env!("CARGO_PKG_VERSION").into(),
            hostname: self.parts.hostname.clone(),
            up_ms: Some(now.since(self.started).as_ms()),
            fleet: self.fleet(),
            ip: self.declared_ip().map(|ip| ip.to_string()),
            fit: self.parts.core.observer().is_fit(now),
            role_epoch: self.parts.core.sense(now).role_epoch,
            haproxy: Some(self.report.clone()),
            peers: self.peer_lines(now),
            consoles: self.console_lines(),
            refusals: self.refusals.list(now),
            notes,
        }
    }

    fn fleet(&self) -> Option<Fleet> {
        Some(Fleet::of(&self.parts.identity, self.parts.core.roster()?))
    }

    fn peer_lines(&self, now: Time) -> Vec<Peer> {
        let core = &self.parts.core;
        let peers = core.roster().map(|roster| roster.peers_of(core.me())).unwrap_or_default();
        let line = |peer| {
            let link = match (self.link_to(peer), self.dials.get(&peer)) {
                (Some((_, session)), _) => {
                    let by = if session.dialled_by == crate::session::DialledBy::Us { "us" } else { "it" };
                    format!("linked for {}, dialled by {by}", now.since(session.opened))
                }
                (None, Some(dial)) => {
                    format!("no link for {}: {}", now.since(dial.since), dial.words)
                }
                (None, None) => "no link needed".into(),
            };
            Peer {
                member: peer.to_string(),
                name: self.name_of(Who::Peer(peer)),
                heard_ms_ago: core.observer().heard(peer).map(|heard| now.since(heard.at).as_ms()),
                link,
            }
        };
        peers.into_iter().map(line).collect()
    }

    fn console_lines(&self) -> Vec<Console> {
        let line = |session: &super::Session| match session.who {
            Who::Console(console) => Some(Console {
                console: console.to_string(),
                name: self.name_of(session.who),
                address: session.address.ip().to_canonical().to_string(),
            }),
            Who::Peer(_) => None,
        };
        self.sessions.values().filter_map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::Status;

    use super::*;

    #[test]
    fn a_repeated_refusal_is_one_line() {
        let mut refusals = Refusals::default();
        for n in 0..1000 {
            let refusal = Refusal::new(Status::Forbidden, "not from here");
            refusals.note(Time::from_ms(n), "10.0.0.4".into(), &refusal);
        }
        for n in 0..100 {
            refusals.note(Time::from_ms(2000), format!("10.0.0.{n}"), &Refusal::new(Status::Unknown, "who"));
        }
        assert_eq!(refusals.list(Time::from_ms(3000)).len(), REFUSALS_KEPT);
        assert_eq!(refusals.list(Time::from_ms(3000))[0].ms_ago, 1000);
    }
}
