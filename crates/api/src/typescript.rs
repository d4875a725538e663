//! The TypeScript of this wire: every type and one map from command to request and answer, in one file.
//!
//! Types of `model` carry no TypeScript of their own; their words are mirrored here and a test holds the two equal.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use ts_rs::{Config, TS, TypeVisitor};

use crate::commands::{Request, VisitCommand, visit_commands};
use crate::{ApiError, Event, Progress, Subscribe};

macro_rules! mirror {
    ($($(#[$doc:meta])* $name:ident as $ts:literal { $($word:ident),+ })+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
        #[serde(rename_all = "kebab-case")]
        #[ts(rename = $ts)]
        #[expect(missing_docs, reason = "the words are those of the mirrored type")]
        pub enum $name { $($word),+ }
    )+ };
}

mirror! {
    /// Mirrors `model::settings::Preset`.
    PresetText as "Preset" { Haproxy, Generic }
    /// Mirrors `model::settings::Targets`.
    TargetsText as "Targets" { Public, Any }
    /// Mirrors `model::settings::AgentLost`.
    AgentLostText as "AgentLost" { Heartbeat, ServiceConfirmed }
    /// Mirrors `model::settings::DoubleFault`.
    DoubleFaultText as "DoubleFault" { Ask, Move }
    /// Mirrors `model::settings::Arming`.
    ArmingText as "Arming" { Shadow, Armed }
    /// Mirrors `model::settings::DynamicDns`.
    DynamicDnsText as "DynamicDns" { Off, On }
    /// Mirrors `model::Code`.
    CodeText as "Code" {
        Invalid, NotFound, Conflict, Refused, Unauthorized, Forbidden, VaultLocked, Unreachable, Throttled, NoHost,
        Internal
    }
}

/// Mirrors `model::Settings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(rename = "Settings")]
#[expect(missing_docs, reason = "the fields are those of the mirrored type")]
pub struct SettingsText {
    pub preset: PresetText,
    pub delay_s: u32,
    pub ttl_s: u32,
    pub voices: u32,
    pub targets: TargetsText,
    pub agent_lost: AgentLostText,
    pub double_fault: DoubleFaultText,
    pub arming: ArmingText,
    pub probe_port: Option<u16>,
    pub dynamic_dns: DynamicDnsText,
}

/// Mirrors `model::Health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "reason")]
#[ts(rename = "Health")]
#[expect(missing_docs, reason = "the words are those of the mirrored type")]
pub enum HealthText {
    Ready,
    Degraded(String),
    Down(String),
    Unknown(String),
}

/// The name of the generated file inside `frontend/src/generated`.
pub const FILE: &str = "api.ts";

/// The generated file, whole.
pub fn file() -> String {
    let config = Config::new().with_large_int("number");
    let mut map = CommandMap {
        types: Types { config: &config, seen: BTreeSet::new(), text: BTreeMap::new() },
        rows: Vec::new(),
    };
    visit_commands(&mut map);
    for visit in
        [Types::visit::<ApiError>, Types::visit::<Event>, Types::visit::<Progress>, Types::visit::<Subscribe>]
    {
        visit(&mut map.types);
    }
    map.types.visit::<CodeText>();
    let mut out = String::from(HEAD);
    for declaration in map.types.text.values() {
        out.push_str(declaration);
        out.push_str("\n\n");
    }
    out.push_str("/** Every command with its request and its answer. */\nexport type Commands = {\n");
    for row in &map.rows {
        out.push_str(row);
    }
    out.push_str("};\n\n/** The name of a command. */\nexport type CommandName = keyof Commands;\n");
    out
}

const HEAD: &str = "// Written by `cargo xtask codegen` from crates/api; never edited by hand.\n\n";

struct Types<'a> {
    config: &'a Config,
    seen: BTreeSet<TypeId>,
    text: BTreeMap<String, String>,
}

impl TypeVisitor for Types<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
        if T::output_path().is_none() {
            return;
        }
        let name = T::ident(self.config);
        let docs = T::docs().unwrap_or_default();
        self.text.insert(name, format!("{docs}export {}", T::decl(self.config)));
    }
}

struct CommandMap<'a> {
    types: Types<'a>,
    rows: Vec<String>,
}

impl VisitCommand for CommandMap<'_> {
    fn command<R: Request + TS>(&mut self)
    where
        R::Answer: TS,
    {
        self.types.visit::<R>();
        self.types.visit::<R::Answer>();
        let config = self.types.config;
        self.rows.push(format!(
            "  {}: {{ request: {}; answer: {} }};\n",
            R::COMMAND,
            R::name(config),
            <R::Answer as TS>::name(config)
        ));
    }
}
