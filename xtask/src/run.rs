//! The tasks that build and run something.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::check;
use crate::frontend;
use crate::install::{self, For};
use crate::package;
use crate::shell::{self, cargo, must, say};

/// Programs that the end-to-end tests and the demo start; the test build alone would not make them.
const PROGRAMS: &[&str] = &[
    "--package",
    "agent",
    "--package",
    "cli",
    "--package",
    "dns",
    "--package",
    "hosts",
    // The embedded name server's program is behind it.
    "--features",
    "demo-server",
];

const RELEASE: &[&str] = &["build", "--quiet", "--release", "--bins"];
/// Beside [`PROGRAMS`]: the desktop, with its page inside.
const DESKTOP: &[&str] = &["--package", "serversctl-desktop", "--features", "custom-protocol"];

/// The embedded name server's program; the desktop with its page inside.
const FEATURES: &str = "demo-server,custom-protocol";

/// What `test` simulates: pool-hours and seed. Long runs are `cargo xtask sim`.
const SIMULATED: &[(u32, u32)] = &[(200, 7919), (50, 1), (50, 2)];

pub(crate) fn demo(json: bool, no_window: bool, more: &[String]) -> Result<()> {
    install::ensure(For::Members)?;
    let window = !json && !no_window && has_display();
    if window {
        frontend::build()?;
        say(
            "there is a display: the desktop is built too, to show the story in its window (--no-window leaves it out)",
        );
    }
    let desktop = if window { DESKTOP } else { &[] };
    must(cargo(&["build", "--quiet", "--bins"]).args(PROGRAMS).args(desktop))?;
    // As built: `cargo run` would build again, with fewer features.
    let mut demo = Command::new(cargo_target()?.join("debug/demo"));
    if json {
        demo.arg("--json");
    }
    if window {
        demo.arg("--window");
    }
    must(demo.args(more))
}

/// Whether a window could be opened for whoever runs this.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

pub(crate) fn test(fast: bool) -> Result<()> {
    install::ensure(if fast { For::Building } else { For::Members })?;
    install::ensure_nextest()?;
    check::all()?;
    frontend::build()?;
    must(&mut cargo(&["build", "--workspace", "--bins", "--features", FEATURES]))?;
    if !fast {
        for (pool_hours, seed) in SIMULATED {
            simulate(*pool_hours, *seed)?;
        }
    }
    // Every test of every crate; what real members need is in `tests/hosts` and `tests/desktop`.
    let mut nextest = cargo(&["nextest", "run", "--workspace", "--features", FEATURES, "--no-fail-fast"]);
    if fast {
        nextest.args(["--filterset", "not (package(hosts) | package(desktop))"]);
    }
    must(&mut nextest)?;
    frontend::test()?;
    if !fast {
        frontend::test_in_browser()?;
    }
    say(if fast { "green, without real members and long simulations" } else { "green" });
    Ok(())
}

pub(crate) fn dev_host(more: &[String]) -> Result<()> {
    install::ensure(For::Building)?;
    let profile = shell::root().join("target/dev-profile");
    fs::create_dir_all(&profile).with_context(|| format!("making {}", profile.display()))?;
    say(&format!("the headless host, with the profile in {}", profile.display()));
    let mut serversctl =
        cargo(&["run", "--quiet", "--package", "cli", "--bin", "serversctl", "--", "--profile"]);
    serversctl.arg(&profile);
    if more.is_empty() {
        serversctl.arg("watch")
    } else {
        serversctl.args(more)
    };
    must(&mut serversctl)
}

pub(crate) fn sim(more: &[String]) -> Result<()> {
    install::ensure(For::Building)?;
    must(cargo(&["run", "--quiet", "--profile", "sim", "--package", "sim", "--bin", "sim", "--"]).args(more))
}

pub(crate) fn bench(more: &[String]) -> Result<()> {
    install::ensure(For::Members)?;
    frontend::build()?;
    must(cargo(RELEASE).args(PROGRAMS).args(DESKTOP))?;
    must(cargo(RELEASE).args(["--package", "bench", "--package", "sim"]))?;
    let target = cargo_target()?;
    package::deb(&target)?;
    must(Command::new(target.join("release/bench")).args(more))
}

pub(crate) fn package() -> Result<()> {
    install::ensure(For::Building)?;
    frontend::build()?;
    must(cargo(RELEASE).args(PROGRAMS).args(DESKTOP))?;
    package::deb(&cargo_target()?).map(|_| ())
}

/// The real desktop over real members, page by page. Built as the tests are, so that nothing is built twice.
pub(crate) fn screenshots(to: Option<PathBuf>) -> Result<()> {
    install::ensure(For::Pictures)?;
    frontend::build()?;
    must(&mut cargo(&["build", "--quiet", "--workspace", "--bins", "--features", FEATURES]))?;
    let to = to.unwrap_or_else(|| shell::root().join("docs/screenshots"));
    must(Command::new(cargo_target()?.join("debug/pictures")).arg(to))
}

/// One simulation of the test run, in the build that the tests have anyway (it is optimised there too).
fn simulate(pool_hours: u32, seed: u32) -> Result<()> {
    let words = format!("sim --pool-hours {pool_hours} --seed {seed} --json");
    say(&words);
    let mut sim = Command::new(cargo_target()?.join("debug/sim"));
    let said = shell::read(sim.args(words.split(' ').skip(1)))?;
    let summary = said.lines().last().unwrap_or_default();
    judge(summary).with_context(|| format!("`{words}` ended with\n{summary}"))?;
    say(summary);
    Ok(())
}

/// Holds the simulator's last line to what must never happen.
fn judge(summary: &str) -> Result<()> {
    let figures: Value = serde_json::from_str(summary).context("reading the simulator's summary")?;
    for name in ["violations", "false_promotions"] {
        match figures.get(name).and_then(Value::as_u64) {
            Some(0) => {}
            Some(count) => bail!("{count} {name}"),
            None => bail!("the summary has no `{name}`"),
        }
    }
    Ok(())
}

fn cargo_target() -> Result<PathBuf> {
    let metadata = shell::read(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("reading cargo's metadata")?;
    Ok(metadata
        .get("target_directory")
        .and_then(Value::as_str)
        .context("cargo names no target directory")?
        .into())
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_simulation_is_green_only_with_both_figures_at_zero() {
        judge(r#"{"violations":0,"false_promotions":0,"missed":3}"#).unwrap();
        for red in [
            r#"{"violations":1,"false_promotions":0}"#,
            r#"{"violations":0,"false_promotions":2}"#,
            r#"{"violations":0}"#,
            "",
        ] {
            judge(red).unwrap_err();
        }
    }
}
