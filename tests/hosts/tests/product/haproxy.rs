//! HAProxy restarted, killed, crash-looping, hung, reloaded (safety.md F2).

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hosts::product::POOL;
use hosts::{Member, Seen, wait};

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, SOON, armed_world, incident_of, text};

/// Whatever were to follow from a restart would within this: three times what is waited before a unit counts as gone.
const WATCHED: Duration = Duration::from_secs(6);
/// How far kills of a crash-loop are apart.
const BETWEEN_KILLS: Duration = Duration::from_millis(2_500);

fn property(member: &Member, name: &str) -> Result<String> {
    let asked = format!("--property={name}");
    Ok(member.must(&["systemctl", "show", &asked, "--value", "haproxy.service"])?.trim().to_owned())
}

/// Waits until the unit runs under another main process than `before`.
fn wait_restarted(member: &Member, before: &str) -> Result<()> {
    wait::until("HAProxy to be restarted", SOON, || {
        let (pid, state) = (property(member, "MainPID")?, property(member, "ActiveState")?);
        Ok(Seen::when(pid != before && pid != "0" && state == "active", format!("{state}, process {pid}")))
    })
}

fn kill(member: &Member) -> Result<()> {
    member.must(&["systemctl", "kill", "--signal=KILL", "haproxy.service"])?;
    Ok(())
}

/// What the incident's evidence says about HAProxy.
fn facts(incident: &serde_json::Value) -> String {
    let evidence = incident["evidence"].as_array().into_iter().flatten();
    evidence.map(|piece| text(piece, "fact")).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_restart_a_reload_and_one_kill_move_nothing() {
    armed_world(3, DELAY, |stage| {
        let before = stage.record()?;
        let lb1 = stage.at(before.address);
        lb1.must(&["systemctl", "restart", "haproxy.service"])?;
        stage.stays(&before, WATCHED)?;

        let url = format!("while :; do curl -s -o /dev/null http://{}/; done", before.address);
        let mut load = stage.client.spawn("load", &["sh", "-c", &url])?;
        for _ in 0..5 {
            lb1.must(&["systemctl", "reload", "haproxy.service"])?;
        }
        stage.stays(&before, WATCHED)?;
        load.must_run()?;
        load.kill()?;

        let process = property(lb1, "MainPID")?;
        kill(lb1)?;
        wait_restarted(lb1, &process)?;
        stage.stays(&before, WATCHED)?;
        let status = stage.console.status()?;
        ensure!(text(&status, "state") == "STEADY", "{status}");
        ensure!(stage.console.incidents()?.iter().all(|one| one["epoch"].is_null()), "nothing moved");
        Ok(())
    });
}

#[test]
fn a_crash_loop_moves_once() {
    armed_world(3, DELAY, |stage| {
        let before = stage.record()?;
        let mut kills = 0;
        while stage.marker()? == before {
            kills += 1;
            ensure!(kills <= 6, "it was killed {kills} times and nothing moved");
            let lb1 = stage.at(before.address);
            let process = property(lb1, "MainPID")?;
            let began = Instant::now();
            kill(lb1)?;
            wait_restarted(lb1, &process)?;
            wait::until("the next kill or the move", BETWEEN_KILLS + SOON, || {
                let is_due = began.elapsed() >= BETWEEN_KILLS || stage.marker()? != before;
                Ok(Seen::when(is_due, "neither yet"))
            })?;
        }
        ensure!(kills >= 3, "it moved after {kills} kills, before anybody could call that a loop");
        let after = stage.one_write_after(&before)?;
        stage.console.wait_state(&["HOLD"], SOON)?;
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "service-down", "{incident}");
        ensure!(facts(&incident).contains("crashes again and again"), "{incident}");
        stage.stays(&after, WATCHED)
    });
}

#[test]
fn a_hung_haproxy_moves_once_another_sees_it_too() {
    armed_world(3, DELAY, |stage| {
        stage.console.ask(&["pool", "set", POOL, "--probe-port", "80"])?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.wait_standbys()?;
        let before = stage.record()?;
        let lb1 = stage.at(before.address);
        let workers = workers(lb1)?;
        signal(lb1, "STOP", &workers)?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        stage.console.wait_state(&["HOLD"], SOON)?;
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "service-down", "{incident}");
        ensure!(facts(&incident).contains("hangs"), "{incident}");
        signal(lb1, "CONT", &workers)?;
        stage.console.wait_standby("lb1", READY_BOUND)?;
        stage.stays(&after, WATCHED)
    });
}

/// Every process of HAProxy but its master, who only looks after them.
fn workers(member: &Member) -> Result<Vec<String>> {
    let master = property(member, "MainPID")?;
    let children = member.must(&["pgrep", "--parent", &master])?;
    let workers: Vec<_> = children.split_whitespace().map(str::to_owned).collect();
    ensure!(!workers.is_empty(), "HAProxy {master} has no worker");
    Ok(workers)
}

fn signal(member: &Member, name: &str, processes: &[String]) -> Result<()> {
    let sign = format!("-{name}");
    let argv: Vec<&str> = ["kill", &sign].into_iter().chain(processes.iter().map(String::as_str)).collect();
    member.must(&argv).with_context(|| format!("sending {name}")).map(drop)
}
