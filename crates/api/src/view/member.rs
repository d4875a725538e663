//! Members and invitations.

use model::haproxy::Report;
use model::host::Figures;
use model::{Health, MemberId, PoolId};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Evidence;
use crate::SecretText;
use crate::request::Template;

/// What a member is to its pool right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The record points at it.
    Active,
    /// Enrolled; the record does not point at it.
    Standby,
    /// Testifies only.
    Witness,
}

/// The evaluator's verdict on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No claim is allowed.
    Unknown,
    /// Fresh.
    Up,
    /// Stale in our view.
    Suspect,
    /// Confirmed dead.
    Down,
    /// It says itself that its service is down.
    ServiceDown,
    /// No heartbeat, but its service answers.
    AgentLost,
}

/// One of the four lights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct Light {
    /// On, off, or not known.
    pub state: LightState,
    /// Age of what it rests on; none when nothing was ever seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// Who saw it; empty when nobody did.
    pub vantage: String,
    /// What was seen, or why nothing is known.
    pub words: String,
}

/// The state of a light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LightState {
    /// Proven.
    On,
    /// Proven not.
    Off,
    /// No proof either way, or not looked at.
    Unknown,
}

/// Four lights, not one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Lights {
    /// The agent lives: a fresh signed heartbeat.
    pub agent: Light,
    /// Its relay is reachable.
    pub relay: Light,
    /// SSH is reachable.
    pub ssh: Light,
    /// Its service answers.
    pub service: Light,
}

/// One member inside a pool's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct MemberStatus {
    /// Its id.
    #[ts(type = "string")]
    pub id: MemberId,
    /// Its name.
    pub name: String,
    /// The IPv4 that DNS publishes for it.
    pub address: String,
    /// What it is to the pool.
    pub role: Role,
    /// The evaluator's verdict: what moves DNS.
    pub verdict: Verdict,
    /// The health shown to people.
    #[ts(as = "crate::typescript::HealthText")]
    pub health: Health,
    /// Whether it could take over now, or why not.
    pub ready: super::Answer,
    /// Age of its newest proven life; none when never heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
    /// What the verdict rests on, newest first.
    pub evidence: Vec<Evidence>,
    /// Agent, relay, SSH, service.
    pub lights: Lights,
}

/// One member with everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(optional_fields)]
pub struct MemberView {
    /// Its id.
    #[ts(type = "string")]
    pub id: MemberId,
    /// Its pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// Its pool's name.
    pub pool_name: String,
    /// Its name.
    pub name: String,
    /// The hostname it was enrolled with.
    pub hostname: String,
    /// The IPv4 that DNS publishes for it.
    pub address: String,
    /// Where its relay listens.
    pub relay: String,
    /// Where it may call from.
    pub sources: Vec<String>,
    /// What it is for.
    pub template: Template,
    /// Operator's order.
    pub priority: u32,
    /// Its key's fingerprint.
    pub fingerprint: String,
    /// When it was enrolled, Unix time.
    pub enrolled_ms: u64,
    /// Its agent's version; empty before the first heartbeat.
    pub agent_version: String,
    /// How it stands; none while nothing watches here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<MemberStatus>,
    /// Where it stands, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceView>,
    /// What it says about its HAProxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub haproxy: Option<Report>,
    /// What it says about its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown")]
    pub figures: Option<Figures>,
}

/// Members and invitations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MemberList {
    /// In the operator's order.
    pub members: Vec<MemberView>,
    /// Invitations that are neither spent nor expired.
    pub invitations: Vec<InvitationView>,
}

/// An open invitation, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct InvitationView {
    /// Its id.
    pub id: String,
    /// The member it will make.
    #[ts(type = "string")]
    pub member: MemberId,
    /// Its pool.
    #[ts(type = "string")]
    pub pool: PoolId,
    /// The hostname it is for.
    pub hostname: String,
    /// The name it will have.
    pub name: String,
    /// Where it may call from.
    pub sources: Vec<String>,
    /// When it ends, Unix time.
    pub expires_ms: u64,
}

/// Where a member stands, for a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// What people call it.
    pub name: String,
    /// Degrees north, in millionths.
    pub north_micro: i32,
    /// Degrees east, in millionths.
    pub east_micro: i32,
}

/// A fresh invitation; the only time that its secret is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// What stays of it.
    pub invitation: InvitationView,
    /// 48 characters, shown once, valid once.
    pub secret: SecretText,
    /// The command to run on the VM. It asks for the secret; it does not hold it.
    pub command: String,
    /// What the agent shows, to compare.
    pub fleet_fingerprint: String,
}
