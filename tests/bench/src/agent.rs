//! What an agent costs its host: memory, processor time and wake-ups, over a minute in which nothing happens.
//!
//! Four members, so that the measured one has three peers, and an HAProxy with a hundred servers on it. Everything is read
//! from the kernel's own accounting of the agent's process.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hosts::{Member, World, haproxy};

use crate::figure::{Figure, Limit};
use crate::process::{first_number, total};
use crate::{pool, say};

const SERVERS: u32 = 100;
const DELAY_S: u32 = 10;
/// Connections are made, first checks have run, caches are filled.
const SETTLE: Duration = Duration::from_secs(20);
const MEASURED: Duration = Duration::from_mins(1);
const READY_BOUND: Duration = Duration::from_mins(3);

const PSS_MAX_MIB: f64 = 8.0;
const CPU_MAX_S_PER_MINUTE: f64 = 0.12;
const WAKEUPS_MAX_PER_S: f64 = 5.0;

/// Measures the agent of the first member.
pub(crate) fn footprint() -> Result<Vec<Figure>> {
    let world = World::boot(4)?;
    let member = world.members.first().context("the world has members")?;
    let config = haproxy::answering_with_servers(member.name(), SERVERS);
    member.write_file("/etc/haproxy/haproxy.cfg", config.as_bytes(), 0o644)?;
    member.must(&["systemctl", "restart", "haproxy.service"])?;
    let (console, mut watch) = pool::armed(&world.console, &world.dns, &world.members, DELAY_S)?;
    console.wait_ready(READY_BOUND)?;
    say("an agent with three peers is left alone for a minute");
    // Not a wait for a state: the measured time itself.
    thread::sleep(SETTLE);
    let (before, start) = (Usage::of(member)?, Instant::now());
    thread::sleep(MEASURED);
    let (after, passed_s) = (Usage::of(member)?, start.elapsed().as_secs_f64());
    watch.must_run()?;
    ensure!(before.pid == after.pid, "the agent was restarted while it was measured");
    Ok(figures(&before, &after, passed_s))
}

fn figures(before: &Usage, after: &Usage, passed_s: f64) -> Vec<Figure> {
    let how = format!("{passed_s:.0} s at 1 Hz, three peers, HAProxy with {SERVERS} servers");
    let figure = |name: &str, value, unit, limit| Figure {
        name: name.to_owned(),
        value,
        unit,
        limit: Limit::AtMost(limit),
        how: how.clone(),
    };
    let cpu_s = after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9;
    let wakeups = after.wakeups.saturating_sub(before.wakeups) as f64;
    vec![
        figure("agent, memory (PSS)", after.pss_kib as f64 / 1_024.0, "MiB", PSS_MAX_MIB),
        figure("agent, processor time", cpu_s * 60.0 / passed_s, "s per minute", CPU_MAX_S_PER_MINUTE),
        figure("agent, wake-ups", wakeups / passed_s, "per second", WAKEUPS_MAX_PER_S),
    ]
}

/// The kernel's account of one process and all its threads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Usage {
    pid: String,
    pss_kib: u64,
    cpu_ns: u64,
    wakeups: u64,
}

impl Usage {
    fn of(member: &Member) -> Result<Self> {
        let show = ["systemctl", "show", "--property=MainPID", "--value", "balctl-heartbeat.service"];
        let pid = member.must(&show)?.trim().to_owned();
        ensure!(pid != "0", "the agent does not run on {}", member.name());
        let read = |what: &str| member.must(&["sh", "-c", &format!("cat /proc/{pid}/{what}")]);
        let pss_kib = total(&read("smaps_rollup")?, "Pss:");
        // First field of schedstat: nanoseconds on a processor. A wake-up is a switch the thread asked for.
        let cpu_ns = read("task/*/schedstat")?.lines().filter_map(first_number).sum();
        let wakeups = total(&read("task/*/status")?, "voluntary_ctxt_switches:");
        ensure!(pss_kib > 0, "the kernel does not say what memory the agent has");
        Ok(Self { pid, pss_kib, cpu_ns, wakeups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_per_minute_and_per_second() {
        let usage = |cpu_ns, wakeups| Usage { pid: "1".into(), pss_kib: 4_096, cpu_ns, wakeups };
        let figures = figures(&usage(0, 10), &usage(60_000_000, 130), 30.0);
        for (figure, expect) in figures.iter().zip([4.0, 0.12, 4.0]) {
            assert!((figure.value - expect).abs() < 1e-9, "{figure:?}");
        }
    }
}
