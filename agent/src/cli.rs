//! The command line. Parsing only; what each command does stands in its own module.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::limits::ENROL_WAIT_MAX;

/// The agent of ServersCTL: tells how this host fares, relays what its peers say, and runs jobs.
#[derive(Debug, Parser)]
#[command(
    name = "balctl-agent",
    version,
    arg_required_else_help = true,
    after_help = "Example:\n  sudo balctl-agent enrol --hostname edge-1.example.org\n  sudo balctl-agent status"
)]
pub struct Cli {
    /// Relocates every path below this directory.
    #[arg(long, global = true, hide = true, env = "BALCTL_ROOT", default_value = "/")]
    pub root: PathBuf,

    /// How much to log.
    #[arg(long, global = true, hide = true, default_value = "info")]
    pub log: tracing::Level,

    /// Installs HAProxy on this host if it is missing, with a minimal configuration if it has none, and ends.
    #[arg(long)]
    pub provision_haproxy: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Joins a pool with the secret that the console showed.
    #[command(
        after_help = "The secret is asked at a prompt, or read from a file that only root can read, never from the \
                      command line.\n\nExample:\n  sudo balctl-agent enrol --hostname edge-1.example.org\n  \
                      sudo balctl-agent enrol --secret-file /root/secret --wait 1h"
    )]
    Enrol(Enrol),
    /// Runs the heartbeat and the relay; systemd starts this.
    #[command(after_help = "Example:\n  sudo systemctl start balctl-heartbeat.service\n  \
                            sudo journalctl -u balctl-heartbeat.service -f")]
    Run,
    /// Says what the agent knows: fleet, peers, consoles, HAProxy, what it refused and why.
    #[command(after_help = "Example:\n  sudo balctl-agent status\n  sudo balctl-agent status --json")]
    Status(Status),
    /// Stops the agent and removes its unit, its configuration and its state.
    #[command(after_help = "Example:\n  sudo balctl-agent uninstall\n  sudo balctl-agent uninstall --yes")]
    Uninstall(Uninstall),
    /// Prints each change of what this host says about its HAProxy.
    #[command(hide = true, after_help = "Example:\n  sudo balctl-agent sense")]
    Sense,
}

/// Options of `enrol`.
#[derive(Debug, Args)]
pub struct Enrol {
    /// Name of this host as the console was told it; the system's own name when omitted.
    #[arg(long, value_parser = crate::env::hostname)]
    pub hostname: Option<String>,
    /// Public IPv4 that heartbeats declare.
    #[arg(long, value_name = "IPV4")]
    pub declare_ip: Option<Ipv4Addr>,
    /// Finds the public IPv4 when none is declared.
    #[arg(long)]
    pub probe_public_ip: bool,
    /// Where the relay listens, instead of port 7443 on every address; may be repeated.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<SocketAddr>,
    /// File that holds the secret, readable by root only; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// How long to wait for the console's call, at most 24h.
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = wait)]
    pub wait: Duration,
    /// Writes no unit and starts nothing.
    #[arg(long)]
    pub no_service: bool,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Prints one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Options of `uninstall`.
#[derive(Debug, Args)]
pub struct Uninstall {
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
}

fn wait(text: &str) -> Result<Duration, String> {
    let (number, unit_s) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        Some(_) | None => (text, 1),
    };
    let wait = number
        .parse::<u32>()
        .map(|number| Duration::from_secs(u64::from(number) * unit_s))
        .map_err(|_| "expected a time such as 90s, 15m or 2h".to_owned())?;
    if wait.is_zero() || wait > ENROL_WAIT_MAX {
        return Err("expected 1s to 24h; the secret is valid no longer".into());
    }
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_parse_and_each_shows_an_example() {
        Cli::command().debug_assert();
        for command in Cli::command().get_subcommands() {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Example:"), "{}", command.get_name());
        }
    }

    #[test]
    fn there_is_no_way_to_give_the_secret_as_an_argument() {
        let enrol = Cli::command().find_subcommand("enrol").unwrap().clone();
        for argument in enrol.get_arguments() {
            let name = argument.get_id().as_str();
            assert!(!name.contains("secret") || name == "secret_file", "{name}");
        }
        assert!(enrol.get_positionals().next().is_none());
    }

    #[test]
    fn the_wait_has_a_unit_and_an_end() {
        assert_eq!(wait("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(wait("24h"), Ok(ENROL_WAIT_MAX));
        for text in ["25h", "0", "", "1d", "-1m", "é"] {
            assert!(wait(text).is_err(), "{text}");
        }
    }
}
