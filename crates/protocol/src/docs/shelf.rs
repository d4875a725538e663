//! The shelf: the documents that one relay or console keeps, and the rules by which one follows another.
//!
//! - A **roster** follows when its version is one higher, an owner of the *kept* roster signed it, and it names the
//!   kept one by hash. Another roster of the same version is a fork: the first stays, the fork is reported, and the
//!   next version of any owner of the kept one ends it, whichever branch that version names as its predecessor. A gap
//!   is never jumped, since the rights to sign stand in the missing versions; a sleeper asks for them, 20 are kept.
//! - A **policy** follows when its version is higher and an owner or operator of the kept roster signed it. A gap may
//!   be jumped, since the rights stand in the roster. Of one version the first stays; a direct successor that names
//!   another branch needs an owner.
//!
//! Rejected: "newest timestamp wins" (wall clocks decide nothing here) and silent last-writer-wins (a fork is two
//! people who did not know of each other, and both should learn it).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::{ConsoleId, FleetId, PoolId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{DocKind, Policy, Role, Roster, SignedDoc, fleet_of};
use crate::limits;
use crate::sign::{BodyHash, SignError, Signer};

/// A verified document with the text that was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Shelved<T> {
    /// What it says.
    pub content: Arc<T>,
    /// As it was signed.
    pub signed: Arc<SignedDoc>,
}

/// Two documents of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fork {
    /// Which document.
    pub doc: DocKind,
    /// Of which pool; none for the roster.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// The version that exists twice.
    pub version: u64,
    /// The one that is kept.
    pub kept: BodyHash,
    /// The one that came later.
    pub other: BodyHash,
    /// Who signed the later one.
    pub by: ConsoleId,
}

/// What became of a document that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is the newest now; persist, then act.
    Newest,
    /// It is the one already kept, or an older one.
    Known,
}

/// Why a document was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShelfError {
    /// It cannot be read, is not signed, or is out of bounds.
    #[error(transparent)]
    Wire(#[from] SignError),
    /// It belongs to another fleet.
    #[error("this document belongs to fleet {theirs}, here is fleet {ours}")]
    OtherFleet {
        /// Its fleet, shortened.
        theirs: String,
        /// Ours, shortened.
        ours: String,
    },
    /// Its signer may not sign it.
    #[error("{signer} may not sign this {doc}: {why}")]
    NoRight {
        /// Who signed.
        signer: String,
        /// Which document.
        doc: &'static str,
        /// What is missing.
        why: &'static str,
    },
    /// Versions between the kept one and this one are missing.
    #[error("roster {offered} cannot follow roster {kept}: the versions between are missing")]
    Gap {
        /// Newest kept.
        kept: u64,
        /// The one offered.
        offered: u64,
    },
    /// A document of this version is kept already; the first one stays.
    #[error("another {doc} of version {version} is kept here; sign version {} to end the fork", version + 1)]
    Forked {
        /// Which document.
        doc: &'static str,
        /// The version.
        version: u64,
        /// Both sides.
        fork: Box<Fork>,
    },
    /// A policy names a predecessor that is not the kept one, and no owner signed it.
    #[error(
        "policy {version} follows another policy than the one kept here; an owner's signature ends the fork"
    )]
    OtherBranch {
        /// Its version.
        version: u64,
    },
    /// There is no roster to judge by.
    #[error("no roster is kept here yet")]
    NoRoster,
    /// Too many pools.
    #[error("policies of {} pools are kept already", limits::POOLS_MAX)]
    TooManyPools,
}

/// The documents that one relay or console keeps.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    fleet: Option<FleetId>,
    rosters: VecDeque<Shelved<Roster>>,
    policies: BTreeMap<PoolId, Shelved<Policy>>,
    forks: VecDeque<Fork>,
}

impl Shelf {
    /// An empty shelf of a fleet that is known by its id: it takes the first roster that founds it.
    pub fn of_fleet(fleet: FleetId) -> Self {
        Self { fleet: Some(fleet), ..Self::default() }
    }

    /// A new fleet, founded by this first roster.
    ///
    /// # Errors
    /// It is no first roster, or its signer is not an owner in it.
    pub fn founded(first: SignedDoc) -> Result<Self, ShelfError> {
        let mut shelf = Self::of_fleet(fleet_of(&first));
        shelf.put_roster(first)?;
        Ok(shelf)
    }

    /// A shelf that starts from a roster whose giver was authenticated by other means (an enrolment, a pool file):
    /// what comes later must follow it.
    ///
    /// # Errors
    /// It is not signed by an owner that it lists itself, or belongs to another fleet.
    pub fn anchored(fleet: FleetId, roster: SignedDoc) -> Result<Self, ShelfError> {
        let mut shelf = Self::of_fleet(fleet);
        let (content, _) = open_roster(&roster, None)?;
        shelf.check_fleet(&content, &roster)?;
        shelf.push_roster(content, roster);
        Ok(shelf)
    }

    /// A shelf read back from its own disk, in the order of [`Shelf::kept`]. Rosters are verified again as a chain;
    /// a policy by whoever of the kept rosters lists its signer, since that console may have been removed after it
    /// signed, which takes nothing back.
    ///
    /// # Errors
    /// The first document that does not hold.
    pub fn restored(fleet: FleetId, docs: impl IntoIterator<Item = SignedDoc>) -> Result<Self, ShelfError> {
        let mut shelf = Self::of_fleet(fleet);
        for doc in docs {
            match doc.doc {
                DocKind::Roster if shelf.rosters.is_empty() => shelf = Self::anchored(fleet, doc)?,
                DocKind::Roster => {
                    shelf.put_roster(doc)?;
                }
                DocKind::Policy => shelf.restore_policy(doc)?,
            }
        }
        Ok(shelf)
    }

    /// Everything that must be on disk, in the order that [`Shelf::restored`] wants.
    pub fn kept(&self) -> Vec<SignedDoc> {
        let rosters = self.rosters.iter().map(|shelved| (*shelved.signed).clone());
        rosters.chain(self.policies.values().map(|shelved| (*shelved.signed).clone())).collect()
    }

    /// The fleet.
    pub fn fleet(&self) -> Option<FleetId> {
        self.fleet
    }

    /// The newest roster.
    pub fn roster(&self) -> Option<&Shelved<Roster>> {
        self.rosters.back()
    }

    /// The newest roster's version; 0 without one.
    pub fn roster_version(&self) -> u64 {
        self.roster().map_or(0, |shelved| shelved.content.version)
    }

    /// Rosters newer than `version`, oldest first; none of them when the one after `version` is no longer kept.
    pub fn rosters_since(&self, version: u64) -> Vec<Arc<SignedDoc>> {
        let newer = self.rosters.iter().filter(|shelved| shelved.content.version > version);
        newer.map(|shelved| Arc::clone(&shelved.signed)).collect()
    }

    /// A pool's policy.
    pub fn policy(&self, pool: PoolId) -> Option<&Shelved<Policy>> {
        self.policies.get(&pool)
    }

    /// All policies.
    pub fn policies(&self) -> impl Iterator<Item = &Shelved<Policy>> {
        self.policies.values()
    }

    /// Forks that nobody has ended yet.
    pub fn forks(&self) -> impl Iterator<Item = &Fork> {
        self.forks.iter()
    }

    /// Takes a document, or says why not.
    ///
    /// # Errors
    /// See [`ShelfError`]; a fork is also remembered.
    pub fn put(&mut self, doc: SignedDoc) -> Result<Stored, ShelfError> {
        match doc.doc {
            DocKind::Roster => self.put_roster(doc),
            DocKind::Policy => self.put_policy(doc),
        }
    }

    fn put_roster(&mut self, doc: SignedDoc) -> Result<Stored, ShelfError> {
        let known = self.rosters.iter().any(|shelved| shelved.signed.signed.body == doc.signed.body);
        if known {
            return Ok(Stored::Known);
        }
        let judge = self.roster().map(|shelved| Arc::clone(&shelved.content));
        let (content, signer) = match &judge {
            // A roster of another version than the next is judged by its own predecessor, if that is kept.
            Some(newest) => {
                let version = doc.signed.peek::<Roster>(DocKind::Roster.kind())?.version;
                let predecessor = self.rosters.iter().find(|shelved| shelved.content.version + 1 == version);
                open_roster(&doc, Some(predecessor.map_or(newest, |shelved| &shelved.content)))?
            }
            None => open_roster(&doc, None)?,
        };
        self.check_fleet(&content, &doc)?;
        let Some(newest) = self.roster() else {
            if content.version != 1 {
                return Err(ShelfError::Gap { kept: 0, offered: content.version });
            }
            self.push_roster(content, doc);
            return Ok(Stored::Newest);
        };
        let kept_version = newest.content.version;
        if content.version > kept_version + 1 {
            return Err(ShelfError::Gap { kept: kept_version, offered: content.version });
        }
        if content.version <= kept_version {
            let Some(kept) = self.rosters.iter().find(|shelved| shelved.content.version == content.version)
            else {
                return Ok(Stored::Known);
            };
            let fork = Fork {
                doc: DocKind::Roster,
                pool: None,
                version: content.version,
                kept: kept.signed.signed.hash(),
                other: doc.signed.hash(),
                by: signer,
            };
            // A fork below the newest version has been ended already.
            if content.version == kept_version {
                self.note_fork(&fork);
            }
            return Err(ShelfError::Forked { doc: "roster", version: content.version, fork: Box::new(fork) });
        }
        self.forks.retain(|fork| fork.doc != DocKind::Roster);
        self.push_roster(content, doc);
        Ok(Stored::Newest)
    }

    fn put_policy(&mut self, doc: SignedDoc) -> Result<Stored, ShelfError> {
        let roster = self.roster().ok_or(ShelfError::NoRoster)?;
        let (signer, role, key) = signer_in(&roster.content, &doc, "policy")?;
        let content: Policy = doc.signed.open(DocKind::Policy.kind(), &key)?;
        content.check()?;
        if self.fleet != Some(content.fleet) {
            return Err(self.other_fleet(Some(content.fleet)));
        }
        let pool = content.pool;
        let kept_version = self.policies.get(&pool).map_or(0, |kept| kept.content.version);
        if content.version > kept_version + limits::POLICY_JUMP_MAX {
            return Err(ShelfError::Wire(SignError::Bounds {
                kind: DocKind::Policy.kind(),
                field: "version",
            }));
        }
        let Some(kept) = self.policies.get(&pool) else {
            if self.policies.len() >= limits::POOLS_MAX {
                return Err(ShelfError::TooManyPools);
            }
            self.push_policy(content, doc);
            return Ok(Stored::Newest);
        };
        let (version, hash) = (kept.content.version, kept.signed.signed.hash());
        if kept.signed.signed.body == doc.signed.body || content.version < version {
            return Ok(Stored::Known);
        }
        if content.version == version {
            let other = doc.signed.hash();
            let fork =
                Fork { doc: DocKind::Policy, pool: Some(pool), version, kept: hash, other, by: signer };
            self.note_fork(&fork);
            return Err(ShelfError::Forked { doc: "policy", version, fork: Box::new(fork) });
        }
        if content.version == version + 1 && content.prev != Some(hash) && role != Role::Owner {
            return Err(ShelfError::OtherBranch { version: content.version });
        }
        self.forks.retain(|fork| fork.pool != Some(pool));
        self.push_policy(content, doc);
        Ok(Stored::Newest)
    }

    fn restore_policy(&mut self, doc: SignedDoc) -> Result<(), ShelfError> {
        let kind = DocKind::Policy.kind();
        let key = self.rosters.iter().rev().find_map(|shelved| shelved.content.key_of(doc.signed.by));
        let content: Policy = match key {
            Some(key) => doc.signed.open(kind, &key)?,
            // Its signer is further back than the rosters kept; it was verified when it came.
            None => doc.signed.peek(kind)?,
        };
        content.check()?;
        if self.fleet != Some(content.fleet) {
            return Err(self.other_fleet(Some(content.fleet)));
        }
        self.push_policy(content, doc);
        Ok(())
    }

    fn check_fleet(&self, content: &Roster, doc: &SignedDoc) -> Result<(), ShelfError> {
        let theirs = content.fleet.unwrap_or_else(|| fleet_of(doc));
        if self.fleet == Some(theirs) { Ok(()) } else { Err(self.other_fleet(Some(theirs))) }
    }

    fn other_fleet(&self, theirs: Option<FleetId>) -> ShelfError {
        let short = |fleet: Option<FleetId>| fleet.map_or_else(|| "none".into(), |fleet| fleet.short());
        ShelfError::OtherFleet { theirs: short(theirs), ours: short(self.fleet) }
    }

    fn push_roster(&mut self, content: Roster, doc: SignedDoc) {
        if self.rosters.len() == limits::ROSTERS_KEPT {
            self.rosters.pop_front();
        }
        self.rosters.push_back(Shelved { content: Arc::new(content), signed: Arc::new(doc) });
    }

    fn push_policy(&mut self, content: Policy, doc: SignedDoc) {
        let shelved = Shelved { signed: Arc::new(doc), content: Arc::new(content) };
        self.policies.insert(shelved.content.pool, shelved);
    }

    fn note_fork(&mut self, fork: &Fork) {
        if self.forks.contains(fork) {
            return;
        }
        if self.forks.len() == limits::FORKS_MAX {
            self.forks.pop_front();
        }
        self.forks.push_back(fork.clone());
    }
}

/// Opens a roster signed by an owner of `judge`, or by an owner of its own when there is none to judge by.
fn open_roster(doc: &SignedDoc, judge: Option<&Roster>) -> Result<(Roster, ConsoleId), ShelfError> {
    let kind = DocKind::Roster.kind();
    let own;
    let judge = if let Some(judge) = judge {
        judge
    } else {
        own = doc.signed.peek::<Roster>(kind)?;
        &own
    };
    let (signer, role, key) = signer_in(judge, doc, "roster")?;
    if role != Role::Owner {
        let signer = signer.short();
        return Err(ShelfError::NoRight { signer, doc: "roster", why: "only owners sign rosters" });
    }
    let content: Roster = doc.signed.open(kind, &key)?;
    content.check()?;
    Ok((content, signer))
}

fn signer_in(
    roster: &Roster,
    doc: &SignedDoc,
    word: &'static str,
) -> Result<(ConsoleId, Role, crate::key::PublicKey), ShelfError> {
    let no_right = |signer: String, why| ShelfError::NoRight { signer, doc: word, why };
    match doc.signed.by {
        Signer::Member(id) => Err(no_right(id.short(), "members sign no documents")),
        Signer::Console(id) => match roster.console(id) {
            Some(entry) => Ok((id, entry.role, entry.key)),
            None => Err(no_right(id.short(), "it is not a console of this fleet")),
        },
    }
}
