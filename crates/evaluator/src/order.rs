//! Rule e: what an operator wants, whether it may run now, and why not.

use model::{MemberId, Span, Time};

use crate::claim::{Work, outcome};
use crate::io::{Cause, Command, Credential, Output, Part, State};
use crate::machine::Machine;

/// An operator's move waits this long for an outcome that must be learned first.
pub(crate) const ORDER_WAITS: Span = Span::from_s(60);

/// What an operator wants.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) at: Time,
}

impl Machine {
    /// Rule e: an operator's order, if it may run now. Gives the work, or says why not.
    pub(crate) fn take_order(&mut self, now: Time, out: &mut Vec<Output>) -> Option<Work> {
        let open = self.memory.intent.is_some() && self.state != State::Claim;
        if open || matches!(self.state, State::Write | State::Unknown | State::Adopt) {
            return None;
        }
        let order = self.order.take()?;
        match self.work_of(now, &order.command) {
            Ok(work) => Some(work),
            Err(why) => {
                self.note(now, outcome::REFUSED, why, out);
                None
            }
        }
    }

    pub(crate) fn work_of(&self, now: Time, command: &Command) -> Result<Work, String> {
        let drifted = self.state == State::Drift || self.memory.drift.is_some();
        let settled = || {
            if drifted { Err("the record was changed by others: adopt or restore it first") } else { Ok(()) }
        };
        match command {
            Command::Activate { member, even_if_not_ready, by } => {
                settled()?;
                self.move_work(now, *member, *even_if_not_ready, by)
            }
            Command::Cutover { by } => {
                settled()?;
                let target = self.best_standby(now).ok_or("no standby is ready")?;
                self.move_work(now, target, false, by)
            }
            Command::AdoptRecord { by } | Command::RestoreRecord { by } => {
                if self.state != State::Drift {
                    return Err("the record is not in DRIFT".to_owned());
                }
                let restore = matches!(command, Command::RestoreRecord { .. });
                self.drift_work(now, restore, by)
            }
            Command::Acknowledge { .. } | Command::Watch(_) => Err("not a move".to_owned()),
        }
    }

    pub(crate) fn move_work(
        &self,
        now: Time,
        target: MemberId,
        forced: bool,
        by: &str,
    ) -> Result<Work, String> {
        if self.active == Some(target) {
            return Err(format!("{} is the active member already", self.name(target)));
        }
        if let Some(why) = self.order_refusal(now, target, forced) {
            return Err(why);
        }
        let reason = format!("{by} moved traffic to {}", self.name(target));
        Ok(Work { forced, ..Work::new(now, Cause::Manual, target, reason) })
    }

    pub(crate) fn drift_work(&self, now: Time, restore: bool, by: &str) -> Result<Work, String> {
        let (address, _) = self.register.settleable()?;
        let mine = self.memory.marker.as_ref().ok_or("this console knows no epoch of this name")?;
        let wanted = if restore { mine.address } else { address };
        let found = self.roster.members.iter().find(|(_, entry)| entry.address == wanted);
        let target = match (found, restore) {
            (Some((id, _)), _) => *id,
            (None, true) => self.active.ok_or("the former active member is not in the roster")?,
            (None, false) => {
                return Err(format!(
                    "{address} is not the address of any member: restore the record instead"
                ));
            }
        };
        let verb = if restore { "put the record back" } else { "took the record over as it stands" };
        Ok(Work { restore, ..Work::new(now, Cause::Adopt, target, format!("{by} {verb}")) })
    }

    /// Why an operator's move may not run now.
    pub(crate) fn order_refusal(&self, now: Time, target: MemberId, forced: bool) -> Option<String> {
        if let Credential::Missing(words) = &self.credential {
            return Some(format!("no usable DNS credential: {words}"));
        }
        if self.policy.hostname.is_none() {
            return Some("this pool has no managed name".to_owned());
        }
        if self.memory.marker.is_none() {
            return Some("the record has not been adopted yet".to_owned());
        }
        match self.roster.members.get(&target) {
            None => return Some(format!("{} is not in the roster", target.short())),
            Some(entry) if entry.part == Part::Witness => {
                return Some(format!("{} is a witness and carries no traffic", entry.name));
            }
            Some(_) => {}
        }
        let bar = self.bar(now, target).filter(|_| !forced)?;
        Some(format!("{} {}", self.name(target), bar.words()))
    }
}
