//! Passing consoles' beacons on to peers, to those who need it.
//!
//! A console that reaches every relay gives each its beacons itself; passing them on as well would wake every member
//! once more for every pair. So a peer that passes a console's beacon to us has it first-hand and gets none from us,
//! as long as its heartbeats echo what it was not given. When one is missing, it is passed the next at once: a console
//! that lost its way to a member sees it through us with one beacon of delay.

use std::collections::{BTreeMap, BTreeSet};

use model::{ConsoleId, MemberId, Nonce};
use protocol::Frame;
use protocol::frame::Beacon;

use super::Node;
use crate::session::{SessionId, Who};

/// What is known of who has which beacon.
#[derive(Debug, Default)]
pub(super) struct Beacons {
    /// The newest beacon of each console that is linked here.
    newest: BTreeMap<ConsoleId, Beacon>,
    /// Peers that have a console's beacons first-hand.
    first_hand: BTreeSet<(ConsoleId, MemberId)>,
}

impl Beacons {
    /// A console came: peers must learn that this relay has its beacons first-hand now.
    pub(super) fn console_came(&mut self, console: ConsoleId) {
        self.first_hand.retain(|(of, _)| *of != console);
    }

    /// A console went.
    pub(super) fn console_went(&mut self, console: ConsoleId) {
        self.newest.remove(&console);
        self.first_hand.retain(|(of, _)| *of != console);
    }

    /// A peer passed a beacon on.
    pub(super) fn passed_by(&mut self, peer: MemberId, beacon: Beacon) {
        // Only of consoles that are linked here, which bounds this set.
        if self.newest.contains_key(&beacon.console) {
            self.first_hand.insert((beacon.console, peer));
        }
    }
}

impl Node {
    /// Passes a console's new beacon to every linked peer that does not get it first-hand.
    pub(super) fn pass_on(&mut self, beacon: Beacon) {
        let former = self.beacons.newest.insert(beacon.console, beacon);
        for id in self.ids_of(|who| matches!(who, Who::Peer(_))) {
            let Some(Who::Peer(peer)) = self.sessions.get(&id).map(|session| session.who) else { continue };
            let echoed = former.is_some_and(|former| self.echoes(peer, former.nonce));
            if echoed && self.beacons.first_hand.contains(&(beacon.console, peer)) {
                continue;
            }
            self.beacons.first_hand.remove(&(beacon.console, peer));
            self.send(id, Frame::Beacon(beacon));
        }
    }

    /// Gives a newly linked peer the newest beacons, instead of letting it wait for the next ones.
    pub(super) fn pass_newest_to(&mut self, id: SessionId, peer: MemberId) {
        self.beacons.first_hand.retain(|(_, of)| *of != peer);
        let newest: Vec<_> = self.beacons.newest.values().copied().collect();
        for beacon in newest {
            self.send(id, Frame::Beacon(beacon));
        }
    }

    fn echoes(&self, peer: MemberId, nonce: Nonce) -> bool {
        let heard = self.parts.core.observer().heard(peer);
        heard.is_some_and(|heard| heard.beat.heartbeat.beacons.iter().any(|echo| echo.nonce == nonce))
    }
}
