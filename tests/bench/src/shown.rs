//! How soon a loss is shown: a standby whose power is cut, and one of which only the agent is gone.
//!
//! Read where every surface reads it, in the pool's status; a look takes some hundredths of a second.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hosts::product::Console;
use hosts::wait::{self, Seen};
use hosts::{Member, World};
use serde_json::Value;

use crate::figure::{Figure, Limit, Spread};
use crate::{pool, say};

const REPEATS: u32 = 5;
const DELAY_S: u32 = 10;
const LATE_MAX_MS: f64 = 4_000.0;
/// A second after the delay.
const DOWN_MAX_MS: f64 = 11_000.0;
const BOUND: Duration = Duration::from_mins(1);
const READY_BOUND: Duration = Duration::from_mins(3);
const UNIT: &str = "balctl-heartbeat.service";
const AGENT_GONE: &str = "agent silent, service answers";

/// Cuts and kills, again and again.
pub(crate) fn figures(repeats: Option<u32>) -> Result<Vec<Figure>> {
    let mut world = World::boot(3)?;
    let (console, mut watch) = pool::armed(&world.console, &world.dns, &world.members, DELAY_S)?;
    console.wait_ready(READY_BOUND)?;
    let member = world.members.last_mut().context("the world has members")?;
    let (mut late_ms, mut down_ms, mut agent_ms) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeats.unwrap_or(REPEATS) {
        let name = member.name().to_owned();
        let began = Instant::now();
        member.power_cut()?;
        late_ms.push(when(&console, &name, began, |health| kind(health) == "degraded")?);
        down_ms.push(when(&console, &name, began, |health| kind(health) == "down")?);
        member.boot()?;
        console.wait_standby(&name, READY_BOUND)?;
        agent_ms.push(agent_killed(&console, member, &name)?);
        console.wait_standby(&name, READY_BOUND)?;
        watch.must_run()?;
        say(&format!("late {late_ms:?} ms, down {down_ms:?} ms, agent {agent_ms:?} ms"));
    }
    let figure = |name: &str, values: &[u64], limit| -> Result<Figure> {
        let spread = Spread::of(values).context("nothing was repeated")?;
        Ok(Figure {
            name: name.to_owned(),
            value: spread.max_ms,
            unit: "ms",
            limit: Limit::AtMost(limit),
            how: format!("delay {DELAY_S} s, {}", spread.words),
        })
    };
    Ok(vec![
        figure("power cut to shown late, slowest", &late_ms, LATE_MAX_MS)?,
        figure("power cut to shown down, slowest", &down_ms, DOWN_MAX_MS)?,
        figure("agent killed to shown as such, slowest", &agent_ms, DOWN_MAX_MS)?,
    ])
}

/// Only the agent dies and does not come back; the member must never be shown down.
fn agent_killed(console: &Console<'_>, member: &Member, name: &str) -> Result<u64> {
    member.must(&["systemctl", "mask", "--runtime", UNIT])?;
    let began = Instant::now();
    member.must(&["systemctl", "kill", "--signal=KILL", UNIT])?;
    let took = when(console, name, began, |health| {
        health["reason"].as_str().is_some_and(|reason| reason.contains(AGENT_GONE))
    });
    member.must(&["systemctl", "unmask", "--runtime", UNIT])?;
    member.must(&["systemctl", "reset-failed", UNIT])?;
    member.must(&["systemctl", "start", UNIT])?;
    took
}

fn when(console: &Console<'_>, name: &str, began: Instant, is_it: impl Fn(&Value) -> bool) -> Result<u64> {
    wait::until(&format!("{name} to be shown as what it is"), BOUND, || {
        let status = console.status()?;
        let members = status["members"].as_array().context("a status has members")?;
        let own = members.iter().find(|one| one["name"] == name).context("the member is in the status")?;
        let health = &own["health"];
        Ok(if is_it(health) {
            let ms = u64::try_from(began.elapsed().as_millis())?;
            ensure!(ms > 0, "nothing is shown before it happens");
            Seen::Yes(ms)
        } else {
            Seen::NotYet(health.to_string())
        })
    })
}

fn kind(health: &Value) -> &str {
    health["kind"].as_str().unwrap_or_default()
}
