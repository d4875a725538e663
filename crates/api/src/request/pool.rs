//! Requests about pools.

use model::settings::{AgentLost, DoubleFault, DynamicDns, Preset, Targets};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::bare;
use crate::{Change, MemberRef, PoolRef};

bare! {
    /// Asks for the pools.
    PoolListRequest;
}

/// A new value for a setting that may also be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Set<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Set it.
    To(T),
}

impl<T> Set<T> {
    /// The value after this change.
    pub fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::To(value) => Some(value),
        }
    }
}

/// New values for a pool's settings; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[ts(optional_fields)]
pub struct SettingsPatch {
    /// What the pool protects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<crate::typescript::PresetText>")]
    pub preset: Option<Preset>,
    /// Failover delay in seconds, 10–120.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_s: Option<u32>,
    /// TTL of the managed record in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
    /// Voices of silence needed to call a member down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voices: Option<u32>,
    /// Which addresses may be published.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<crate::typescript::TargetsText>")]
    pub targets: Option<Targets>,
    /// What to do when only the agent is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<crate::typescript::AgentLostText>")]
    pub agent_lost: Option<AgentLost>,
    /// What a minority does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<crate::typescript::DoubleFaultText>")]
    pub double_fault: Option<DoubleFault>,
    /// Whether a member's address may change by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<crate::typescript::DynamicDnsText>")]
    pub dynamic_dns: Option<DynamicDns>,
    /// The probed port.
    pub probe_port: Set<u16>,
    /// The member to move back to when it has been ready for long.
    pub preferred: Set<MemberRef>,
}

/// Creates a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolCreate {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Its name, unique in the fleet.
    pub name: String,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub settings: SettingsPatch,
}

/// Changes a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct PoolUpdate {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which.
    pub pool: PoolRef,
    /// Its new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New values.
    #[serde(default)]
    pub settings: SettingsPatch,
}

/// Asks for the status of every pool, or of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct PoolStatusRequest {
    /// Which; every pool when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolRef>,
}

macro_rules! of_pool {
    ($($(#[$doc:meta])* $name:ident;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// Which pool.
            pub pool: PoolRef,
        }
    )+ };
}

of_pool! {
    /// Asks for one pool.
    PoolShow;
    /// Asks why a pool stands where it stands.
    PoolExplain;
    /// Asks for a pool's managed name.
    DnsShow;
}

macro_rules! change_pool {
    ($($(#[$doc:meta])* $name:ident;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            /// Dry run and key.
            #[serde(default)]
            pub change: Change,
            /// Which pool.
            pub pool: PoolRef,
        }
    )+ };
}

change_pool! {
    /// Removes a pool.
    PoolRemove;
    /// Moves to the next ready standby.
    PoolCutover;
    /// Checks everything that a failover needs.
    PoolRehearse;
    /// Turns automatic failover on.
    PoolArm;
    /// Turns automatic failover off.
    PoolDisarm;
    /// Ends a pause.
    PoolResume;
    /// Acknowledges the third automatic move.
    PoolAcknowledge;
    /// Hands the record back.
    DnsRelease;
    /// Runs the claim probe.
    DnsTest;
}

/// Pauses a pool for everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolPause {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which pool.
    pub pool: PoolRef,
    /// For how long; 24 hours at most.
    pub for_ms: u64,
    /// Why, for everybody to read.
    #[serde(default)]
    pub why: String,
}

/// What a thought experiment breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The member falls silent on every path.
    #[default]
    Dies,
    /// The member says that its service is down.
    ServiceStops,
}

/// Asks what would happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(optional_fields)]
pub struct PoolWhatIf {
    /// Which pool.
    pub pool: PoolRef,
    /// Which member; the active one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberRef>,
    /// What happens to it.
    #[serde(default)]
    pub fault: Fault,
}

/// How DRIFT ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DriftWay {
    /// Take the record as it stands.
    Adopt,
    /// Put it back to what the last epoch said.
    Restore,
}

/// Ends DRIFT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftResolve {
    /// Dry run and key.
    #[serde(default)]
    pub change: Change,
    /// Which pool.
    pub pool: PoolRef,
    /// How.
    pub way: DriftWay,
}
