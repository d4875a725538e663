//! Paused pools and pools without a target keep the record (safety.md F19, F20; I15, I16).

use std::time::Duration;

use anyhow::ensure;
use hosts::Member;
use hosts::product::POOL;

use crate::stage::{DELAY, MOVE_BOUND, SOON, armed_world, text};

const WATCHED: Duration = Duration::from_secs(6);
/// I15: a pause reaches every live evaluator within this.
const PAUSE_BOUND: Duration = Duration::from_secs(5);

#[test]
fn a_paused_pool_and_one_without_a_target_keep_the_record() {
    armed_world(3, DELAY, |stage| {
        let before = stage.record()?;
        stage.console.ask(&["pause", POOL, "--for", "10m", "--why", "kernel update"])?;
        let paused = stage.console.wait_state(&["PAUSED"], PAUSE_BOUND)?;
        ensure!(text(&paused, "reason").contains("kernel update"), "{paused}");
        stage.stop_haproxy(before.address)?;
        stage.stays(&before, WATCHED)?;
        ensure!(stage.console.status()?["wouldMove"]["verdict"] == "no", "a paused pool would not move");
        stage.console.ask(&["resume", POOL])?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        stage.console.wait_state(&["HOLD"], SOON)?;

        // lb1 is down still; the other standby goes, then the new active member.
        let others: Vec<_> = stage.members.iter().map(Member::address).collect();
        let spare = others.iter().copied().find(|one| *one != before.address && *one != after.address);
        let spare = spare.unwrap();
        stage.stop_haproxy(spare)?;
        stage.console.wait_not_ready(stage.at(spare).name(), SOON)?;
        stage.stop_haproxy(after.address)?;
        let stuck = stage.console.wait_state(&["NO_TARGET"], SOON)?;
        ensure!(text(&stuck, "reason").contains("no standby is ready"), "{stuck}");
        ensure!(text(&stuck, "reason").contains("says that its HAProxy does not serve"), "{stuck}");
        stage.stays(&after, WATCHED)?;

        // One of them is repaired: that is where it goes.
        stage.start_haproxy(spare)?;
        let last = stage.wait_moved(&after, MOVE_BOUND)?;
        ensure!(last.address == spare, "{}", last.text);
        Ok(())
    });
}
