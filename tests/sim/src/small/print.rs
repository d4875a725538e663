//! What tells one small world from another, as a number.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use model::Time;

use super::{Desk, Flight, Small};

impl Small {
    /// What tells this world from another.
    pub fn fingerprint(&mut self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.now.as_ms().hash(&mut hash);
        let mut write = Written(&mut hash);
        let _ = std::fmt::write(
            &mut write,
            format_args!("{:?}{:?}{:?}{:?}", self.hosts, self.register.zone(), self.told, self.lease),
        );
        for accepted in &self.register.accepted {
            accepted.claim.nonce.hash(&mut hash);
        }
        self.register.lineage.hash(&mut hash);
        let mut flights: Vec<_> = self.flights.iter().map(Flight::print).collect();
        flights.sort_unstable();
        flights.hash(&mut hash);
        self.intents.keys().for_each(|nonce| nonce.hash(&mut hash));
        self.records.keys().for_each(|epoch| epoch.hash(&mut hash));
        for console in 0..self.desks.len() {
            if self.desks[console].print == 0 {
                let print = self.desks[console].look();
                Rc::make_mut(&mut self.desks[console]).print = print;
            }
            self.desks[console].print.hash(&mut hash);
        }
        hash.finish()
    }
}

impl Flight {
    fn print(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (self.desk, self.start, self.claim.nonce).hash(&mut hash);
        let _ = std::fmt::write(&mut Written(&mut hash), format_args!("{:?}", self.leg));
        hash.finish()
    }
}

impl Desk {
    fn look(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (self.frozen.map(Time::as_ms), self.store, self.view, self.starts, self.knows_records)
            .hash(&mut hash);
        let _ = std::fmt::write(
            &mut Written(&mut hash),
            format_args!(
                "{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
                self.machine, self.held, self.reading, self.open, self.disk, self.outbox, self.token
            ),
        );
        hash.finish().max(1)
    }
}

/// Hashes what is written, without keeping it.
struct Written<'a>(&'a mut DefaultHasher);

impl std::fmt::Write for Written<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
