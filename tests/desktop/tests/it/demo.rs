//! Looking around without servers: the demo fleet in the real window, one failover, and nothing left behind.

use std::time::Duration;

use anyhow::{Result, ensure};
use desktop::session::TrayHost;
use desktop::{Desk, Keyring, Program};
use hosts::wait::{self, Seen};

/// The fleet enrols five members, adopts two records and rehearses.
const BUILT: Duration = Duration::from_mins(2);
/// HAProxy's own word moves at once; the rest is a busy machine.
const MOVED: Duration = Duration::from_secs(40);
const GONE: Duration = Duration::from_secs(20);

#[test]
fn the_demo_fleet_fails_over_in_the_window_and_leaves_nothing() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start(&desk, &["--demo"])?;
    let page = program.page();
    page.wait_text("Stop HAProxy on", BUILT)?;
    page.wait_text("Demo fleet", MOVED)?;
    let stop =
        "[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('Stop HAProxy on'))";
    let name = page.script(&format!("return {stop}.innerText.trim()"))?;
    page.press(name.as_str().unwrap_or_default(), BUILT)?;
    page.wait_text("The record moved from", MOVED)?;
    let data = desk.dir().join("home/.local/share");
    ensure!(data.join("serversctl-demo").is_dir(), "the demo has a directory of its own");
    ensure!(!data.join("serversctl").exists(), "and touches no other profile");
    page.press("End the demo and delete it", MOVED)?;
    wait::until("the demo's directory to be gone", GONE, || {
        Ok(Seen::when(!data.join("serversctl-demo").exists(), "it is there"))
    })
}
