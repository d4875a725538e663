//! What a member says about itself: its service, its agent, planned work, its address.

use evaluator::io::{Cause, Goodbye, Input, MoveRecord, NoticeKind, Output, Records, State};
use model::haproxy::Down;
use model::settings::{AgentLost, DynamicDns, Preset, Targets};
use model::{Settings, Span};

use crate::world::{World, address, id, settings};

fn probing(delay_s: u32) -> Settings {
    Settings { probe_port: Some(443), ..settings(delay_s) }
}

fn steady(settings: Settings) -> World {
    let mut world = World::new(3, settings);
    world.until(State::Steady, 30);
    world.run(120);
    world.sweep();
    world
}

#[test]
fn an_agent_that_dies_alone_is_revived_and_moved_after_two_delays() {
    let mut world = steady(probing(10));
    let cut = world.cut(1);
    world.host(1).serves = true;
    world.until(State::Revive, 15);
    let revives = |world: &World| world.outputs.iter().filter(|(_, o)| *o == Output::Revive(id(1))).count();
    assert_eq!(revives(&world), 1);
    world.until(State::Hold, 15);
    let took = world.accepted[0].0 - cut;
    assert!(took >= Span::from_s(19) && took <= Span::from_s(22), "{took}");
    assert_eq!(revives(&world), 1);
    assert_eq!(world.accepted[0].1.cause, Cause::AgentLost);
}

#[test]
fn a_revived_agent_ends_it() {
    let mut world = steady(probing(10));
    world.cut(1);
    world.host(1).serves = true;
    world.until(State::Revive, 15);
    world.input(Input::Revived("systemctl start".into()));
    world.host(1).powered = true;
    world.until(State::Steady, 5);
    assert!(world.sent.is_empty());
}

#[test]
fn a_service_that_stops_answering_during_revive_is_down() {
    let mut world = steady(probing(30));
    world.cut(1);
    world.host(1).serves = true;
    world.until(State::Revive, 35);
    world.host(1).serves = false;
    world.until(State::Hold, 8);
    assert_eq!(world.accepted[0].1.cause, Cause::Down);
}

#[test]
fn service_confirmed_asks_after_three_delays() {
    let mut world = steady(Settings { agent_lost: AgentLost::ServiceConfirmed, ..probing(10) });
    world.cut(1);
    world.host(1).serves = true;
    world.until(State::Ask, 50);
    assert!(world.entries.iter().any(|entry| entry.reason.contains("agent-lost")));
    world.run(60);
    assert_eq!(world.state(), State::Ask);
    assert!(world.sent.is_empty());
    world.host(1).serves = false;
    world.until(State::Hold, 5);
}

#[test]
fn the_third_move_locks_for_a_lost_agent_too() {
    use evaluator::io::{Cause, Command, MoveRecord, Records};
    let mut world = steady(probing(10));
    let record = |epoch, age_s| MoveRecord {
        epoch,
        age: Span::from_s(age_s),
        cause: Cause::Down,
        from: None,
        to: id(1),
        acknowledged: false,
        verified: true,
    };
    world.records(Records { moves: vec![record(4, 6000), record(5, 3000)], unreadable: false });
    world.cut(1);
    world.host(1).serves = true;
    world.until(State::Locked, 30);
    world.run(30);
    assert!(world.sent.is_empty());
    world.command(Command::Acknowledge { by: "anna".into() });
    world.until(State::Hold, 10);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn a_move_after_revive_waits_for_the_voters_and_goes_on() {
    let mut world = steady(probing(10));
    world.cut(1);
    world.host(1).serves = true;
    world.until(State::Revive, 15);
    world.run(5);
    world.policy(|policy| policy.held = Some("the daily check failed".into()));
    world.until(State::Ask, 15);
    world.run(20);
    world.policy(|policy| policy.held = None);
    world.until(State::Hold, 5);
}

#[test]
fn a_clean_agent_stop_alone_never_moves() {
    for settings in [settings(10), probing(10)] {
        let mut world = steady(settings);
        world.host(1).goodbye = Some(Goodbye::AgentStop);
        world.speak(1);
        world.host(1).powered = false;
        world.until(State::Ask, 20);
        assert!(world.last_reason().contains("agent-stopped"), "{}", world.last_reason());
        world.run(600);
        assert!(world.sent.is_empty());
        world.host(1).powered = true;
        world.host(1).goodbye = None;
        world.until(State::Steady, 5);
    }
}

#[test]
fn a_stopped_agent_that_starts_again_is_not_taken_for_dead() {
    let mut world = steady(settings(10));
    world.host(1).goodbye = Some(Goodbye::AgentStop);
    world.speak(1);
    world.host(1).powered = false;
    world.until(State::Ask, 20);
    world.run(30);
    // Its first heartbeat echoes no beacon of this console yet, while the others have been silent about it for long.
    let said = world.life(id(1));
    let first = evaluator::io::Life {
        incarnation: said.incarnation + 1,
        seq: 1,
        made_after: None,
        goodbye: None,
        ..said
    };
    let lives = vec![first];
    let report =
        evaluator::io::Report { relay: id(3), lives, testimonies: vec![], intents: vec![], epoch_max: 0 };
    world.input(Input::Report(report));
    world.run(5);
    assert!(world.sent.is_empty(), "{:?}", world.states);
}

#[test]
fn a_host_that_says_it_shuts_down_is_left_at_once() {
    let mut world = World::steady(3, 120);
    let now = world.now;
    world.host(1).goodbye = Some(Goodbye::HostShutdown);
    world.speak(1);
    assert_eq!(world.accepted[0].0, now);
}

#[test]
fn planned_work_causes_no_move_inside_its_window() {
    let mut world = World::steady(3, 10);
    world.host(1).planned = Some(Span::from_s(120));
    world.host(1).down = Down::Stopped;
    world.speak(1);
    world.run(2);
    world.host(1).goodbye = Some(Goodbye::HostShutdown);
    world.speak(1);
    world.host(1).powered = false;
    world.run(110);
    assert_eq!(world.state(), State::Suspect);
    assert!(world.sent.is_empty());
    world.until(State::Hold, 30);
}

#[test]
fn a_crash_loop_moves_and_a_hang_needs_a_second_vantage() {
    let mut world = World::steady(3, 30);
    world.host(1).down = Down::CrashLoop;
    world.speak(1);
    assert_eq!(world.a, [address(2)]);

    let mut world = steady(probing(30));
    world.host(1).down = Down::Hung;
    world.speak(1);
    world.run(60);
    assert_eq!(world.state(), State::Steady);
    assert_eq!(world.machine.health(world.now, id(1)).word(), "Degraded");
    world.host(1).serves = false;
    world.until(State::Hold, 3);
}

#[test]
fn a_generic_pool_looks_at_the_heartbeat_alone() {
    let mut world = steady(Settings { preset: Preset::Generic, ..settings(10) });
    world.host(1).down = Down::Stopped;
    world.host(2).down = Down::CrashLoop;
    world.speak(1);
    world.run(30);
    assert_eq!(world.state(), State::Steady);
    world.cut(1);
    world.until(State::Hold, 15);
    assert_eq!(world.a, [address(2)]);
}

#[test]
fn a_member_in_maintenance_pauses_its_pool() {
    let mut world = World::steady(3, 10);
    world.host(1).maintenance = true;
    world.host(1).down = Down::Stopped;
    world.run(30);
    assert_eq!(world.state(), State::Paused);
    assert!(world.sent.is_empty());
    world.host(1).maintenance = false;
    world.until(State::Hold, 3);
}

#[test]
fn who_is_not_ready_is_no_target() {
    let mut world = World::steady(3, 10);
    world.host(2).ip = address(77);
    world.run(2);
    world.cut(1);
    world.until(State::Hold, 15);
    assert_eq!(world.a, [address(3)]);

    let mut world = World::steady(3, 10);
    world.host(2).cfg_valid = Some(false);
    world.host(3).down = Down::Stopped;
    world.run(2);
    world.cut(1);
    world.until(State::NoTarget, 15);
    assert!(world.last_reason().contains("`haproxy -c` refuses"), "{}", world.last_reason());
    world.run(60);
    assert_eq!(world.a, [address(1)]);
    world.host(3).down = Down::None;
    world.until(State::Hold, 3);
    assert_eq!(world.a, [address(3)]);
}

#[test]
fn documentation_addresses_are_no_targets_of_a_public_pool() {
    let mut world = steady(Settings { targets: Targets::Public, ..settings(10) });
    world.cut(1);
    world.until(State::NoTarget, 15);
    assert!(world.last_reason().contains("not public"));
}

#[test]
fn a_probed_port_that_answers_nobody_is_no_target() {
    let mut world = steady(probing(10));
    world.host(2).serves = false;
    world.run(15);
    world.cut(1);
    world.until(State::Hold, 15);
    assert_eq!(world.a, [address(3)]);
}

#[test]
fn a_restored_snapshot_neither_votes_nor_takes_over() {
    let mut world = World::steady(3, 10);
    world.host(2).seq -= 50;
    world.run(5);
    let view = world.machine.explain(world.now);
    let member = view.members.iter().find(|member| member.member == id(2)).unwrap();
    assert!(member.bar.as_ref().is_some_and(|bar| bar.contains("snapshot")), "{member:?}");
    assert_eq!(view.voters.heard, 2);
    world.host(2).incarnation += 1;
    world.run(5);
    assert_eq!(world.machine.explain(world.now).voters.heard, 3);
}

#[test]
fn an_old_heartbeat_proves_no_life_whoever_brings_it() {
    let mut world = World::steady(3, 10);
    let old = world.life(id(1));
    world.cut(1);
    let mut seq = old.seq;
    for _ in 0..60 {
        world.run_ms(250);
        seq += 1;
        // A relay drips heartbeats that it hoarded: genuine, in order, with the beacon of then.
        let lives = vec![evaluator::io::Life { seq, ..old.clone() }];
        let report =
            evaluator::io::Report { relay: id(3), lives, testimonies: vec![], intents: vec![], epoch_max: 7 };
        world.input(Input::Report(report));
    }
    assert_eq!(world.accepted.len(), 1, "{:?}", world.states);
}

/// So many seconds in which so many vantage points see the first member's heartbeats come from there.
fn seen_at(world: &mut World, last: u32, vantages: u32, seconds: u64) {
    for _ in 0..seconds {
        world.input(Input::SourceSeen { member: id(1), ip: address(last), vantages });
        world.run(1);
    }
}

fn roaming() -> World {
    let mut world = steady(Settings { dynamic_dns: DynamicDns::On, ..settings(10) });
    world.host(1).ip = address(88);
    world
}

#[test]
fn the_record_follows_an_address_that_two_vantage_points_see() {
    let mut world = roaming();
    seen_at(&mut world, 88, 1, 5);
    assert!(world.sent.is_empty());
    seen_at(&mut world, 88, 2, 5);
    assert_eq!(world.a, [address(88)]);
    assert_eq!(world.state(), State::Steady);
    assert_eq!(world.told(NoticeKind::Moved), 0);
    world.host(1).ip = address(89);
    seen_at(&mut world, 89, 3, 200);
    assert_eq!(world.a, [address(88)], "at most one in five minutes");
    let waits = world.machine.explain(world.now).address_waits.unwrap();
    assert!(waits.contains("within the last five minutes"), "{waits}");
    seen_at(&mut world, 89, 3, 110);
    assert_eq!(world.a, [address(89)]);
}

#[test]
fn an_address_is_followed_by_evidence_of_now_and_only_where_the_policy_says_so() {
    // Off.
    let mut world = steady(settings(10));
    world.host(1).ip = address(88);
    seen_at(&mut world, 88, 3, 10);
    assert!(world.sent.is_empty());
    // The member declares another address than vantage points see.
    let mut world = roaming();
    seen_at(&mut world, 77, 3, 10);
    assert!(world.sent.is_empty());
    // What was seen once and is seen no more.
    world.host(1).ip = address(1);
    world.run(3);
    seen_at(&mut world, 88, 2, 1);
    world.run(10);
    world.host(1).ip = address(88);
    world.run(10);
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    // Somebody else's address, and one that the pool may not publish.
    world.host(1).ip = address(2);
    world.run(3);
    seen_at(&mut world, 2, 3, 5);
    assert!(world.sent.is_empty());
    let waits = world.machine.explain(world.now).address_waits.unwrap();
    assert!(waits.contains("is the address of"), "{waits}");
    let public = Settings { targets: Targets::Public, dynamic_dns: DynamicDns::On, ..settings(10) };
    let mut world = steady(public);
    world.host(1).ip = address(88);
    seen_at(&mut world, 88, 3, 5);
    assert!(world.sent.is_empty());
    let waits = world.machine.explain(world.now).address_waits.unwrap();
    assert!(waits.contains("is not public"), "{waits}");
}

#[test]
fn a_followed_address_is_recorded_and_is_no_move() {
    let mut world = roaming();
    seen_at(&mut world, 88, 2, 5);
    let told = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Moved(record, incident) => Some((*record, *incident)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 2, "written, then read back: {told:?}");
    let (record, incident) = told[1];
    assert_eq!((record.cause, record.from, record.to, record.verified), (Cause::Ddns, None, id(1), true));
    assert_eq!(told[0].1, incident);
    let lines = world.entries.iter().filter(|entry| entry.incident == Some(incident));
    let states: Vec<_> = lines.filter(|entry| entry.from != entry.to).map(|entry| entry.to).collect();
    assert_eq!(states[..3], [State::Claim, State::Write, State::Verify]);
    // Another console that learns of it from the records keeps the rest, and holds nothing down.
    assert_eq!(world.state(), State::Steady);
    let mut other = roaming();
    let marker = other.machine.memory().marker.unwrap();
    other.input(Input::Records(Records {
        moves: vec![MoveRecord { epoch: marker.epoch, ..record }],
        unreadable: false,
    }));
    seen_at(&mut other, 88, 2, 30);
    assert!(other.sent.is_empty());
    assert_eq!(other.state(), State::Steady);
}
