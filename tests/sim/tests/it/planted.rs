//! Bugs planted on purpose: each must be found, soon, and by the invariant that it breaks.

use sim::invariant::Invariant::{
    self, FleetGuard, I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I13, I14, I15, I17, I18, I29,
};
use sim::plan::Profile::{self, Contested, Short};
use sim::planted::Planted;
use sim::runs::{self, Order};

/// Seeds tried at most; about 20 ms of one core each.
const SEEDS_MAX: u64 = 4_000;

fn found_by(bug: &str, profile: Profile, expected: &[Invariant]) {
    let planted: Planted = bug.parse().expect("the bug can be planted");
    let order = Order {
        seed: 11,
        profile,
        seeds: Some(SEEDS_MAX),
        pool_hours: 0.0,
        planted: Some(planted),
        threads: 1,
    };
    let ran = runs::run(&order);
    let found = ran.broken.first().unwrap_or_else(|| panic!("{bug} was not found in {SEEDS_MAX} seeds"));
    let invariant = found.failure.violation.invariant;
    assert!(expected.contains(&invariant), "{bug} broke {invariant:?}: {}", found.failure.violation.text);
    // The same world is whole without the bug.
    let whole = runs::run_seed(found.seed, profile, None);
    assert!(whole.failure.is_none(), "seed {} breaks without the bug too: {:?}", found.seed, whole.failure);
}

macro_rules! planted_bugs {
    ($($test:ident: $bug:literal, $profile:ident, [$($invariant:ident),+];)+) => {
        $(
            #[test]
            fn $test() {
                found_by($bug, $profile, &[$($invariant),+]);
            }
        )+

        #[test]
        fn every_bug_that_can_be_planted_is_looked_for() {
            let looked_for = [$($bug),+];
            for bug in Planted::all() {
                assert!(looked_for.contains(&bug.word().as_str()), "nobody looks for {}", bug.word());
            }
        }
    };
}

planted_bugs! {
    a_fresh_heartbeat_that_does_not_veto_is_found: "NoVeto", Short, [I8];
    one_voice_for_two_is_found: "OneVoiceEnough", Short, [I7];
    a_candidate_that_testifies_alone_is_found: "CandidateAloneTestifies", Short, [I7];
    a_stale_beacon_that_is_trusted_is_found: "StaleBeaconTrusted", Short, [I7, I8, I17];
    acting_before_storing_is_found: "ActBeforePersist", Contested, [I3, I6, I18];
    waking_without_cold_is_found: "NoColdAfterSleep", Short, [I7, I9];
    resending_under_a_new_nonce_is_found: "ResendWithNewNonce", Contested, [I6];
    concluding_lost_from_a_later_epoch_is_found: "ConcludeLostOnLaterEpoch", Contested, [I3];
    ignoring_hold_down_is_found: "IgnoreHoldDown", Short, [I13];
    a_target_not_looked_at_again_is_found: "ReadyNotRechecked", Contested, [I4];
    a_lease_not_looked_at_again_is_found: "LeaseNotCheckedAtSend", Contested, [I5];
    a_minority_that_moves_is_found: "MinorityMoves", Short, [I10];
    a_pause_that_is_ignored_is_found: "PauseIgnored", Short, [I15];
    overwriting_a_foreign_edit_is_found: "ForeignEditOverwritten", Short, [I7, I17, I29];
    writing_on_an_old_reading_is_found: "OldReadingTrusted", Short, [I29];
    acting_right_after_sleep_is_found: "ActsWhileSlept", Contested, [I9];
    an_old_testimony_that_counts_is_found: "OldTestimonyTrusted", Short, [I7];
    failing_back_is_found: "FailsBack", Short, [I13, I14];
    moving_to_a_member_that_is_not_ready_is_found: "UnreadyTarget", Short, [I4];
    sending_twice_anew_is_found: "SendsTwiceAnew", Short, [I6];
    writing_without_a_precondition_is_found: "BlindWrite", Short, [I1, I2];
    losing_the_memory_is_found: "MemoryLost", Contested, [I3, I6, I18];
    sending_after_standing_still_is_found: "LateSendAllowed", Contested, [I5, I29];
    acting_although_the_disk_refused_is_found: "StoreRefusalIgnored", Contested, [I6];
    ignoring_the_fleet_guard_is_found: "FleetGuardIgnored", Short, [FleetGuard];
    losing_what_was_stored_to_be_done_is_found: "OutboxLost", Contested, [I18];
}
