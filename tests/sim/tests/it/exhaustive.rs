//! Every way in which two and three consoles' claims can cross, within bounds; and that the search can fail.

use sim::exhaustive::Kind::{Crash, Double, Edit, Freeze, Hold, LateReading, OldReading};
use sim::exhaustive::{Kind, Reason, Search, Seen};
use sim::invariant::Invariant::{self, I1, I2, I3, I6, I18};
use sim::register::Provider;

const ALL: [Kind; 7] = [Double, Crash, Hold, LateReading, OldReading, Freeze, Edit];

fn search(consoles: usize, reason: Reason, passes: u8, faults: u8, kinds: &[Kind]) -> Search {
    Search {
        consoles,
        reason,
        attempts: 1,
        passes,
        faults,
        kinds: kinds.to_vec(),
        provider: Provider::Rfc2136,
        planted: None,
    }
}

/// Nothing breaks, and the search is not empty: claims are accepted, refused, won and lost in it.
fn whole(search: &Search, states_min: u64) {
    let seen = search.run();
    if let Some((violation, path)) = &seen.broken {
        panic!("{:?} broken: {}\n{}", violation.invariant, violation.text, path.join("\n"));
    }
    let Seen { states, ends, accepted, refused, outcomes: [won, lost, _], .. } = seen;
    assert!(states >= states_min, "{states} states");
    assert!([ends, accepted, refused, won, lost].iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn two_consoles_that_move_by_themselves_and_one_fault() {
    whole(&search(2, Reason::ServiceDown, 3, 1, &ALL), 20_000);
}

#[test]
fn two_consoles_that_move_by_themselves_and_two_faults() {
    whole(&search(2, Reason::ServiceDown, 2, 2, &[Double, Crash, Hold, Edit]), 20_000);
}

#[test]
fn two_operators_and_one_fault() {
    whole(&search(2, Reason::Orders, 2, 1, &ALL), 10_000);
}

#[test]
fn two_operators_who_move_twice() {
    whole(&Search { attempts: 2, ..search(2, Reason::Orders, 2, 0, &[]) }, 5_000);
}

#[test]
fn one_moves_by_itself_while_an_operator_moves() {
    whole(&search(2, Reason::Both, 2, 1, &ALL), 5_000);
}

#[test]
fn three_consoles_and_lost_answers() {
    whole(&search(3, Reason::ServiceDown, 2, 0, &[]), 10_000);
}

#[test]
fn three_consoles_and_one_fault() {
    whole(&search(3, Reason::ServiceDown, 1, 1, &ALL), 10_000);
}

#[test]
fn two_consoles_at_the_other_providers() {
    for provider in [Provider::Whm, Provider::Cloudflare] {
        whole(&Search { provider, ..search(2, Reason::ServiceDown, 2, 1, &ALL) }, 3_000);
    }
}

/// A mistake made on purpose is found, by the invariant that it breaks.
fn found_by(bug: &str, search: Search, expected: &[Invariant]) {
    let planted = Some(bug.parse().expect("the bug can be planted"));
    let seen = Search { planted, ..search }.run();
    let (violation, path) =
        seen.broken.unwrap_or_else(|| panic!("{bug} is not found: {} states", seen.states));
    assert!(
        expected.contains(&violation.invariant),
        "{bug}: {:?}: {}\n{}",
        violation.invariant,
        violation.text,
        path.join("\n")
    );
}

#[test]
fn a_write_without_a_precondition_is_found() {
    found_by("BlindWrite", search(2, Reason::ServiceDown, 2, 0, &[]), &[I1, I2]);
}

#[test]
fn a_request_that_leaves_before_it_is_stored_is_found() {
    found_by("ActBeforePersist", search(2, Reason::Orders, 2, 0, &[]), &[I6]);
}

#[test]
fn a_loser_that_guesses_is_found() {
    let twice = Search { attempts: 2, ..search(2, Reason::Orders, 3, 1, &[Freeze]) };
    found_by("ConcludeLostOnLaterEpoch", twice, &[I3]);
}

#[test]
fn a_second_request_for_one_claim_is_found() {
    found_by("ResendWithNewNonce", search(2, Reason::ServiceDown, 3, 0, &[]), &[I6, I3, I18]);
}

#[test]
fn a_claim_that_is_forgotten_is_found() {
    found_by("MemoryLost", search(2, Reason::ServiceDown, 2, 1, &[Crash]), &[I18, I6]);
}

#[test]
fn what_was_stored_and_not_done_is_missed() {
    found_by("OutboxLost", search(1, Reason::ServiceDown, 2, 1, &[Crash, Hold]), &[I18]);
}
