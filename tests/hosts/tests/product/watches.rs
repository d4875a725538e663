//! Two watches of one fleet (safety.md F12).

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::product::{Console, POOL};
use hosts::{Cut, Fabric, Host, Process, Seen, wait};
use serde_json::Value;

use crate::stage::{DELAY, READY_BOUND, SOON, Stage, armed_world, phases, states, text};

/// A second console on a host of its own, with its watch.
fn second<'h>(stage: &Stage<'_>, host: &'h Host) -> Result<(Console<'h>, Process)> {
    host.set_name_server(stage.dns.address())?;
    let other = stage.console.second(host, "console-b", stage.dns.address(), stage.dns.key())?;
    let watch = other.watch()?;
    Ok((other, watch))
}

fn second_host(fabric: &Fabric) -> Result<Host> {
    fabric.host("consoleb", 101)
}

/// Which of the consoles says that it holds the lease.
fn holders(consoles: &[&Console<'_>]) -> Result<Vec<bool>> {
    consoles.iter().map(|console| Ok(console.status()?["lease"]["kind"] == "mine")).collect()
}

fn incident_id(console: &Console<'_>, epoch: u64) -> Result<Option<String>> {
    let all = console.incidents()?;
    Ok(all.iter().find(|one| one["epoch"] == epoch).map(|one| text(one, "id").to_owned()))
}

/// Everything a console has told since it started, as its explanation and its incidents hold it.
fn story(console: &Console<'_>) -> Result<Value> {
    Ok(console.explain()?["entries"].clone())
}

#[test]
fn two_watches_see_the_death_one_writes_and_the_other_adopts() {
    armed_world(3, DELAY, |stage| {
        let host = second_host(stage.fabric)?;
        let (other, mut other_watch) = second(stage, &host)?;
        other.wait_state(&["FOLLOW", "STEADY"], READY_BOUND)?;
        wait::until("one lease holder and one follower", READY_BOUND, || {
            let (one, two) = (stage.console.status()?, other.status()?);
            let pair = [text(&one, "state"), text(&two, "state")];
            let is_so = pair == ["STEADY", "FOLLOW"] || pair == ["FOLLOW", "STEADY"];
            Ok(Seen::when(is_so, format!("{pair:?}: {} / {}", one["reason"], two["reason"])))
        })?;
        ensure!(holders(&[&stage.console, &other])?.iter().filter(|holds| **holds).count() == 1);
        // Of two of one rank the higher id may take over once, in STEADY.
        wait::until("whoever holds the lease to be ready for a failover", READY_BOUND, || {
            let seen = [stage.console.status()?, other.status()?];
            let ready = seen.iter().any(|one| {
                one["lease"]["kind"] == "mine"
                    && one["wouldMove"]["verdict"] == "yes"
                    && one["state"] == "STEADY"
            });
            let reasons = seen.map(|one| format!("{}: {}", one["state"], one["wouldMove"]["reason"]));
            Ok(Seen::when(ready, reasons.join(" / ")))
        })?;
        for console in [&stage.console, &other] {
            console.wait_traffic(READY_BOUND)?;
        }

        let before = stage.record()?;
        stage.member("lb1").power_cut()?;
        let after = stage.wait_moved(&before, Duration::from_secs(30))?;
        for console in [&stage.console, &other] {
            console.wait_state(&["HOLD", "FOLLOW"], SOON)?;
        }
        let wrote = [&stage.console, &other].map(|console| Ok(states(&story(console)?).contains(&"WRITE")));
        let wrote: Vec<bool> = wrote.into_iter().collect::<Result<_>>()?;
        ensure!(wrote.iter().filter(|wrote| **wrote).count() == 1, "who wrote: {wrote:?}");
        let (winner, follower) = if wrote[0] { (&stage.console, &other) } else { (&other, &stage.console) };
        // The follower learns it at a relay's word of the new epoch.
        wait::until("the follower to adopt", SOON, || {
            let told = story(follower)?;
            let newest = format!("the register holds epoch {}", after.epoch);
            let adopted = told.as_array().into_iter().flatten();
            let adopted =
                adopted.filter(|line| text(line, "to") == "ADOPT" && text(line, "reason") == newest);
            let is_so = adopted.count() == 1 && follower.status()?["epoch"] == after.epoch;
            Ok(Seen::when(is_so, format!("{:?}", states(&told))))
        })?;
        ensure!(!states(&story(follower)?).contains(&"WRITE"), "the follower wrote");
        let won = incident_id(winner, after.epoch)?.context("the winner has the incident")?;
        let followed = wait::until("the follower to know the incident", SOON, || {
            let all = follower.incidents()?;
            let found = all.iter().find(|one| text(one, "id") == won).cloned();
            Ok(found.map_or_else(|| Seen::NotYet(format!("{all:?}")), Seen::Yes))
        })?;
        ensure!(text(&followed, "outcome") == "moved-by-other", "{followed}");
        let won = winner.incident(&won)?;
        ensure!(text(&won, "outcome") == "moved", "{won}");
        ensure!(phases(&won).contains(&"sent") && phases(&won).contains(&"accepted"), "{won}");
        stage.stays(&after, Duration::from_secs(5))?;
        ensure!(holders(&[&stage.console, &other])?.iter().filter(|holds| **holds).count() == 1);
        stage.watch.as_mut().context("the first watch runs")?.must_run()?;
        other_watch.must_run()
    });
}

/// Both hold the lease, each granted by the only relay it can ask; both send; the zone accepts one.
/// Leaves each console one relay, that of another standby: whoever it can ask grants the lease.
fn one_relay_each(stage: &Stage<'_>, other: &Host, active: Ipv4Addr) -> Result<()> {
    let relays: Vec<_> = stage.members.iter().map(hosts::Member::address).collect();
    let spare: Vec<_> = relays.iter().copied().filter(|one| *one != active).collect();
    for (network, only) in [(stage.network, spare[0]), (other, spare[1])] {
        network.heal_all()?;
        for relay in relays.iter().filter(|relay| **relay != only) {
            network.cut(Cut::Pair(*relay))?;
        }
    }
    Ok(())
}

/// The newest incident of each console, once both know who moved and go by the new epoch.
fn how_it_ended(consoles: &[&Console<'_>], epoch: u64) -> Result<Seen<Vec<Value>>> {
    let mut ended = Vec::new();
    for console in consoles {
        let found = console.incidents()?;
        let newest = found.first().and_then(|one| one["beganMs"].as_u64());
        let ours = found.iter().find(|one| {
            ["moved", "moved-by-other"].contains(&text(one, "outcome")) && one["beganMs"].as_u64() >= newest
        });
        let Some(ours) = ours else { return Ok(Seen::NotYet(format!("{found:?}"))) };
        let stands = &console.status()?["epoch"];
        if *stands != epoch {
            return Ok(Seen::NotYet(format!("epoch {stands}")));
        }
        ended.push(console.incident(text(ours, "id"))?);
    }
    Ok(Seen::Yes(ended))
}

#[test]
fn with_the_lease_forced_open_both_send_one_is_accepted_the_other_adopts() {
    const ROUNDS: u32 = 8;
    armed_world(3, DELAY, |stage| {
        let host = second_host(stage.fabric)?;
        let (other, other_watch) = second(stage, &host)?;
        other.wait_state(&["FOLLOW", "STEADY"], READY_BOUND)?;
        let mut watches = (stage.watch.take(), Some(other_watch));
        let mut both_sent = 0;
        for round in 1..=ROUNDS {
            // A relay that answered lately and is missed makes a console BLIND; one never reached does not.
            for watch in [&mut watches.0, &mut watches.1] {
                if let Some(mut watch) = watch.take() {
                    watch.stop(SOON)?;
                }
            }
            let before = stage.record()?;
            one_relay_each(stage, &host, before.address)?;
            watches = (Some(stage.console.watch()?), Some(other.watch()?));
            for console in [&stage.console, &other] {
                // After the first round the hold-down runs; both states may act on the active member's own word.
                console.wait_state(&["STEADY", "HOLD"], READY_BOUND)?;
            }
            wait::until("both to hold the lease and see a standby", READY_BOUND, || {
                let seen = [stage.console.status()?, other.status()?];
                let is_so = seen.iter().all(|status| {
                    status["lease"]["kind"] == "mine" && status["standbys"]["verdict"] == "yes"
                });
                Ok(Seen::when(is_so, format!("{} / {}", seen[0]["lease"], seen[1]["lease"])))
            })?;

            stage.stop_haproxy(before.address)?;
            let after = stage.wait_moved(&before, SOON)?;
            let sent = wait::until("both to know how it ended", SOON, || {
                how_it_ended(&[&stage.console, &other], after.epoch)
            })?;
            let senders = sent.iter().filter(|incident| phases(incident).contains(&"sent")).count();
            ensure!(senders > 0, "nobody sent: {sent:?}");
            ensure!(sent[0]["id"] == sent[1]["id"], "two incidents for one fault: {sent:?}");
            let outcomes: Vec<_> = sent.iter().map(|incident| text(incident, "outcome")).collect();
            ensure!(
                outcomes == ["moved", "moved-by-other"] || outcomes == ["moved-by-other", "moved"],
                "round {round}: {outcomes:?}"
            );
            if senders == 2 {
                both_sent += 1;
                let loser = sent.iter().find(|one| text(one, "outcome") == "moved-by-other").unwrap();
                let path = states(&loser["entries"]);
                let wrote = path.iter().position(|state| *state == "WRITE").context("it sent")?;
                let adopted = path.iter().position(|state| *state == "ADOPT").context("it adopted")?;
                ensure!(wrote < adopted && !path.contains(&"VERIFY"), "the loser's story: {path:?}");
            }
            stage.unwritten_since(&after)?;
            if both_sent > 0 {
                break;
            }
            stage.start_haproxy(before.address)?;
            for console in [&stage.console, &other] {
                console.ask(&["ack", POOL])?;
            }
        }
        ensure!(both_sent > 0, "in {ROUNDS} rounds the two never both sent");
        stage.network.heal_all()?;
        host.heal_all()?;
        let last = stage.record()?;
        // Connected again, one of them holds the lease and nothing is written any more.
        wait::until("one lease holder", READY_BOUND, || {
            let held = holders(&[&stage.console, &other])?;
            Ok(Seen::when(held.iter().filter(|holds| **holds).count() == 1, format!("{held:?}")))
        })?;
        stage.stays(&last, Duration::from_secs(5))
    });
}
