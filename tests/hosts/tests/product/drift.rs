//! The record is changed by others (safety.md F13, I29), and an AAAA that would be left behind.

use std::time::Duration;

use anyhow::ensure;
use hosts::product::POOL;
use hosts::{Fabric, world};

use crate::stage::{DELAY, READY_BOUND, SOON, armed_world, text};

#[test]
fn a_foreign_edit_stops_automation_until_a_person_restores_it() {
    armed_world(3, DELAY, |stage| {
        let before = stage.record()?;
        let foreign = Fabric::address(99);
        let replace =
            |to: &str| [format!("delete {} A", world::NAME), format!("add {} 1 A {to}", world::NAME)];
        let lines = replace(&foreign.to_string());
        stage.dns.update(stage.dns_host, world::ZONE, &[&lines[0], &lines[1]])?;
        let drifted = stage.console.wait_state(&["DRIFT"], READY_BOUND)?;
        ensure!(text(&drifted, "reason").contains("automation is off"), "{drifted}");
        ensure!(text(&drifted, "reason").contains("edited: the A record"), "{drifted}");
        let marker = stage.marker()?;
        ensure!(marker == before, "the marker became {}", marker.text);

        // Even a lost service moves nothing now.
        stage.stop_haproxy(before.address)?;
        stage.customer.must_stay(foreign, Duration::from_secs(6))?;
        ensure!(stage.marker()? == before, "something was written in DRIFT");
        ensure!(text(&stage.console.status()?, "state") == "DRIFT");
        stage.start_haproxy(before.address)?;

        stage.console.ask_within(&["drift", "restore", POOL], READY_BOUND)?;
        let restored = stage.one_write_after(&before)?;
        ensure!(restored.address == before.address, "{}", restored.text);
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        stage.stays(&restored, Duration::from_secs(5))
    });
}

#[test]
fn an_aaaa_beside_the_record_blocks_arming() {
    armed_world(2, DELAY, |stage| {
        stage.console.ask(&["auto", "off", POOL])?;
        let before = stage.record()?;
        stage.dns.update(
            stage.dns_host,
            world::ZONE,
            &[&format!("add {} 1 AAAA 2001:db8::7", world::NAME)],
        )?;
        let serial = stage.serial()?;
        let (exit, rehearsed) = stage.console.answer(&["rehearse", POOL])?;
        ensure!(exit == 3 && rehearsed["result"]["green"] == false, "{exit}: {rehearsed}");
        ensure!(rehearsed.to_string().contains("an AAAA stands at the name"), "{rehearsed}");
        let refused = stage.console.refusal(&["auto", "on", POOL])?;
        ensure!(refused.exit == 3 && refused.message.contains("green rehearsal"), "{refused:?}");
        ensure!(stage.console.status()?["armed"] == false);

        stage.dns.update(stage.dns_host, world::ZONE, &[&format!("delete {} AAAA", world::NAME)])?;
        let rehearsed = stage.console.ask_within(&["rehearse", POOL], READY_BOUND)?;
        ensure!(rehearsed["result"]["green"] == true, "{rehearsed}");
        stage.console.ask(&["auto", "on", POOL])?;
        stage.console.wait_state(&["STEADY"], SOON)?;
        ensure!(stage.serial()? > serial, "the rehearsal's probe and the deletion were seen");
        stage.unwritten_since(&before)
    });
}
