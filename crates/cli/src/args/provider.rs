//! `provider`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// Add a DNS provider that takes dynamic updates (RFC 2136) with a TSIG key
    #[command(after_help = "\
Examples:
  serversctl provider add office --server ns1.example.com --zone example.com --key-name sctl
  serversctl provider add office --server 192.0.2.53 --zone example.com --key-name sctl --secret-file tsig.key

The key is asked for at a prompt, read from a file (mode 0600), or from standard input with `--secret-file -`.
It never stands in a command line.")]
    Add(AddArgs),
    /// List providers
    #[command(after_help = "Example:\n  serversctl provider list")]
    List,
    /// Ask a provider whether it answers, knows the zone and accepts the key; writes nothing
    #[command(after_help = "Example:\n  serversctl provider test office")]
    Test {
        /// Name of the provider
        provider: String,
    },
    /// Remove a provider and its key
    #[command(after_help = "Example:\n  serversctl provider remove office --dry-run")]
    Remove {
        /// Name of the provider
        provider: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A name of your choice
    pub(crate) name: String,
    /// The zone's primary: `host` or `host:port`
    #[arg(long)]
    pub(crate) server: String,
    /// The zone
    #[arg(long)]
    pub(crate) zone: String,
    /// Name of the TSIG key
    #[arg(long)]
    pub(crate) key_name: String,
    /// Algorithm of the TSIG key
    #[arg(long, default_value = "hmac-sha256")]
    pub(crate) algorithm: String,
    /// File (mode 0600) with the key in base64; `-` reads standard input [default: ask]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}
