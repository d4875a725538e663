//! `profile`, `console` and `watch`.

use std::path::PathBuf;

use api::request::{ConsoleRole, VaultChoice};
use clap::{Args, Subcommand, ValueEnum};

use super::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// Make this profile: console key, name, vault
    #[command(after_help = "\
Examples:
  serversctl profile init --vault keychain
  serversctl profile init --vault file
  SERVERSCTL_PASSPHRASE_FILE=/root/passphrase serversctl profile init --vault credential --name watch-1

A file asks for its passphrase at a prompt, or reads it from the file (mode 0600) that
SERVERSCTL_PASSPHRASE_FILE names.")]
    Init {
        /// Where secrets go; chosen once, never fallen back from
        #[arg(long, value_enum, default_value = "keychain")]
        vault: Vault,
        /// Name of this console [default: the hostname]
        #[arg(long)]
        name: Option<String>,
    },
    /// Say who hosts this profile and how it stands
    #[command(after_help = "Example:\n  serversctl profile show --json")]
    Show,
    /// Unlock the vault of the running host with its passphrase
    #[command(after_help = "Example:\n  serversctl profile unlock")]
    Unlock,
    /// Join a fleet by the pool file that an owner made for this console
    #[command(after_help = "Example:\n  serversctl profile join office.pool")]
    Join {
        /// The pool file; `-` reads standard input
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Vault {
    /// The operating system's keychain
    Keychain,
    /// An age file under a passphrase that a person types
    File,
    /// The same file, its passphrase given by systemd as a credential
    Credential,
}

impl From<Vault> for VaultChoice {
    fn from(vault: Vault) -> Self {
        match vault {
            Vault::Keychain => Self::Keychain,
            Vault::File => Self::File,
            Vault::Credential => Self::Credential,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsoleCommand {
    /// Print this console's public card, to hand to an owner
    #[command(after_help = "Example:\n  serversctl console id")]
    Id,
    /// Sign another console into the fleet and make its pool file
    #[command(
        after_help = "Example:\n  serversctl console add watch-1.card --role operator --out watch-1.pool"
    )]
    Add {
        /// File with the other console's card; `-` reads standard input
        card: PathBuf,
        /// What it may sign
        #[arg(long, value_enum, default_value = "operator")]
        role: Role,
        /// Another name than the card's own
        #[arg(long)]
        name: Option<String>,
        /// Where the pool file goes [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the fleet's consoles
    #[command(after_help = "Example:\n  serversctl console list")]
    List,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Role {
    /// Signs rosters and policies
    Owner,
    /// Signs policies
    Operator,
}

impl From<Role> for ConsoleRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Operator => Self::Operator,
        }
    }
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct WatchArgs {
    /// Write a systemd unit for this profile instead of watching
    #[arg(long)]
    pub(crate) install: bool,
    /// With --install: the file (mode 0600) that systemd gives as the vault's passphrase
    #[arg(long, requires = "install", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<WatchCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Pause the watch of this computer only
    #[command(after_help = "Example:\n  serversctl watch pause --for 30m")]
    Pause {
        /// How long: 90s, 30m, 2h [default: until resumed]
        #[arg(long = "for", value_name = "TIME")]
        duration: Option<Duration>,
    },
    /// Resume the watch of this computer
    #[command(after_help = "Example:\n  serversctl watch resume")]
    Resume,
}
