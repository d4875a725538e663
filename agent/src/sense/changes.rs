//! Prints what the sense of HAProxy notices, for trials by hand.

use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use super::clock::{Clock, SystemClock};
use super::haproxy::{HaproxySense, Options, is_news};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    /// Milliseconds since 1970.
    at_ms: u64,
    /// Whether a heartbeat would be sent at once for it.
    news: bool,
    #[serde(flatten)]
    report: &'a model::haproxy::Report,
}

/// Prints each change of HAProxy's report as one line of JSON until standard output is closed.
///
/// # Errors
/// A line could not be written.
pub async fn print_changes(options: Options) -> std::io::Result<()> {
    let clock = SystemClock;
    let sense = HaproxySense::start(options, Arc::new(clock))?;
    let mut reports = sense.report();
    let mut before = model::haproxy::Report::default();
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        let change = Change { at_ms: clock.wall_ms(), news: is_news(&before, &report), report: &report };
        let mut line = serde_json::to_vec(&change)?;
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        out.write_all(&line)?;
        out.flush()?;
        before = report;
    }
    Ok(())
}
