//! Dynamic DNS on real members (safety.md 4.4, H-78, H-143): the record follows the active member's own address, and
//! nothing that nobody sees.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hosts::product::POOL;
use hosts::{Fabric, Member, Seen, wait};
use serde_json::Value;

use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, SOON, Stage, in_world, incident_of, phases, text};

const OLD: Ipv4Addr = Fabric::address(11);
const NEW: Ipv4Addr = Fabric::address(31);
const ENV: &str = "/etc/balctl/agent.env";
const UNIT: &str = "balctl-heartbeat.service";
/// Longer than everything that could make a record follow.
const WATCHED: Duration = Duration::from_secs(12);

/// A pool whose members declare the address of their default route: enrolment here pins what they declare.
fn roaming_world(members: u8, act: impl FnOnce(&mut Stage<'_>) -> Result<()>) {
    in_world(members, DELAY, |stage| {
        for member in stage.members.iter() {
            declare(member, None)?;
        }
        stage.console.arm()?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.wait_standbys()?;
        act(stage)
    });
}

/// What the member's administrator says that it declares; nothing: what the agent finds.
fn declare(member: &Member, address: Option<Ipv4Addr>) -> Result<()> {
    let written = member.read_file(ENV)?;
    let kept = written.lines().filter(|line| !line.starts_with("BALCTL_DECLARE_IP="));
    let declared = address.map(|address| format!("BALCTL_DECLARE_IP={address}"));
    let lines: Vec<&str> = kept.chain(declared.as_deref()).collect();
    member.write_file(ENV, (lines.join("\n") + "\n").as_bytes(), 0o600)?;
    member.must(&["systemctl", "restart", UNIT])?;
    Ok(())
}

/// Everything at once, as when a lease of DHCP gives another address.
fn readdress(member: &Member, address: Ipv4Addr) -> Result<()> {
    let gateway = Fabric::address(1);
    let script = format!(
        "ip addr flush dev eth0 && ip addr add {address}/24 dev eth0 && ip route replace default via {gateway}"
    );
    member.must(&["sh", "-c", &script])?;
    Ok(())
}

/// Waits until the product says these words about dynamic DNS, in `status` and in `explain` alike.
fn wait_words(stage: &Stage<'_>, on: bool, words: &[&str]) -> Result<()> {
    wait::until(&format!("the words `{}`", words.join("`, `")), SOON, || {
        let said =
            [stage.console.status()?["dynamicDns"].clone(), stage.console.explain()?["dynamicDns"].clone()];
        let fits =
            |one: &Value| one["on"] == on && words.iter().all(|word| text(one, "words").contains(word));
        Ok(Seen::when(said.iter().all(fits), format!("{said:?}")))
    })
}

fn shown(stage: &Stage<'_>, member: &str) -> Result<Value> {
    stage.console.ask(&["member", "show", member])
}

#[test]
fn the_record_and_then_the_roster_follow_the_active_members_address() {
    roaming_world(3, |stage| {
        stage.console.ask(&["pool", "set", POOL, "--dynamic-dns", "on"])?;
        wait_words(stage, true, &[&format!("lb1 declares {OLD}, which is published")])?;
        stage.console.wait_state(&["STEADY"], SOON)?;
        let before = stage.record()?;
        ensure!(before.address == OLD, "{}", before.text);
        let members = shown(stage, "lb1")?;
        ensure!(text(&members, "relay") == format!("{OLD}:7443"), "{members}");

        let began = Instant::now();
        readdress(stage.member("lb1"), NEW)?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        let took = began.elapsed();
        ensure!(after.address == NEW, "it went to {} and not where lb1 is", after.text);
        ensure!(took < DELAY + Duration::from_secs(10), "it took {took:?}");
        let served = stage.client.http_get(NEW, 80, SOON)?;
        ensure!(served.contains("lb1"), "{NEW} serves `{served}`");

        // Links follow: the roster names the new address everywhere, and the console dials it.
        wait::until("the roster to follow", SOON, || {
            let lb1 = shown(stage, "lb1")?;
            let follows = text(&lb1, "address") == NEW.to_string()
                && text(&lb1, "relay") == format!("{NEW}:7443")
                && lb1["sources"] == serde_json::json!([NEW.to_string()]);
            Ok(Seen::when(follows, lb1.to_string()))
        })?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        wait::until("the console to reach lb1", READY_BOUND, || {
            let lb1 = shown(stage, "lb1")?;
            let relay = text(&lb1["status"]["lights"]["relay"], "state").to_owned();
            Ok(Seen::when(relay == "on" && text(&lb1["status"], "role") == "active", lb1.to_string()))
        })?;
        for standby in ["lb2", "lb3"] {
            stage.console.wait_standby(standby, READY_BOUND)?;
        }
        stage.unwritten_since(&after)?;
        wait_words(stage, true, &[&format!("lb1 declares {NEW}, which is published")])?;

        // It is an incident with both addresses and no hold-down.
        let incident = incident_of(&stage.console, after.epoch)?;
        ensure!(text(&incident, "cause") == "ddns" && text(&incident, "outcome") == "moved", "{incident}");
        ensure!(text(&incident, "to") == "lb1" && !incident["endedMs"].is_null(), "{incident}");
        ensure!(phases(&incident) == ["decided", "sent", "accepted", "verified"], "{incident}");
        let story = incident["entries"].to_string();
        ensure!(story.contains(&format!("the address of lb1 changed from {OLD} to {NEW}")), "{incident}");

        // What it did keeps nothing from working: the service fails, and traffic moves as ever.
        stage.console.wait_ready(READY_BOUND)?;
        stage.member("lb1").must(&["systemctl", "stop", "haproxy.service"])?;
        let last = stage.wait_moved(&after, MOVE_BOUND)?;
        ensure!([Fabric::address(12), Fabric::address(13)].contains(&last.address), "{}", last.text);
        Ok(())
    });
}

#[test]
fn what_nobody_sees_is_not_followed_and_neither_is_anything_while_the_switch_is_off() {
    roaming_world(3, |stage| {
        let before = stage.record()?;
        // Off: lb1 leads to the world by another address, and is still where it was.
        let second = format!(
            "ip addr add {NEW}/24 dev eth0 && ip route replace default via {} dev eth0 src {NEW}",
            Fabric::address(1)
        );
        stage.member("lb1").must(&["sh", "-c", &second])?;
        let differs = format!("lb1 declares {NEW}, and {OLD} is published");
        wait_words(stage, false, &[&differs, "nothing follows it", "--dynamic-dns on"])?;
        stage.stays(&before, WATCHED)?;
        ensure!(text(&stage.console.status()?, "state") == "STEADY");

        // On: nobody sees it there.
        stage.console.ask(&["pool", "set", POOL, "--dynamic-dns", "on"])?;
        let seen = [format!("lb2 sees it at {OLD}"), format!("lb3 sees it at {OLD}")];
        let nobody = format!("2 vantage points must see it at {NEW}, 0 do: nothing moves");
        wait_words(stage, true, &[&differs, &seen[0], &seen[1], &nobody])?;
        stage.stays(&before, WATCHED)?;

        // A lie that no network bears out, and one that names another member.
        for lie in [Fabric::address(99), Fabric::address(12)] {
            declare(stage.member("lb1"), Some(lie))?;
            let nobody = format!("2 vantage points must see it at {lie}, 0 do: nothing moves");
            wait_words(stage, true, &[&format!("lb1 declares {lie}, and {OLD} is published"), &nobody])?;
            stage.stays(&before, WATCHED)?;
        }
        ensure!(text(&shown(stage, "lb1")?, "address") == OLD.to_string(), "the roster followed a lie");
        ensure!(stage.console.incidents()?.iter().all(|one| one["epoch"].is_null()), "something was written");

        // Off again, and the old address is gone for good: its peers refuse it by its source, so it is lost, and
        // traffic goes to a standby as ever; nothing goes to where it is now.
        stage.console.ask(&["pool", "set", POOL, "--dynamic-dns", "off"])?;
        declare(stage.member("lb1"), None)?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.console.wait_ready(READY_BOUND)?;
        readdress(stage.member("lb1"), NEW)?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        ensure!([Fabric::address(12), Fabric::address(13)].contains(&after.address), "{}", after.text);
        let refused = format!("source {NEW} is not among allowed {OLD} of lb1");
        let told = stage.members.iter().map(|member| member.journal(UNIT, 400));
        let told = told.collect::<Result<Vec<_>>>()?.join("\n");
        told.contains(&refused).then_some(()).with_context(|| format!("nobody says `{refused}`:\n{told}"))
    });
}

#[test]
fn with_two_members_the_consoles_own_link_is_the_second_vantage_point() {
    roaming_world(2, |stage| {
        stage.console.ask(&["pool", "set", POOL, "--dynamic-dns", "on"])?;
        stage.console.wait_state(&["STEADY"], SOON)?;
        stage.console.wait_ready(READY_BOUND)?;
        let before = stage.record()?;
        readdress(stage.member("lb1"), NEW)?;
        let after = stage.wait_moved(&before, MOVE_BOUND)?;
        ensure!(after.address == NEW, "{}", after.text);
        wait::until("the roster to follow", SOON, || {
            let lb1 = shown(stage, "lb1")?;
            Ok(Seen::when(text(&lb1, "address") == NEW.to_string(), lb1.to_string()))
        })?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.console.wait_standby("lb2", READY_BOUND)?;

        // Its administrator pins what it declares, and it is given a third address: nothing follows it there, and its
        // heartbeats from there must not make it look well. It is lost, and traffic goes to the other one.
        declare(stage.member("lb1"), Some(NEW))?;
        stage.console.wait_ready(READY_BOUND)?;
        readdress(stage.member("lb1"), Fabric::address(41))?;
        let last = stage.wait_moved(&after, MOVE_BOUND)?;
        ensure!(last.address == Fabric::address(12), "{}", last.text);
        Ok(())
    });
}
