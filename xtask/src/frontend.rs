//! The window's page: its packages, its checks, its tests, its build. All of it is npm's work; this file says what runs when.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, EXIT_LACKING, Exit, find_program, must, say};

/// How the lock file looked when the packages were last installed.
const STAMP: &str = "node_modules/.serversctl-lock";

fn directory() -> PathBuf {
    shell::root().join("frontend")
}

/// Installs the packages of the lock file, unless exactly these are there already.
fn ensure_packages() -> Result<()> {
    if find_program("npm").is_none() {
        let words = "the frontend needs node 20.19 or newer with npm, which this machine has not";
        return Err(Exit { code: EXIT_LACKING, words: words.to_owned() }.into());
    }
    let directory = directory();
    let lock = fs::read(directory.join("package-lock.json")).context("reading frontend/package-lock.json")?;
    if fs::read(directory.join(STAMP)).is_ok_and(|stamp| stamp == lock) {
        return Ok(());
    }
    npm(&["ci", "--no-audit", "--no-fund"])?;
    fs::write(directory.join(STAMP), lock).context("noting which packages are installed")
}

/// Types, accessibility warnings and the tests without a browser.
pub(crate) fn test() -> Result<()> {
    ensure_packages()?;
    say("frontend: types and unit tests");
    npm(&["run", "check"])?;
    npm(&["test"])
}

/// Every screen in a real browser: states, keyboard, contrast, names and roles.
pub(crate) fn test_in_browser() -> Result<()> {
    ensure_packages()?;
    say("frontend: every screen in a browser");
    npm(&["run", "test:browser"])
}

/// Builds the page that the desktop holds. Without npm the desktop is built with a page that says so.
pub(crate) fn build() -> Result<()> {
    if find_program("npm").is_none() {
        say("no npm: the desktop is built without its page");
        return Ok(());
    }
    ensure_packages()?;
    npm(&["run", "build"])
}

/// Serves the page with a host that plays recorded scenarios.
pub(crate) fn dev() -> Result<()> {
    ensure_packages()?;
    npm(&["run", "dev"])
}

fn npm(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(directory());
    // Standard output is the task's own: `demo --json` prints nothing but JSON there.
    command.stdout(std::io::stderr());
    must(&mut command)
}
