//! The desktop: how soon it shows its first picture, what it costs while nothing happens, and what five hundred members
//! that beat once a second cost its page. On a screen, bus and keyring of its own, drawn by software.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use desktop::program::serversctl;
use desktop::session::TrayHost;
use desktop::{Desk, Keyring, Plain, Program};
use serde_json::Value;

use crate::crowd;
use crate::figure::{Figure, Limit, Spread};
use crate::process::{self, Tree};
use crate::say;

const PAINTED: &str = "the first picture is painted";
const START_BOUND: Duration = Duration::from_mins(1);
const WARM_STARTS: u32 = 9;
const COLD_STARTS: u32 = 5;
/// Caches are filled, fonts are read, the tray stands.
const SETTLE: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_secs(30);
/// Milliseconds of the median start.
const WARM_MAX_MS: f64 = 550.0;
const COLD_MAX_MS: f64 = 1_200.0;
const PSS_MAX_MIB: f64 = 290.0;
const IDLE_MAX_PERCENT: f64 = 1.0;
const FRAME_MAX_MS: f64 = 50.0;
const TICK_MAX_MS: f64 = 8.0;
const ELEMENTS_MAX: f64 = 1_500.0;

/// Measures all of it.
pub(crate) fn figures() -> Result<Vec<Figure>> {
    let mut figures = alone()?;
    figures.extend(in_a_crowd()?);
    Ok(figures)
}

/// A profile with two pools, nobody enrolled: start, memory, rest.
fn alone() -> Result<Vec<Figure>> {
    let desk = Desk::open(Keyring::Unlocked, TrayHost::Present)?;
    serversctl(&desk, &["profile", "init", "--name", "desk", "--vault", "keychain"])?;
    for pool in ["production-edge", "staging-edge"] {
        serversctl(&desk, &["pool", "create", pool])?;
    }
    say("the desktop is started again and again");
    start_once(&desk)?;
    let warm = starts(&desk, WARM_STARTS, false)?;
    let cold = starts(&desk, COLD_STARTS, true)?;
    let start = |name: &str, spread: &Spread, limit| Figure {
        name: format!("desktop, start to first picture, {name}"),
        value: spread.median_ms,
        unit: "ms",
        limit: Limit::AtMost(limit),
        how: spread.words.clone(),
    };
    let mut figures = vec![start("warm", &warm, WARM_MAX_MS), start("cold", &cold, COLD_MAX_MS)];

    let program = Plain::start(&desk, &[])?;
    program.wait_line(PAINTED, START_BOUND)?;
    say("the desktop is left alone");
    // Not a wait for a state: the measured time itself.
    thread::sleep(SETTLE);
    let tree = Tree::of(program.pid())?;
    ensure!(tree.len() >= 3, "the desktop has its web view's processes below it, not {}", tree.len());
    let before_ns = tree.cpu_ns();
    thread::sleep(MEASURED);
    let busy = (tree.cpu_ns() - before_ns) as f64 / MEASURED.as_nanos() as f64;
    let how = format!("{} processes, two pools, window open", tree.len());
    figures.push(at_most(
        "desktop, memory (PSS)",
        tree.pss_kib()? as f64 / 1_024.0,
        "MiB",
        PSS_MAX_MIB,
        &how,
    ));
    figures.push(at_most("desktop, at rest", busy * 100.0, "% of a core", IDLE_MAX_PERCENT, &how));
    Ok(figures)
}

fn start_once(desk: &Desk) -> Result<Duration> {
    Plain::start(desk, &[])?.wait_line(PAINTED, START_BOUND)
}

fn starts(desk: &Desk, times: u32, cold: bool) -> Result<Spread> {
    let mut took_ms = Vec::new();
    for _ in 0..times {
        if cold {
            rustix::fs::sync();
            fs::write("/proc/sys/vm/drop_caches", "3").context("dropping the page cache")?;
        }
        let took = start_once(desk)?;
        took_ms.push(u64::try_from(took.as_millis()).context("a start is short")?);
    }
    Spread::of(&took_ms).context("it was started")
}

/// Five hundred members at 1 Hz, on the two screens that show most of them.
fn in_a_crowd() -> Result<Vec<Figure>> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let profile = desk.profile();
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&profile)
        .with_context(|| format!("making {}", profile.display()))?;
    crowd::serve(&profile)?;
    let program = Program::start(&desk, &[])?;
    program.wait_up("attached", START_BOUND)?;
    let tree = Tree::of(std::process::id())?;
    let page = tree.find("WebKitWebProcess")?;
    let mut figures = Vec::new();
    for (name, hash, shows) in
        [("overview", "#/", crowd::POOL.to_owned()), ("pool", "#/pool/crowd/overview", "node-001".to_owned())]
    {
        say(&format!("{} members at 1 Hz on the {name}", crowd::MEMBERS));
        program.page().script(&format!("location.hash = '{hash}'; return 1"))?;
        program.page().wait_text(&shows, START_BOUND)?;
        // Not a wait for a state: the screen settles, then the measured time itself.
        thread::sleep(SETTLE);
        let before_ns = process::main_thread_ns(page)?;
        thread::sleep(MEASURED);
        let per_tick_ms = (process::main_thread_ns(page)? - before_ns) as f64 / 1e6 / MEASURED.as_secs_f64();
        let frames = frames(&program)?;
        let how =
            format!("{} members, {} frames, longest {:.0} ms", crowd::MEMBERS, frames.count, frames.max_ms);
        let name = |what: &str| format!("page, {name}, {what}");
        figures.push(at_most(&name("main thread per tick"), per_tick_ms, "ms", TICK_MAX_MS, &how));
        figures.push(at_most(&name("95th percentile frame"), frames.p95_ms, "ms", FRAME_MAX_MS, &how));
        figures.push(at_most(&name("elements"), frames.elements, "elements", ELEMENTS_MAX, &how));
    }
    Ok(figures)
}

struct Frames {
    count: f64,
    p95_ms: f64,
    max_ms: f64,
    elements: f64,
}

/// Asks for every frame for the measured time, and how far apart they came.
fn frames(program: &Program<'_>) -> Result<Frames> {
    let page = program.page();
    page.script(
        "window.spans = []; window.going = true; let last = performance.now();
         const step = (now) => { spans.push(now - last); last = now; if (going) requestAnimationFrame(step); };
         requestAnimationFrame(step); return 1",
    )?;
    thread::sleep(MEASURED);
    let found = page.script(
        "going = false; const all = spans.slice(1).sort((a, b) => a - b);
         return { count: all.length, p95: all[Math.floor(all.length * 0.95)], max: all.at(-1),
                  elements: document.querySelectorAll('*').length }",
    )?;
    let number = |name: &str| found[name].as_f64().with_context(|| format!("no {name} in {found}"));
    ensure!(found["count"].as_u64() > Some(30), "the page draws: {}", Value::to_string(&found));
    Ok(Frames {
        count: number("count")?,
        p95_ms: number("p95")?,
        max_ms: number("max")?,
        elements: number("elements")?,
    })
}

fn at_most(name: &str, value: f64, unit: &'static str, limit: f64, how: &str) -> Figure {
    Figure { name: name.to_owned(), value, unit, limit: Limit::AtMost(limit), how: how.to_owned() }
}
