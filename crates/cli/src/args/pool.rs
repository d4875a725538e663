//! `pool`.

use api::request::{Set, SettingsPatch};
use api::{MemberRef, PoolRef};
use clap::{Args, Subcommand, ValueEnum};
use model::settings;

use super::{OfPool, value};

#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// Create a pool
    #[command(after_help = "Example:\n  serversctl pool create production-edge --delay 30")]
    Create {
        /// Its name
        name: String,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// List pools
    #[command(after_help = "Example:\n  serversctl pool list")]
    List,
    /// Show one pool's settings
    #[command(after_help = "Example:\n  serversctl pool show production-edge")]
    Show(OfPool),
    /// Change a pool's name or settings
    #[command(
        after_help = "Examples:\n  serversctl pool set production-edge --delay 10 --probe-port 443\n  serversctl pool set \
                      production-edge --dynamic-dns on"
    )]
    Set {
        /// Name or id of the pool
        #[arg(value_parser = value::pool)]
        pool: PoolRef,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Remove a pool and its marker records
    #[command(after_help = "Example:\n  serversctl pool remove lab --dry-run")]
    Remove(OfPool),
}

/// Settings; what is not given stays.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingArgs {
    /// What the pool protects
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Failover delay in seconds, 10 to 120
    #[arg(long, value_name = "SECONDS")]
    delay: Option<u32>,
    /// TTL of the managed record in seconds
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Voices of silence needed to call a member down
    #[arg(long, value_name = "COUNT")]
    voices: Option<u32>,
    /// Which addresses may be published
    #[arg(long, value_enum)]
    targets: Option<Targets>,
    /// What to do when the agent is silent while the service answers
    #[arg(long, value_enum)]
    agent_lost: Option<AgentLost>,
    /// What a minority does when most voters are silent
    #[arg(long, value_enum)]
    double_fault: Option<DoubleFault>,
    /// Whether record and roster follow a member whose own address changes
    #[arg(long, value_enum)]
    dynamic_dns: Option<DynamicDns>,
    /// TCP port that is probed on every member; `none` probes nothing
    #[arg(long, value_name = "PORT", value_parser = port)]
    probe_port: Option<Set<u16>>,
    /// Member to move back to when it has been ready for long; `none` turns it off
    #[arg(long, value_name = "MEMBER", value_parser = preferred)]
    preferred: Option<Set<MemberRef>>,
}

impl SettingArgs {
    pub(crate) fn into_patch(self) -> SettingsPatch {
        SettingsPatch {
            preset: self.preset.map(Into::into),
            delay_s: self.delay,
            ttl_s: self.ttl,
            voices: self.voices,
            targets: self.targets.map(Into::into),
            agent_lost: self.agent_lost.map(Into::into),
            double_fault: self.double_fault.map(Into::into),
            dynamic_dns: self.dynamic_dns.map(Into::into),
            probe_port: self.probe_port.unwrap_or_default(),
            preferred: self.preferred.unwrap_or_default(),
        }
    }
}

fn port(text: &str) -> Result<Set<u16>, String> {
    if text == "none" {
        return Ok(Set::Clear);
    }
    match text.parse() {
        Ok(port @ 1..) => Ok(Set::To(port)),
        Ok(0) | Err(_) => Err("a port is 1 to 65535, or `none`".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap's value parsers return a result")]
fn preferred(text: &str) -> Result<Set<MemberRef>, String> {
    Ok(if text == "none" { Set::Clear } else { Set::To(MemberRef::from(text)) })
}

macro_rules! words {
    ($($name:ident for $target:ty { $($(#[doc = $doc:literal])+ $word:ident),+ })+) => { $(
        #[derive(Clone, Copy, Debug, ValueEnum)]
        enum $name { $($(#[doc = $doc])+ $word),+ }

        impl From<$name> for $target {
            fn from(word: $name) -> Self {
                match word { $($name::$word => Self::$word),+ }
            }
        }
    )+ };
}

words! {
    Preset for settings::Preset {
        /// HAProxy: its unit and listeners count as the service
        Haproxy,
        /// Generic Linux: the heartbeat alone counts
        Generic
    }
    Targets for settings::Targets {
        /// Globally reachable IPv4 only
        Public,
        /// Any IPv4: internal zones, tests
        Any
    }
    AgentLost for settings::AgentLost {
        /// Revive the agent for one more delay, then move
        Heartbeat,
        /// Revive for three delays, then ask a person
        ServiceConfirmed
    }
    DynamicDns for settings::DynamicDns {
        /// Addresses are those that were enrolled
        Off,
        /// An address that a member declares and two vantage points see is followed
        On
    }
    DoubleFault for settings::DoubleFault {
        /// Ask a person
        Ask,
        /// Move all the same
        Move
    }
}
