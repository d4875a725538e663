//! The demo: three real members, a name server, a client that asks through DNS once a second, and the watch. It loses the
//! active member in several ways and tells what happened, with times; every figure is measured here or read from the
//! product's own incidents.
//!
//! Ends with 0 when everything went as the story says, 1 when it did not, 2 when this machine cannot make real members.

mod narrator;
mod story;
mod window;

use std::process::ExitCode;

use clap::Parser;
use hosts::requirements;

use narrator::{Narrator, Voice};

/// A real failover, on this machine, told with times.
#[derive(Debug, Parser)]
#[command(name = "demo", after_help = "Example:\n  cargo xtask demo\n  cargo xtask demo --json | tail -1")]
struct Arguments {
    /// One JSON object per event, and the summary as the last line.
    #[arg(long)]
    json: bool,
    /// Open the desktop's window beside the story and leave it open at the end; needs a display.
    #[arg(long)]
    window: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut narrator = Narrator::new(if arguments.json { Voice::Json } else { Voice::Human });
    let lacks = requirements::check();
    if !lacks.is_empty() {
        narrator.lacking(&lacks);
        return ExitCode::from(2);
    }
    match story::tell(&mut narrator, arguments.window) {
        Ok(()) => narrator.end(None),
        Err(error) => narrator.end(Some(&error)),
    }
}
