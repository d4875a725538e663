//! Voters: a guard on evidence (safety.md 4.2). The majority comes from the roster, never from who answers.

use model::settings::DoubleFault;
use model::{MemberId, Time};

use crate::machine::Machine;
use crate::plant::Bug;

/// Voters of the roster, who is heard, and how many an automatic move needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quorum {
    pub(crate) all: usize,
    pub(crate) heard: usize,
    pub(crate) needed: usize,
    /// With two voters this console's direct path must be a vantage point.
    pub(crate) needs_path: bool,
}

/// How many of `all` voters must be heard.
pub(crate) const fn needed(all: usize) -> usize {
    match all {
        0 | 1 => usize::MAX,
        2 => 1,
        n => n / 2 + 1,
    }
}

impl Machine {
    pub(crate) fn quorum(&self, now: Time) -> Quorum {
        let all = self.roster.members.len();
        let heard = self.sight.seen.values().filter(|seen| seen.is_heard(now)).count();
        Quorum { all, heard, needed: needed(all), needs_path: all == 2 }
    }

    /// Whether enough voters are heard for an automatic move away from `active`.
    pub(crate) fn voters_heard(&self, now: Time, active: MemberId) -> Result<(), Quorum> {
        let quorum = self.quorum(now);
        let other_heard = || {
            let mut others = self.sight.seen.iter().filter(|(id, _)| **id != active);
            others.any(|(_, seen)| seen.is_heard(now))
        };
        let lone = quorum.needs_path && !(other_heard() && self.console_is_vantage(now, active));
        let few = quorum.heard < quorum.needed;
        let may_be_few =
            quorum.all >= 3 && self.policy.settings.double_fault == DoubleFault::Move && quorum.heard > 0;
        if self.planted.has(Bug::MinorityMoves) {
            return Ok(());
        }
        if lone || (few && !may_be_few) { Err(quorum) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_follows_the_table() {
        assert_eq!([1, 2, 3, 4, 5, 6].map(needed), [usize::MAX, 1, 2, 3, 3, 4]);
    }
}
