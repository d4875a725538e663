//! The desktop beside the story, where there is a display: it attaches to the demo's watch and shows what is told.

use std::io::{BufRead as _, IsTerminal as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use hosts::product::{Console, POOL};
use hosts::{Host, Process, programs};

const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// The window, until this is dropped.
pub(crate) struct Window {
    program: Process,
}

impl Window {
    /// Opens it at the demo's pool, on the console's own network: what the watch sees is what it sees.
    pub(crate) fn open(host: &Host, console: &Console<'_>) -> Result<Self> {
        let program = programs::built("serversctl-desktop")?.display().to_string();
        let profile = console.profile().display().to_string();
        let link = format!("serversctl://pool/{POOL}/overview");
        let program =
            host.spawn("desktop", &[&program, "--profile", &profile, &link]).context("opening the window")?;
        Ok(Self { program })
    }

    /// Whether a person has ended it.
    pub(crate) fn is_gone(&mut self) -> bool {
        self.program.must_run().is_err()
    }

    /// Leaves it open until the person has seen enough: ends it, or presses Enter. Nobody at a terminal has seen enough.
    pub(crate) fn linger(mut self) {
        if !std::io::stdin().is_terminal() {
            return;
        }
        let (tell, enter) = mpsc::channel();
        // Reading cannot be given up; the thread ends with the program.
        thread::spawn(move || {
            let _ = std::io::stdin().lock().read_line(&mut String::new());
            let _ = tell.send(());
        });
        while !self.is_gone() && enter.recv_timeout(BETWEEN_LOOKS).is_err() {}
    }
}
