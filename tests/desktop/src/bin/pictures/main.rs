//! Pictures of the real program at work, for people who have not installed it.
//!
//! It boots a fleet ([`desktop::fleet`]), lets the desktop watch it, makes two failovers happen, and takes each picture in
//! both themes: page by page through the page's driver, tray and notices from the screen, where a real panel and a real
//! notification service draw them. `cargo xtask screenshots` builds and runs it.

mod panel;
mod setup;
mod shots;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use desktop::traffic::Traffic;
use desktop::{Desk, Fleet, Keyring, Program, Services, fleet};
use hosts::wait::{self, Seen};

use panel::Panel;
use setup::Console;
use shots::{Album, Theme};

const SOON: Duration = Duration::from_secs(30);
const READY: Duration = Duration::from_secs(150);
const MOVED: Duration = Duration::from_mins(1);
/// How long a busy machine is waited for: its load stands in the pictures.
const CALM: Duration = Duration::from_mins(2);
const CALM_LOAD: f64 = 1.5;

/// A server that somebody has taken out of the rotation.
const DRAIN: &str = "echo 'set server api/api-02 state drain' | socat stdio /run/haproxy/admin.sock";

/// Takes the pictures of docs/screenshots.
#[derive(Debug, Parser)]
#[command(name = "pictures", after_help = "Example:\n  cargo xtask screenshots")]
struct Arguments {
    /// Where they go
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match take(&arguments.to) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn take(to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    say("booting a fleet");
    let mut fleet = Fleet::boot()?;
    let taken = sit(&mut fleet, to);
    if taken.is_err() {
        say(&fleet.last_words());
    }
    taken
}

fn sit(fleet: &mut Fleet, to: &Path) -> Result<()> {
    let desk = Desk::open_with(Keyring::Absent, Services::Real)?;
    let _windows = panel::windows(&desk)?;
    let console = Console { desk: &desk, passphrase: &Console::passphrase(&desk)? };
    // The console's host is borrowed by the program for as long as it runs; the servers are changed meanwhile.
    let (mut servers, host, dns, client) = fleet.parts();
    let start = |theme| -> Result<Program<'_>> {
        setup::prefer(&desk, theme)?;
        let program = Program::start_on(&desk, host, &[("SERVERSCTL_PASSPHRASE_FILE", console.passphrase)])?;
        program.wait_up("hosting", SOON)?;
        Ok(program)
    };

    let panel = Panel::open(&desk, Theme::Dark)?;
    let program = start(Theme::Dark)?;
    // The window tells its theme only once it was told again, and the tray's icon asks when its shape changes.
    program.page().script(setup::PREFER_DARK)?;
    console.set_up(&servers, dns)?;
    let _traffic = Traffic::begin(client, dns.address(), &format!("lb.{}", fleet::ZONE))?;
    // The page was at its welcome when the command line made the profile.
    program.page().script("setTimeout(() => location.reload(), 50); return 1")?;
    program.page().wait_text(fleet::EDGE, SOON)?;
    console.wait_protected()?;
    pause("the strips to fill", 30)?;
    say("a balancer's HAProxy stops");
    servers.member(fleet::FIRST)?.must(&["systemctl", "stop", "haproxy.service"])?;
    let second = console.wait_moved(1)?;
    Album { desk: &desk, page: program.page(), to }.tray(Theme::Dark)?;
    servers.member(fleet::FIRST)?.must(&["systemctl", "start", "haproxy.service"])?;
    // What is drawn for the tray follows the theme that the program starts with.
    drop(program);
    drop(panel);

    let panel = Panel::open(&desk, Theme::Light)?;
    let program = start(Theme::Light)?;
    let album = Album { desk: &desk, page: program.page(), to };
    console.wait_protected()?;
    pause("the strips to fill", 40)?;
    say("a balancer loses its power");
    servers.member(&second)?.power_cut()?;
    let third = console.wait_moved(2)?;
    album.tray(Theme::Light)?;
    drop(panel);
    servers.member(&second)?.boot()?;
    servers.member(fleet::SILENT)?.power_cut()?;
    console.acknowledge()?;
    console.wait_protected()?;

    servers.member(&third)?.must(&["sh", "-c", DRAIN])?;
    say("page by page");
    album.fill_window()?;
    wait_calm();
    album.pages(&third)?;
    album.newcomer(servers.member(fleet::NEWCOMER)?)
}

/// Waits as long as it takes that a figure on screen is full, as a photographer does.
fn pause(what: &str, seconds: u64) -> Result<()> {
    let began = std::time::Instant::now();
    wait::until(what, Duration::from_secs(seconds * 2), || {
        Ok(Seen::when(began.elapsed() >= Duration::from_secs(seconds), "it fills"))
    })
}

/// The servers share this machine's load.
fn wait_calm() {
    let calm = wait::until("a calm machine", CALM, || {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let newest = load.split(' ').next().and_then(|one| one.parse::<f64>().ok());
        Ok(Seen::when(newest.is_some_and(|load| load < CALM_LOAD), load.trim()))
    });
    if let Err(error) = calm {
        say(&format!("{error:#}; the servers will look busy"));
    }
}

fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "pictures: {words}");
}
