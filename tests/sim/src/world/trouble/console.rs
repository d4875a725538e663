//! Trouble of a console's computer: sleep, stalls, ends, copies, lost credentials.

use evaluator::io::{Input, OwnFault};

use crate::fault::Fault;

use super::super::traffic::{Farewell, Party};
use super::super::{Event, World};
use super::Undo;

impl World {
    pub(super) fn console_trouble(&mut self, fault: Fault) {
        match fault {
            Fault::Stall(console, ms) => {
                let until = self.now + ms;
                self.consoles[console].stalled_until = self.consoles[console].stalled_until.max(until);
            }
            Fault::Suspend(console, ms) => self.sleep(console, ms),
            Fault::SuspendAfterSending(console, ms) => self.consoles[console].sleeps_after_sending = Some(ms),
            Fault::DarkWake(console, awake_ms, ms) => {
                self.sleep(console, ms / 2);
                self.heal_in(ms / 2 + awake_ms, Undo::SleepOn(console, ms / 2));
            }
            Fault::Crash(console, ms) => self.crash(console, ms),
            Fault::CrashBeforeActing(console, skip, ms) => {
                self.consoles[console].dies_before_acting = Some((skip, ms));
            }
            Fault::StallBeforeSending(console, ms) => self.consoles[console].stalls_before_sending = Some(ms),
            Fault::Clone(console) => self.copy(console),
            Fault::CredentialLost(console, ms) => {
                self.consoles[console].credential_lost += 1;
                self.tell_credential(console);
                self.heal_in(ms, Undo::CredentialBack(console));
            }
            Fault::CredentialRevoked(console, ms) => {
                self.consoles[console].revoked += 1;
                self.heal_in(ms, Undo::Unrevoked(console));
            }
            Fault::StoreRefuses(console, ms) => {
                self.consoles[console].store_refuses += 1;
                self.heal_in(ms, Undo::StoreBack(console));
            }
            Fault::FleetGuard(console, ms) => {
                self.consoles[console].fleet_guard += 1;
                self.heal_in(ms, Undo::GuardOver(console));
            }
            Fault::NetChange(console, attachment) => {
                self.consoles[console].attachment = attachment;
                if self.consoles[console].process.is_some() && self.consoles[console].awake(self.now).is_ok()
                {
                    self.own_fault(console, OwnFault::NetworkChanged(attachment));
                }
            }
            Fault::ConsoleRate(console, rate, ms) => {
                let before = self.consoles[console].clock.rate();
                self.consoles[console].clock.set_rate(self.now, rate);
                self.heal_in(ms, Undo::ConsoleRate(console, before));
            }
            Fault::WallStep(console, ms) => self.consoles[console].clock.wall_offset_ms += ms,
            Fault::CaptivePortal(console, ms) => {
                self.consoles[console].captive += 1;
                self.drop_links_of(Party::Console(console), Farewell::Silent);
                for link in 0..self.members.len() {
                    let link = self.console_link(console, link);
                    self.links[link].next_dial = self.now;
                }
                self.heal_in(ms, Undo::PortalOver(console));
            }
            _ => {}
        }
    }

    pub(in crate::world) fn sleep(&mut self, console: usize, ms: u64) {
        let until = self.now + ms;
        let known = &mut self.consoles[console];
        if known.asleep_until > self.now {
            return;
        }
        known.asleep_until = until;
        known.asleep_since = known.tb(self.now);
        self.heal_in(ms, Undo::Woke(console));
    }

    pub(in crate::world) fn woke(&mut self, console: usize) {
        let known = &mut self.consoles[console];
        known.clock.slept(known.asleep_since, self.now);
        self.drop_links_of(Party::Console(console), Farewell::Silent);
    }

    pub(super) fn copy(&mut self, console: usize) {
        let free = self.consoles.iter().position(|other| other.is_clone && other.life == 0);
        let Some(copy) = free else { return };
        let original = &self.consoles[console];
        let mut disk = original.disk.clone();
        if let Some(kept) = original.kept() {
            disk.memory = kept;
        }
        let (id, rank, clock) = (original.id, original.rank, original.clock.clone());
        let target = &mut self.consoles[copy];
        target.disk = disk;
        target.id = id;
        target.rank = rank;
        target.clock = clock;
        self.queue.push(self.now + 500, Event::Start(copy, 0));
    }

    pub(super) fn tell_credential(&mut self, console: usize) {
        let known = &self.consoles[console];
        // Whatever becomes of the provider: without a disk there is no credential here.
        if known.process.as_ref().is_none_or(|process| process.refused) || known.awake(self.now).is_err() {
            return;
        }
        let credential = known.credential();
        self.step(console, Input::Credential(credential));
    }
}
