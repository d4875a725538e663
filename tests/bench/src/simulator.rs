//! How much life the simulator gets through: its own figure, from its own summary.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::figure::{Figure, Limit};

const POOL_HOURS: &str = "500";
const SEED: &str = "7919";
const LEAST_PER_CORE_MINUTE: f64 = 500.0;

pub(crate) fn speed() -> Result<Vec<Figure>> {
    let own = std::env::current_exe().context("finding this program")?;
    let sim = own.with_file_name("sim");
    let output = Command::new(&sim)
        .args(["--pool-hours", POOL_HOURS, "--seed", SEED, "--json"])
        .output()
        .with_context(|| format!("starting {}", sim.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "the simulator ended with {}: {summary}", output.status);
    let summary: Value = serde_json::from_str(summary).context("reading the simulator's summary")?;
    let value = summary.get("pool_hours_per_core_minute").and_then(Value::as_f64);
    Ok(vec![Figure {
        name: "simulator with every check".into(),
        value: value.context("the summary has no speed")?,
        unit: "pool-hours/min",
        limit: Limit::AtLeast(LEAST_PER_CORE_MINUTE),
        how: format!("{POOL_HOURS} pool-hours, seed {SEED}"),
    }])
}
