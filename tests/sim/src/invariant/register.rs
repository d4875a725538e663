//! Checked when the register accepts a write: against the truth, over all consoles together.

use evaluator::io::Cause;
use model::{Settings, Span};

use crate::invariant::{Check, Invariant, Violation};
use crate::register::Accepted;

/// Two hours, in which a third automatic move waits for a person.
const MOVES_WINDOW_MS: u64 = 2 * 3_600_000;

/// I1: one accepted write per epoch, and epochs rise by exactly one.
pub fn i1_epochs_rise_by_one(accepted: &Accepted) -> Check {
    let claim = &accepted.claim;
    if claim.epoch != claim.set_marker.epoch {
        return Err(Violation::new(
            Invariant::I1,
            format!("claim of epoch {} writes {}", claim.epoch, claim.set_marker),
        ));
    }
    match &accepted.before {
        // An adoption goes above the highest epoch that anybody remembers, so that nobody ever sees it fall.
        Some(before) if claim.cause == Cause::Adopt && claim.epoch > before.epoch => Ok(()),
        Some(before) if claim.epoch != before.epoch + 1 => Err(Violation::new(
            Invariant::I1,
            format!("epoch {} accepted over epoch {} (nonce {})", claim.epoch, before.epoch, claim.nonce),
        )),
        Some(_) | None => Ok(()),
    }
}

/// I2: the writer had read the marker that it replaced.
pub fn i2_the_marker_read_is_the_marker_replaced(accepted: &Accepted) -> Check {
    match &accepted.before {
        Some(before) if Some(before) != accepted.claim.expect_marker.as_ref() => {
            let read = accepted.claim.expect_marker.as_ref().map_or_else(String::new, ToString::to_string);
            let text = format!("the writer had read `{read}`, replaced was `{before}`");
            Err(Violation::new(Invariant::I2, text))
        }
        Some(_) | None => Ok(()),
    }
}

/// I13: at most one automatic move within H1 unless the new active is down; never a third in two hours unseen.
pub fn i13_moves_are_few(
    moves: &[(u64, Cause)],
    seen_at: u64,
    settings: &Settings,
    fastest_percent: u64,
) -> Check {
    let [.., (before, _), (last, cause)] = moves else { return Ok(()) };
    // Less by as much as the clocks that count it may run too fast.
    let hold_ms = settings.hold_down().as_ms() * 100 / fastest_percent;
    let only_when_down = matches!(cause, Cause::Down | Cause::ServiceDown);
    if last - before < hold_ms && !only_when_down {
        let gap = Span::from_ms(last - before);
        return Err(Violation::new(Invariant::I13, format!("{cause:?} {gap} after the last automatic move")));
    }
    let recent = moves
        .iter()
        .filter(|(at, _)| *at > seen_at && last - at < MOVES_WINDOW_MS * 100 / fastest_percent)
        .count();
    if recent > 2 {
        return Err(Violation::new(
            Invariant::I13,
            format!("{recent} automatic moves in two hours, unseen by anybody"),
        ));
    }
    Ok(())
}
