//! The fleet as this console knows it: its own identity and the signed documents. Every change makes the next version,
//! is written to disk, and only then becomes what this console goes by and what it offers to relays.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use evaluator::io;
use model::{ConsoleId, FleetId, MemberId, PoolId, Settings, Span};
use protocol::docs::{
    ConsoleEntry, DocKind, MemberEntry, Part, Policy, Role, Roster, Shelf, ShelfError, SignedDoc, Stored,
};
use protocol::key::{PublicKey, SecretKey};

/// This console's identity and the fleet's documents.
pub(crate) struct Fleet {
    pub(crate) console: ConsoleId,
    pub(crate) name: String,
    pub(crate) key: SecretKey,
    pub(crate) id: FleetId,
    shelf: Mutex<Shelf>,
    /// One changes the shelf at a time. Readers do not wait for it: a change is on disk before the shelf shows it.
    changing: Mutex<()>,
}

/// Where documents are written before they count.
pub(crate) trait Keeper {
    fn keep(&self, doc: &SignedDoc) -> anyhow::Result<()>;
}

/// What a console must know to reach a relay and to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reachable {
    pub(crate) member: MemberId,
    pub(crate) key: PublicKey,
    pub(crate) relay: Option<SocketAddr>,
    pub(crate) pools: Vec<PoolId>,
}

impl Fleet {
    /// Founds a fleet whose only owner is this console. Nothing is written yet.
    pub(crate) fn found(console: ConsoleId, name: &str, key: SecretKey) -> anyhow::Result<Self> {
        let entry = ConsoleEntry { id: console, key: key.public(), name: name.to_owned(), role: Role::Owner };
        let first = Roster {
            fleet: None,
            version: 1,
            prev: None,
            members: Vec::new(),
            consoles: vec![entry],
            removed: Vec::new(),
        };
        let doc = first.seal(console, &key);
        let shelf = Shelf::founded(doc).context("founding the fleet")?;
        let id = shelf.fleet().expect("a founded shelf knows its fleet");
        Ok(Self {
            console,
            name: name.to_owned(),
            key,
            id,
            shelf: Mutex::new(shelf),
            changing: Mutex::default(),
        })
    }

    /// The fleet as it was left on disk.
    pub(crate) fn restored(
        console: ConsoleId,
        name: &str,
        key: SecretKey,
        id: FleetId,
        docs: Vec<SignedDoc>,
    ) -> anyhow::Result<Self> {
        let shelf = Shelf::restored(id, docs).context("reading the fleet's documents back")?;
        Ok(Self {
            console,
            name: name.to_owned(),
            key,
            id,
            shelf: Mutex::new(shelf),
            changing: Mutex::default(),
        })
    }

    pub(crate) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts this console's own next document onto a copy of the shelf, which counts once the document is on disk.
    fn put(&self, mut tried: Shelf, keeper: &dyn Keeper, doc: SignedDoc) -> anyhow::Result<SignedDoc> {
        tried.put(doc.clone()).context("putting the new document onto the shelf")?;
        keeper.keep(&doc).context("writing the new document")?;
        *self.shelf() = tried;
        Ok(doc)
    }

    /// The newest roster.
    pub(crate) fn roster(&self) -> std::sync::Arc<Roster> {
        let shelf = self.shelf();
        shelf
            .roster()
            .map(|shelved| shelved.content.clone())
            .expect("a fleet has a roster from its first day")
    }

    /// A pool's newest policy.
    pub(crate) fn policy(&self, pool: PoolId) -> Option<std::sync::Arc<Policy>> {
        self.shelf().policy(pool).map(|shelved| shelved.content.clone())
    }

    /// Every pool's newest policy.
    pub(crate) fn policies(&self) -> Vec<std::sync::Arc<Policy>> {
        self.shelf().policies().map(|shelved| shelved.content.clone()).collect()
    }

    /// What this console may sign.
    pub(crate) fn role(&self) -> Option<Role> {
        self.roster().console(self.console).map(|entry| entry.role)
    }

    /// Signs the next roster.
    pub(crate) fn change_roster(
        &self,
        keeper: &dyn Keeper,
        change: impl FnOnce(&mut Roster) -> anyhow::Result<()>,
    ) -> anyhow::Result<SignedDoc> {
        if self.role() != Some(Role::Owner) {
            bail!("this console is no owner of the fleet: an owner must sign this");
        }
        let _turn = self.turn();
        let shelf = self.shelf().clone();
        let newest = shelf.roster().expect("a fleet has a roster from its first day");
        let mut next = newest.content.successor(self.id, &newest.signed);
        change(&mut next)?;
        next.check().context("checking the new roster")?;
        let doc = next.seal(self.console, &self.key);
        self.put(shelf, keeper, doc)
    }

    /// Signs the next policy of a pool.
    pub(crate) fn change_policy(
        &self,
        keeper: &dyn Keeper,
        pool: PoolId,
        change: impl FnOnce(&mut Policy) -> anyhow::Result<()>,
    ) -> anyhow::Result<SignedDoc> {
        let _turn = self.turn();
        let shelf = self.shelf().clone();
        let newest = shelf.policy(pool).ok_or_else(|| anyhow!("pool {} has no policy here", pool.short()))?;
        let mut next = newest.content.successor(&newest.signed);
        change(&mut next)?;
        next.settings = next.settings.check().context("checking the settings")?;
        next.check().context("checking the new policy")?;
        let doc = next.seal(self.console, &self.key);
        self.put(shelf, keeper, doc)
    }

    /// Signs a new pool's first policy.
    pub(crate) fn first_policy(
        &self,
        keeper: &dyn Keeper,
        pool: PoolId,
        name: &str,
        settings: Settings,
    ) -> anyhow::Result<SignedDoc> {
        let policy = Policy {
            fleet: self.id,
            pool,
            version: 1,
            prev: None,
            name: name.to_owned(),
            managed: None,
            settings: settings.check().context("checking the settings")?,
            pause: None,
            preferred: None,
            order: Vec::new(),
        };
        policy.check().context("checking the policy")?;
        let _turn = self.turn();
        let shelf = self.shelf().clone();
        self.put(shelf, keeper, policy.seal(self.console, &self.key))
    }

    /// Forgets a pool's policy here; relays that still keep it will offer it again.
    pub(crate) fn forget_pool(&self, pool: PoolId) {
        let _turn = self.turn();
        let mut shelf = self.shelf();
        let rest = shelf.kept().into_iter().filter(|doc| {
            let policy = doc.signed.peek::<Policy>(DocKind::Policy.kind());
            doc.doc == DocKind::Roster || policy.is_ok_and(|policy| policy.pool != pool)
        });
        if let Ok(restored) = Shelf::restored(self.id, rest) {
            *shelf = restored;
        }
    }

    /// Takes a document that a relay offered.
    pub(crate) fn take(&self, keeper: &dyn Keeper, doc: &SignedDoc) -> anyhow::Result<Stored> {
        let _turn = self.turn();
        let mut tried = self.shelf().clone();
        match tried.put(doc.clone()) {
            Ok(Stored::Newest) => {
                keeper.keep(doc)?;
                *self.shelf() = tried;
                Ok(Stored::Newest)
            }
            Ok(Stored::Known) => Ok(Stored::Known),
            Err(error @ ShelfError::Forked { .. }) => {
                // The fork is worth remembering even though the document is not taken.
                *self.shelf() = tried;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Every relay of the fleet.
    pub(crate) fn reachable(&self) -> Vec<Reachable> {
        let of = |entry: &MemberEntry| Reachable {
            member: entry.id,
            key: entry.key,
            relay: entry.relay,
            pools: std::iter::once(entry.pool).chain(entry.witness_for.iter().copied()).collect(),
        };
        self.roster().members.iter().map(of).collect()
    }

    /// The members' keys.
    pub(crate) fn keys(&self) -> BTreeMap<MemberId, PublicKey> {
        self.roster().members.iter().map(|entry| (entry.id, entry.key)).collect()
    }

    /// One pool's part of the roster, for its machine.
    pub(crate) fn machine_roster(&self, pool: PoolId, own_addresses: &[IpAddr]) -> io::Roster {
        let roster = self.roster();
        let order = self.policy(pool).map(|policy| policy.order.clone()).unwrap_or_default();
        let member = |entry: &MemberEntry| {
            let placed = order.iter().position(|id| *id == entry.id);
            let part = if entry.part == Part::Member && entry.pool == pool {
                io::Part::Member
            } else {
                io::Part::Witness
            };
            io::Member {
                name: entry.name.clone(),
                address: entry.address,
                part,
                priority: placed.map_or(entry.priority.saturating_add(1000), |at| at as u32),
                same_host: own_addresses.contains(&IpAddr::V4(entry.address)),
            }
        };
        io::Roster {
            version: roster.version,
            members: roster.of_pool(pool).map(|entry| (entry.id, member(entry))).collect(),
        }
    }

    /// One pool's policy, for its machine.
    pub(crate) fn machine_policy(
        &self,
        pool: PoolId,
        wall_ms: u64,
        held: Option<String>,
    ) -> Option<io::Policy> {
        let policy = self.policy(pool)?;
        let pause =
            policy.pause.as_ref().filter(|pause| pause.until_unix_ms > wall_ms).map(|pause| io::Pause {
                // Never longer than a pause may be, whatever a wrong clock makes of the end.
                remaining: Span::from_ms(pause.until_unix_ms - wall_ms).min(PAUSE_MAX),
                by: pause.by.clone(),
                why: pause.why.clone(),
            });
        Some(io::Policy {
            version: policy.version,
            hostname: policy.managed.as_ref().map(|managed| managed.hostname.clone()),
            settings: policy.settings.clone(),
            pause,
            preferred: policy.preferred,
            held,
        })
    }
}

/// Longest pause of a pool.
pub(crate) const PAUSE_MAX: Span = Span::from_s(24 * 3600);

/// What a document is about, for logs.
pub(crate) fn describe(doc: &SignedDoc) -> &'static str {
    match doc.doc {
        DocKind::Roster => "roster",
        DocKind::Policy => "policy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory(std::cell::RefCell<Vec<SignedDoc>>);
    impl Keeper for Memory {
        fn keep(&self, doc: &SignedDoc) -> anyhow::Result<()> {
            self.0.borrow_mut().push(doc.clone());
            Ok(())
        }
    }
    struct FullDisk;
    impl Keeper for FullDisk {
        fn keep(&self, _: &SignedDoc) -> anyhow::Result<()> {
            bail!("no space left on device")
        }
    }

    fn fleet(keeper: &dyn Keeper) -> Fleet {
        let fleet = Fleet::found(ConsoleId::from_number(1), "desk", SecretKey::from_bytes(&[3; 32])).unwrap();
        fleet.shelf().kept().iter().for_each(|doc| keeper.keep(doc).unwrap());
        fleet
    }

    #[test]
    fn a_document_that_cannot_be_written_does_not_count() {
        let disk = Memory(std::cell::RefCell::default());
        let fleet = fleet(&disk);
        let pool = PoolId::from_number(5);
        assert!(fleet.first_policy(&FullDisk, pool, "edge", Settings::default()).is_err());
        assert!(fleet.policy(pool).is_none());
        fleet.first_policy(&disk, pool, "edge", Settings::default()).unwrap();
        assert!(
            fleet
                .change_policy(&FullDisk, pool, |policy| {
                    policy.name = "x".into();
                    Ok(())
                })
                .is_err()
        );
        assert_eq!(fleet.policy(pool).unwrap().name, "edge");
    }

    #[test]
    fn what_was_written_is_the_fleet_again() {
        let disk = Memory(std::cell::RefCell::default());
        let fleet = fleet(&disk);
        let pool = PoolId::from_number(5);
        fleet.first_policy(&disk, pool, "edge", Settings::default()).unwrap();
        fleet
            .change_policy(&disk, pool, |policy| {
                policy.settings.delay_s = 10;
                Ok(())
            })
            .unwrap();
        let again = Fleet::restored(
            fleet.console,
            "desk",
            SecretKey::from_bytes(&[3; 32]),
            fleet.id,
            disk.0.borrow().clone(),
        )
        .unwrap();
        assert_eq!(again.policy(pool).unwrap().settings.delay_s, 10);
        assert_eq!(again.roster().version, 1);
    }

    #[test]
    fn settings_out_of_range_are_not_signed() {
        let disk = Memory(std::cell::RefCell::default());
        let fleet = fleet(&disk);
        let pool = PoolId::from_number(5);
        fleet.first_policy(&disk, pool, "edge", Settings::default()).unwrap();
        let error = fleet
            .change_policy(&disk, pool, |policy| {
                policy.settings.delay_s = 9;
                Ok(())
            })
            .unwrap_err();
        assert!(format!("{error:#}").contains("10 to 120 seconds"), "{error:#}");
    }
}
