//! Speed and size of the release build, against the figures it is held to. Never a timed test: it is run on purpose, on a
//! machine that does nothing else, and prints what it measured whether it passes or not.
//!
//! `failovers` and `agent` run on real members, `evaluator` and `simulator` in this process and its sibling, `desktop_load`
//! on a screen of its own. Each figure has its limit beside it in the module that measures it.
//!
//! Ends with 0 when every figure holds, 1 when one does not, 2 when this machine cannot make real members.

mod agent;
mod crowd;
mod desktop_load;
mod evaluator_load;
mod failovers;
mod figure;
mod pool;
mod process;
mod shown;
mod simulator;
mod sizes;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use hosts::requirements;

use figure::Figure;

/// Measure the release build against the figures it is held to.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    after_help = "Example:\n  cargo xtask bench\n  cargo xtask bench stops cuts --json\n  cargo xtask bench stops --repeats 5"
)]
struct Arguments {
    /// What to measure; everything when none is named.
    #[arg(value_enum)]
    what: Vec<What>,
    /// One JSON object per figure, and the verdict as the last line.
    #[arg(long)]
    json: bool,
    /// Repeats of each fault, in place of 50 stops and 20 power cuts; for a quick look.
    #[arg(long)]
    repeats: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// HAProxy stopped, until the DNS server has accepted the move.
    Stops,
    /// The active member's power cut, until the DNS server has accepted the move.
    Cuts,
    /// Memory, processor time and wake-ups of an agent with three peers and a large HAProxy.
    Agent,
    /// A hundred pools of ten, stepped as in life.
    Evaluator,
    /// Simulated pool-hours per minute of one core.
    Simulator,
    /// How soon a lost member and a lost agent are shown as what they are.
    Shown,
    /// The desktop: start, memory, rest, and its page with five hundred members.
    Desktop,
    /// The desktop's package and its page's scripts.
    Sizes,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let what = if arguments.what.is_empty() { What::value_variants().to_vec() } else { arguments.what };
    let needs_members =
        what.iter().any(|what| matches!(what, What::Stops | What::Cuts | What::Agent | What::Shown));
    if needs_members && let Err(error) = requirements::demand() {
        say(&format!("{error:#}"));
        return ExitCode::from(2);
    }
    let mut is_green = true;
    for what in what {
        match measure(what, arguments.repeats) {
            Ok(figures) => {
                for figure in figures {
                    is_green &= figure.holds();
                    print(&figure.line(arguments.json));
                }
            }
            Err(error) => {
                is_green = false;
                say(&format!("{what:?} could not be measured: {error:#}"));
            }
        }
    }
    if arguments.json {
        print(&serde_json::json!({ "ok": is_green }).to_string());
    }
    if is_green { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(what: What, repeats: Option<u32>) -> Result<Vec<Figure>> {
    match what {
        What::Stops => failovers::stops(repeats),
        What::Cuts => failovers::cuts(repeats),
        What::Agent => agent::footprint(),
        What::Evaluator => evaluator_load::share(),
        What::Simulator => simulator::speed(),
        What::Shown => shown::figures(repeats),
        What::Desktop => desktop_load::figures(),
        What::Sizes => sizes::figures(),
    }
}

/// Progress and complaints; standard output holds figures alone.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "bench: {words}");
}

fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
