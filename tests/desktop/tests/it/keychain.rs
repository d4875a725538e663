//! The session's keychain in each of its moods: none of them may hold the window.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use desktop::program::serversctl;
use desktop::session::TrayHost;
use desktop::{Desk, Keyring, Program};
use hosts::wait::{self, Seen};

const SOON: Duration = Duration::from_secs(20);
/// A page that waits for a keychain would wait for a person, for ever.
const RESPONSIVE: Duration = Duration::from_secs(2);

/// The page answers a script while the host is asked for its state.
fn stays_responsive(program: &Program<'_>) -> Result<()> {
    let began = Instant::now();
    program.page().script("return 1")?;
    ensure!(began.elapsed() < RESPONSIVE, "the page took {:?}", began.elapsed());
    Ok(())
}

fn made_profile(desk: &Desk) -> Result<()> {
    let program = Program::start(desk, &[])?;
    program.wait_up("hosting", SOON)?;
    serversctl(desk, &["profile", "init", "--name", "desk", "--vault", "keychain"])?;
    wait_vault(desk, "open")
}

fn wait_vault(desk: &Desk, state: &str) -> Result<()> {
    wait::until(&format!("the vault to be {state}"), SOON, || {
        let status = serversctl(desk, &["profile", "show"])?;
        Ok(Seen::when(status["vault"]["state"] == state, status["vault"].to_string()))
    })
}

#[test]
fn a_locked_keychain_never_holds_the_window_and_opens_by_itself() -> Result<()> {
    let desk = Desk::open(Keyring::Unlocked, TrayHost::Present)?;
    made_profile(&desk)?;
    desk.lock_keyring()?;
    let program = Program::start(&desk, &[])?;
    stays_responsive(&program)?;
    program.wait_up("hosting", SOON)?;
    wait_vault(&desk, "locked")?;
    stays_responsive(&program)?;
    let refused = serversctl(&desk, &["pool", "create", "edge"]);
    let words = refused.map_or_else(|error| format!("{error:#}"), |made| format!("it was made: {made}"));
    ensure!(words.contains("vault-locked"), "{words}");
    // Logging in opens the keychain; nobody presses anything here.
    desk.unlock_keyring()?;
    wait_vault(&desk, "open")?;
    wait::until("the console to work", SOON, || {
        let made = serversctl(&desk, &["pool", "create", "edge"]);
        Ok(Seen::when(made.is_ok(), format!("{made:?}")))
    })?;
    program.page().wait_text("edge", SOON)
}

#[test]
fn an_absent_keychain_is_said_and_another_vault_is_offered() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start(&desk, &[])?;
    program.wait_up("hosting", SOON)?;
    let refused = serversctl(&desk, &["profile", "init", "--name", "desk", "--vault", "keychain"]);
    let words = refused.map_or_else(|error| format!("{error:#}"), |made| format!("it was made: {made}"));
    ensure!(words.contains("--vault file"), "{words}");
    stays_responsive(&program)
}

#[test]
fn a_keychain_lost_in_the_middle_leaves_the_window_and_is_said() -> Result<()> {
    let desk = Desk::open(Keyring::Unlocked, TrayHost::Present)?;
    made_profile(&desk)?;
    desk.lose_keyring()?;
    let program = Program::start(&desk, &[])?;
    stays_responsive(&program)?;
    program.wait_up("hosting", SOON)?;
    wait_vault(&desk, "absent")?;
    stays_responsive(&program)
}
