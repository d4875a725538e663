//! The watch as a service of a real systemd (`serversctl watch --install`): what the unit promises, how it comes back,
//! how it ends, and that it does what a watch is for.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hosts::customer::Customer;
use hosts::product::{Console, PASSPHRASE, POOL, WATCH_UNIT};
use hosts::{Boot, Member, Seen, World, wait, world};

use crate::enrolment::nowhere_below;
use crate::stage::{DELAY, MOVE_BOUND, READY_BOUND, SOON, Stage, incident_of, text};

const NAME: &str = "watch-1";
const PROFILE: &str = "/var/lib/serversctl/watch-1";
/// The unit's own limit is 10 s; then systemd ends it, waits a second and starts it again.
const WATCHDOG_BOUND: Duration = Duration::from_secs(30);
/// Calls under way may go on for ten seconds, and then it ends.
const STOP_BOUND: Duration = Duration::from_secs(15);
/// One more than systemd starts within ten seconds unless it is told to.
const KILLS: u32 = 6;

#[test]
fn the_watch_lives_as_a_service_and_fails_over() {
    let mut world = World::boot(3).unwrap();
    let mut seat = world.fabric.member("watcher", 101).unwrap();
    assert_eq!(seat.boot().unwrap(), Boot::Running);
    if let Err(error) = live(&mut world, &seat).and_then(|()| after_a_boot(&mut seat)) {
        panic!("{error:#}\n{}", world.last_words());
    }
}

fn live(world: &mut World, seat: &Member) -> Result<()> {
    let customer = Customer::begin(&world.client, world.dns.address(), world::NAME)?;
    let console = Console::init_on_member(seat, NAME)?;
    console.install_watch(NAME)?;
    is_as_installed(seat)?;
    // From here on every secret goes through the running service: no command knows the passphrase.
    console.create_pool(world.dns.address(), world.dns.key(), u32::try_from(DELAY.as_secs())?)?;
    let stage = Stage {
        customer,
        watch: None,
        console,
        members: &mut world.members,
        dns: &world.dns,
        dns_host: &world.dns_host,
        network: &world.console,
        client: &world.client,
        fabric: &world.fabric,
    };
    stage.enrol_all()?;
    stage.arm()?;
    let before = stage.record()?;
    killed_again_and_again_it_comes_back(seat)?;
    watches_again(&stage)?;
    hung_it_is_restarted(seat)?;
    watches_again(&stage)?;
    stopped_it_ends_in_order(seat)?;
    watches_again(&stage)?;
    stage.unwritten_since(&before)?;

    stage.stop_haproxy(before.address)?;
    let after = stage.wait_moved(&before, MOVE_BOUND)?;
    stage.console.wait_state(&["HOLD"], SOON)?;
    let incident = incident_of(&stage.console, after.epoch)?;
    ensure!(text(&incident, "cause") == "service-down", "{incident}");
    ensure!(text(&incident, "to") == stage.active()?.name(), "{incident}");
    shows_no_secret(seat, &stage.dns.key().secret_base64)
}

fn property(seat: &Member, name: &str) -> Result<String> {
    let asked = format!("--property={name}");
    Ok(seat.must(&["systemctl", "show", &asked, "--value", WATCH_UNIT])?.trim().to_owned())
}

fn is_as_installed(seat: &Member) -> Result<()> {
    let expected = [
        ("Type", "notify"),
        ("ActiveState", "active"),
        ("SubState", "running"),
        ("UnitFileState", "enabled"),
        ("WatchdogUSec", "10s"),
        ("StartLimitIntervalUSec", "0"),
        ("NRestarts", "0"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("UMask", "0077"),
    ];
    for (name, value) in expected {
        let found = property(seat, name)?;
        ensure!(found == value, "{name} is `{found}`, not `{value}`");
    }
    // systemd reads every line of it: a setting that it does not know would be named here.
    let read = seat.exec(&["systemd-analyze", "verify", &format!("/etc/systemd/system/{WATCH_UNIT}")])?;
    let said = format!("{}{}", read.stdout, read.stderr);
    ensure!(read.is_success() && !said.contains("serversctl"), "{said}");
    Ok(())
}

/// Waits until the unit runs under another process than `before`, and is ready by its own word.
fn wait_another(seat: &Member, before: &str, bound: Duration) -> Result<()> {
    wait::until("the watch to be started again", bound, || {
        let (pid, state) = (property(seat, "MainPID")?, property(seat, "ActiveState")?);
        Ok(Seen::when(pid != before && pid != "0" && state == "active", format!("{state}, process {pid}")))
    })
}

fn killed_again_and_again_it_comes_back(seat: &Member) -> Result<()> {
    for _ in 0..KILLS {
        let process = property(seat, "MainPID")?;
        seat.must(&["systemctl", "kill", "--signal=KILL", WATCH_UNIT])?;
        wait_another(seat, &process, SOON)?;
    }
    let restarts = property(seat, "NRestarts")?;
    ensure!(restarts == KILLS.to_string(), "killed {KILLS} times, restarted {restarts} times");
    Ok(())
}

fn hung_it_is_restarted(seat: &Member) -> Result<()> {
    let process = property(seat, "MainPID")?;
    seat.must(&["kill", "-STOP", &process])?;
    wait_another(seat, &process, WATCHDOG_BOUND)?;
    let journal = journal(seat)?;
    ensure!(journal.contains("Watchdog timeout"), "{journal}");
    Ok(())
}

fn stopped_it_ends_in_order(seat: &Member) -> Result<()> {
    let began = Instant::now();
    seat.must(&["systemctl", "stop", WATCH_UNIT])?;
    let took = began.elapsed();
    ensure!(took < STOP_BOUND, "it took {took:?} to stop");
    let (state, result) = (property(seat, "ActiveState")?, property(seat, "Result")?);
    let exit = property(seat, "ExecMainStatus")?;
    ensure!(state == "inactive" && result == "success" && exit == "0", "{state}, {result}, exit {exit}");
    ensure!(journal(seat)?.contains("told to terminate"), "it says why it ends");
    seat.must(&["systemctl", "start", WATCH_UNIT])?;
    Ok(())
}

fn watches_again(stage: &Stage<'_>) -> Result<()> {
    stage.console.wait_state(&["STEADY"], READY_BOUND)?;
    stage.wait_standbys()?;
    stage.console.wait_ready(READY_BOUND)
}

fn journal(seat: &Member) -> Result<String> {
    seat.must(&["journalctl", "--no-pager", "--unit", WATCH_UNIT])
}

fn shows_no_secret(seat: &Member, update_key: &str) -> Result<()> {
    let process = property(seat, "MainPID")?;
    let journal = seat.must(&["journalctl", "--no-pager", "--all", "--output=export"])?;
    ensure!(journal.contains("hosting this profile"), "the watch's journal was read");
    let environment =
        seat.must(&["cat", &format!("/proc/{process}/environ"), &format!("/proc/{process}/cmdline")])?;
    ensure!(environment.contains("CREDENTIALS_DIRECTORY="), "the process's own environment was read");
    let unit = seat.must(&["systemctl", "show", WATCH_UNIT])?;
    for secret in [PASSPHRASE, update_key] {
        ensure!(!journal.contains(secret), "a secret is in the journal");
        ensure!(!environment.contains(secret), "a secret is in the watch's environment or arguments");
        ensure!(!unit.contains(secret), "a secret is in the unit");
        nowhere_below(&seat.root().join("var"), secret)?;
        nowhere_below(&seat.root().join("etc"), secret)?;
    }
    Ok(())
}

/// Enabled is enabled: after a reboot it watches, and nobody typed anything.
fn after_a_boot(seat: &mut Member) -> Result<()> {
    seat.power_off()?;
    let boot = seat.boot()?;
    ensure!(boot == Boot::Running, "{boot:?}");
    wait::until("the watch to be back after a boot", READY_BOUND, || {
        let asked = seat.exec(&["serversctl", "--json", "--profile", PROFILE, "status", POOL])?;
        let status: serde_json::Value = serde_json::from_str(asked.stdout.lines().last().unwrap_or("null"))?;
        let state = status.pointer("/pools/0/state").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(Seen::when(matches!(state, "STEADY" | "HOLD"), format!("{status} {}", asked.stderr)))
    })?;
    let journal = journal(seat)?;
    ensure!(property(seat, "ActiveState")? == "active", "{journal}");
    Ok(())
}
