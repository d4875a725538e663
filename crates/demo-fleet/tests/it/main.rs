//! The demo as whoever starts it meets it: a process, its profile's socket, its name server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod demo;

use std::time::Duration;

use demo::Demo;

/// A failover takes two to twelve seconds here, and a slow machine has other things to do.
const MOVE: Duration = Duration::from_secs(30);
const READY: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_demo_fleet_fails_over_and_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&place.path().join("demo"));
    demo.wait("the fleet to stand", READY, |picture| picture["stage"] == "ready").await;
    let status = demo.status().await;
    assert!(status.armed, "automatic failover is on");
    let first = demo.active().await;
    demo.wait_record(&first, READY).await;
    demo.wait_would_move(READY).await;

    demo.say("stop-service");
    let second = demo.wait_moved(&first, MOVE).await;
    demo.wait_incident("moved", &first, &second, MOVE).await;
    demo.wait("words of the move", MOVE, |picture| {
        let words = picture["words"].as_str().unwrap_or_default();
        words.starts_with(&format!("The record moved from {first} to {second} after "))
    })
    .await;

    demo.say("restore");
    demo.wait_would_move(READY).await;
    demo.say("cut-power");
    let third = demo.wait_moved(&second, MOVE).await;
    demo.wait_incident("moved", &second, &third, MOVE).await;

    demo.say("end");
    demo.wait_ended().await;
    assert!(!place.path().join("demo").exists(), "nothing is left");
    demo.must_be_silent().await;
}

#[tokio::test]
async fn what_a_killed_demo_left_goes_with_the_next_and_two_do_not_meet() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("demo");
    let mut killed = Demo::start(&directory);
    killed.wait("an enrolment", READY, |picture| picture["done"].as_u64() >= Some(4)).await;
    killed.kill();
    let left = directory.join("members/edge-ams-1");
    assert!(left.exists(), "a killed demo cleans nothing up");

    let mut demo = Demo::start(&directory);
    demo.wait("its first word", READY, |picture| picture["stage"] == "building").await;
    let mut other = Demo::start(&directory);
    let refused = other.wait_refused().await;
    assert!(refused.contains("a demo runs already in"), "{refused}");
    // In the middle of its set-up it ends as well as later.
    demo.say("end");
    demo.wait_ended().await;
    assert!(!directory.exists());
}
