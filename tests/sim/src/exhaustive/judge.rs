//! What must hold in every world of the search, judged by the register's truth and not by the consoles' own books.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use evaluator::claim::outcome;
use evaluator::io::{Entry, State};
use model::Time;

use crate::invariant::register::{i1_epochs_rise_by_one, i2_the_marker_read_is_the_marker_replaced};
use crate::invariant::{Check, Invariant, Violation};
use crate::small::{Noted, Sent, Small};

use super::{Seen, broken, is_told};

/// What was judged so far.
#[derive(Clone, Debug)]
pub(super) struct Judge {
    accepted: usize,
    /// Epochs of which a console has said that nothing proves what became of its claim.
    unknowable: BTreeSet<(usize, u64)>,
}

impl Hash for Judge {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.accepted.hash(state);
        self.unknowable.hash(state);
    }
}

impl Judge {
    pub(super) fn new(_consoles: usize) -> Self {
        Self { accepted: 0, unknowable: BTreeSet::new() }
    }

    /// Everything that was noted since the last time, in its order.
    pub(super) fn all(&mut self, small: &Small, noted: &[(Time, usize, Noted)]) -> Check {
        self.accepted_writes(small)?;
        for (place, (_, console, what)) in noted.iter().enumerate() {
            match what {
                Noted::Sent(sent) => Self::sent(*console, sent)?,
                Noted::Entry(entry) if entry.from == entry.to => {
                    let later = &noted[place..];
                    self.outcome(small, *console, entry, later)?;
                }
                Noted::Entry(_)
                | Noted::Notice(_)
                | Noted::NotSent
                | Noted::Accepted(_)
                | Noted::Refused(_) => {}
            }
        }
        Ok(())
    }

    /// I1 and I2: at most one accepted write per epoch and per marker, and its writer had read that marker.
    fn accepted_writes(&mut self, small: &Small) -> Check {
        let all = &small.register.accepted;
        for (place, new) in all.iter().enumerate().skip(self.accepted) {
            i1_epochs_rise_by_one(new)?;
            i2_the_marker_read_is_the_marker_replaced(new)?;
            let twice = all[..place].iter().find(|old| {
                old.claim.epoch == new.claim.epoch || old.claim.expect_marker == new.claim.expect_marker
            });
            if let Some(old) = twice {
                let text = format!(
                    "epoch {} was accepted twice: nonces {} and {}",
                    new.claim.epoch, old.claim.nonce, new.claim.nonce
                );
                return Err(broken(Invariant::I1, text));
            }
        }
        self.accepted = all.len();
        Ok(())
    }

    /// I6: nothing leaves that does not stand on disk, and while one claim is open only the identical one again, or
    /// the abort on the same marker.
    fn sent(console: usize, sent: &Sent) -> Check {
        let nonce = sent.claim.nonce;
        if !sent.kept {
            let text = format!("console {console} sent nonce {nonce} that is not on its disk");
            return Err(broken(Invariant::I6, text));
        }
        if let Some(other) = sent.beside {
            let text = format!("console {console} sent nonce {nonce} while {other} is open");
            return Err(broken(Invariant::I6, text));
        }
        Ok(())
    }

    /// I3, and: who has lost goes to ADOPT.
    fn outcome(
        &mut self,
        small: &Small,
        console: usize,
        entry: &Entry,
        later: &[(Time, usize, Noted)],
    ) -> Check {
        let Some(epoch) = epoch_in(&entry.reason) else { return Ok(()) };
        let of_epoch = || small.register.accepted.iter().filter(|write| write.claim.epoch == epoch);
        let mine = of_epoch().any(|write| write.console == console);
        let others = of_epoch().any(|write| write.console != console);
        if entry.cause == outcome::UNKNOWN {
            self.unknowable.insert((console, epoch));
        }
        if entry.cause == outcome::WON && !mine {
            let text = format!("console {console} says that it won epoch {epoch}");
            return Err(broken(Invariant::I3, text));
        }
        if entry.cause != outcome::LOST {
            return Ok(());
        }
        if mine || !others {
            let text = format!("console {console} says that it lost epoch {epoch}");
            return Err(broken(Invariant::I3, text));
        }
        let adopts = later.iter().any(|(_, of, noted)| {
            *of == console && matches!(noted, Noted::Entry(entry) if entry.to == State::Adopt)
        });
        if !adopts {
            let text = format!("console {console} lost epoch {epoch} and does not adopt it");
            return Err(broken(Invariant::I3, text));
        }
        Ok(())
    }

    /// Every console believes what stands in the register, and none has anything open.
    #[expect(clippy::unused_self, reason = "asked beside its other questions")]
    pub(super) fn is_settled(&self, small: &Small) -> bool {
        let Some(standing) = small.register.marker() else { return false };
        (0..small.desks.len()).all(|console| {
            let memory = small.disk(console);
            memory.marker.as_ref() == Some(standing)
                && memory.intent.is_none()
                && memory.abort.is_none()
                && memory.drift.is_none()
        })
    }

    /// I17, for people.
    #[expect(clippy::unused_self, reason = "asked beside its other questions")]
    pub(super) fn unsettled(&self, small: &Small) -> Violation {
        let states: Vec<_> = small
            .desks
            .iter()
            .map(|desk| desk.machine.as_ref().map(|machine| (machine.state(), machine.memory())))
            .collect();
        broken(Invariant::I17, format!("not settled: {:?} {states:?}", small.register.marker()))
    }

    /// I18: every accepted move was told to people and stands in the records.
    pub(super) fn nothing_lost(&self, small: &Small) -> Check {
        for write in small.register.accepted.iter().filter(|write| is_told(write.claim.cause)) {
            let epoch = write.claim.epoch;
            if self.unknowable.contains(&(write.console, epoch)) {
                continue;
            }
            let untold = write.claim.incident.is_some_and(|incident| !small.told.contains(&incident));
            if untold || !small.records.contains_key(&epoch) {
                let text =
                    format!("the move of epoch {epoch} by console {} was told to nobody", write.console);
                return Err(broken(Invariant::I18, text));
            }
        }
        Ok(())
    }
}

/// Counts what was seen, so that a search which reaches nothing is found out.
pub(super) fn count(seen: &mut Seen, noted: &Noted) {
    match noted {
        Noted::Accepted(_) => seen.accepted += 1,
        Noted::Refused(_) => seen.refused += 1,
        Noted::Entry(entry) => {
            for (place, word) in [outcome::WON, outcome::LOST, outcome::UNKNOWN].into_iter().enumerate() {
                seen.outcomes[place] += u64::from(entry.cause == word);
            }
        }
        Noted::Notice(_) | Noted::Sent(_) | Noted::NotSent => {}
    }
}

/// For the way to a violation.
pub(super) fn words(noted: &Noted) -> Option<String> {
    match noted {
        Noted::Entry(entry) if entry.from != entry.to => Some(format!("{:?} -> {:?}", entry.from, entry.to)),
        Noted::Entry(entry) => Some(format!("{}: {}", entry.cause, entry.reason)),
        Noted::Sent(Sent { claim, .. }) => {
            Some(format!("sends epoch {} {:?} nonce {}", claim.epoch, claim.cause, claim.nonce))
        }
        Noted::NotSent => Some("does not send: too late".to_owned()),
        Noted::Accepted(claim) => Some(format!("nonce {} is accepted", claim.nonce)),
        Noted::Refused(claim) => Some(format!("nonce {} is refused", claim.nonce)),
        Noted::Notice(_) => None,
    }
}

/// The epoch that the words of an outcome begin with.
fn epoch_in(reason: &str) -> Option<u64> {
    let rest = reason.strip_prefix("epoch ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
