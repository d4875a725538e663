//! The desktop: one window, a tray and notices over the engine of this profile.
//!
//! It hosts the engine, or attaches to a host that runs already (`serversctl watch`), and says which ([`seat`]). The page
//! speaks to it by one `rpc` and one `subscribe` command ([`border`]); tray and notices are what `api::glance` says they
//! are ([`glimpse`]), drawn by [`tray`] and told by [`notices`]. Nothing here is a timer of the page's: a hidden window
//! changes nothing.
//!
//! It must not know what a pool is: no domain word but the commands' names inside `api`. Start reading at [`app`].

mod app;
mod autostart;
mod border;
mod demo;
mod glimpse;
mod icons;
mod notices;
mod preferences;
mod seat;
mod surroundings;
mod tray;
mod updates;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// ServersCTL's window and tray.
#[derive(Clone, Debug, Parser)]
#[command(name = "serversctl-desktop", version)]
pub(crate) struct Arguments {
    /// Directory of the profile [default: the user's data directory]
    #[arg(long, env = "SERVERSCTL_PROFILE", value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Start in the tray, without a window
    #[arg(long)]
    hidden: bool,
    /// Show a demo fleet instead: a profile of its own, pretended hosts, and nothing of it is kept
    #[arg(long, conflicts_with_all = ["profile", "hidden", "link"])]
    demo: bool,
    /// A place to open: `serversctl://pool/<name>/<tab>`
    link: Option<String>,
}

/// What is logged unless the environment says otherwise. A demo's name server finds every signed question unexpected.
const LOGGED: &str = "info,hickory_server=error";

fn main() -> ExitCode {
    // What the web view reads of the environment has to stand before its library is used.
    surroundings::prepare();
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("SERVERSCTL_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    tracing::info!(value = ?std::env::var_os(surroundings::NO_DMABUF), "the web view's renderer");
    let ground = match arguments.demo.then(|| demo_fleet::prepare(std::env::args_os().skip(1))).transpose() {
        Ok(ground) => ground,
        Err(error) => {
            tracing::error!("the demo cannot start: {}", error.chain());
            return ExitCode::FAILURE;
        }
    };
    // Two providers in one binary would fail at the first handshake; a second call only says it is done already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match app::run(arguments, ground) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the desktop cannot start: {}", model::chain(&*error));
            ExitCode::FAILURE
        }
    }
}
