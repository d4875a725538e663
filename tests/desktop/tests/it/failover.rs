//! Real members: the desktop attaches, takes over, tells a failover, explains it, and asks before it stops watching.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use desktop::session::TrayHost;
use desktop::tray::{Tray, find};
use desktop::{Desk, Keyring, Program};
use hosts::World;
use hosts::product::{Console, POOL};
use hosts::wait::{self, Seen};

const SOON: Duration = Duration::from_secs(20);
const READY: Duration = Duration::from_secs(90);
/// HAProxy's own word moves at once; the rest is a busy machine.
const MOVED: Duration = Duration::from_secs(40);
const URGENT: u8 = 2;
const DELAY_S: u32 = 10;

#[test]
fn a_failover_is_told_explains_itself_and_quitting_asks() {
    let mut world = World::boot(3).unwrap();
    if let Err(error) = play(&mut world) {
        panic!("{error:#}\n{}", world.last_words());
    }
}

fn play(world: &mut World) -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let console = Console::init(&world.console, "desk")?;
    let mut watch = console.watch()?;
    console.create_pool(world.dns.address(), world.dns.key(), DELAY_S)?;
    for member in &world.members {
        console.enrol(member).with_context(|| format!("enrolling {}", member.name()))?;
    }
    console.arm()?;
    console.wait_state(&["STEADY"], READY)?;

    let dir = world.console.dir();
    let (profile, passphrase) = (dir.join("profile-desk"), dir.join("passphrase-desk"));
    let (profile, passphrase) = (profile.display().to_string(), passphrase.display().to_string());
    let env = [("SERVERSCTL_PROFILE", profile.as_str()), ("SERVERSCTL_PASSPHRASE_FILE", passphrase.as_str())];
    let program = Program::start_on(&desk, &world.console, &env)?;
    let page = program.page();
    program.wait_up("attached", SOON)?;
    watch.stop(SOON)?;
    program.wait_up("hosting", SOON)?;
    console.wait_ready(READY)?;
    page.wait_text(POOL, SOON)?;
    let tray = Tray::wait(&desk.session, SOON)?;
    tray.wait_row("a pool that is well", READY, |row| row.label.starts_with("● demo   lb1 active"))?;
    let well = tray.picture()?;

    // The service dies; the record moves; people are told once, with a way to the reason.
    world.members[0].must(&["systemctl", "stop", "haproxy.service"])?;
    let told =
        desk.session.wait_notice("of the move", MOVED, |told| told.title.starts_with("demo moved to lb"))?;
    ensure!(told.urgency == URGENT && told.body.contains("DNS moved in"), "{told:?}");
    let labels: Vec<&str> = told.actions.iter().map(|(_, label)| label.as_str()).collect();
    ensure!(labels == ["Open", "See why", "Mute 1 h"], "{labels:?}");
    let incident = "location.hash.startsWith('#/incidents/')";
    desk.session.press_until(&told, "See why", |bound| page.wait("the incident's page", bound, incident))?;
    let to = told.title.trim_start_matches("demo moved to ").to_owned();
    let row = tray.wait_row("the new active member", READY, |row| {
        row.label.contains("demo")
            && find(&row.rows, &|below| below.label.starts_with(&format!("{to}  active"))).is_some()
    })?;
    ensure!(find(&row.rows, &|below| below.label.starts_with("lb1  standby, down")).is_some(), "{row:?}");
    // With nobody left to take over the tray shows it as a shape.
    let standby = world.members[1..].iter().find(|member| member.name() != to).context("a third member")?;
    standby.must(&["systemctl", "stop", "haproxy.service"])?;
    wait::until("another picture on the tray", READY, || {
        let tooltip = tray.tooltip()?;
        Ok(Seen::when(tooltip == "demo has no standby" && tray.picture()? != well, tooltip))
    })?;
    pictures(&desk, &program, "incident")?;
    quitting_asks(&desk, &program, &tray, &profile)?;

    // What happened is still there for the next start.
    drop(program);
    let program = Program::start_on(&desk, &world.console, &env)?;
    program.wait_up("hosting", SOON)?;
    let incidents = console.incidents()?;
    ensure!(incidents.iter().any(|one| one["outcome"] == "moved"), "{incidents:?}");
    Ok(())
}

fn quitting_asks(desk: &Desk, program: &Program<'_>, tray: &Tray<'_>, profile: &str) -> Result<()> {
    let lock = fs::read_to_string(format!("{profile}/host.lock"))?;
    let page = program.page();
    let quit = |tray: &Tray<'_>| tray.click(&tray.wait_row("Quit...", SOON, |row| row.label == "Quit...")?);
    quit(tray)?;
    page.wait_text("Quitting stops failover watch for 1 pool.", SOON)?;
    pictures(desk, program, "quit")?;
    page.press("Keep in tray", SOON)?;
    page.wait("the question to be gone", SOON, "!document.body.innerText.includes('Quitting stops')")?;
    quit(tray)?;
    page.press("Quit anyway", SOON)?;
    let pid: i32 = lock.trim().parse()?;
    wait::until("the program to end", SOON, || {
        let alive = rustix::process::Pid::from_raw(pid)
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
        Ok(Seen::when(!alive, "it runs"))
    })?;
    ensure!(!desk.profile().exists(), "the profile that was named is the one that was used");
    Ok(())
}

/// Pictures for people, where a run asks for them.
fn pictures(desk: &Desk, program: &Program<'_>, name: &str) -> Result<()> {
    let Some(dir) = std::env::var_os("SERVERSCTL_PICTURES") else { return Ok(()) };
    let dir = std::path::PathBuf::from(dir);
    fs::write(dir.join(format!("{name}.png")), program.page().screenshot()?)?;
    desk.grab(&dir.join(format!("{name}-screen.png")))
}
