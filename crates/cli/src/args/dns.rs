//! `dns`.

use api::{MemberRef, PoolRef};
use clap::Subcommand;

use super::{OfPool, value};

#[derive(Debug, Subcommand)]
pub(crate) enum DnsCommand {
    /// Show a pool's managed name as it is registered right now
    #[command(after_help = "Example:\n  serversctl dns show production-edge")]
    Show(OfPool),
    /// Say which name a pool manages, at which provider
    #[command(after_help = "Example:\n  serversctl dns set production-edge --provider office --label lb")]
    Set {
        /// Name or id of the pool
        #[arg(value_parser = value::pool)]
        pool: PoolRef,
        /// Name of the provider
        #[arg(long)]
        provider: String,
        /// Label inside the provider's zone, or the whole name
        #[arg(long)]
        label: String,
        /// TTL of the record in seconds
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<u32>,
    },
    /// Take the record over, by compare-and-set
    #[command(after_help = "Example:\n  serversctl dns adopt production-edge --dry-run")]
    Adopt {
        /// Name or id of the pool
        #[arg(value_parser = value::pool)]
        pool: PoolRef,
        /// Who is active [default: whoever the record points at]
        #[arg(long, value_parser = value::member)]
        member: Option<MemberRef>,
        /// Refuse unless the record is this IPv4
        #[arg(long, value_name = "IPV4")]
        shown: Option<String>,
        /// Replace the marker of another fleet, which can then no longer move this name
        #[arg(long)]
        take_over: bool,
    },
    /// Hand the record back as it is and remove the markers
    #[command(after_help = "Example:\n  serversctl dns release production-edge")]
    Release(OfPool),
    /// Prove on the pool's own zone that a move is a compare-and-set
    #[command(after_help = "Example:\n  serversctl dns test production-edge")]
    Test(OfPool),
}
