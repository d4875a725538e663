//! The fleet guard: when most of a fleet falls silent at once, this console is the likelier culprit (safety.md 2.5).
//!
//! It is judged over all pools, since each pool's machine sees its own members alone. It begins to hold when more than
//! half of the members that were heard turned stale within 30 s, and holds until half of them are heard again: a
//! fleet that truly died stays in sight, moved by a person. Small fleets are left out, because there half is one.

use std::sync::Arc;
use std::time::Duration;

use evaluator::io::Input;
use model::Span;

use crate::clock;
use crate::inner::Inner;
use crate::watch::Ask;

/// Silence that begins within this long counts as one event.
const AT_ONCE: Span = Span::from_s(30);
/// Fleets below both of these have no guard.
const MEMBERS_MIN: usize = 4;
const POOLS_MIN: usize = 2;

/// How long a member has been silent, and from when on that counts as stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Silence {
    length: Span,
    stale_after: Span,
}

/// Judges the fleet once a second until the engine ends.
pub(crate) async fn watch_fleet(inner: Arc<Inner>) {
    let mut rounds = tokio::time::interval(Duration::from_secs(1));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut holds = false;
    loop {
        rounds.tick().await;
        let (silences, pools) = look(&inner);
        let now_holds = judge(holds, &silences, pools);
        // Said again while it holds: a pool may have been opened since.
        if now_holds || now_holds != holds {
            for watch in inner.watches() {
                watch.tell(Ask::Input(Input::FleetGuard(now_holds)));
            }
        }
        if now_holds != holds {
            tracing::warn!(
                members = silences.len(),
                holds = now_holds,
                "more than half of the fleet fell silent at once"
            );
        }
        holds = now_holds;
    }
}

fn look(inner: &Inner) -> (Vec<Silence>, usize) {
    let roster = inner.fleet.roster();
    let policies = inner.fleet.policies();
    let now = clock::now();
    let sightings = inner.sightings();
    let silences = roster.members.iter().filter_map(|entry| {
        let seen = sightings.seen(entry.id)?;
        let policy = policies.iter().find(|policy| policy.pool == entry.pool)?;
        Some(Silence { length: now - seen.received, stale_after: policy.settings.suspect_after() })
    });
    (silences.collect(), policies.len())
}

fn judge(holds: bool, silences: &[Silence], pools: usize) -> bool {
    if silences.len() < MEMBERS_MIN && pools < POOLS_MIN {
        return false;
    }
    let stale = |silence: &&Silence| silence.length > silence.stale_after;
    let just_now = |silence: &&Silence| silence.length <= silence.stale_after + AT_ONCE;
    let counted = if holds {
        silences.iter().filter(stale).count()
    } else {
        silences.iter().filter(stale).filter(just_now).count()
    };
    counted * 2 > silences.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(lengths_s: &[u64]) -> Vec<Silence> {
        let silence = |s: &u64| Silence { length: Span::from_s(*s), stale_after: Span::from_s(5) };
        lengths_s.iter().map(silence).collect()
    }

    #[test]
    fn most_of_a_fleet_at_once_is_our_own_fault() {
        assert!(judge(false, &fleet(&[8, 9, 7, 1]), 1));
        assert!(!judge(false, &fleet(&[8, 9, 1, 1]), 1), "half is not more than half");
        assert!(!judge(false, &fleet(&[8, 200, 400, 1]), 1), "they died one after the other");
    }

    #[test]
    fn it_holds_until_half_are_heard_again() {
        assert!(judge(true, &fleet(&[90, 90, 90, 1]), 1));
        assert!(!judge(true, &fleet(&[90, 90, 1, 1]), 1));
    }

    #[test]
    fn a_small_fleet_has_no_guard() {
        assert!(!judge(false, &fleet(&[8, 8, 8]), 1));
        assert!(judge(false, &fleet(&[8, 8, 8]), 2));
    }
}
