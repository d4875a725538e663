//! `balctl-agent`: parse, build, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use agent::cli::{Cli, Command};
use agent::layout::Layout;
use agent::provision::{Config, Package, provision_haproxy as provision_haproxy_on_host};
use agent::run::{EXIT_CONFIG, NeedsPerson};
use agent::sense::haproxy::Options;
use agent::{enrol, log, run, sense, status, uninstall};
use anyhow::Context;
use clap::Parser;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log);
    match start(cli) {
        Ok(code) => code,
        Err(error) => {
            // The whole chain, once; nothing in it repeats a secret.
            let _ = writeln!(std::io::stderr(), "balctl-agent: {error:#}");
            if error.is::<NeedsPerson>() { ExitCode::from(EXIT_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(cli.root);
    let out = &mut std::io::stdout();
    if cli.provision_haproxy {
        return runtime()?.block_on(provision_haproxy(out)).map(|()| ExitCode::SUCCESS);
    }
    match cli.command {
        Some(Command::Enrol(options)) => runtime()?.block_on(enrol::run(&layout, &options, out))?,
        Some(Command::Run) => runtime()?.block_on(run::run(&layout))?,
        Some(Command::Status(options)) => return status::run(&layout, &options, out),
        Some(Command::Uninstall(options)) => uninstall::run(&layout, &options, out)?,
        Some(Command::Sense) => runtime()?.block_on(sense::print_changes(Options::default()))?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn provision_haproxy(out: &mut impl Write) -> anyhow::Result<()> {
    let done = provision_haproxy_on_host().await?;
    match done.package {
        Package::WasThere => writeln!(out, "HAProxy was installed already.")?,
        Package::Installed(packages) => writeln!(out, "HAProxy was installed by {}.", packages.program())?,
    }
    match done.config {
        Config::Kept => writeln!(out, "Its configuration was left as it is.")?,
        Config::Written => writeln!(out, "A minimal configuration was written.")?,
    }
    Ok(())
}

/// One thread for everything: the agent waits far more than it works.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")
}
