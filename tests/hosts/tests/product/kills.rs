//! `kill -9` of the watch: no incident is lost and nothing is written twice, whenever it happens (safety.md I1, I6, I18).

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hosts::product::POOL;
use hosts::{Seen, wait};

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, Stage, armed_world, in_world, incident_of, text};

/// Stops HAProxy on the active member, kills the watch so many milliseconds later, and starts it again.
fn killed_after(stage: &mut Stage<'_>, after_ms: u64) -> Result<()> {
    let before = stage.record()?;
    let known = stage.console.incidents()?.len();
    let began = Instant::now();
    stage.stop_haproxy(before.address)?;
    let due = Duration::from_millis(after_ms);
    wait::until("the moment of the kill", Duration::from_secs(5), || {
        Ok(Seen::when(began.elapsed() >= due, "not yet"))
    })?;
    stage.kill_watch()?;
    stage.start_watch()?;
    let after = stage.wait_moved(&before, MOVE_BOUND)?;
    let status = stage.console.wait_state(&["HOLD", "STEADY", "LOCKED"], MOVE_BOUND)?;
    ensure!(status["epoch"] == after.epoch, "{status}");
    let incident = wait::until("the incident to be closed", MOVE_BOUND, || {
        let incident = incident_of(&stage.console, after.epoch)?;
        let is_over = text(&incident, "outcome") == "moved";
        Ok(if is_over { Seen::Yes(incident) } else { Seen::NotYet(incident.to_string()) })
    })?;
    let active = stage.active()?;
    ensure!(text(&incident, "to") == active.name(), "{incident}");
    ensure!(text(&incident, "cause") == "service-down", "{incident}");
    let all = stage.console.incidents()?;
    ensure!(all.len() == known + 1, "{known} incidents became {}: {all:?}", all.len());
    active.must(&["systemctl", "is-active", "haproxy.service"])?;
    stage.unwritten_since(&after)?;
    // As a person does: the old member is repaired, the moves are seen.
    stage.start_haproxy(before.address)?;
    stage.console.ask(&["ack", POOL])?;
    stage.console.wait_state(&["HOLD", "STEADY"], READY_BOUND)?;
    stage.wait_standbys()
}

#[test]
fn a_kill_before_the_decision_loses_nothing() {
    armed_world(3, DELAY, |stage| {
        [0, 150, 300, 450].into_iter().try_for_each(|after_ms| killed_after(stage, after_ms))
    });
}

#[test]
fn a_kill_around_the_write_writes_nothing_twice() {
    armed_world(3, DELAY, |stage| {
        [500, 515, 530, 545, 560].into_iter().try_for_each(|after_ms| killed_after(stage, after_ms))
    });
}

#[test]
fn a_kill_after_the_write_writes_nothing_twice() {
    armed_world(3, DELAY, |stage| {
        [600, 700, 900, 1_200].into_iter().try_for_each(|after_ms| killed_after(stage, after_ms))
    });
}

#[test]
fn a_kill_while_it_is_rehearsed_or_armed_leaves_a_pool_that_still_moves() {
    in_world(3, DELAY, |stage| {
        for command in [["dns", "adopt", POOL], ["dns", "test", POOL]] {
            stage.console.ask(&command)?;
        }
        let adopted = stage.record()?;
        for (command, after_ms) in
            [(vec!["rehearse", POOL], 60), (vec!["rehearse", POOL], 400), (vec!["auto", "on", POOL], 5)]
        {
            let mut asked = stage.console.begin(&command)?;
            let began = Instant::now();
            wait::until("the moment of the kill", Duration::from_secs(5), || {
                Ok(Seen::when(began.elapsed() >= Duration::from_millis(after_ms), "not yet"))
            })?;
            stage.kill_watch()?;
            // Whether it was done or not, the command ends and says so.
            asked.wait(MOVE_BOUND)?;
            stage.start_watch()?;
            stage.unwritten_since(&adopted)?;
        }
        let rehearsed = stage.console.ask_within(&["rehearse", POOL], READY_BOUND)?;
        ensure!(rehearsed["result"]["green"] == true, "{rehearsed}");
        stage.console.ask(&["auto", "on", POOL])?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.wait_standbys()?;
        killed_after(stage, 250)
    });
}
