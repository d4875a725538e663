//! From nothing to a window with a tray; a second start, links, closing, quitting.

use std::time::Duration;

use anyhow::{Result, ensure};
use desktop::program::{serversctl, start_again};
use desktop::session::TrayHost;
use desktop::tray::{Tray, find};
use desktop::{Desk, Keyring, Program};
use hosts::wait::{self, Seen};
use rustix::process::{Pid, test_kill_process};

/// A state that follows a click or a command; the machine may be busy.
const SOON: Duration = Duration::from_secs(20);

fn runs(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn is_visible(program: &Program<'_>) -> Result<bool> {
    Ok(program.page().script("return document.visibilityState")? == "visible")
}

fn wait_visible(program: &Program<'_>, wanted: bool) -> Result<()> {
    wait::until("the window to be seen or not", SOON, || {
        Ok(Seen::when(is_visible(program)? == wanted, format!("wanted {wanted}")))
    })
}

#[test]
fn from_nothing_to_a_window_with_a_tray_and_a_profile() -> Result<()> {
    let desk = Desk::open(Keyring::Unlocked, TrayHost::Present)?;
    let program = Program::start(&desk, &[])?;
    program.wait_up("hosting", SOON)?;
    ensure!(runs(program.pid(&desk)?), "the program hosts its profile");
    let before = serversctl(&desk, &["profile", "show"])?;
    ensure!(before["profile"] == "missing" && before["kind"] == "desktop", "{before}");

    let tray = Tray::wait(&desk.session, SOON)?;
    tray.wait_row("No pools yet", SOON, |row| row.label == "No pools yet")?;
    let (side, bytes) = tray.picture()?;
    ensure!(
        bytes.len() == usize::try_from(side * side * 4)?,
        "a picture of {side} has {} bytes",
        bytes.len()
    );
    for wanted in ["Open ServersCTL", "Settings...", "Quit..."] {
        tray.wait_row(wanted, SOON, |row| row.label == wanted && row.enabled)?;
    }

    // A command line beside it speaks to the same host.
    serversctl(&desk, &["profile", "init", "--name", "desk", "--vault", "keychain"])?;
    let after = serversctl(&desk, &["profile", "show"])?;
    ensure!(after["profile"] == "ready" && after["vault"]["state"] == "open", "{after}");
    serversctl(&desk, &["pool", "create", "edge"])?;
    let row = tray.wait_row("the pool", SOON, |row| row.label.contains("edge"))?;
    ensure!(find(&row.rows, &|row| row.label == "Open").is_some(), "{row:?}");
    // The window notices what another surface made.
    program.page().wait_text("edge", SOON)?;
    Ok(())
}

#[test]
fn a_second_start_brings_the_first_to_the_front_at_its_link() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start(&desk, &[])?;
    let page = program.page();
    program.wait_up("hosting", SOON)?;
    Tray::wait(&desk.session, SOON)?;
    wait_visible(&program, true)?;
    page.script("window.__TAURI_INTERNALS__.invoke('plugin:window|close', { label: 'main' }); return 1")?;
    wait_visible(&program, false)?;
    let pid = program.pid(&desk)?;

    ensure!(start_again(&desk, &[])?.success(), "a second start ends well");
    wait_visible(&program, true)?;
    ensure!(start_again(&desk, &["serversctl://pool/edge/dns"])?.success(), "so does a link");
    page.wait("the link's place", SOON, "location.hash === '#/pool/edge/dns'")?;
    // A link that would do more than lead somewhere is not followed.
    ensure!(
        start_again(&desk, &["serversctl://pool/other/overview/cut/lb2"])?.success(),
        "nor does it break"
    );
    ensure!(start_again(&desk, &["serversctl://pool/edge/settings"])?.success(), "a good one after it");
    page.wait("the next link's place", SOON, "location.hash === '#/pool/edge/settings'")?;
    ensure!(program.log().contains("a link was not followed"), "{}", program.log());
    ensure!(program.pid(&desk)? == pid && runs(pid), "the first one still hosts");
    Ok(())
}

#[test]
fn closing_hides_and_the_tray_brings_it_back() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start(&desk, &[])?;
    let page = program.page();
    program.wait_up("hosting", SOON)?;
    let tray = Tray::wait(&desk.session, SOON)?;
    let pid = program.pid(&desk)?;
    page.press("Hide to the tray", SOON)?;
    wait_visible(&program, false)?;
    ensure!(runs(pid), "closing ends nothing");
    tray.activate()?;
    wait_visible(&program, true)?;
    page.press("Hide to the tray", SOON)?;
    wait_visible(&program, false)?;
    let open = tray.wait_row("Open ServersCTL", SOON, |row| row.label == "Open ServersCTL")?;
    tray.click(&open)?;
    wait_visible(&program, true)?;
    Ok(())
}

#[test]
fn without_a_tray_it_says_so_once_and_finds_one_that_comes_later() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Absent)?;
    {
        let program = Program::start(&desk, &["--hidden"])?;
        program.wait_up("hosting", SOON)?;
        // A window that nothing could bring back is not hidden.
        wait_visible(&program, true)?;
        desk.session
            .wait_notice("that there is no tray", SOON, |told| told.title == "This desktop has no tray")?;
        desk.session.show_trays()?;
        let tray = Tray::wait(&desk.session, SOON)?;
        tray.wait_row("Quit...", SOON, |row| row.label == "Quit...")?;
    }
    Ok(())
}
