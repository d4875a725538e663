//! Messages over links: dialling, sending, arriving, waiting, closing.

use crate::link::{End, Link, Sent};
use crate::net::Fate;
use crate::wire::Message;

use super::{Event, LinkId, World};

/// A dial without an answer is given up after this.
const DIAL_MS: u64 = 3_000;

/// Who sits at an end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// A console.
    Console(usize),
    /// A member or witness.
    Voter(usize),
}

impl World {
    /// One link from each console to each relay, one between each pair of members.
    pub(super) fn found_links(&mut self) {
        let voters = self.members.len();
        for console in 0..self.consoles.len() {
            for voter in 0..voters {
                self.links.push(Link::new(voters + console, voter));
            }
        }
        for one in 0..voters {
            for other in one + 1..voters {
                self.links.push(Link::new(one, other));
            }
        }
    }

    pub(super) fn console_link(&self, console: usize, voter: usize) -> LinkId {
        console * self.members.len() + voter
    }

    /// The link between two members; the one with the lower place dials.
    pub(super) fn peer_link(&self, one: usize, other: usize) -> LinkId {
        let (low, high) = (one.min(other), one.max(other));
        let voters = self.members.len();
        let before = low * voters - low * (low + 1) / 2;
        self.consoles.len() * voters + before + (high - low - 1)
    }

    pub(super) fn end_of_voter(one: usize, other: usize) -> End {
        if one < other { End::Dialler } else { End::Acceptor }
    }

    pub(super) fn party(&self, link: LinkId, end: End) -> Party {
        let node = self.links[link].nodes[end as usize];
        if node < self.members.len() { Party::Voter(node) } else { Party::Console(node - self.members.len()) }
    }

    pub(super) fn dial(&mut self, link: LinkId) {
        let generation = self.links[link].dial();
        let [from, to] = self.links[link].nodes;
        self.links[link].next_dial = self.now + DIAL_MS;
        if let Fate::Once(ms) | Fate::Twice(ms, _) = self.net.fate(from, to) {
            self.queue.push(self.now + ms, Event::Dial(link, generation));
        }
        self.queue.push(self.now + DIAL_MS, Event::DialOver(link, generation));
    }

    pub(super) fn on_dial(&mut self, link: LinkId, generation: u32) {
        if self.links[link].generation != generation || !self.links[link].dialling {
            return;
        }
        let [from, to] = self.links[link].nodes;
        if !self.members[to].powered {
            return;
        }
        if let Err(until) = self.members[to].awake(self.now) {
            self.queue.push(until, Event::Dial(link, generation));
            return;
        }
        if self.members[to].agent.is_none() {
            self.queue.push(self.now + 5, Event::DialOver(link, generation));
            return;
        }
        self.links[link].opened(End::Acceptor, self.now);
        if let Fate::Once(ms) | Fate::Twice(ms, _) = self.net.fate(to, from) {
            self.queue.push(self.now + ms, Event::Answered(link, generation));
        }
        if let Party::Console(console) = self.party(link, End::Dialler) {
            self.relay_accepts(to, console, link, generation);
        }
    }

    pub(super) fn on_answered(&mut self, link: LinkId, generation: u32) {
        let known = &mut self.links[link];
        if known.generation != generation || !known.dialling {
            return;
        }
        match self.party(link, End::Dialler) {
            Party::Console(console) => {
                if let Err(until) = self.consoles[console].awake(self.now) {
                    self.queue.push(until, Event::Answered(link, generation));
                    return;
                }
                self.links[link].dialling = false;
                self.links[link].opened(End::Dialler, self.now);
                let voter = self.links[link].nodes[1];
                self.relay_reached(console, voter, link);
            }
            Party::Voter(_) => {
                self.links[link].dialling = false;
                self.links[link].opened(End::Dialler, self.now);
            }
        }
    }

    pub(super) fn on_dial_over(&mut self, link: LinkId, generation: u32) {
        let known = &mut self.links[link];
        if known.generation != generation || !known.dialling {
            return;
        }
        known.dialling = false;
        known.next_dial = known.next_dial.min(self.now + 1_000);
        if let Party::Console(console) = self.party(link, End::Dialler) {
            let voter = self.links[link].nodes[1];
            self.relay_lost(console, voter);
        }
    }

    pub(super) fn send(&mut self, link: LinkId, from: End, message: Message) {
        if !self.links[link].is_open(from) {
            return;
        }
        let generation = self.links[link].generation;
        match self.links[link].send(&mut self.net, self.now, from, message) {
            Sent::Arrives(at, message) => {
                self.queue.push(at, Event::Deliver(link, generation, from, message));
            }
            Sent::Retry(at) => self.queue.push(at, Event::Retry(link, generation, from)),
            Sent::Waits => {}
            Sent::Broken => self.links[link].close(from),
        }
    }

    pub(super) fn on_retry(&mut self, link: LinkId, generation: u32, from: End) {
        if self.links[link].generation != generation || !self.links[link].is_open(from) {
            return;
        }
        let (arriving, again) = self.links[link].retry(&mut self.net, self.now, from);
        for (at, message) in arriving {
            self.queue.push(at, Event::Deliver(link, generation, from, message));
        }
        if let Some(at) = again {
            self.queue.push(at, Event::Retry(link, generation, from));
        }
    }

    pub(super) fn on_deliver(&mut self, link: LinkId, generation: u32, from: End, message: Message) {
        let to = from.other();
        if self.links[link].generation != generation || !self.links[link].is_open(to) {
            return;
        }
        match self.party(link, to) {
            Party::Console(console) => {
                if self.consoles[console].asleep_until > self.now {
                    return;
                }
                if let Err(until) = self.consoles[console].awake(self.now) {
                    self.queue.push(until, Event::Deliver(link, generation, from, message));
                    return;
                }
                self.links[link].heard_at[to as usize] = self.now;
                let voter = self.links[link].nodes[1];
                self.console_hears(console, voter, link, message);
            }
            Party::Voter(voter) => {
                if let Err(until) = self.members[voter].awake(self.now) {
                    self.queue.push(until, Event::Deliver(link, generation, from, message));
                    return;
                }
                self.links[link].heard_at[to as usize] = self.now;
                self.voter_hears(voter, link, to, message);
            }
        }
    }

    /// One end closes, and says so if its kernel still can.
    pub(super) fn hang_up(&mut self, link: LinkId, end: End) {
        if self.links[link].is_open(end) {
            self.send(link, end, Message::Goodbye);
        }
        self.links[link].close(end);
    }

    /// Everything that a process held open ends with it.
    pub(super) fn drop_links_of(&mut self, party: Party, said: Farewell) {
        for link in 0..self.links.len() {
            for end in [End::Dialler, End::Acceptor] {
                if self.party(link, end) != party {
                    continue;
                }
                match said {
                    Farewell::Closed => self.hang_up(link, end),
                    Farewell::Silent => self.links[link].close(end),
                }
            }
        }
    }
}

/// Whether the other side learns that a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Its kernel closes the connections.
    Closed,
    /// Nothing more is sent.
    Silent,
}
