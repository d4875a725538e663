//! The command line: every command with an example in its help.

use std::path::PathBuf;

use api::{MemberRef, PoolRef};
use clap::{Args, Parser, Subcommand};

mod dns;
mod member;
mod pool;
mod profile;
mod provider;
mod value;

pub(crate) use dns::DnsCommand;
pub(crate) use member::MemberCommand;
pub(crate) use pool::PoolCommand;
pub(crate) use profile::{ConsoleCommand, ProfileCommand, WatchArgs, WatchCommand};
pub(crate) use provider::ProviderCommand;
pub(crate) use value::Duration;

/// Keeps a service reachable: watches its members and moves one DNS record when the active one is lost.
#[derive(Debug, Parser)]
#[command(
    name = "serversctl",
    version,
    propagate_version = true,
    after_help = "\
Examples:
  serversctl profile init --vault keychain
  serversctl status
  serversctl watch

Exit codes:
  0  done
  1  an error
  2  wrong usage, or something named does not exist
  3  a precondition refused it; nothing was changed
  4  the other side did not answer, or no host runs"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Common {
    /// Directory of the profile [default: the user's data directory]
    #[arg(long, global = true, env = "SERVERSCTL_PROFILE", value_name = "DIR")]
    pub(crate) profile: Option<PathBuf>,
    /// Print answers as JSON on stdout, progress and errors as JSON lines on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Only say what would be done
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Idempotency key: the same key with the same command is done once
    #[arg(long, global = true, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, show or unlock this profile
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Pools: members that take over from each other behind one hostname
    #[command(subcommand)]
    Pool(PoolCommand),
    /// Members: the enrolled VMs
    #[command(subcommand)]
    Member(MemberCommand),
    /// DNS providers and their keys
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// The managed name of a pool
    #[command(subcommand)]
    Dns(DnsCommand),
    /// Consoles of this fleet
    #[command(subcommand)]
    Console(ConsoleCommand),
    /// Is traffic on the active member, are standbys ready, would DNS move?
    #[command(after_help = "Examples:\n  serversctl status\n  serversctl status web --watch")]
    Status(StatusArgs),
    /// Say why a pool stands where it stands, and what is missing
    #[command(after_help = "Example:\n  serversctl explain web")]
    Explain(OfPool),
    /// Say what would happen if a member died now
    #[command(
        after_help = "Examples:\n  serversctl what-if web\n  serversctl what-if web edge-1 --service-stops"
    )]
    WhatIf(WhatIfArgs),
    /// Check everything that a failover needs; must be green before `auto on`
    #[command(after_help = "Example:\n  serversctl rehearse web")]
    Rehearse(OfPool),
    /// Move the record to one member
    #[command(after_help = "Example:\n  serversctl activate web edge-2 --dry-run")]
    Activate(ActivateArgs),
    /// Move the record to the next ready standby
    #[command(after_help = "Example:\n  serversctl cutover web --dry-run")]
    Cutover(OfPool),
    /// Turn automatic failover on or off
    #[command(subcommand)]
    Auto(AutoCommand),
    /// Pause a pool for everyone, 24 hours at most
    #[command(after_help = "Example:\n  serversctl pause web --for 30m --why \"kernel update\"")]
    Pause(PauseArgs),
    /// End a pool's pause
    #[command(after_help = "Example:\n  serversctl resume web")]
    Resume(OfPool),
    /// Acknowledge the third automatic move, so that automation goes on
    #[command(after_help = "Example:\n  serversctl ack web")]
    Ack(OfPool),
    /// Settle a record that somebody else changed
    #[command(subcommand)]
    Drift(DriftCommand),
    /// What happened: phases, evidence, reason
    #[command(subcommand)]
    Incidents(IncidentCommand),
    /// What people were told, and how this console tells them
    #[command(subcommand)]
    Notices(NoticeCommand),
    /// Who changed what
    #[command(after_help = "Example:\n  serversctl audit --limit 20")]
    Audit(AuditArgs),
    /// Host this profile without a window and watch its pools
    #[command(
        after_help = "Examples:\n  serversctl watch\n  serversctl watch --install\n  serversctl watch pause --for 1h"
    )]
    Watch(WatchArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OfPool {
    /// Name or id of the pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: PoolRef,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only this pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: Option<PoolRef>,
    /// Go on, and print again whenever something changes
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WhatIfArgs {
    /// Name or id of the pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: PoolRef,
    /// The member it happens to [default: the active one]
    #[arg(value_parser = value::member)]
    pub(crate) member: Option<MemberRef>,
    /// Its service stops, instead of the whole member dying
    #[arg(long)]
    pub(crate) service_stops: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ActivateArgs {
    /// Name or id of the pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: PoolRef,
    /// The member to move to
    #[arg(value_parser = value::member)]
    pub(crate) member: MemberRef,
    /// Move even to a member that is not ready
    #[arg(long)]
    pub(crate) even_if_not_ready: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AutoCommand {
    /// Move the record by itself when the active member is lost
    #[command(after_help = "Example:\n  serversctl auto on web")]
    On(OfPool),
    /// Decide and explain, but never write by itself
    #[command(after_help = "Example:\n  serversctl auto off web")]
    Off(OfPool),
}

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// Name or id of the pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: PoolRef,
    /// How long: 90s, 30m, 2h
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) duration: Duration,
    /// Why, for everybody to read
    #[arg(long, default_value = "")]
    pub(crate) why: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DriftCommand {
    /// Take the record as it stands
    #[command(after_help = "Example:\n  serversctl drift adopt web")]
    Adopt(OfPool),
    /// Put the record back to what this fleet last wrote
    #[command(after_help = "Example:\n  serversctl drift restore web --dry-run")]
    Restore(OfPool),
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// List incidents, newest first
    #[command(after_help = "Example:\n  serversctl incidents list --pool web")]
    List {
        /// Only of this pool
        #[arg(long, value_parser = value::pool)]
        pool: Option<PoolRef>,
        /// At most this many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Show one incident
    #[command(after_help = "Example:\n  serversctl incidents show 3f2a9c01")]
    Show {
        /// Its id, or the first eight digits
        incident: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NoticeCommand {
    /// List what people were told, newest first
    #[command(after_help = "Example:\n  serversctl notices list --limit 20")]
    List {
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show whether this console's desktop tells people
    #[command(after_help = "Example:\n  serversctl notices show")]
    Show,
    /// Show no notices on this console's desktop for a while, 7 days at most
    #[command(after_help = "Example:\n  serversctl notices mute --for 1h")]
    Mute {
        /// How long
        #[arg(long = "for", value_name = "TIME", default_value = "1h")]
        time: Duration,
    },
    /// Show notices again
    #[command(after_help = "Example:\n  serversctl notices unmute")]
    Unmute,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// At most this many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Only entries older than this one
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<String>,
}

#[cfg(test)]
mod tests;
