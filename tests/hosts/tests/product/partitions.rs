//! Cuts between console, active member and peers (safety.md F3, F4, F5, F8).

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hosts::{Cut, Member, Seen, wait};

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, armed_world, text};

/// Longer than the delay and its confirmation: whoever decided on its own view would have moved.
const WATCHED: Duration = Duration::from_secs(16);

#[test]
fn one_sided_cuts_and_a_blind_console_move_nothing() {
    armed_world(3, DELAY, |stage| {
        // Without voices that may testify, nothing could move anyway.
        stage.console.wait_ready(READY_BOUND)?;
        let before = stage.record()?;
        let peers: Vec<_> = stage.members.iter().skip(1).map(Member::address).collect();

        // F4: the console does not reach the active member; its peers do.
        stage.network.cut(Cut::Pair(before.address))?;
        stage.stays(&before, WATCHED)?;
        let status = stage.console.status()?;
        ensure!(text(&status, "state") == "STEADY", "{status}");
        ensure!(status["traffic"]["verdict"] == "yes", "{status}");
        let explained = stage.console.explain()?;
        let through = explained["evidence"].as_array().into_iter().flatten().find(|piece| {
            text(piece, "about") == "lb1" && text(piece, "fact").starts_with("seen through lb")
        });
        through.with_context(|| format!("nothing says through whom lb1 is seen: {explained}"))?;
        stage.network.heal_all()?;
        stage.console.wait_ready(READY_BOUND)?;

        // F5: the active member's peers do not reach it; the console does.
        for peer in &peers {
            stage.at(before.address).cut(Cut::Pair(*peer))?;
        }
        stage.stays(&before, WATCHED)?;
        let status = stage.console.status()?;
        ensure!(text(&status, "state") == "STEADY", "{status}");
        ensure!(status["traffic"]["verdict"] == "yes", "{status}");
        stage.at(before.address).heal_all()?;
        stage.console.wait_ready(READY_BOUND)?;

        // F3: the console reaches nobody.
        stage.network.cut(Cut::Both)?;
        stage.stays(&before, WATCHED)?;
        let status = stage.console.status()?;
        ensure!(text(&status, "state") == "BLIND", "{status}");
        ensure!(text(&status, "reason").contains("nothing moves"), "{status}");
        ensure!(status["wouldMove"]["verdict"] != "yes", "a blind console would move: {status}");
        stage.network.heal_all()?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.unwritten_since(&before)?;
        let written = stage.console.incidents()?.into_iter().filter(|one| !one["epoch"].is_null());
        ensure!(written.count() == 0, "an incident says that something was written");
        Ok(())
    });
}

#[test]
fn forty_three_seconds_of_partition_move_once_and_never_back() {
    const PARTITION: Duration = Duration::from_secs(43);
    armed_world(3, DELAY, |stage| {
        stage.console.wait_ready(READY_BOUND)?;
        let before = stage.record()?;
        let began = Instant::now();
        stage.member("lb1").cut(Cut::Both)?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        ensure!(began.elapsed() >= DELAY, "it moved after {:?}", began.elapsed());
        wait::until("the partition to be over", PARTITION, || {
            Ok(Seen::when(began.elapsed() >= PARTITION, "not yet"))
        })?;
        stage.unwritten_since(&after)?;
        stage.member("lb1").heal_all()?;
        stage.console.wait_standby("lb1", READY_BOUND)?;
        stage.stays(&after, WATCHED)?;
        let moved = stage.console.incidents()?.into_iter().filter(|one| !one["epoch"].is_null());
        ensure!(moved.count() == 1, "one partition, one move");
        role_of(&stage.console.status()?, "lb1", "standby")
    });
}

fn role_of(status: &serde_json::Value, member: &str, role: &str) -> Result<()> {
    let members = status["members"].as_array().cloned().unwrap_or_default();
    let found = members.iter().find(|one| text(one, "name") == member).context("it is in the status")?;
    ensure!(text(found, "role") == role, "{found}");
    Ok(())
}
