//! Operators click, and sign documents.

use std::rc::Rc;

use evaluator::io::{Command, Input, Watch};

use crate::fault::Click;
use crate::ids;
use crate::link::End;
use crate::wire::{Docs, Message};

use super::super::World;
use super::Undo;

impl World {
    /// An operator clicks.
    pub(in crate::world) fn click(&mut self, console: usize, click: Click) {
        let by = || "operator".to_owned();
        let member = |place: usize| ids::member(place);
        match click {
            Click::Activate { member: place, force } => {
                let command = Command::Activate { member: member(place), even_if_not_ready: force, by: by() };
                self.order(console, command);
            }
            Click::Cutover => {
                self.order(console, Command::Cutover { by: by() });
            }
            Click::Acknowledge => {
                if self.order(console, Command::Acknowledge { by: by() }) {
                    self.oracle.seen_at = self.now;
                }
            }
            Click::Adopt => {
                self.order(console, Command::AdoptRecord { by: by() });
            }
            Click::Restore => {
                self.order(console, Command::RestoreRecord { by: by() });
            }
            Click::Pause(ms) => {
                let docs = Docs { paused_until: self.now + ms, ..(*self.newest_docs).clone() };
                self.sign(console, docs);
            }
            Click::Resume => {
                let docs = Docs { paused_until: 0, ..(*self.newest_docs).clone() };
                self.sign(console, docs);
            }
            Click::WatchOff(ms) => {
                self.consoles[console].watch_off_until = self.now + ms;
                self.switch_watch(console, Watch::Off);
                self.heal_in(ms, Undo::WatchOn(console));
            }
        }
    }

    pub(super) fn switch_watch(&mut self, console: usize, watch: Watch) {
        if watch == Watch::On && self.consoles[console].watch_off_until > self.now {
            return;
        }
        self.order(console, Command::Watch(watch));
    }

    pub(in crate::world) fn order(&mut self, console: usize, command: Command) -> bool {
        let known = &self.consoles[console];
        if known.process.is_none() || known.awake(self.now).is_err() || !self.look(console) {
            return false;
        }
        self.step(console, Input::Operator(command));
        true
    }

    /// An operator signs a new policy on this console.
    pub(in crate::world) fn sign(&mut self, console: usize, docs: Docs) {
        let known = &self.consoles[console];
        if known.process.is_none() || known.awake(self.now).is_err() {
            return;
        }
        let version = known.disk.docs.policy_version.max(self.newest_docs.policy_version) + 1;
        let docs = Rc::new(Docs { policy_version: version, ..docs });
        self.newest_docs = Rc::clone(&docs);
        self.consoles[console].disk.docs = Rc::clone(&docs);
        let input = Input::Policy(crate::console::policy(&docs, self.now));
        self.step(console, input);
        self.publish(console);
    }

    /// A console gives the newest documents to every relay it reaches.
    pub(super) fn publish(&mut self, console: usize) {
        if self.consoles[console].process.is_none() || self.consoles[console].awake(self.now).is_err() {
            return;
        }
        let roster_version = self.newest_roster;
        if roster_version > self.consoles[console].disk.roster_version {
            self.consoles[console].disk.roster_version = roster_version;
            let input = Input::Roster(crate::console::roster(&self.plan, roster_version));
            self.step(console, input);
        }
        for voter in 0..self.members.len() {
            let link = self.console_link(console, voter);
            let docs = Rc::clone(&self.consoles[console].disk.docs);
            if self.links[link].is_open(End::Dialler) {
                self.send(link, End::Dialler, Message::DocsPut(docs, roster_version));
            }
        }
    }
}
