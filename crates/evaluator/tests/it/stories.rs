//! The stories "walked through the table" of the safety design, each as a test.

use evaluator::io::{Command, NoticeKind, Output, State};
use model::haproxy::Down;
use model::{Span, Time};

use crate::world::{Answers, World, address, id, settings};

#[test]
fn a_quiet_pool_goes_through_the_lease_to_steady_and_stays() {
    let mut world = World::new(3, settings(30));
    world.run(20);
    assert_eq!(world.path(), [State::Route, State::Follow, State::Route, State::Steady]);
    world.sweep();
    world.run(600);
    assert_eq!(world.path(), [] as [State; 0]);
    assert!(world.sent.is_empty());
    assert!((19..=22).contains(&world.reads), "{} readings in 10 min", world.reads);
}

#[test]
fn haproxy_stopped_moves_without_waiting_for_a_tick() {
    let mut world = World::steady(3, 30);
    let now = world.now;
    world.host(1).down = Down::Stopped;
    world.speak(1);
    assert_eq!(world.now, now);
    assert_eq!(world.path()[..4], [State::Confirm, State::Claim, State::Write, State::Verify]);
    assert_eq!(world.a, [address(2)]);
    assert_eq!(world.told(NoticeKind::Moved), 1);
    world.run(1);
    assert_eq!(world.state(), State::Hold);
}

#[test]
fn a_power_cut_moves_soon_after_the_delay() {
    for phase in [0, 130, 370, 610, 990] {
        let mut world = World::steady(3, 10);
        world.run_ms(phase);
        let cut = world.cut(1);
        world.until(State::Hold, 60);
        assert_eq!(world.accepted.len(), 1);
        let took = world.accepted[0].0 - cut;
        assert!(took <= Span::from_ms(10_700), "phase {phase}: {took}");
        assert!(took >= Span::from_ms(9_000), "phase {phase}: {took}");
        assert_eq!(
            world.path(),
            [State::Suspect, State::Confirm, State::Claim, State::Write, State::Verify, State::Hold]
        );
        assert_eq!(world.told(NoticeKind::Ask), 0);
    }
}

#[test]
fn two_members_and_one_laptop_move_through_the_two_voices() {
    let mut world = World::steady(2, 30);
    let cut = world.cut(1);
    world.until(State::Hold, 60);
    assert!(world.accepted[0].0 - cut <= Span::from_ms(30_700));
    world.until(State::Steady, 300);
    assert_eq!(world.machine.active(), Some(id(2)));
}

#[test]
fn a_standby_that_just_booted_may_not_speak_yet() {
    let mut world = World::steady(2, 30);
    world.host(2).up = Span::ZERO;
    world.cut(1);
    world.until(State::Ask, 40);
    assert!(world.last_reason().contains("one-voice"), "{}", world.last_reason());
    assert_eq!(world.told(NoticeKind::Ask), 1);
    world.until(State::Hold, 40);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn a_console_that_starts_when_the_active_is_dead_moves_after_its_own_delay() {
    let mut world = World::steady(2, 30);
    world.cut(1);
    world.restart();
    let started = world.now;
    world.sweep();
    world.until(State::Hold, 60);
    assert_eq!(
        world.path(),
        [
            State::Route,
            State::Follow,
            State::Route,
            State::Confirm,
            State::Claim,
            State::Write,
            State::Verify,
            State::Hold
        ]
    );
    let took = world.accepted[0].0 - started;
    assert!(took >= Span::from_s(35) && took <= Span::from_s(37), "{took}");
}

#[test]
fn without_a_baseline_a_starting_console_asks() {
    let mut world = World::steady(2, 30);
    world.cut(1);
    world.restart();
    world.setup.memory.baselines.clear();
    world.machine = evaluator::Machine::new(world.now, world.setup.clone());
    world.sweep();
    world.until(State::Ask, 60);
    assert!(world.accepted.is_empty());
    assert!(world.last_reason().contains("one-voice"));
}

#[test]
fn a_console_that_starts_after_haproxy_stopped_moves_straight_after_cold() {
    let mut world = World::steady(3, 30);
    world.host(1).down = Down::Stopped;
    world.restart();
    let started = world.now;
    world.sweep();
    world.until(State::Hold, 20);
    assert!(world.accepted[0].0 - started <= Span::from_s(6));
}

#[test]
fn one_member_alone_never_moves() {
    let mut world = World::steady(1, 30);
    world.host(1).down = Down::Stopped;
    world.speak(1);
    world.until(State::NoTarget, 10);
    world.host(1).down = Down::None;
    world.until(State::Steady, 10);
    assert_eq!(world.told(NoticeKind::Over), 1);
    world.sweep();
    world.cut(1);
    world.until(State::Follow, 60);
    world.run(60);
    assert_eq!(world.state(), State::Follow);
    assert_eq!(world.told(NoticeKind::CannotConfirm), 1);
    assert!(world.sent.is_empty());
}

#[test]
fn of_three_members_two_dead_a_person_decides_unless_told_otherwise() {
    let mut world = World::steady(3, 30);
    world.cut(1);
    world.cut(3);
    world.until(State::Ask, 60);
    world.run(60);
    assert_eq!(world.state(), State::Ask);
    assert!(world.entries.iter().any(|entry| entry.reason.contains("majority-lost")));
    assert!(world.sent.is_empty());
    world.policy(|policy| policy.settings.double_fault = model::settings::DoubleFault::Move);
    world.until(State::Hold, 10);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn the_console_without_network_is_blind_and_moves_nothing() {
    let mut world = World::steady(3, 10);
    for n in 1..=3 {
        world.host(n).reached = false;
    }
    world.anchors = Some((3, 0));
    world.answers = Answers::Unreachable;
    world.until(State::Blind, 15);
    world.run(300);
    assert_eq!(world.state(), State::Blind);
    assert!(world.sent.is_empty());
    assert!(world.outputs.iter().any(|(_, output)| *output == Output::LeaseRelease));
    for n in 1..=3 {
        world.host(n).reached = true;
    }
    world.anchors = Some((3, 3));
    world.answers = Answers::Well;
    world.until(State::Steady, 30);
}

#[test]
fn a_member_that_only_peers_see_is_still_seen() {
    let mut world = World::steady(3, 10);
    world.host(1).reached = false;
    world.run(120);
    assert_eq!(world.path(), [] as [State; 0]);
    world.host(1).reached = true;
    world.host(1).heard_by_peers = false;
    world.run(120);
    assert_eq!(world.path(), [] as [State; 0]);
}

#[test]
fn a_follower_ends_in_adopt_when_another_console_moves() {
    let mut world = World::steady(3, 30);
    world.other_holder = Some(evaluator::io::Holder { rank: 200, console: model::ConsoleId::from_number(2) });
    world.until(State::Follow, 15);
    world.sweep();
    let mut marker = crate::world::first_marker(2);
    marker.epoch = 8;
    world.a = vec![address(2)];
    world.markers = vec![evaluator::io::MarkerText::Marker(marker)];
    world.run(2);
    assert_eq!(world.path(), [State::Adopt, State::Route, State::Hold]);
    world.until(State::Follow, 125);
    assert_eq!(world.machine.active(), Some(id(2)));
    assert!(world.sent.is_empty());
}

#[test]
fn an_answer_that_was_lost_is_read_back() {
    let mut world = World::steady(3, 30);
    world.answers = Answers::SilentAfter;
    world.host(1).down = Down::Stopped;
    world.speak(1);
    assert_eq!(world.state(), State::Write);
    world.until(State::Hold, 15);
    assert_eq!(world.accepted.len(), 1);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(world.told(NoticeKind::Moved), 1);
}

#[test]
fn a_write_that_vanished_is_sent_again_identically() {
    let mut world = World::steady(3, 30);
    world.answers = Answers::Swallows;
    world.host(1).down = Down::Stopped;
    world.speak(1);
    world.until(State::Unknown, 10);
    world.run(20);
    assert!(world.sent.len() >= 3, "{}", world.sent.len());
    assert!(world.sent.iter().all(|(_, claim)| *claim == world.sent[0].1));
    world.answers = Answers::Well;
    world.until(State::Hold, 40);
    assert_eq!(world.accepted.len(), 1);
}

#[test]
fn an_open_claim_is_aborted_when_the_active_is_up_again() {
    let mut world = World::steady(3, 30);
    world.answers = Answers::Swallows;
    world.host(1).down = Down::Stopped;
    world.speak(1);
    world.until(State::Unknown, 10);
    let zombie = world.sent[0].1.clone();
    world.host(1).down = Down::None;
    world.answers = Answers::Well;
    world.until(State::Steady, 60);
    assert_eq!(world.a, [address(1)]);
    assert_eq!(world.epoch(), 8);
    assert_eq!(world.accepted.len(), 1);
    assert!(!world.apply(&zombie), "the marker is consumed");
    assert_eq!(world.told(NoticeKind::Moved), 0);
    assert_eq!(world.machine.memory().intent, None);
}

#[test]
fn an_intent_left_by_another_console_is_closed_after_a_minute() {
    let mut world = World::steady(3, 30);
    let nonce = model::Nonce::from_u64(77);
    let intent = evaluator::io::ForeignIntent {
        console: model::ConsoleId::from_number(2),
        epoch: 8,
        nonce,
        target: id(2),
        age: Span::from_s(5),
    };
    world.intents.insert(nonce, (intent, world.now));
    world.run(50);
    assert!(world.sent.is_empty());
    world.run(12);
    assert_eq!(world.epoch(), 8);
    assert_eq!(world.a, [address(1)]);
    world.until(State::Steady, 10);
    assert!(world.intents.is_empty());
}

#[test]
fn the_watch_killed_between_intent_and_answer_makes_no_second_write() {
    let mut world = World::steady(3, 30);
    world.answers = Answers::SilentAfter;
    world.host(1).down = Down::Stopped;
    world.speak(1);
    assert_eq!(world.accepted.len(), 1);
    world.restart();
    world.answers = Answers::Well;
    world.until(State::Hold, 30);
    assert_eq!(world.accepted.len(), 1);
    assert_eq!(world.told(NoticeKind::Moved), 1);
}

#[test]
fn a_foreign_edit_ends_in_drift_until_somebody_decides() {
    let mut world = World::steady(3, 30);
    world.a = vec![address(99)];
    world.until(State::Drift, 60);
    assert!(world.last_reason().starts_with("edited"));
    world.cut(1);
    world.run(120);
    assert_eq!(world.state(), State::Drift);
    assert!(world.sent.is_empty());
    world.command(Command::RestoreRecord { by: "anna".into() });
    assert_eq!(world.accepted[0].1.set_a, address(1));
    assert_eq!(world.accepted[0].1.epoch, 8);
    world.until(State::Hold, 60);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn nothing_happens_in_the_first_five_seconds_after_a_sleep() {
    let mut world = World::steady(3, 30);
    world.now += Span::from_s(3600);
    world.host(1).down = Down::Stopped;
    let woke = world.now;
    world.input(evaluator::Input::Tick);
    assert_eq!(world.state(), State::Cold);
    world.until(State::Hold, 20);
    assert!(world.sent[0].0 - woke >= Span::from_s(5));
    assert_ne!(world.now, Time::ZERO);
}

#[test]
fn a_deleted_marker_is_put_back_with_the_record_or_beside_it() {
    let by = || String::from("anna");
    for (stands, command, ends) in [
        (1, Command::AdoptRecord { by: by() }, 1),
        (1, Command::RestoreRecord { by: by() }, 1),
        (2, Command::AdoptRecord { by: by() }, 2),
        (2, Command::RestoreRecord { by: by() }, 1),
    ] {
        let mut world = World::steady(3, 30);
        world.markers.clear();
        world.a = vec![address(stands)];
        world.until(State::Drift, 60);
        assert!(world.last_reason().starts_with("deleted"), "{}", world.last_reason());
        world.run(30);
        assert!(world.sent.is_empty(), "never by itself");
        world.command(command);
        world.until(State::Steady, 30);
        let claim = &world.accepted[0].1;
        assert_eq!((claim.expect_marker.as_ref(), claim.expect_a, claim.epoch), (None, address(stands), 8));
        assert_eq!(claim.set_marker.previous, crate::world::first_marker(1).nonce);
        assert_eq!(
            (world.a.as_slice(), world.machine.active()),
            ([address(ends)].as_slice(), Some(id(ends)))
        );
        assert!(!world.outputs.iter().any(|(_, output)| matches!(output, Output::Moved(..))), "no move");
        // The pool fails over again as before.
        world.cut(ends);
        world.until(State::Hold, 60);
        assert_ne!(world.a, [address(ends)]);
    }
}

#[test]
fn a_marker_that_comes_back_while_it_is_replaced_refuses_the_replacement() {
    let mut world = World::steady(3, 30);
    let kept = std::mem::take(&mut world.markers);
    world.until(State::Drift, 60);
    world.answers = Answers::Late;
    world.command(Command::AdoptRecord { by: "anna".into() });
    world.markers = kept;
    world.answers = Answers::Well;
    world.until(State::Steady, 90);
    assert!(world.accepted.is_empty(), "{:?}", world.accepted);
}

#[test]
fn what_cannot_be_settled_from_here_is_refused_with_the_way_out() {
    let mut world = World::steady(3, 30);
    let ours = world.markers[0].clone();
    let mut refusal = |a: Vec<u32>, markers: Vec<evaluator::io::MarkerText>| {
        (world.a, world.markers) = (a.into_iter().map(address).collect(), markers);
        world.until(State::Drift, 60);
        world.run(20);
        world.command(Command::RestoreRecord { by: "anna".into() });
        assert!(world.sent.is_empty());
        let entry = world.entries.last().unwrap();
        assert_eq!(entry.cause, evaluator::claim::outcome::REFUSED);
        entry.reason.clone()
    };
    let foreign = evaluator::io::MarkerText::Foreign("v=spf1 -all".into());
    let doubled = refusal(vec![1], vec![ours.clone(), foreign.clone()]);
    assert!(
        doubled.starts_with("2 texts stand") && doubled.contains("delete those that are not ours"),
        "{doubled}"
    );
    let only_foreign = refusal(vec![1], vec![foreign]);
    assert!(only_foreign.contains("serversctl dns adopt --take-over"), "{only_foreign}");
    let two = refusal(vec![1, 2], vec![ours.clone()]);
    assert!(two.starts_with("2 A records stand"), "{two}");
    let none = refusal(vec![], vec![ours]);
    assert!(none.contains("`serversctl dns adopt` with the member"), "{none}");
}
