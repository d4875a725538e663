//! Enrolments that are refused, each with words that name both sides (safety.md F22, I24, I25), and where secrets are not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hosts::product::{Refusal, SECRET_FILE, wait_for_enrolment};
use hosts::{Member, command};

use crate::stage::{DELAY, READY_BOUND, SOON, Stage, with_pool};

const SEARCH_BOUND: Duration = Duration::from_mins(1);
/// Of the right form, and made by nobody.
const WRONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

fn call(stage: &Stage<'_>, invitation: &str, member: &Member) -> Result<Refusal> {
    let address = member.address().to_string();
    stage.console.refusal(&["member", "enrol", invitation, &address, "--timeout", "20s"])
}

fn nobody_is_in(stage: &Stage<'_>) -> Result<()> {
    let listed = stage.console.ask(&["member", "list"])?;
    ensure!(listed["members"].as_array().is_some_and(Vec::is_empty), "{listed}");
    Ok(())
}

#[test]
fn each_refusal_has_its_own_words_and_lets_nobody_in() {
    with_pool(2, DELAY, |stage| {
        let (lb1, lb2) = (&stage.members[0], &stage.members[1]);
        let (at1, at2) = (lb1.address().to_string(), lb2.address().to_string());

        // Another secret than the one that was made for it (401).
        let first = stage.console.invite("lb1", &at1, &at1)?;
        let mut agent = wait_for_enrolment(lb1, "lb1", WRONG)?;
        let refused = call(stage, &first.id, lb1)?;
        ensure!(refused.exit == 1 && refused.code == "unauthorized", "{refused:?}");
        ensure!(
            refused.message.contains(&format!("given at {at1} is not the one made for lb1")),
            "{refused:?}"
        );
        agent.kill()?;
        nobody_is_in(stage)?;

        // From another source than the allowed one (403).
        let other = stage.console.invite("lb2", "192.0.2.9", &at2)?;
        let mut agent = wait_for_enrolment(lb2, "lb2", &other.secret)?;
        let refused = call(stage, &other.id, lb2)?;
        ensure!(refused.code == "forbidden", "{refused:?}");
        ensure!(
            refused.message == format!("source {at2} is not among allowed 192.0.2.9 of lb2"),
            "{refused:?}"
        );
        agent.wait_for("is not among allowed", SOON).context("the agent is told, too")?;
        agent.kill()?;

        // Under another name (403).
        let mut agent = wait_for_enrolment(lb1, "web-1", &first.secret)?;
        let refused = call(stage, &first.id, lb1)?;
        ensure!(refused.code == "forbidden", "{refused:?}");
        ensure!(refused.message.starts_with("agent says web-1, enrolled as lb1"), "{refused:?}");
        agent.kill()?;

        // The member's id instead of the secret (H-174): the agent knows it before it waits.
        let mut agent = wait_for_enrolment(lb1, "lb1", &first.member)?;
        ensure!(!agent.wait(SOON)?.success(), "it waits with an id for a secret");
        let said = agent.log()?;
        ensure!(said.contains("this is a member id, not the 48-character secret"), "{said}");
        ensure!(!said.contains(&first.member), "it repeats what was given: {said}");
        nobody_is_in(stage)?;

        // The right one works, once.
        let mut agent = wait_for_enrolment(lb1, "lb1", &first.secret)?;
        stage.console.ask_within(&["member", "enrol", &first.id, &at1], READY_BOUND)?;
        ensure!(agent.wait(SOON)?.success(), "{}", agent.log()?);
        let mut agent = wait_for_enrolment(lb2, "lb1", &first.secret)?;
        let refused = call(stage, &first.id, lb2)?;
        ensure!(refused.exit == 3 && refused.code == "conflict", "{refused:?}");
        ensure!(refused.message.contains("used already"), "{refused:?}");
        agent.kill()?;
        let listed = stage.console.ask(&["member", "list"])?;
        ensure!(listed["members"].as_array().map(Vec::len) == Some(1), "{listed}");
        Ok(())
    });
}

#[test]
fn the_secret_stands_in_one_file_and_then_nowhere() {
    with_pool(1, DELAY, |stage| {
        let lb1 = &stage.members[0];
        let address = lb1.address().to_string();
        let invitation = stage.console.invite("lb1", &address, &address)?;
        let secret = invitation.secret.as_str();
        let mut agent = wait_for_enrolment(lb1, "lb1", secret)?;
        agent.wait_for("Listening on", SOON)?;
        no_process_shows(secret)?;
        let mut caller = stage.console.begin(&["member", "enrol", &invitation.id, &address])?;
        while !caller.log()?.contains("\"done\"") {
            no_process_shows(secret)?;
            caller
                .must_run()
                .or_else(|error| if caller.log()?.contains("\"done\"") { Ok(()) } else { Err(error) })?;
        }
        ensure!(caller.wait(SOON)?.success() && agent.wait(SOON)?.success(), "{}", agent.log()?);

        let journal = lb1.root().join("var/log/journal").display().to_string();
        let journal =
            command::must(&["journalctl", "--no-pager", "-D", &journal, "-o", "export"], SEARCH_BOUND)?;
        ensure!(journal.contains("balctl-agent"), "the agent's journal was read");
        ensure!(!journal.contains(secret), "the secret is in the journal of lb1");
        for log in [agent.log()?, caller.log()?, stage.watch.as_ref().context("it runs")?.log()?] {
            ensure!(!log.contains(secret), "the secret is in a log: {log}");
        }
        ensure!(
            !lb1.root().join(SECRET_FILE.trim_start_matches('/')).exists(),
            "the spent file is still there"
        );
        for tree in ["etc", "root", "run", "tmp", "var"] {
            nowhere_below(&lb1.root().join(tree), secret)?;
        }
        // The console keeps what can check the secret, not the secret.
        nowhere_below(stage.network.dir(), secret)
    });
}

fn no_process_shows(secret: &str) -> Result<()> {
    for process in fs::read_dir("/proc").context("reading /proc")?.flatten() {
        // Processes come and go while this looks.
        for file in ["cmdline", "environ"] {
            let bytes = fs::read(process.path().join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            ensure!(!text.contains(secret), "the secret is in {}/{file}", process.path().display());
        }
    }
    Ok(())
}

/// No file below this directory holds the secret, as text or as bytes.
pub(crate) fn nowhere_below(dir: &Path, secret: &str) -> Result<()> {
    ensure!(dir.is_dir(), "{} is not there", dir.display());
    let dir = dir.display().to_string();
    // By standard input: the search itself must not show it either.
    let argv =
        ["grep", "--recursive", "--devices=skip", "--files-with-matches", "--fixed-strings", "-f", "-", &dir];
    let found = command::run_with_input(&argv, format!("{secret}\n").as_bytes(), SEARCH_BOUND)?;
    ensure!(found.stdout.is_empty(), "the secret is in {}", found.stdout);
    Ok(())
}
