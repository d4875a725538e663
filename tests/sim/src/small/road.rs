//! What consoles ask for, on its way: to the relays, to the register, and back. Nothing arrives by itself.

use std::rc::Rc;

use evaluator::io::{
    Cause, Claim, ForeignIntent, Holder, Input, LeaseAnswer, NoticeKind, Output, Reach, WriteOutcome,
};
use model::settings::LEASE_CONSOLE;
use model::{Span, Time};

use super::{Flight, Leg, Noted, Sent, Small, View};
use crate::ids;
use crate::planted::Planted;
use crate::register::Request;

impl Small {
    pub(super) fn obey(&mut self, console: usize, output: Output) {
        match output {
            Output::WakeAt(at) => {
                let desk = self.desk(console);
                desk.wake = Some(desk.wake.map_or(at, |before| before.min(at)));
            }
            Output::LeaseRequest { .. } => self.answer_lease(console),
            Output::LeaseRelease => self.lease = self.lease.filter(|(holder, _)| *holder != console),
            Output::IntentAnnounce(claim) => self.announce(console, &claim),
            Output::IntentClose { nonce, .. } => {
                self.intents.remove(&nonce);
                self.desk(console).open.retain(|claim| claim.nonce != nonce);
            }
            Output::DnsRead => self.read(console),
            Output::DnsCas { claim, not_after, .. } => self.send(console, not_after, claim),
            Output::Role { epoch, .. } => self.epoch_max = self.epoch_max.max(epoch),
            Output::Moved(record, _) => {
                let born = Time::from_ms(self.now.as_ms() - record.age.as_ms());
                let slot = self.records.entry(record.epoch).or_insert((record, born));
                slot.0.acknowledged |= record.acknowledged;
                slot.0.verified |= record.verified;
                self.records_version += 1;
            }
            Output::Notify(notice) => {
                if notice.kind == NoticeKind::Moved && notice.reach == Reach::Shared {
                    self.told.extend(notice.incident);
                }
                self.note(console, Noted::Notice(notice));
            }
            Output::Journal(entry) => self.note(console, Noted::Entry(entry)),
            Output::Revive(_) => {
                let words = "SSH does not answer".to_owned();
                self.queue.push_back((console, Input::Revived(words)));
            }
            Output::Poll(_) => {}
        }
    }

    pub(super) fn reaches(&self, console: usize, place: usize) -> bool {
        let desk = &self.desks[console];
        desk.online && !desk.cut_from.contains(&place) && self.hosts[place].speaks()
    }

    pub(super) fn relays(&self, console: usize) -> Vec<usize> {
        (0..self.hosts.len()).filter(|place| self.reaches(console, *place)).collect()
    }

    pub(super) fn answer_lease(&mut self, console: usize) {
        let relays = self.relays(console);
        let now = self.now;
        let other = self.lease.filter(|(holder, until)| *holder != console && *until > now);
        let granted = self.shape.lease_for_all || other.is_none();
        if granted && !relays.is_empty() {
            self.lease = Some((console, now + LEASE_CONSOLE));
        }
        let holder = other.filter(|_| !granted);
        let holder = holder.map(|(console, _)| Holder { rank: 100, console: ids::console(console) });
        for place in relays {
            let answer = LeaseAnswer { sent: now, granted, holder, wanted_by: None, refusal: None };
            self.queue.push_back((console, Input::Lease { relay: ids::member(place), answer }));
        }
    }

    pub(super) fn announce(&mut self, console: usize, claim: &Claim) {
        let Some(place) = self.relays(console).first().copied() else { return };
        let intent = ForeignIntent {
            console: ids::console(console),
            epoch: claim.epoch,
            nonce: claim.nonce,
            target: claim.member,
            age: Span::ZERO,
        };
        let now = self.now;
        self.intents.entry(claim.nonce).or_insert((intent, now));
        let stored = Input::IntentStored { relay: ids::member(place), nonce: claim.nonce };
        self.queue.push_back((console, stored));
    }

    pub(super) fn read(&mut self, console: usize) {
        if !self.desks[console].online || !self.provider_answers {
            let fault = evaluator::io::DnsFault::Unreachable("no answer".to_owned());
            self.queue.push_back((console, Input::DnsRead(Err(fault))));
            return;
        }
        let view = std::mem::take(&mut self.desk(console).view);
        let (reading, token) = if view == View::Old {
            self.register.read_before(self.now)
        } else {
            self.register.read(self.now.as_ms(), 0, self.now)
        };
        if view == View::Held {
            self.desk(console).reading = Some((reading, token));
            return;
        }
        self.desk(console).token = Some(token);
        self.queue.push_back((console, Input::DnsRead(Ok(reading))));
    }

    /// A reading that was held arrives.
    pub fn deliver_reading(&mut self, console: usize) {
        if let Some((reading, token)) = self.desk(console).reading.take() {
            self.desk(console).token = Some(token);
            self.input(console, Input::DnsRead(Ok(reading)));
        }
    }

    pub(super) fn send(&mut self, console: usize, not_after: Time, claim: Claim) {
        if self.now > not_after && self.shape.planted != Some(Planted::LateSendAllowed) {
            let outcome = WriteOutcome::NotSent("this process stood still".into());
            self.queue.push_back((console, Input::DnsWrite { nonce: claim.nonce, outcome }));
            self.note(console, Noted::NotSent);
            return;
        }
        let claim = Rc::new(claim);
        let desk = self.desk(console);
        let aborts = |other: &&Claim| claim.cause == Cause::Abort || other.cause == Cause::Abort;
        let other = |other: &&Claim| {
            other.nonce != claim.nonce && (other.expect_marker != claim.expect_marker || !aborts(other))
        };
        let sent = Sent {
            kept: desk.disk.intent.iter().chain(&desk.disk.abort).any(|kept| *kept == *claim),
            beside: desk.open.iter().find(other).map(|other| other.nonce),
            claim: Rc::clone(&claim),
        };
        self.note(console, Noted::Sent(sent));
        let desk = self.desk(console);
        let (start, token) = (desk.starts, desk.token.clone());
        if desk.open.iter().all(|open| open.nonce != claim.nonce) {
            desk.open.push((*claim).clone());
        }
        if !desk.online || !self.provider_answers {
            return;
        }
        self.flights.push(Flight { desk: console, start, claim, leg: Leg::There(token) });
        if self.shape.prompt {
            let place = self.flights.len() - 1;
            self.land(place, false);
            if let Some(place) = self.answer_for(console) {
                self.answer(place);
            }
        }
    }

    pub(super) fn answer_for(&self, console: usize) -> Option<usize> {
        self.flights.iter().position(|flight| flight.desk == console && matches!(flight.leg, Leg::Back(_)))
    }

    /// A request arrives at the register; with `again`, a copy of it stays on its way.
    pub fn land(&mut self, place: usize, again: bool) {
        let flight = self.flights.remove(place);
        let Leg::There(token) = flight.leg.clone() else { return };
        let blind = self.shape.planted == Some(Planted::BlindWrite);
        let request = Request { console: flight.desk, claim: Rc::clone(&flight.claim), token, blind };
        let outcome = self.register.apply(self.now.as_ms(), &request);
        let noted = if outcome == WriteOutcome::Accepted {
            Noted::Accepted(Rc::clone(&flight.claim))
        } else {
            Noted::Refused(Rc::clone(&flight.claim))
        };
        self.note(flight.desk, noted);
        if again {
            self.flights.push(flight.clone());
        }
        let desk = &self.desks[flight.desk];
        if desk.machine.is_some() && desk.starts == flight.start {
            self.flights.push(Flight { leg: Leg::Back(outcome), ..flight });
        }
    }

    /// An answer arrives.
    pub fn answer(&mut self, place: usize) {
        let flight = self.flights.remove(place);
        let Leg::Back(outcome) = flight.leg else { return };
        if self.desks[flight.desk].starts == flight.start {
            self.queue.push_back((flight.desk, Input::DnsWrite { nonce: flight.claim.nonce, outcome }));
            if !self.shape.prompt {
                self.drain();
            }
        }
    }

    /// An answer arrives, and what follows from it happens.
    pub fn answer_now(&mut self, place: usize) {
        self.answer(place);
        self.drain();
    }
}
