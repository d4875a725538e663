//! The DNS register: one zone behind one of three providers, each with its own way to compare and set.
//!
//! Truth stands in [`Zone`]; a reading may be older than the truth, and a request may be applied late, twice, or
//! applied with its answer lost (the world decides when; this file decides what each request does when it arrives).
//! The three providers differ in what a request can carry:
//!
//! * Cloudflare: the batch names the marker's record id and the id of A. It cannot compare the content of A.
//! * WHM: the request names the zone's serial. Any other edit makes it fail.
//! * RFC 2136: prerequisites on the content of A and of the marker.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;

use evaluator::io::{Claim, MarkerText, Reading, WriteOutcome};
use model::{Marker, Time};

/// How many older states are kept for readings that lag.
const KEPT: usize = 64;

/// Which provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// One transaction per batch; the marker's record id is the token.
    Cloudflare,
    /// The zone's serial is the token.
    Whm,
    /// Prerequisites.
    Rfc2136,
}

/// What stands at the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// A records with their ids.
    pub a: Vec<(u64, Ipv4Addr)>,
    /// TXT records at the marker's name, with their ids.
    pub markers: Vec<(u64, MarkerText)>,
    /// Rises with every change.
    pub serial: u64,
}

impl Zone {
    fn marker(&self) -> Option<(u64, &Marker)> {
        match self.markers.as_slice() {
            [(id, MarkerText::Marker(marker))] => Some((*id, marker)),
            _ => None,
        }
    }

    fn single_a(&self) -> Option<(u64, Ipv4Addr)> {
        match self.a.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// What a provider's adapter remembers of a reading, to name it in the write that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    marker: Option<(u64, Marker)>,
    a: Option<(u64, Ipv4Addr)>,
    serial: u64,
}

/// One compare-and-set on its way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which console's process sent it.
    pub console: usize,
    /// What it wants.
    pub claim: Rc<Claim>,
    /// What the adapter read before; none: it has read nothing since its start.
    pub token: Option<Token>,
    /// Send without any precondition: only a planted bug does this.
    pub blind: bool,
}

/// One accepted write.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// True time.
    pub at: u64,
    /// Rises whenever somebody else touched the marker: epochs are compared within one lineage.
    pub lineage: u32,
    /// Who wrote.
    pub console: usize,
    /// What.
    pub claim: Rc<Claim>,
    /// The marker that stood before.
    pub before: Option<Marker>,
    /// The A that stood before.
    pub before_a: Vec<Ipv4Addr>,
}

/// The register.
#[derive(Clone, Debug)]
pub struct Register {
    /// Which provider.
    pub provider: Provider,
    zone: Zone,
    older: VecDeque<(u64, Zone)>,
    next_id: u64,
    /// Rises whenever somebody else touched the marker.
    pub lineage: u32,
    /// When somebody else last touched A.
    pub foreign_a_at: Option<u64>,
    /// Every accepted write.
    pub accepted: Vec<Accepted>,
}

impl Register {
    /// A register that somebody adopted: `marker` and its address stand.
    pub fn new(provider: Provider, marker: Marker) -> Self {
        let zone = Zone {
            a: vec![(1, marker.address)],
            markers: vec![(2, MarkerText::Marker(marker))],
            serial: 2_026_010_100,
        };
        Self {
            provider,
            zone,
            older: VecDeque::new(),
            next_id: 3,
            lineage: 0,
            foreign_a_at: None,
            accepted: Vec::new(),
        }
    }

    /// The truth.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The marker that stands, if it is the only one.
    pub fn marker(&self) -> Option<&Marker> {
        self.zone.marker().map(|(_, marker)| marker)
    }

    /// Where the name points, if it points to one address.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.zone.single_a().map(|(_, address)| address)
    }

    fn change(&mut self, now: u64, edit: impl FnOnce(&mut Zone, &mut u64)) {
        if self.older.len() == KEPT {
            self.older.pop_front();
        }
        self.older.push_back((now, self.zone.clone()));
        edit(&mut self.zone, &mut self.next_id);
        self.zone.serial += 1;
    }

    /// What a reading shows that is `lag` behind the truth.
    pub fn read(&self, now: u64, lag: u64, asked: Time) -> (Reading, Token) {
        // RFC 2136 asks the primary itself, with AA set.
        let lag = if self.provider == Provider::Rfc2136 { 0 } else { lag };
        let moment = now.saturating_sub(lag);
        let zone = self.older.iter().find(|(until, _)| *until > moment).map_or(&self.zone, |(_, zone)| zone);
        Self::show(zone, asked)
    }

    /// What a replica shows that has not seen the last change.
    pub fn read_before(&self, asked: Time) -> (Reading, Token) {
        Self::show(self.older.back().map_or(&self.zone, |(_, zone)| zone), asked)
    }

    fn show(zone: &Zone, asked: Time) -> (Reading, Token) {
        let reading = Reading {
            asked,
            a: zone.a.iter().map(|(_, address)| *address).collect(),
            markers: zone.markers.iter().map(|(_, text)| text.clone()).collect(),
            aaaa: false,
            cname: false,
        };
        let token = Token {
            marker: zone.marker().map(|(id, marker)| (id, marker.clone())),
            a: zone.single_a(),
            serial: zone.serial,
        };
        (reading, token)
    }

    /// Applies a request that has arrived, and says what the provider answers.
    pub fn apply(&mut self, now: u64, request: &Request) -> WriteOutcome {
        let claim = &request.claim;
        let accepted = request.blind || self.accepts(claim, request.token.as_ref());
        if !accepted {
            return WriteOutcome::Conflict;
        }
        self.accepted.push(Accepted {
            at: now,
            lineage: self.lineage,
            console: request.console,
            claim: Rc::clone(claim),
            before: self.marker().cloned(),
            before_a: self.zone.a.iter().map(|(_, address)| *address).collect(),
        });
        let (set_a, set_marker) = (claim.set_a, claim.set_marker.clone());
        self.change(now, |zone, next_id| {
            // A is changed in place, so its id stays; the marker is a new record.
            let id = zone.a.first().map_or(*next_id + 1, |(id, _)| *id);
            zone.a = vec![(id, set_a)];
            zone.markers = vec![(*next_id, MarkerText::Marker(set_marker))];
            *next_id += 2;
        });
        WriteOutcome::Accepted
    }

    fn accepts(&self, claim: &Claim, token: Option<&Token>) -> bool {
        let stands = self.zone.marker();
        match self.provider {
            Provider::Rfc2136 => {
                self.zone.a.as_slice().iter().map(|(_, a)| *a).eq([claim.expect_a])
                    && match &claim.expect_marker {
                        Some(expected) => stands.is_some_and(|(_, marker)| marker == expected),
                        // Adoption where no marker stands: the prerequisite is that the name is empty.
                        None => self.zone.markers.is_empty(),
                    }
            }
            Provider::Whm => token.is_some_and(|token| {
                token.serial == self.zone.serial
                    && token.a.map(|(_, a)| a) == Some(claim.expect_a)
                    && token.names(claim)
            }),
            Provider::Cloudflare => token.is_some_and(|token| {
                let a_exists = token
                    .a
                    .is_some_and(|(id, a)| a == claim.expect_a && self.zone.a.iter().any(|r| r.0 == id));
                let marker_exists = match &token.marker {
                    Some((id, _)) => self.zone.markers.iter().any(|record| record.0 == *id),
                    None => self.zone.markers.is_empty(),
                };
                a_exists && marker_exists && token.names(claim)
            }),
        }
    }

    /// Somebody else changes A.
    pub fn foreign_a(&mut self, now: u64, address: Ipv4Addr, how: ForeignA) {
        self.foreign_a_at = Some(now);
        self.change(now, |zone, next_id| match how {
            ForeignA::Edit => {
                if let Some(first) = zone.a.first_mut() {
                    first.1 = address;
                }
            }
            ForeignA::Replace => {
                zone.a = vec![(*next_id, address)];
                *next_id += 1;
            }
            ForeignA::Add => {
                zone.a.push((*next_id, address));
                *next_id += 1;
            }
        });
    }

    /// Somebody else takes the marker away, or doubles it.
    pub fn foreign_marker(&mut self, now: u64, how: ForeignMarker) {
        self.lineage += 1;
        self.change(now, |zone, next_id| match how {
            ForeignMarker::Delete => zone.markers.clear(),
            ForeignMarker::Double => {
                let text = MarkerText::Foreign("v=spf1 -all".to_owned());
                zone.markers.push((*next_id, text));
                *next_id += 1;
            }
        });
    }

    /// The provider restores an older state of the zone.
    pub fn roll_back(&mut self, now: u64) {
        let Some((_, zone)) = self.older.front().cloned() else { return };
        self.lineage += 1;
        self.foreign_a_at = Some(now);
        self.change(now, |current, next_id| {
            let serial = current.serial;
            *current = zone;
            current.serial = serial;
            for (id, _) in &mut current.markers {
                *id = *next_id;
                *next_id += 1;
            }
        });
    }

    /// Puts A and the marker back as they stood before a foreign change, as an operator would by hand.
    pub fn mend(&mut self, now: u64, address: Ipv4Addr, marker: Marker) {
        self.lineage += 1;
        self.change(now, |zone, next_id| {
            zone.a = vec![(*next_id, address)];
            zone.markers = vec![(*next_id + 1, MarkerText::Marker(marker))];
            *next_id += 2;
        });
    }
}

impl Token {
    /// Whether what was read is what the claim wants to replace.
    fn names(&self, claim: &Claim) -> bool {
        self.marker.as_ref().map(|(_, marker)| marker) == claim.expect_marker.as_ref()
    }
}

/// What somebody else does to A.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignA {
    /// Changes the content; the record id stays.
    Edit,
    /// Deletes it and creates another.
    Replace,
    /// Adds a second one.
    Add,
}

/// What somebody else does to the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignMarker {
    /// Deletes it.
    Delete,
    /// Puts another text beside it.
    Double,
}
