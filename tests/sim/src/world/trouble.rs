//! Faults begin and end here: which trouble each one is, and how it heals. [`network`], [`console`] and [`member`] do
//! it; [`operator`] clicks.

mod console;
mod member;
mod network;
mod operator;

use evaluator::io::{Credential, Watch};

use crate::clock::RATE_ONE;
use crate::fault::{Fault, Place, Whom};
use crate::member::Snapshot;
use crate::register::ForeignA;
use crate::trace::Node;

use super::{Event, World};

/// How a fault heals.
#[derive(Clone, Debug)]
pub enum Undo {
    /// Cuts are taken away.
    Mend(Vec<(usize, usize)>),
    /// A bad layer is taken away everywhere.
    Improve(u32),
    /// A computer wakes.
    Woke(usize),
    /// It sleeps on, for these ms.
    SleepOn(usize, u64),
    /// A credential can be used again.
    CredentialBack(usize),
    /// The provider takes it again.
    Unrevoked(usize),
    /// The captive portal is gone.
    PortalOver(usize),
    /// A console's disk takes what it is given again.
    StoreBack(usize),
    /// A console's engine holds the fleet guard no longer.
    GuardOver(usize),
    /// A console's clock runs as it did.
    ConsoleRate(usize, u64),
    /// A member's clock runs as it did.
    MemberRate(usize, u64),
    /// A host gets power.
    PowerUp(usize),
    /// An agent starts, unless something else happened to it since.
    AgentBack(usize, u32),
    /// HAProxy is repaired, unless something else happened to it since.
    Repair(usize, u32),
    /// A host goes down in order, right after it said so.
    HostGone(usize, u64),
    /// A snapshot is put back.
    PutBack(usize, Box<Snapshot>),
    /// A relay speaks the truth again.
    Honest(usize),
    /// Maintenance is over.
    Maintained(usize),
    /// The configuration is good again.
    ConfigGood(usize),
    /// The provider is well again.
    Clear(u32),
    /// A console's watch goes on.
    WatchOn(usize),
}

impl World {
    pub(super) fn on_fault(&mut self, index: usize) {
        let (_, fault) = self.plan.faults[index];
        if let Some((next, _)) = self.plan.faults.get(index + 1) {
            self.queue.push(*next, Event::Fault(index + 1));
        }
        self.totals.faults += 1;
        self.oracle.disturbed_at = self.now;
        // A wall clock's reading is no event: the same world with other wall clocks has the same trace (I11).
        let text =
            if matches!(fault, Fault::WallStep(..)) { "WallStep".to_owned() } else { format!("{fault:?}") };
        self.tell(Node::World, text);
        self.suffer(fault);
    }

    fn heal_in(&mut self, ms: u64, undo: Undo) {
        self.queue.push(self.now + ms, Event::Undo(self.era, undo));
    }

    fn who(&self, whom: Whom) -> usize {
        match whom {
            Whom::Active => self.active().unwrap_or(0),
            Whom::Voter(place) => place,
        }
    }

    fn node(&self, place: Place) -> usize {
        match place {
            Place::Voter(whom) => self.who(whom),
            Place::Console(console) => self.members.len() + console,
            Place::Register => self.register_node(),
        }
    }

    pub(super) fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Cut(..)
            | Fault::Isolate(..)
            | Fault::AllButOne(..)
            | Fault::Partition(..)
            | Fault::Bad(..)
            | Fault::BadAll(..) => {
                self.network_trouble(fault);
            }
            Fault::Stall(..)
            | Fault::Suspend(..)
            | Fault::SuspendAfterSending(..)
            | Fault::DarkWake(..)
            | Fault::Crash(..)
            | Fault::CrashBeforeActing(..)
            | Fault::StallBeforeSending(..)
            | Fault::Clone(..)
            | Fault::CredentialLost(..)
            | Fault::CredentialRevoked(..)
            | Fault::NetChange(..)
            | Fault::StoreRefuses(..)
            | Fault::FleetGuard(..)
            | Fault::ConsoleRate(..)
            | Fault::WallStep(..)
            | Fault::CaptivePortal(..) => self.console_trouble(fault),
            Fault::PowerCut(..)
            | Fault::Shutdown(..)
            | Fault::PlannedReboot(..)
            | Fault::Freeze(..)
            | Fault::AgentStall(..)
            | Fault::Agent(..)
            | Fault::Haproxy(..)
            | Fault::DoublePowerCut(..)
            | Fault::Snapshot(..)
            | Fault::Lying(..)
            | Fault::MemberRate(..)
            | Fault::Maintenance(..)
            | Fault::BadConfig(..) => self.member_trouble(fault),
            Fault::Weather(weather, ms) => {
                let layer = self.layer();
                self.weather.gather(layer, weather);
                self.heal_in(ms, Undo::Clear(layer));
            }
            Fault::ForeignA(how) => {
                let other = std::net::Ipv4Addr::new(45, 76, 99, 1);
                let own = self.register.address().unwrap_or(other);
                let address = if how == ForeignA::Replace && self.dice.percent(50) { own } else { other };
                self.register.foreign_a(self.now, address, how);
            }
            Fault::ForeignMarker(how) => self.register.foreign_marker(self.now, how),
            Fault::RollBack => {
                self.register.roll_back(self.now);
                // Epochs begin again from an older one, and records of one epoch are one move.
                self.oracle.moves.clear();
            }
            Fault::Click(console, click) => self.click(console, click),
            Fault::RosterBump => {
                self.newest_roster += 1;
                self.publish(0);
            }
            Fault::PolicyDelay(delay_s) => {
                let mut docs = (*self.newest_docs).clone();
                docs.settings.delay_s = delay_s;
                self.sign(0, docs);
            }
        }
    }

    fn layer(&mut self) -> u32 {
        self.layers += 1;
        self.layers
    }

    pub(super) fn on_undo(&mut self, undo: Undo) {
        self.oracle.disturbed_at = self.now;
        match undo {
            Undo::Mend(pairs) => {
                for (from, to) in pairs {
                    self.net.mend(from, to);
                }
            }
            Undo::Improve(layer) => {
                for a in 0..self.net.nodes() {
                    for b in 0..self.net.nodes() {
                        self.net.improve(a, b, layer);
                    }
                }
            }
            Undo::Woke(console) => self.woke(console),
            Undo::SleepOn(console, ms) => self.sleep(console, ms),
            Undo::CredentialBack(console) => {
                self.consoles[console].credential_lost =
                    self.consoles[console].credential_lost.saturating_sub(1);
                if self.consoles[console].credential() == Credential::Working {
                    self.tell_credential(console);
                }
            }
            Undo::Unrevoked(console) => {
                self.consoles[console].revoked = self.consoles[console].revoked.saturating_sub(1);
            }
            Undo::PortalOver(console) => {
                self.consoles[console].captive = self.consoles[console].captive.saturating_sub(1);
            }
            Undo::StoreBack(console) => {
                self.consoles[console].store_refuses = self.consoles[console].store_refuses.saturating_sub(1);
            }
            Undo::GuardOver(console) => {
                self.consoles[console].fleet_guard = self.consoles[console].fleet_guard.saturating_sub(1);
            }
            Undo::ConsoleRate(console, rate) => self.consoles[console].clock.set_rate(self.now, rate),
            Undo::Clear(layer) => self.weather.clear(layer),
            Undo::WatchOn(console) => self.switch_watch(console, Watch::On),
            Undo::MemberRate(..)
            | Undo::PowerUp(_)
            | Undo::AgentBack(..)
            | Undo::Repair(..)
            | Undo::HostGone(..)
            | Undo::PutBack(..)
            | Undo::Honest(_)
            | Undo::Maintained(_)
            | Undo::ConfigGood(_) => self.undo_member(undo),
        }
    }

    /// A rate that a clock may have in the healed time.
    pub(super) fn tame(rate: u64) -> u64 {
        rate.clamp(RATE_ONE * 9 / 10, RATE_ONE * 11 / 10)
    }
}
