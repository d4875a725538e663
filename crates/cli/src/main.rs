//! `serversctl`: everything the desktop does, scriptable, and `serversctl watch`, the headless host.
//!
//! Every command is one request of `crates/api`, sent to whoever hosts this profile. When nobody does, a short-lived
//! host inside this process answers through the same client ([`session`]), without watching anything.
//!
//! Data goes to stdout, everything else to stderr; secrets come from a prompt, a file or stdin, never from argv.
//!
//! The crate must not know how anything is decided or done: no provider, no agent protocol, no database. The engine's
//! only door is [`host`]. Start reading at [`args`], then [`run`].

use std::io::Write as _;
use std::process::ExitCode;

use api::ApiError;
use clap::Parser as _;
use model::Code;
use tracing_subscriber::EnvFilter;

mod args;
mod host;
mod run;
mod screen;
mod secret;
mod session;
mod show;
mod unit;
mod watch;

fn main() -> ExitCode {
    // clap ends the process with 2 for wrong usage, which is our code for it as well.
    let cli = args::Cli::parse();
    let json = cli.common.json;
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error, json);
            ExitCode::from(exit_code(error.code))
        }
    }
}

fn start(cli: args::Cli) -> Result<(), ApiError> {
    let level = if matches!(cli.command, args::Command::Watch(_)) { "info" } else { "error" };
    let filter = EnvFilter::try_from_env("SERVERSCTL_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Two providers in one binary would fail at the first handshake; a second call only says it is done already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| ApiError::internal("starting the runtime").because(&error))?;
    let result = runtime.block_on(run::run(cli));
    // A thread that still waits for the outside (a keychain, systemd) does not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

/// What the codes of `serversctl --help` mean.
const fn exit_code(code: Code) -> u8 {
    match code {
        Code::Internal | Code::Unauthorized | Code::Forbidden | Code::Throttled => 1,
        Code::Invalid | Code::NotFound => 2,
        Code::Refused | Code::Conflict | Code::VaultLocked => 3,
        Code::Unreachable | Code::NoHost => 4,
    }
}

fn complain(error: &ApiError, json: bool) {
    let mut stderr = std::io::stderr().lock();
    // With stderr gone there is nobody left to tell.
    let _ = if json {
        writeln!(stderr, "{}", serde_json::json!({ "error": error }))
    } else if error.detail.is_empty() {
        writeln!(stderr, "serversctl: {}", error.message)
    } else {
        writeln!(stderr, "serversctl: {}\n  {}", error.message, error.detail)
    };
}
