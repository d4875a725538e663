//! The program under test, started on a desktop: driven through its page, or by itself.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hosts::wait::{self, Seen};
use hosts::{Host, Process, programs};
use serde_json::Value;

use crate::desk::{self, Desk};
use crate::driver::{self, Network, Page};

/// A command line that only asks or writes.
const BOUND: Duration = Duration::from_mins(1);

/// The program, driven through its page.
pub struct Program<'a> {
    // Dropped first: the session's end is the program's.
    page: Option<Page<'a>>,
    driver: Driver,
    log: PathBuf,
}

enum Driver {
    Here(Child),
    On { _process: Process },
}

impl<'a> Program<'a> {
    /// Starts it on a desktop, on this machine's network.
    ///
    /// # Errors
    /// It was not built, or does not come up.
    pub fn start(desk: &'a Desk, arguments: &[&str]) -> Result<Self> {
        let port = driver::free_port()?;
        let log = desk.dir().join(format!("driver-{port}.log"));
        let sink = File::create(&log).context("making a log")?;
        let child = desk
            .command("WebKitWebDriver".as_ref())
            .args([format!("--port={port}"), "--host=127.0.0.1".to_owned()])
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .stdin(Stdio::null())
            .stdout(sink.try_clone().context("sharing a log")?)
            .stderr(sink)
            .spawn()
            .context("starting WebKitWebDriver")?;
        let mut program = Self { page: None, driver: Driver::Here(child), log };
        program.open(Network::Here, port, arguments)?;
        Ok(program)
    }

    /// Starts it on a desktop, on a host's network: where members are. `more` is added to its environment.
    ///
    /// # Errors
    /// As [`Program::start`].
    pub fn start_on(desk: &'a Desk, host: &'a Host, more: &[(&str, &str)]) -> Result<Self> {
        let port = driver::free_port()?;
        let mut env = desk.env();
        env.push(("TAURI_WEBVIEW_AUTOMATION".to_owned(), "true".to_owned()));
        let env = env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let env: Vec<(&str, &str)> = env.chain(more.iter().copied()).collect();
        let argv = ["WebKitWebDriver", &format!("--port={port}"), "--host=127.0.0.1"];
        let process = host.spawn_with("driver", &argv, &env)?;
        let log = process.log_path().to_owned();
        let mut program = Self { page: None, driver: Driver::On { _process: process }, log };
        program.open(Network::On(host), port, &[])?;
        Ok(program)
    }

    fn open(&mut self, network: Network<'a>, port: u16, arguments: &[&str]) -> Result<()> {
        let binary = programs::built("serversctl-desktop")?;
        let page = Page::open(network, port, &binary, arguments);
        self.page = Some(page.with_context(|| self.log())?);
        Ok(())
    }

    /// Its page.
    ///
    /// # Panics
    /// After [`Program::end`].
    pub fn page(&self) -> &Page<'a> {
        self.page.as_ref().expect("the program runs")
    }

    /// Waits for the first paint and until it says who hosts: `hosting` or `attached`. Painting waits for no host, so
    /// what asks the host without this is a matter of luck on a busy machine.
    ///
    /// # Errors
    /// Neither within the bound.
    pub fn wait_up(&self, kind: &str, bound: Duration) -> Result<()> {
        let page = self.page();
        page.wait("the first paint", bound, "document.querySelector('main, [role=main]')")?;
        let asked =
            "window.__TAURI_INTERNALS__.invoke('shell_state').then((one) => (window.seat = one.seat.kind))";
        let is_it = format!("({asked}, window.seat === '{kind}')");
        page.wait(&format!("the desktop to be {kind}"), bound, &is_it)
    }

    /// What it and its driver have printed.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Its pid, as it wrote it into the profile's lock.
    ///
    /// # Errors
    /// It does not hold the profile.
    pub fn pid(&self, desk: &Desk) -> Result<u32> {
        let path = desk.profile().join("host.lock");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        text.trim().parse().context("a lock names its process")
    }

    /// Ends it as the end of a session does.
    pub fn end(&mut self) {
        self.page = None;
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            use std::io::Write as _;
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            let _ = writeln!(std::io::stderr(), "--- log of the program (end)\n{}", tail.join("\n"));
        }
        self.page = None;
        if let Driver::Here(child) = &mut self.driver {
            desk::end(child);
        }
    }
}

/// Starts the program once more, as a person or a link does, and waits for its end.
///
/// # Errors
/// It does not end within the bound.
pub fn start_again(desk: &Desk, arguments: &[&str]) -> Result<ExitStatus> {
    let mut command = desk.command(&programs::built("serversctl-desktop")?);
    let mut child = command.args(arguments).stdin(Stdio::null()).spawn().context("starting it once more")?;
    let ended = wait::until("a second start to end", BOUND, || {
        Ok(child.try_wait()?.map_or_else(|| Seen::NotYet("it runs".to_owned()), Seen::Yes))
    });
    if ended.is_err() {
        desk::end(&mut child);
    }
    ended
}

/// Runs a command line on this desktop, and gives its answer.
///
/// # Errors
/// It fails.
pub fn serversctl(desk: &Desk, arguments: &[&str]) -> Result<Value> {
    let mut command: Command = desk.command(&programs::built("serversctl")?);
    let output =
        command.arg("--json").args(arguments).stdin(Stdio::null()).output().context("starting serversctl")?;
    if !output.status.success() {
        bail!("serversctl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("serversctl answers in JSON")
}
