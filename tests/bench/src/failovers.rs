//! From the fault to the accepted move, again and again in one world.

use std::time::Duration;

use anyhow::{Context, Result};
use hosts::customer::{Customer, unix_ms};
use hosts::product::{self, Console};
use hosts::{Member, World, world};

use crate::figure::{Figure, Limit, Spread};
use crate::{pool, say};

const STOPS: u32 = 50;
const STOP_MAX_MS: f64 = 1_500.0;
const CUTS: u32 = 20;
const DELAY_S: u32 = 10;
const CUT_MEDIAN_MS: f64 = 11_200.0;
const CUT_MAX_MS: f64 = 12_500.0;
/// What a pool promises once all its members may testify: the delay, and a step of its rehearsal, in whole seconds.
const PROMISE: Duration = Duration::from_secs(10);
const READY_BOUND: Duration = Duration::from_mins(3);
const MOVE_BOUND: Duration = Duration::from_mins(1);

/// HAProxy stopped.
pub(crate) fn stops(repeats: Option<u32>) -> Result<Vec<Figure>> {
    let spread = repeat(
        repeats.unwrap_or(STOPS),
        |console| console.wait_ready(READY_BOUND),
        |member| member.must(&["systemctl", "stop", "haproxy.service"]).map(drop),
        // So many starts in so few seconds are more than systemd allows a unit.
        |member| {
            member.must(&["systemctl", "reset-failed", "haproxy.service"])?;
            member.must(&["systemctl", "start", "haproxy.service"]).map(drop)
        },
    )?;
    Ok(vec![Figure {
        name: "HAProxy stopped to DNS accepted, slowest".into(),
        value: spread.max_ms,
        unit: "ms",
        limit: Limit::AtMost(STOP_MAX_MS),
        how: spread.words,
    }])
}

/// The active member's power cut, at the shortest delay.
pub(crate) fn cuts(repeats: Option<u32>) -> Result<Vec<Figure>> {
    let repair = |member: &mut Member| member.boot().map(drop);
    // A member's word counts once it has been up for a minute; the figure is of a pool whose members are.
    let ready = |console: &Console<'_>| console.wait_promise(PROMISE, READY_BOUND);
    let spread = repeat(repeats.unwrap_or(CUTS), ready, Member::power_cut, repair)?;
    let figure = |name: &str, value, limit| Figure {
        name: name.to_owned(),
        value,
        unit: "ms",
        limit: Limit::AtMost(limit),
        how: format!("delay {DELAY_S} s, {}", spread.words),
    };
    Ok(vec![
        figure("power cut to DNS accepted, median", spread.median_ms, CUT_MEDIAN_MS),
        figure("power cut to DNS accepted, slowest", spread.max_ms, CUT_MAX_MS),
    ])
}

fn repeat(
    count: u32,
    ready: impl Fn(&Console<'_>) -> Result<()>,
    fault: impl Fn(&mut Member) -> Result<()>,
    repair: impl Fn(&mut Member) -> Result<()>,
) -> Result<Spread> {
    let mut world = World::boot(3)?;
    let customer = Customer::begin(&world.client, world.dns.address(), world::NAME)?;
    let (console, mut watch) = pool::armed(&world.console, &world.dns, &world.members, DELAY_S)?;
    let mut accepted_ms = Vec::new();
    for turn in 1..=count {
        // After the second automatic move within two hours the product waits for a person: here it is.
        if turn > 2 {
            console.acknowledge()?;
        }
        ready(&console)?;
        let at = customer.record().context("the record was never seen")?.addresses;
        let active = world.members.iter_mut().find(|member| at == [member.address()]);
        let active = active.with_context(|| format!("the record is {at:?}"))?;
        let fault_ms = unix_ms();
        fault(active)?;
        let incident = console.wait_moved(fault_ms, MOVE_BOUND)?;
        let moved_ms = incident.accepted_at_ms.context("the incident has no time of acceptance")?;
        accepted_ms.push(moved_ms.saturating_sub(fault_ms));
        customer.wait_moved(active.address(), fault_ms, MOVE_BOUND)?;
        say(&format!("{turn} of {count}: {} ms", moved_ms.saturating_sub(fault_ms)));
        repair(active)?;
        let name = active.name().to_owned();
        console.wait_standby(&name, READY_BOUND)?;
        watch.must_run().with_context(|| format!("the pool {}", product::POOL))?;
    }
    Spread::of(&accepted_ms).context("nothing was repeated")
}
