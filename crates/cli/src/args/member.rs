//! `member`.

use api::request::Template;
use api::{MemberRef, PoolRef};
use clap::{Args, Subcommand, ValueEnum};

use super::{Duration, value};

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Invite a VM: prints the secret, once, and the command to run there
    #[command(after_help = "\
Example:
  serversctl member invite production-edge edge-1.example.com --from 203.0.113.7

The secret is shown once, works once, and ends after 24 hours. The command asks for it at a prompt.")]
    Invite(InviteArgs),
    /// Call an invited VM and enrol it
    #[command(after_help = "Example:\n  serversctl member enrol edge-1.example.com 203.0.113.7")]
    Enrol {
        /// The invitation: its id or its hostname
        invitation: String,
        /// Where its relay listens: `host` or `host:port`
        address: String,
        /// Come through this member's relay
        #[arg(long, value_parser = value::member)]
        via: Option<MemberRef>,
        /// How long to go on trying
        #[arg(long, value_name = "TIME", default_value = "2m")]
        timeout: Duration,
    },
    /// List members and open invitations
    #[command(after_help = "Example:\n  serversctl member list --pool production-edge")]
    List {
        /// Only of this pool
        #[arg(long, value_parser = value::pool)]
        pool: Option<PoolRef>,
    },
    /// Show one member
    #[command(after_help = "Example:\n  serversctl member show edge-1")]
    Show {
        /// Name or id of the member
        #[arg(value_parser = value::member)]
        member: MemberRef,
    },
    /// Read its HAProxy's statistics, right now
    #[command(
        after_help = "Examples:\n  serversctl member stat edge-1\n  serversctl member stat edge-1 --problems"
    )]
    Stat {
        /// Name or id of the member
        #[arg(value_parser = value::member)]
        member: MemberRef,
        /// Only what does not serve
        #[arg(long)]
        problems: bool,
    },
    /// Change a member's name, address, sources or priority
    #[command(
        after_help = "Examples:\n  serversctl member set edge-1 --from 203.0.113.7,2001:db8::/64\n  serversctl member set edge-1 \
                      --address 203.0.113.9"
    )]
    Set {
        /// Name or id of the member
        #[arg(value_parser = value::member)]
        member: MemberRef,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// Where it may call from, the whole list
        #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
        from: Option<Vec<String>>,
        /// The IPv4 that DNS publishes for it; sources and relay that named its old one name this one then
        #[arg(long, value_name = "IPV4")]
        address: Option<String>,
        /// Its place in the order; lower is preferred
        #[arg(long)]
        priority: Option<u32>,
        /// Where it stands, for the map: name, degrees north, degrees east; empty for nowhere
        #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
        place: Option<String>,
    },
    /// Remove a member from the fleet
    #[command(after_help = "Example:\n  serversctl member remove edge-3 --dry-run")]
    Remove {
        /// Name or id of the member
        #[arg(value_parser = value::member)]
        member: MemberRef,
    },
}

#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// Name or id of the pool
    #[arg(value_parser = value::pool)]
    pub(crate) pool: PoolRef,
    /// The hostname that the VM must report
    pub(crate) hostname: String,
    /// Where it may call from: IPv4, IPv6, CIDR, comma-separated
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', required = true)]
    pub(crate) from: Vec<String>,
    /// The IPv4 that DNS publishes for it [default: the one it declares]
    #[arg(long, value_name = "IPV4")]
    pub(crate) address: Option<String>,
    /// Its name [default: the hostname]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long = "as", value_enum, default_value = "haproxy-edge")]
    pub(crate) template: As,
    /// Its place in the order; lower is preferred
    #[arg(long, default_value_t = 0)]
    pub(crate) priority: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum As {
    /// HAProxy balancer: its HAProxy is watched
    HaproxyEdge,
    /// Generic Linux server: the heartbeat alone counts
    GenericLinux,
    /// Testifies only; never carries traffic
    Witness,
}

impl From<As> for Template {
    fn from(template: As) -> Self {
        match template {
            As::HaproxyEdge => Self::HaproxyEdge,
            As::GenericLinux => Self::GenericLinux,
            As::Witness => Self::Witness,
        }
    }
}
