//! The signed documents that every relay keeps: the fleet's roster and each pool's policy (architecture.md, "Shared
//! state"). This file has their shapes; [`shelf::Shelf`] has the rules by which one follows another.

pub mod shelf;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use model::{ConsoleId, FleetId, MemberId, PoolId, Settings};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::key::{PublicKey, SecretKey};
use crate::limits;
use crate::sign::{BodyHash, Kind, SignError, Signed, Signer};
use crate::sources::Source;

pub use shelf::{Fork, Shelf, ShelfError, Shelved, Stored};

/// Which document a signed text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocKind {
    /// A fleet's roster.
    Roster,
    /// A pool's policy.
    Policy,
}

impl DocKind {
    /// What it is signed as.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Roster => Kind::Roster,
            Self::Policy => Kind::Policy,
        }
    }
}

/// A document as it crosses a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedDoc {
    /// Which document.
    pub doc: DocKind,
    /// Its text and signature.
    pub signed: Signed,
}

/// What a member of the roster is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// May become active.
    Member,
    /// Testifies and votes only. Also what a later version's part reads as.
    #[serde(other)]
    Witness,
}

/// What a console may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Rosters and policies.
    Owner,
    /// Policies. Also what a later version's role reads as.
    #[serde(other)]
    Operator,
}

/// One member or witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberEntry {
    /// Its id.
    pub id: MemberId,
    /// Its identity.
    pub key: PublicKey,
    /// For people.
    pub name: String,
    /// The hostname it must call itself.
    pub hostname: String,
    /// The enrolled IPv4: what DNS points at.
    pub address: std::net::Ipv4Addr,
    /// Where its connections may come from.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// Its pool.
    pub pool: PoolId,
    /// What it is for there.
    pub part: Part,
    /// Operator's order; lower is preferred.
    #[serde(default)]
    pub priority: u32,
    /// Where its relay can be dialled; none when only a peer or SSH reaches it.
    #[serde(default)]
    pub relay: Option<SocketAddr>,
    /// Other pools that it is a witness for.
    #[serde(default)]
    pub witness_for: Vec<PoolId>,
    /// Where it stands, for a map; it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<model::Place>,
}

/// One console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleEntry {
    /// Its id.
    pub id: ConsoleId,
    /// Its identity.
    pub key: PublicKey,
    /// For people.
    pub name: String,
    /// What it may sign.
    pub role: Role,
}

/// Somebody who was removed: its key gets an answer that says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Its identity.
    pub key: PublicKey,
    /// For people.
    pub name: String,
}

/// Who belongs to the fleet. Version 1 names no fleet: the fleet is its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Roster {
    /// The fleet; none in version 1.
    #[serde(default)]
    pub fleet: Option<FleetId>,
    /// Rises by one.
    pub version: u64,
    /// Hash of the predecessor; none in version 1.
    #[serde(default)]
    pub prev: Option<BodyHash>,
    /// Members and witnesses.
    #[serde(default)]
    pub members: Vec<MemberEntry>,
    /// Consoles, at least one of them an owner.
    #[serde(default)]
    pub consoles: Vec<ConsoleEntry>,
    /// Who was removed, newest last.
    #[serde(default)]
    pub removed: Vec<Removed>,
}

/// The name that a pool manages, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedName {
    /// The whole hostname, without a trailing dot.
    pub hostname: String,
    /// The zone it lies in, without a trailing dot.
    pub zone: String,
    /// The kind of provider: `cloudflare`, `whm`, `rfc2136`.
    pub provider_kind: String,
    /// The provider's id on the consoles: each has its own credential for it.
    pub provider_id: String,
}

impl ManagedName {
    /// The hostname within the zone: `www` of `www.example.org`, `@` for the zone itself, none when it lies outside.
    pub fn label(&self) -> Option<&str> {
        if self.hostname.eq_ignore_ascii_case(&self.zone) {
            return Some("@");
        }
        let cut = self.hostname.len().checked_sub(self.zone.len())?;
        let (label, zone) = (self.hostname.get(..cut)?, self.hostname.get(cut..)?);
        label.strip_suffix('.').filter(|label| !label.is_empty() && zone.eq_ignore_ascii_case(&self.zone))
    }
}

/// A pool's pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// When it ends, in milliseconds since 1970, at most 24 h after it was signed.
    pub until_unix_ms: u64,
    /// Who paused.
    pub by: String,
    /// Why.
    pub why: String,
}

/// What one pool is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The fleet.
    pub fleet: FleetId,
    /// The pool.
    pub pool: PoolId,
    /// Rises by one.
    pub version: u64,
    /// Hash of the predecessor; none in version 1.
    #[serde(default)]
    pub prev: Option<BodyHash>,
    /// For people.
    pub name: String,
    /// The managed name; none until DNS is set up.
    #[serde(default)]
    pub managed: Option<ManagedName>,
    /// Delay, switches, ranges.
    #[serde(default)]
    pub settings: Settings,
    /// The pool's pause.
    #[serde(default)]
    pub pause: Option<Pause>,
    /// Member that may be moved back to by itself.
    #[serde(default)]
    pub preferred: Option<MemberId>,
    /// Operator's order of members, first is preferred; overrides the roster's priorities where it names a member.
    #[serde(default)]
    pub order: Vec<MemberId>,
}

impl Roster {
    /// The first roster of a new fleet, with one owner.
    pub fn first(owner: ConsoleEntry) -> Self {
        Self { fleet: None, version: 1, prev: None, members: vec![], consoles: vec![owner], removed: vec![] }
    }

    /// The member with this id.
    pub fn member(&self, id: MemberId) -> Option<&MemberEntry> {
        self.members.iter().find(|entry| entry.id == id)
    }

    /// The console with this id.
    pub fn console(&self, id: ConsoleId) -> Option<&ConsoleEntry> {
        self.consoles.iter().find(|entry| entry.id == id)
    }

    /// The console with this key.
    pub fn console_by_key(&self, key: &PublicKey) -> Option<&ConsoleEntry> {
        self.consoles.iter().find(|entry| entry.key == *key)
    }

    /// The key that somebody is known by.
    pub fn key_of(&self, signer: Signer) -> Option<PublicKey> {
        match signer {
            Signer::Member(id) => self.member(id).map(|entry| entry.key),
            Signer::Console(id) => self.console(id).map(|entry| entry.key),
        }
    }

    /// Members and witnesses that have a say in a pool, in the roster's order.
    pub fn of_pool(&self, pool: PoolId) -> impl Iterator<Item = &MemberEntry> {
        self.members.iter().filter(move |entry| entry.pool == pool || entry.witness_for.contains(&pool))
    }

    /// Everybody who shares a pool with this member, itself left out.
    pub fn peers_of(&self, me: MemberId) -> BTreeSet<MemberId> {
        let Some(mine) = self.member(me) else { return BTreeSet::new() };
        let pools = std::iter::once(mine.pool).chain(mine.witness_for.iter().copied());
        pools.flat_map(|pool| self.of_pool(pool)).map(|entry| entry.id).filter(|id| *id != me).collect()
    }

    /// The roster that follows this one: version and chain are set, the content is a copy to change.
    #[must_use]
    pub fn successor(&self, fleet: FleetId, this: &SignedDoc) -> Self {
        Self { fleet: Some(fleet), version: self.version + 1, prev: Some(this.signed.hash()), ..self.clone() }
    }

    /// Signs it.
    pub fn seal(&self, by: ConsoleId, key: &SecretKey) -> SignedDoc {
        let signed = Signed::seal(Kind::Roster, Signer::Console(by), key, self);
        SignedDoc { doc: DocKind::Roster, signed }
    }

    /// Checks bounds and that no id or key stands twice and somebody owns it.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), SignError> {
        let name_short = |name: &str| !name.is_empty() && name.len() <= limits::NAME_BYTES_MAX;
        let ids: BTreeSet<_> = self.members.iter().map(|entry| entry.id).collect();
        let console_ids: BTreeSet<_> = self.consoles.iter().map(|entry| entry.id).collect();
        let keys: BTreeSet<_> = self
            .members
            .iter()
            .map(|entry| entry.key)
            .chain(self.consoles.iter().map(|entry| entry.key))
            .collect();
        let member_fits = |entry: &MemberEntry| {
            name_short(&entry.name)
                && (1..=limits::HOSTNAME_BYTES_MAX).contains(&entry.hostname.len())
                && entry.sources.len() <= limits::SOURCES_MAX
                && entry.witness_for.len() <= limits::POOLS_MAX
                && entry.place.as_ref().is_none_or(|place| place.check().is_ok())
        };
        let checks = [
            (
                "version",
                (1..=limits::COUNTER_MAX).contains(&self.version)
                    && (self.version == 1) == self.prev.is_none(),
            ),
            ("fleet", (self.version == 1) == self.fleet.is_none()),
            ("members", self.members.len() <= limits::MEMBERS_MAX && self.members.iter().all(member_fits)),
            ("members (an id twice)", ids.len() == self.members.len()),
            (
                "consoles",
                self.consoles.len() <= limits::CONSOLES_MAX
                    && self.consoles.iter().all(|c| name_short(&c.name)),
            ),
            ("consoles (an id twice)", console_ids.len() == self.consoles.len()),
            ("keys (one twice)", keys.len() == self.members.len() + self.consoles.len()),
            ("keys (a removed one)", self.removed.iter().all(|removed| !keys.contains(&removed.key))),
            ("consoles (no owner)", self.consoles.iter().any(|console| console.role == Role::Owner)),
            ("removed", self.removed.len() <= limits::REMOVED_MAX),
        ];
        first_wrong(Kind::Roster, &checks)
    }
}

impl Policy {
    /// The policy that follows this one: version and chain are set, the content is a copy to change.
    #[must_use]
    pub fn successor(&self, this: &SignedDoc) -> Self {
        Self { version: self.version + 1, prev: Some(this.signed.hash()), ..self.clone() }
    }

    /// Signs it.
    pub fn seal(&self, by: ConsoleId, key: &SecretKey) -> SignedDoc {
        let signed = Signed::seal(Kind::Policy, Signer::Console(by), key, self);
        SignedDoc { doc: DocKind::Policy, signed }
    }

    /// Checks bounds and settings.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), SignError> {
        let short = |text: &str| text.len() <= limits::TEXT_BYTES_MAX;
        let managed_fits = |managed: &ManagedName| {
            managed.label().is_some()
                && managed.hostname.len() <= limits::HOSTNAME_BYTES_MAX
                && managed.provider_kind.len() <= limits::NAME_BYTES_MAX
                && managed.provider_id.len() <= limits::NAME_BYTES_MAX
        };
        let checks = [
            ("version", (1..=limits::COUNTER_MAX).contains(&self.version)),
            ("name", !self.name.is_empty() && self.name.len() <= limits::NAME_BYTES_MAX),
            ("managed", self.managed.as_ref().is_none_or(managed_fits)),
            ("settings", self.settings.clone().check().is_ok()),
            ("pause", self.pause.as_ref().is_none_or(|pause| short(&pause.by) && short(&pause.why))),
            ("order", self.order.len() <= limits::MEMBERS_MAX),
        ];
        first_wrong(Kind::Policy, &checks)
    }
}

/// The fleet that a first roster founds: the hash of its text.
pub fn fleet_of(first: &SignedDoc) -> FleetId {
    let digest =
        Sha256::new_with_prefix(b"sctl fleet v1\0").chain_update(first.signed.body.as_bytes()).finalize();
    let mut id = [0; FleetId::BYTES];
    id.copy_from_slice(&digest[..FleetId::BYTES]);
    FleetId::from_bytes(id)
}

fn first_wrong(kind: Kind, checks: &[(&'static str, bool)]) -> Result<(), SignError> {
    match checks.iter().find(|(_, holds)| !holds) {
        Some((field, _)) => Err(SignError::Bounds { kind, field }),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
