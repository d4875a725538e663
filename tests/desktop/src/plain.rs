//! The program as a person starts it: no driver, its own choice of renderer; what is seen of it is its log and its processes.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hosts::programs;

use crate::desk::{self, Desk};

/// The program, until this is dropped.
pub struct Plain {
    child: Child,
    began: Instant,
    lines: Receiver<(Instant, String)>,
}

impl Plain {
    /// Starts it on a desktop.
    ///
    /// # Errors
    /// It was not built, or cannot be started.
    pub fn start(desk: &Desk, arguments: &[&str]) -> Result<Self> {
        let mut command = desk.command(&programs::built("serversctl-desktop")?);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().context("starting the desktop")?;
        let log = child.stderr.take().context("its log is ours")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if tell.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, began, lines })
    }

    /// Waits until its log says something, and tells how long after the start it did.
    ///
    /// # Errors
    /// It does not within the bound, or ends before.
    pub fn wait_line(&self, words: &str, bound: Duration) -> Result<Duration> {
        let deadline = Instant::now() + bound;
        let mut heard = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok((at, line)) if line.contains(words) => return Ok(at - self.began),
                Ok((_, line)) => heard.push(line),
                Err(_) => bail!("its log did not say `{words}`:\n{}", heard.join("\n")),
            }
        }
    }

    /// Its pid; its web view's processes are its children.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        desk::end(&mut self.child);
    }
}
