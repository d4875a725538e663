//! Clean stops: of the agent alone, and of the whole host (safety.md F1).

use std::time::{Duration, Instant};

use anyhow::ensure;
use hosts::Member;

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, SOON, armed_world, incident_of, text};

const UNIT: &str = "balctl-heartbeat.service";
/// A host that says goodbye is believed at once; its services end in their own time.
const GOODBYE_BOUND: Duration = Duration::from_secs(5);

#[test]
fn a_stopped_agent_never_moves_and_a_host_that_shuts_down_moves_at_once() {
    armed_world(3, DELAY, |stage| {
        stage.console.wait_ready(READY_BOUND)?;
        let before = stage.record()?;
        let steady = stage.console.status()?;
        ensure!(steady["register"]["a"] == serde_json::json!([before.address.to_string()]), "{steady}");
        ensure!(steady["register"]["fault"].is_null() && steady["incident"].is_null(), "{steady}");
        stage.at(before.address).must(&["systemctl", "stop", UNIT])?;
        let asked = stage.console.wait_state(&["ASK"], MOVE_BOUND)?;
        ensure!(asked["incident"].is_string(), "what waits for a person is an open incident: {asked}");
        let explained = stage.console.explain()?;
        ensure!(explained.to_string().contains("agent-stopped"), "{explained}");
        ensure!(text(&asked, "reason").contains("a person must decide"), "{asked}");
        // Past the time that a revived agent would have had.
        stage.stays(&before, DELAY * 2)?;
        ensure!(text(&stage.console.status()?, "state") == "ASK", "it still waits for a person");
        stage.at(before.address).must(&["systemctl", "start", UNIT])?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.console.wait_ready(READY_BOUND)?;

        let off = stage.at(before.address);
        off.exec(&["systemctl", "--no-block", "poweroff"])?;
        let began = Instant::now();
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        let took = began.elapsed();
        ensure!(took < GOODBYE_BOUND, "it moved after {took:?}");
        stage.console.wait_state(&["HOLD"], SOON)?;
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "service-down", "{incident}");
        ensure!(incident.to_string().contains("the host shuts down"), "{incident}");
        Member::wait_off(stage.member("lb1"), READY_BOUND)?;
        stage.unwritten_since(&after)
    });
}
