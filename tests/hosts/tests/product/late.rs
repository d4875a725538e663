//! A watch that starts when the active member is lost already (safety.md 3, "Walked through the table").

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, armed_world, incident_of, phases, text};

/// COLD lasts this long at least.
const COLD: Duration = Duration::from_secs(5);

#[test]
fn a_watch_started_after_the_death_moves_after_cold_and_the_delay() {
    armed_world(3, DELAY, |stage| {
        stage.console.wait_ready(READY_BOUND)?;
        let before = stage.record()?;
        stage.kill_watch()?;
        stage.member("lb1").power_cut()?;
        let began = Instant::now();
        stage.start_watch()?;
        let after = stage.wait_moved(&before, DELAY + Duration::from_secs(30))?;
        let took = began.elapsed();
        ensure!(took >= COLD + DELAY, "it moved after {took:?}, before it could know");
        stage.console.wait_state(&["HOLD"], MOVE_BOUND)?;
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "down", "{incident}");
        ensure!(text(&incident, "outcome") == "moved" && text(&incident, "from") == "lb1", "{incident}");
        Ok(())
    });
}

#[test]
fn a_watch_started_after_haproxy_stopped_moves_straight_after_cold() {
    armed_world(3, DELAY, |stage| {
        let before = stage.record()?;
        stage.kill_watch()?;
        stage.stop_haproxy(before.address)?;
        let began = Instant::now();
        stage.start_watch()?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        let took = began.elapsed();
        ensure!(took >= COLD && took < COLD + DELAY, "it moved after {took:?}");
        stage.console.wait_state(&["HOLD"], MOVE_BOUND)?;
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "service-down", "{incident}");
        let reached = phases(&incident);
        let order = ["confirming", "decided", "sent", "accepted", "verified"];
        ensure!(reached == order, "{reached:?}");
        check_evidence(&incident)
    });
}

/// What it rests on is there, each piece with its age.
fn check_evidence(incident: &serde_json::Value) -> Result<()> {
    let evidence = incident["evidence"].as_array().cloned().unwrap_or_default();
    ensure!(!evidence.is_empty(), "no evidence in {incident}");
    for piece in &evidence {
        ensure!(!text(piece, "vantage").is_empty() && !text(piece, "fact").is_empty(), "{piece}");
        ensure!(piece["ageMs"].as_u64().is_some_and(|age| age <= 20_000), "{piece}");
    }
    Ok(())
}
