//! Explanations: what is said, and that saying it changes nothing.

use evaluator::io::{Input, State};
use evaluator::{Loss, Says, Verdict};
use model::Health;
use model::settings::Arming;

use crate::world::{World, id, settings};

#[test]
fn three_questions_are_answered_in_steady() {
    let world = World::steady(3, 10);
    let said = world.machine.explain(world.now);
    assert_eq!(
        (said.serving.says, said.takeover.says, said.would_move.says),
        (Says::Yes, Says::Yes, Says::Yes)
    );
    assert!(said.would_move.reason.starts_with("to edge-2 within 1"), "{}", said.would_move.reason);
    assert_eq!((said.voters.heard, said.voters.all, said.voters.needed), (3, 3, Some(2)));
    assert!(said.lease.held);
    assert_eq!(said.members[0].verdict, Verdict::Up);
    let json = serde_json::to_value(&said).unwrap();
    assert_eq!(json["state"], "STEADY");
    assert_eq!(json["members"][1]["health"]["kind"], "ready");
    assert!(json.to_string().len() < 8_000);
}

#[test]
fn asking_what_if_changes_nothing() {
    let mut world = World::steady(3, 30);
    let mut twin = world.machine.clone();
    let story = world.machine.what_if_dies(world.now, id(1));
    assert_eq!(story.moved_to, Some(id(2)));
    assert!(story.entries.iter().any(|entry| entry.to == State::Confirm));
    let _ = world.machine.explain(world.now);
    assert_eq!(format!("{:?}", world.machine), format!("{twin:?}"));
    let now = world.now + model::Span::from_ms(250);
    assert_eq!(world.machine.step(now, Input::Tick), twin.step(now, Input::Tick));
}

#[test]
fn what_if_tells_the_truth_that_comes() {
    let mut world = World::steady(3, 30);
    let story = world.machine.what_if_dies(world.now, id(1));
    let cut = world.cut(1);
    world.until(State::Hold, 60);
    let took = world.accepted[0].0 - cut;
    assert!(story.after.as_ms().abs_diff(took.as_ms()) <= 2_000, "{} foretold, {took} it was", story.after);
}

#[test]
fn the_reason_why_not_is_named() {
    let would = |world: &World| world.machine.explain(world.now).would_move;
    let mut world = World::steady(3, 10);
    world.policy(|policy| policy.settings.arming = Arming::Shadow);
    world.run(1);
    assert!(would(&world).reason.contains("not-armed"), "{:?}", would(&world));
    let mut world = World::steady(3, 10);
    world.host(2).cfg_valid = None;
    world.host(3).ip = crate::world::address(99);
    world.run(2);
    let said = world.machine.explain(world.now);
    assert_eq!((said.takeover.says, said.would_move.says), (Says::No, Says::No));
    assert!(said.would_move.reason.contains("edge-3 declares another IPv4"), "{}", said.would_move.reason);
    let mut world = World::new(3, settings(10));
    world.setup.memory.marker = None;
    world.machine = evaluator::Machine::new(world.now, world.setup.clone());
    world.markers.clear();
    world.run(10);
    assert_eq!(world.state(), State::Route);
    assert!(would(&world).reason.contains("not been adopted"));
}

#[test]
fn a_lone_member_has_a_health_and_no_failover() {
    let mut world = World::steady(1, 10);
    let said = world.machine.explain(world.now);
    assert_eq!(said.members[0].health, Health::Ready);
    assert_eq!(said.would_move.says, Says::No);
    assert_eq!(said.voters.needed, None);
    world.cut(1);
    world.run(15);
    let said = world.machine.explain(world.now);
    assert_eq!(said.members[0].health.word(), "Down");
    assert_eq!(said.serving.says, Says::No);
    world.anchors = Some((3, 0));
    world.run(10);
    assert_eq!(world.machine.explain(world.now).members[0].health.word(), "Unknown");
}

#[test]
fn what_if_a_service_stops_is_the_members_own_word() {
    let mut world = World::steady(3, 30);
    let twin = format!("{:?}", world.machine);
    let story = world.machine.what_if(world.now, id(1), Loss::ServiceStops);
    assert_eq!(story.moved_to, Some(id(2)));
    assert!(story.after <= model::Span::from_s(1), "no delay is waited for: {}", story.after);
    assert!(story.reason.contains("says that its service is down"), "{}", story.reason);
    assert_eq!(format!("{:?}", world.machine), twin, "asking changes nothing");
    // A standby's service is nobody's loss.
    let story = world.machine.what_if(world.now, id(2), Loss::ServiceStops);
    assert_eq!((story.moved_to, story.ends_in), (None, State::Steady));
    // It is what comes.
    world.host(1).down = model::haproxy::Down::Stopped;
    world.speak(1);
    assert_eq!(world.a, [crate::world::address(2)]);
}

#[test]
fn what_if_names_why_a_stopped_service_would_move_nothing() {
    let generic = model::Settings { preset: model::settings::Preset::Generic, ..settings(10) };
    let mut world = World::new(3, generic);
    world.until(State::Steady, 30);
    world.run(60);
    let story = world.machine.what_if(world.now, id(1), Loss::ServiceStops);
    assert_eq!(story.moved_to, None);
    assert!(story.reason.contains("edge-1 is not watched"), "{}", story.reason);
    let mut world = World::steady(3, 10);
    world.policy(|policy| policy.settings.arming = Arming::Shadow);
    world.run(1);
    let story = world.machine.what_if(world.now, id(1), Loss::ServiceStops);
    assert_eq!((story.moved_to, story.ends_in), (None, State::Ask));
    assert!(story.reason.contains("not-armed"), "{}", story.reason);
}
