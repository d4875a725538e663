//! Moves by hand, thought experiments, explanations; and a pool of one.

use std::time::Duration;

use anyhow::ensure;
use hosts::product::POOL;
use hosts::{Seen, wait};

use crate::stage::{DELAY, READY_BOUND, SOON, armed_world, in_world, incident_of, phases, text};

#[test]
fn a_person_moves_by_hand_and_is_told_everything() {
    armed_world(3, DELAY, |stage| {
        // The others may testify only once they have been up for a while; until then the answer is honestly no.
        let before = stage.record()?;
        let supposed = wait::until("a target of what would happen", READY_BOUND, || {
            let supposed = stage.console.ask(&["what-if", POOL])?;
            let is_so = supposed["target"].is_string();
            Ok(if is_so {
                Seen::Yes(supposed)
            } else {
                Seen::NotYet(text(&supposed, "conclusion").to_owned())
            })
        })?;
        ensure!(text(&supposed, "supposed") == "lb1 dies now", "{supposed}");
        let target = text(&supposed, "target");
        ensure!(["lb2", "lb3"].contains(&target), "{supposed}");
        ensure!(
            supposed["writeAfterMs"].as_u64().is_some_and(|ms| (10_000..=15_000).contains(&ms)),
            "{supposed}"
        );
        ensure!(supposed["entries"].as_array().is_some_and(|lines| lines.len() > 3), "{supposed}");
        let other = stage.console.ask(&["what-if", POOL, "lb3"])?;
        ensure!(other["target"].is_null(), "a standby's death moves nothing: {other}");

        let status = stage.console.status()?;
        ensure!(status["armed"] == true && status["epoch"] == before.epoch, "{status}");
        ensure!(status["members"].as_array().map(Vec::len) == Some(3), "{status}");
        for member in status["members"].as_array().into_iter().flatten() {
            ensure!(member["ageMs"].as_u64().is_some_and(|age| age <= 3_000), "{member}");
        }

        // Not ready: refused, unless a person says that it shall be so.
        stage.stop_haproxy(stage.members[2].address())?;
        stage.console.wait_not_ready("lb3", SOON)?;
        let refused = stage.console.refusal(&["activate", POOL, "lb3"])?;
        ensure!(refused.exit == 3 && refused.code == "refused", "{refused:?}");
        ensure!(refused.message == "lb3 is not ready: says that its HAProxy does not serve", "{refused:?}");
        let refused = stage.console.refusal(&["activate", POOL, "lb1"])?;
        ensure!(refused.message == "lb1 is active already", "{refused:?}");
        stage.unwritten_since(&before)?;

        let planned = stage.console.ask(&["activate", POOL, "lb2", "--dry-run"])?;
        ensure!(planned["kind"] == "planned", "{planned}");
        stage.unwritten_since(&before)?;

        let moved = stage.console.ask_within(&["activate", POOL, "lb2"], READY_BOUND)?;
        ensure!(moved["result"]["outcome"] == "verified" && moved["result"]["to"] == "lb2", "{moved}");
        let second = stage.one_write_after(&before)?;
        let incident = incident_of(&stage.console, second.epoch)?;
        ensure!(text(&incident, "cause") == "manual" && text(&incident, "outcome") == "moved", "{incident}");
        ensure!(phases(&incident).contains(&"accepted"), "{incident}");

        // Hold-down is for the machine, not for a person.
        let moved = stage.console.ask_within(&["cutover", POOL], READY_BOUND)?;
        ensure!(moved["result"]["from"] == "lb2" && moved["result"]["to"] == "lb1", "{moved}");
        let third = stage.one_write_after(&second)?;
        let forced = ["activate", POOL, "lb3", "--even-if-not-ready"];
        stage.console.ask_within(&forced, READY_BOUND)?;
        let fourth = stage.one_write_after(&third)?;
        ensure!(stage.at(fourth.address).name() == "lb3", "{}", fourth.text);
        let by_hand = incident_of(&stage.console, fourth.epoch)?;
        ensure!(text(&by_hand, "to") == "lb3" && text(&by_hand, "cause") == "manual", "{by_hand}");
        // lb3 says itself that it does not serve: that is told, and a person's word is not undone within hold-down.
        wait::until("people to be told", SOON, || {
            let told = stage.console.ask(&["notices", "list"])?.to_string();
            Ok(Seen::when(told.contains("lb3 was chosen by hand and does not serve"), told))
        })?;
        stage.stays(&fourth, Duration::from_secs(6))?;
        // The same person may move on at once.
        let moved = stage.console.ask_within(&["cutover", POOL], READY_BOUND)?;
        ensure!(moved["result"]["from"] == "lb3", "{moved}");
        let last = stage.one_write_after(&fourth)?;
        stage.stays(&last, Duration::from_secs(4))?;
        Ok(())
    });
}

#[test]
fn a_pool_of_one_does_nothing_and_says_why() {
    in_world(1, DELAY, |stage| {
        stage.console.ask(&["dns", "adopt", POOL])?;
        stage.console.wait_state(&["STEADY"], READY_BOUND)?;
        let (exit, rehearsed) = stage.console.answer(&["rehearse", POOL])?;
        ensure!(exit == 3 && rehearsed["result"]["green"] == false, "{exit}: {rehearsed}");
        ensure!(rehearsed.to_string().contains("a pool needs two members"), "{rehearsed}");
        let refused = stage.console.refusal(&["auto", "on", POOL])?;
        ensure!(refused.message.contains("green rehearsal"), "{refused:?}");
        let before = stage.record()?;
        let status = stage.console.status()?;
        ensure!(status["wouldMove"]["verdict"] == "no", "{status}");
        ensure!(status["wouldMove"]["reason"].as_str().is_some_and(|why| !why.is_empty()), "{status}");
        ensure!(status["standbys"]["reason"] == "there is no standby", "{status}");
        stage.stop_haproxy(before.address)?;
        let stuck = stage.console.wait_state(&["NO_TARGET"], SOON)?;
        ensure!(text(&stuck, "reason").contains("there is no standby"), "{stuck}");
        stage.stays(&before, Duration::from_secs(5))?;
        let incidents = stage.console.incidents()?;
        ensure!(incidents.len() == 1 && text(&incidents[0], "outcome") == "held", "{incidents:?}");
        ensure!(text(&incidents[0], "heldReason").contains("there is no standby"), "{incidents:?}");
        stage.start_haproxy(before.address)?;
        stage.console.wait_state(&["STEADY"], SOON)?;
        stage.unwritten_since(&before)
    });
}
