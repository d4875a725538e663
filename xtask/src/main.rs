//! The one task runner: set up, build, check, test, show.
//!
//! `cargo xtask demo` and `cargo xtask test` are the two commands of the README; on a fresh machine they install what they
//! lack first (as root; otherwise they print the exact line and end with 2). Everything else here is a part of them, or a
//! tool for the developer.
//!
//! It must not know the product: it depends on no crate of ours, so that it builds in seconds and can judge them all.
//!
//! Start reading at [`Task`]; the rules of the house are in [`check`].

mod check;
mod codegen;
mod frontend;
mod install;
mod package;
mod run;
mod shell;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Set up, build, check, test and show ServersCTL",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Show a real failover: three real members, a DNS server, a client and the watch.
    Demo {
        /// One JSON object per event, and the summary as the last line.
        #[arg(long)]
        json: bool,
        /// Tell the story here only, even if there is a display.
        #[arg(long)]
        no_window: bool,
        /// Handed to the demo as they are.
        #[arg(last = true)]
        more: Vec<String>,
    },
    /// Check, build and run every test, real members included (needs root).
    Test {
        /// Leave out real members and long simulations; needs no root.
        #[arg(long)]
        fast: bool,
    },
    /// Everything that is judged without running it: format, lints, docs, arrows, sizes, words.
    Check {
        /// Only our own rules (arrows, trees, purity, sizes, words): a second, without the compiler.
        #[arg(long)]
        rules: bool,
    },
    /// Serve the window's page with a host that plays recorded scenarios; with --host, run a real one without a window.
    Dev {
        /// The headless host, with a profile of its own, in place of the page.
        #[arg(long)]
        host: bool,
        /// Handed to `serversctl` in place of `watch`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Run the simulator, for example: cargo xtask sim --pool-hours 2000 --seed 7919 --json
    Sim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Measure the release build against the figures it is held to.
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        more: Vec<String>,
    },
    /// Make the desktop's Debian package, in target/package.
    Package,
    /// Take the pictures of docs/screenshots: the real desktop over real members, in both themes.
    Screenshots {
        /// Somewhere else than docs/screenshots.
        #[arg(long, value_name = "DIR")]
        to: Option<std::path::PathBuf>,
    },
    /// Write the TypeScript side of the api crate.
    Codegen {
        /// Write nothing; fail when what is committed is stale.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo { json, no_window, more } => run::demo(json, no_window, &more),
        Task::Test { fast } => run::test(fast),
        Task::Check { rules: true } => check::rules(),
        Task::Check { rules: false } => check::all(),
        Task::Dev { host: true, more } => run::dev_host(&more),
        Task::Dev { host: false, .. } => frontend::dev(),
        Task::Sim { more } => run::sim(&more),
        Task::Bench { more } => run::bench(&more),
        Task::Package => run::package(),
        Task::Screenshots { to } => run::screenshots(to),
        Task::Codegen { check } => codegen::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("{error:#}"));
            ExitCode::from(shell::exit_code(&error))
        }
    }
}
