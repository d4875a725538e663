//! Calling peers: whom, when, and what came of it. Also the probes of their service ports.

use std::net::SocketAddr;

use model::{MemberId, Span, Time};
use protocol::check::{Refusal, Taken};
use protocol::frame::Welcome;
use protocol::{limits as wire, peers};

use link::{Channel, Speaks};

use super::sessions::Met;
use super::{DialFault, Event, Node};
use crate::limits::PROBE_DEADLINE;
use crate::peers::Call;
use crate::session::{self, DialledBy, Who};
use crate::{limits, log};

/// The state of calling one peer.
#[derive(Debug)]
pub(super) struct Dial {
    /// When to call next; none while a call goes on.
    next: Option<Time>,
    /// How long to wait after the next failure.
    pause: Span,
    /// Since when there has been no link.
    pub(super) since: Time,
    /// What came of the last call, in words.
    pub(super) words: String,
}

const PAUSE_MIN: Span = Span::from_ms(limits::DIAL_PAUSE_MIN.as_millis() as u64);
const PAUSE_MAX: Span = Span::from_ms(limits::DIAL_PAUSE_MAX.as_millis() as u64);

impl Node {
    /// Peers to keep a link with: the first two in order that are not lost, and those lost ones before them, which
    /// are called on until they come back.
    pub(super) fn wanted(&self, now: Time) -> Vec<MemberId> {
        let Some(roster) = self.parts.core.roster() else { return Vec::new() };
        let order = peers::order(roster, self.parts.identity.member);
        let chosen = peers::chosen(&order, |peer| self.is_lost(peer, now));
        let last = chosen.last().and_then(|last| order.iter().position(|peer| peer == last));
        match last {
            Some(last) if chosen.len() == peers::PEERS => order[..=last].to_vec(),
            Some(_) | None => order,
        }
    }

    fn is_lost(&self, peer: MemberId, now: Time) -> bool {
        self.dials.get(&peer).is_some_and(|dial| now.since(dial.since) > wire::PEER_REPLACED)
    }

    pub(super) fn dials_due(&self) -> Option<Time> {
        self.dials.values().filter_map(|dial| dial.next).min()
    }

    /// A link to a peer ended: it is called again at once, then less and less often.
    pub(super) fn dial_again(&mut self, peer: MemberId) {
        let now = self.now();
        self.dials.entry(peer).or_insert(Dial {
            next: Some(now + PAUSE_MIN),
            pause: PAUSE_MIN,
            since: now,
            words: "the link ended".into(),
        });
    }

    /// Calls everybody who is wanted, has no link and is due.
    pub(super) fn dial(&mut self, now: Time) {
        let wanted = self.wanted(now);
        self.dials.retain(|peer, dial| wanted.contains(peer) || dial.next.is_none());
        for peer in wanted {
            if self.link_to(peer).is_some() {
                continue;
            }
            let fresh =
                || Dial { next: Some(now), pause: PAUSE_MIN, since: now, words: "not called yet".into() };
            let dial = self.dials.entry(peer).or_insert_with(fresh);
            if dial.next.is_none_or(|next| next > now) {
                continue;
            }
            dial.next = None;
            self.call(peer);
        }
    }

    fn call(&mut self, peer: MemberId) {
        let entry = self.parts.core.roster().and_then(|roster| roster.member(peer));
        let Some((address, key)) = entry.and_then(|entry| Some((entry.relay?, entry.key))) else { return };
        let call = Call {
            address,
            key,
            hostname: self.parts.hostname.clone(),
            roster_version: self.parts.core.shelf().roster_version(),
        };
        let dialler = self.parts.dialler.clone();
        let events = self.events.clone();
        tokio::spawn(async move {
            let outcome = dialler.dial(call).await;
            let _ = events.send(Event::Dialled { peer, outcome }).await;
        });
    }

    pub(super) fn on_dialled(&mut self, peer: MemberId, outcome: Result<Box<(Channel, Welcome)>, DialFault>) {
        let now = self.now();
        match outcome {
            Ok(opened) => {
                let (link, welcome) = *opened;
                self.on_called(peer, link, welcome, now);
            }
            Err(DialFault::Refused(refusal)) => {
                let to = self.address_of(peer);
                self.refusals.note(
                    now,
                    format!("{} ({to}) refused us", self.name_of(Who::Peer(peer))),
                    &refusal,
                );
                self.call_failed(peer, refused_words(&refusal), now);
            }
            Err(DialFault::Failed(words)) => self.call_failed(peer, words, now),
        }
    }

    fn on_called(&mut self, peer: MemberId, link: Channel, welcome: Welcome, now: Time) {
        if let Some(dial) = self.dials.get_mut(&peer) {
            // Should the link be turned down below, the next call is not at once.
            dial.next = Some(now + dial.pause);
        }
        // While we called, the peer may have called too.
        let me = self.parts.identity.member;
        if self.link_to(peer).is_some() && peers::dialler_that_stays(me, peer) != me {
            return;
        }
        let Some(address) = link.peer_address() else { return };
        let key = link.peer_key();
        if welcome.seen_from.is_some() {
            self.seen_from = welcome.seen_from;
        }
        let met = Met {
            who: Who::Peer(peer),
            dialled_by: DialledBy::Us,
            address,
            key,
            hostname: Some(welcome.hostname),
            taken: Taken::All,
        };
        if let Some(words) = &welcome.heartbeats_alone {
            let with = self.name_of(Who::Peer(peer));
            tracing::warn!(peer = %with, "{with} takes heartbeats alone from here: {}", log::foreign(words));
        }
        let (id, outbox) = self.open(met, now);
        tokio::spawn(session::carry(id, link, outbox, self.events.clone()));
        self.after_open(id, now);
    }

    fn call_failed(&mut self, peer: MemberId, words: String, now: Time) {
        if self.link_to(peer).is_some() {
            self.dials.remove(&peer);
            return;
        }
        let name = self.name_of(Who::Peer(peer));
        let Some(dial) = self.dials.get_mut(&peer) else { return };
        if dial.words != words {
            tracing::warn!(peer = %name, reason = %words, "{name}'s relay could not be called: {words}");
        }
        dial.words = words;
        dial.next = Some(now + dial.pause);
        dial.pause = dial.pause.times(2).min(PAUSE_MAX);
    }

    fn address_of(&self, peer: MemberId) -> String {
        let relay = self.parts.core.roster().and_then(|roster| roster.member(peer)?.relay);
        relay.map_or_else(|| "no address".into(), |address| address.to_string())
    }

    /// Probes the service ports of peers that fell silent or say that they hang, where their pool's policy sets a
    /// port.
    pub(super) fn probe_ports(&mut self, now: Time) {
        let core = &self.parts.core;
        let Some(roster) = core.roster() else { return };
        let port_of = |peer: MemberId| {
            let entry = roster.member(peer)?;
            let port = core.shelf().policy(entry.pool)?.content.settings.probe_port?;
            // What it speaks it said itself, while it was heard.
            let said = &core.observer().heard(peer)?.beat.heartbeat.haproxy;
            let speaks = if said.speaks_http(port) { Speaks::Http } else { Speaks::Other };
            Some((peer, SocketAddr::from((entry.address, port)), speaks))
        };
        for (about, address, speaks) in core.observer().to_probe(now).filter_map(port_of) {
            let events = self.events.clone();
            tokio::spawn(async move {
                let answered = link::probe(address, speaks, PROBE_DEADLINE).await;
                let _ = events.send(Event::Probed { about, answered }).await;
            });
        }
    }
}

fn refused_words(refusal: &Refusal) -> String {
    log::foreign(&format!("refused: {refusal}"))
}
