//! Moves and what holds them: hold-down, the lock, operators, pause, the provider, the lease.

use evaluator::io::{
    Cause, Command, Credential, Holder, Input, LeaseAnswer, MoveRecord, NoticeKind, Output, Records, State,
    Watch,
};
use model::haproxy::Down;
use model::settings::Arming;
use model::{ConsoleId, Span};

use crate::world::{Answers, World, address, id, settings};

fn activate(n: u32) -> Command {
    Command::Activate { member: id(n), even_if_not_ready: false, by: "anna".into() }
}

fn moved(epoch: u64, age_s: u64) -> MoveRecord {
    MoveRecord {
        epoch,
        age: Span::from_s(age_s),
        cause: Cause::Down,
        from: Some(id(3)),
        to: id(1),
        acknowledged: false,
        verified: true,
    }
}

fn stop(world: &mut World, n: u32) {
    world.host(n).down = Down::Stopped;
    world.speak(n);
}

#[test]
fn the_old_active_comes_back_as_a_standby() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 1);
    world.until(State::Hold, 3);
    world.host(1).down = Down::None;
    world.until(State::Steady, 130);
    world.run(3600);
    assert_eq!(world.accepted.len(), 1);
    assert_eq!(world.machine.active(), Some(id(2)));
    assert_eq!(world.path().last(), Some(&State::Steady));
}

#[test]
fn inside_hold_down_a_confirmed_death_moves_and_nothing_else() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 1);
    world.until(State::Hold, 3);
    world.run(10);
    stop(&mut world, 2);
    assert_eq!(world.a, [address(3)], "edge-1 is in quarantine and stopped");
    assert_eq!(world.accepted.len(), 2);
}

#[test]
fn the_third_automatic_move_waits_for_a_person() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 1);
    world.until(State::Hold, 3);
    stop(&mut world, 2);
    world.host(1).down = Down::None;
    world.until(State::Hold, 3);
    world.run(60);
    stop(&mut world, 3);
    assert_eq!(world.state(), State::Locked);
    assert_eq!(world.told(NoticeKind::Locked), 1);
    world.run(600);
    assert_eq!(world.accepted.len(), 2);
    world.command(Command::Acknowledge { by: "anna".into() });
    world.until(State::Hold, 10);
    assert_eq!(world.accepted.len(), 3);
    let acknowledged = |o: &Output| matches!(o, Output::Moved(record, _) if record.acknowledged);
    assert_eq!(world.outputs.iter().filter(|(_, o)| acknowledged(o)).count(), 2);
}

#[test]
fn moves_of_other_consoles_count_by_the_records() {
    let mut world = World::steady(3, 10);
    world.records(Records { moves: vec![moved(5, 3000), moved(6, 2000)], unreadable: false });
    stop(&mut world, 1);
    assert_eq!(world.state(), State::Locked);
    let seen = MoveRecord { acknowledged: true, ..moved(5, 3001) };
    world.records(Records { moves: vec![seen, moved(6, 2001)], unreadable: false });
    assert_eq!(world.state(), State::Locked, "one is still open");
    world.command(Command::Acknowledge { by: "anna".into() });
    world.run(1);
    assert_eq!(world.accepted.len(), 1);
}

#[test]
fn shadow_decides_and_says_so_and_writes_nothing() {
    let mut world = World::steady(3, 10);
    world.policy(|policy| policy.settings.arming = Arming::Shadow);
    world.run(2);
    world.cut(1);
    world.until(State::Ask, 20);
    assert!(world.last_reason().contains("not-armed"), "{}", world.last_reason());
    assert!(world.last_reason().contains("would promote edge-2"));
    world.run(120);
    assert!(world.sent.is_empty());
    world.policy(|policy| policy.settings.arming = Arming::Armed);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn held_moves_wait_with_their_words() {
    let mut world = World::steady(3, 10);
    world.policy(|policy| policy.held = Some("the claim probe failed".into()));
    world.cut(1);
    world.until(State::Ask, 20);
    assert!(world.last_reason().contains("the claim probe failed"));
    world.command(activate(2));
    assert_eq!(world.a, [address(2)], "a person may");
}

#[test]
fn an_operator_moves_without_a_lease_and_without_a_relay() {
    let mut world = World::steady(3, 10);
    world.lease_open = false;
    world.acks = false;
    world.until(State::Follow, 20);
    world.command(activate(3));
    assert_eq!(world.a, [address(3)]);
    assert_eq!(world.accepted[0].1.cause, Cause::Manual);
    let record = world.outputs.iter().find_map(|(_, output)| match output {
        Output::Moved(record, _) => Some(*record),
        _ => None,
    });
    assert!(record.unwrap().acknowledged);
}

#[test]
fn an_order_that_cannot_run_is_refused_in_words() {
    let mut world = World::steady(3, 10);
    let refusal = |world: &mut World, command| {
        world.command(command);
        let entry = world.entries.last().unwrap();
        assert_eq!(entry.cause, evaluator::claim::outcome::REFUSED);
        entry.reason.clone()
    };
    assert!(refusal(&mut world, activate(1)).contains("active member already"));
    assert!(refusal(&mut world, activate(9)).contains("not in the roster"));
    world.host(3).cfg_valid = None;
    world.run(2);
    assert!(refusal(&mut world, activate(3)).contains("has not checked the configuration"));
    assert!(refusal(&mut world, Command::AdoptRecord { by: "anna".into() }).contains("not in DRIFT"));
    world.command(Command::Activate { member: id(3), even_if_not_ready: true, by: "anna".into() });
    assert_eq!(world.a, [address(3)]);
}

#[test]
fn cutover_takes_the_next_ready_standby() {
    let mut world = World::steady(3, 10);
    world.command(Command::Cutover { by: "anna".into() });
    assert_eq!(world.a, [address(2)]);
    world.run(1);
    assert_eq!(world.state(), State::Hold);
    world.command(Command::Cutover { by: "anna".into() });
    assert_eq!(world.a, [address(1)]);
}

#[test]
fn who_is_shown_as_next_is_who_takes_over() {
    let mut world = World::steady(3, 10);
    let mut roster = world.setup.roster.clone();
    roster.version += 1;
    roster.members.get_mut(&id(2)).unwrap().priority = 9;
    world.setup.roster = roster.clone();
    world.input(Input::Roster(roster));
    world.run(5);
    let shown = world.machine.explain(world.now).members;
    let names: Vec<&str> = shown.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["edge-1", "edge-3", "edge-2"]);
    world.command(Command::Cutover { by: "anna".into() });
    assert_eq!(world.a, [address(3)]);
    world.run(1);
    let shown = world.machine.explain(world.now).members;
    assert_eq!(shown.first().map(|member| member.name.as_str()), Some("edge-3"));
}

#[test]
fn a_pause_stops_automation_and_not_people() {
    let mut world = World::steady(3, 10);
    world.policy(|policy| {
        policy.pause = Some(evaluator::io::Pause {
            remaining: Span::from_s(300),
            by: "anna".into(),
            why: "kernel updates".into(),
        });
    });
    assert_eq!(world.state(), State::Paused);
    world.cut(1);
    world.run(120);
    assert!(world.sent.is_empty());
    world.command(activate(2));
    assert_eq!(world.a, [address(2)]);
    world.run(60);
    assert_eq!(world.state(), State::Paused);
    world.run(125);
    assert_ne!(world.state(), State::Paused, "it expires");
}

#[test]
fn a_rejected_write_fails_in_words_and_is_tried_again_later() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Rejects;
    stop(&mut world, 1);
    assert_eq!(world.state(), State::Failed);
    assert!(world.last_reason().contains("no such zone"));
    assert!(world.outputs.iter().any(|(_, output)| *output == Output::LeaseRelease));
    world.run(25);
    assert_eq!(world.sent.len(), 1);
    world.answers = Answers::Well;
    world.until(State::Hold, 60);
}

#[test]
fn a_revoked_token_frees_the_lease() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Refused;
    world.until(State::Failed, 40);
    assert_eq!(world.told(NoticeKind::Failed), 1);
    world.sweep();
    world.run(100);
    assert!(!world.outputs.iter().any(|(_, output)| matches!(output, Output::LeaseRequest { .. })));
    world.answers = Answers::Well;
    world.until(State::Steady, 60);
}

#[test]
fn without_a_credential_nothing_is_asked_for() {
    let mut world = World::steady(3, 10);
    world.input(Input::Credential(Credential::Missing("the keychain is locked".into())));
    assert_eq!(world.state(), State::Blind);
    world.sweep();
    world.run(60);
    let asks = |o: &Output| matches!(o, Output::LeaseRequest { .. } | Output::DnsRead);
    assert!(!world.outputs.iter().any(|(_, output)| asks(output)));
    world.input(Input::Credential(Credential::Working));
    world.until(State::Steady, 20);
}

#[test]
fn an_unreachable_provider_is_no_reason_to_guess() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Unreachable;
    world.until(State::Blind, 60);
    world.cut(1);
    world.run(60);
    assert!(world.sent.is_empty());
    world.answers = Answers::Well;
    world.until(State::Hold, 20);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn the_holder_yields_to_a_higher_rank_only_in_steady() {
    let mut world = World::steady(3, 10);
    let higher = Holder { rank: 200, console: ConsoleId::from_number(9) };
    let wanted =
        LeaseAnswer { sent: world.now, granted: true, holder: None, wanted_by: Some(higher), refusal: None };
    world.input(Input::Lease { relay: id(1), answer: wanted });
    assert_eq!(world.state(), State::Follow);
    assert!(world.outputs.iter().any(|(_, output)| *output == Output::LeaseRelease));
}

#[test]
fn the_watch_of_this_computer_can_be_switched_off() {
    let mut world = World::steady(3, 10);
    world.command(Command::Watch(Watch::Off));
    assert_eq!(world.state(), State::Follow);
    world.sweep();
    world.run(60);
    assert!(!world.outputs.iter().any(|(_, output)| matches!(output, Output::LeaseRequest { .. })));
    world.command(Command::Watch(Watch::On));
    world.until(State::Steady, 5);
}

#[test]
fn the_preferred_member_goes_back_after_ten_minutes_only_when_told_so() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 1);
    world.host(1).down = Down::None;
    world.policy(|policy| policy.preferred = Some(id(1)));
    world.run(590);
    assert_eq!(world.accepted.len(), 1);
    world.run(30);
    assert_eq!(world.accepted.len(), 2);
    assert_eq!(world.accepted[1].1.cause, Cause::Preferred);
    assert_eq!(world.a, [address(1)]);
}

#[test]
fn a_later_epoch_proves_nothing_about_an_own_claim() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Swallows;
    stop(&mut world, 1);
    world.until(State::Unknown, 10);
    let mut marker = crate::world::first_marker(3);
    marker.epoch = 9;
    world.a = vec![address(3)];
    world.markers = vec![evaluator::io::MarkerText::Marker(marker)];
    world.answers = Answers::Well;
    world.run(5);
    let causes: Vec<_> = world.entries.iter().map(|entry| entry.cause.as_str()).collect();
    assert!(causes.contains(&evaluator::claim::outcome::UNKNOWN), "{causes:?}");
    assert!(!causes.contains(&evaluator::claim::outcome::LOST));
    assert_eq!(world.machine.active(), Some(id(3)));
}

#[test]
fn two_watches_with_the_lease_forced_open_make_one_write() {
    let mut one = World::steady(3, 10);
    let mut two = World::steady_as(2, 3, 10);
    stop(&mut one, 1);
    assert_eq!(one.accepted.len(), 1);
    // The other sends on the same reading, a moment later, and the register refuses it.
    two.host(1).down = Down::Stopped;
    two.acks = false;
    two.speak(1);
    two.acks = true;
    assert_eq!(two.state(), State::Claim);
    (two.a, two.markers) = (one.a.clone(), one.markers.clone());
    let nonce = two.machine.memory().intent.unwrap().nonce;
    two.input(Input::IntentStored { relay: id(2), nonce });
    assert_eq!(two.sent.len(), 1);
    two.run(2);
    assert!(two.accepted.is_empty());
    assert!(two.path().contains(&State::Adopt), "{:?}", two.path());
    assert_eq!(two.machine.active(), Some(id(2)));
}

#[test]
fn an_order_waiting_behind_an_unknown_outcome_goes_through_an_abort() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Swallows;
    stop(&mut world, 1);
    world.until(State::Unknown, 10);
    world.lease_open = false;
    world.answers = Answers::Well;
    world.run(13);
    if world.accepted.is_empty() {
        world.command(activate(3));
        world.run(5);
        assert_eq!(world.accepted.len(), 2);
        assert_eq!(world.accepted[0].1.cause, Cause::Abort);
    }
    assert_eq!(world.a, [address(3)]);
}

#[test]
fn a_new_roster_is_looked_at_from_the_start() {
    let mut world = World::steady(3, 10);
    let mut roster = world.setup.roster.clone();
    roster.version += 1;
    roster.members.remove(&id(3));
    world.input(Input::Roster(roster.clone()));
    assert_eq!(world.state(), State::Cold);
    world.input(Input::Roster(roster));
    world.until(State::Steady, 15);
    assert_eq!(world.machine.explain(world.now).members.len(), 2);
}

#[test]
fn a_witness_votes_and_testifies_and_never_carries_traffic() {
    let mut world = World::new(2, settings(10));
    world.add_witness(3);
    world.until(State::Steady, 30);
    world.run(60);
    world.cut(1);
    world.until(State::Hold, 15);
    assert_eq!(world.a, [address(2)]);
    world.sweep();
    world.cut(2);
    world.until(State::NoTarget, 30);
    world.run(30);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn a_write_that_came_too_late_to_be_sent_is_decided_anew_on_a_new_reading() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Late;
    stop(&mut world, 1);
    world.run(1);
    let back = |entry: &evaluator::io::Entry| (entry.from, entry.to) == (State::Write, State::Claim);
    assert!(world.entries.iter().any(back), "{:?}", world.path());
    assert!(!world.path().contains(&State::Unknown), "what never left has a known outcome");
    assert!(world.reads > 1, "read again before each send");
    // Meanwhile the member serves again: there is nothing to move for.
    world.host(1).down = Down::None;
    world.speak(1);
    world.answers = Answers::Well;
    world.run(30);
    assert!(world.sent.is_empty());
    assert_eq!(world.machine.memory().intent, None, "taken back");
    assert_eq!(world.state(), State::Steady);
}

#[test]
fn a_write_that_can_be_sent_in_time_at_last_is_the_same_one() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Late;
    stop(&mut world, 1);
    world.run(2);
    let nonce = world.machine.memory().intent.unwrap().nonce;
    world.answers = Answers::Well;
    world.until(State::Hold, 3);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.sent[0].1.nonce, nonce);
}

#[test]
fn a_computer_that_is_always_too_slow_asks_a_person() {
    let mut world = World::steady(3, 10);
    world.answers = Answers::Late;
    stop(&mut world, 1);
    world.until(State::Ask, 15);
    assert!(world.last_reason().contains("too slow to send"), "{}", world.last_reason());
    assert_eq!(world.machine.memory().intent, None);
    assert_eq!(world.told(NoticeKind::Ask), 1);
    assert!(world.sent.is_empty());
    // Tried again from time to time; told once.
    world.run(120);
    assert!(matches!(world.state(), State::Ask | State::Claim), "{:?}", world.state());
    assert_eq!(world.told(NoticeKind::Ask), 1);
    world.answers = Answers::Well;
    world.until(State::Hold, 30);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn a_claim_that_no_relay_keeps_asks_a_person_and_goes_on_when_one_does() {
    for delay in [10, 120] {
        let mut world = World::steady(3, delay);
        world.acks = false;
        stop(&mut world, 1);
        assert_eq!(world.state(), State::Claim);
        let nonce = world.machine.memory().intent.unwrap().nonce;
        let reason = "too many intents are open".into();
        world.input(Input::IntentRefused { relay: id(2), nonce, reason });
        world.until(State::Ask, 8 + 25);
        assert!(
            world.last_reason().contains("no relay stores the intent: edge-2 says: too many"),
            "{}",
            world.last_reason()
        );
        assert_eq!(world.machine.memory().intent, None, "taken back everywhere");
        assert_eq!(world.told(NoticeKind::Ask), 1);
        let missing = world.machine.explain(world.now).missing;
        assert!(missing.iter().any(|lack| lack.contains("no relay stores the intent")), "{missing:?}");
        world.run(300);
        assert!(world.sent.is_empty(), "never without a relay");
        let claims = world.path().iter().filter(|state| **state == State::Claim).count();
        assert!((2..=18).contains(&claims), "tried again, and not in one breath: {claims}");
        world.acks = true;
        world.until(State::Hold, 40);
        assert_eq!(world.a, [address(2)]);
    }
}

#[test]
fn a_relay_that_comes_back_ends_the_wait_for_one_that_keeps_intents() {
    let mut world = World::steady(3, 10);
    world.acks = false;
    stop(&mut world, 1);
    world.until(State::Ask, 15);
    world.acks = true;
    world.input(Input::Relay { relay: id(3), link: evaluator::io::Link::Up });
    world.until(State::Hold, 1);
}

fn force(n: u32) -> Command {
    Command::Activate { member: id(n), even_if_not_ready: true, by: "anna".into() }
}

#[test]
fn a_move_by_hand_onto_a_stopped_service_is_not_undone_in_the_same_breath() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 3);
    world.command(force(3));
    world.until(State::Hold, 3);
    world.run(110);
    assert_eq!(
        (world.accepted.len(), world.a.as_slice()),
        (1, [address(3)].as_slice()),
        "{:?}",
        world.path()
    );
    assert_eq!(world.told(NoticeKind::Ask), 1);
    let asked = world.notices.iter().find(|notice| notice.kind == NoticeKind::Ask).unwrap();
    assert!(asked.text.contains("edge-3 was chosen by hand and does not serve"), "{}", asked.text);
    let said = world.machine.explain(world.now);
    assert!(said.sentence.contains("nothing undoes that for"), "{}", said.sentence);
    assert!(said.missing.iter().any(|lack| lack.contains("by hand")), "{:?}", said.missing);
    // A person may, at any time; automation may when hold-down is over.
    world.run(15);
    assert_eq!((world.accepted.len(), world.accepted[1].1.cause), (2, Cause::ServiceDown));
}

#[test]
fn a_move_by_hand_onto_a_dead_member_is_left_alone_as_long() {
    let mut world = World::steady(3, 10);
    world.cut(3);
    world.run(30);
    world.command(force(3));
    world.run(110);
    assert_eq!(
        (world.accepted.len(), world.a.as_slice()),
        (1, [address(3)].as_slice()),
        "{:?}",
        world.path()
    );
    world.run(40);
    assert_eq!((world.accepted.len(), world.accepted[1].1.cause), (2, Cause::Down));
}

#[test]
fn a_member_chosen_by_hand_that_served_and_stopped_is_moved_away_from_at_once() {
    let mut world = World::steady(3, 10);
    stop(&mut world, 3);
    world.command(force(3));
    world.run(20);
    world.host(3).down = Down::None;
    world.run(5);
    assert_eq!(world.accepted.len(), 1);
    stop(&mut world, 3);
    assert_eq!(world.accepted.len(), 2, "{:?}", world.path());
    // And one that was ready when it was chosen.
    let mut world = World::steady(3, 10);
    world.command(activate(2));
    world.run(1);
    stop(&mut world, 2);
    assert_eq!(world.accepted.len(), 2, "{:?}", world.path());
}

#[test]
fn the_watch_of_another_console_does_not_undo_a_move_by_hand_either() {
    for (cause, undone_after) in [(Cause::Manual, 130), (Cause::Down, 2)] {
        let mut world = World::steady(3, 10);
        stop(&mut world, 3);
        // Another console moved; its record comes later.
        let mut marker = crate::world::first_marker(3);
        marker.epoch = 8;
        world.a = vec![address(3)];
        world.markers = vec![evaluator::io::MarkerText::Marker(marker)];
        world.until(State::Hold, 60);
        world.run(8);
        assert!(world.sent.is_empty(), "its record may still say that a person did it");
        let record = MoveRecord { from: Some(id(1)), to: id(3), cause, ..moved(8, 10) };
        world.records(Records { moves: vec![record], unreadable: false });
        world.run(undone_after / 2);
        assert_eq!(world.sent.is_empty(), cause == Cause::Manual);
        world.run(undone_after / 2);
        assert_eq!(world.sent.len(), 1);
    }
}
