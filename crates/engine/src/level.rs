//! Brings the fleet's documents level with what each relay keeps: whoever is behind gets what it lacks, at once when
//! something was signed here, else with the relay's next report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use model::{MemberId, PoolId};
use protocol::docs::{DocKind, Fork};
use protocol::frame::{DocGet, DocStored, Frame};
use protocol::sign::Signer;

use crate::inner::Inner;

/// How long a short-lived host waits for relays to take what it signed: a dial and an answer.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(4);

/// What a connected relay keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    roster: u64,
    policies: BTreeMap<PoolId, u64>,
    /// Offered over this connection although the versions are equal: only the text itself shows a fork.
    offered: BTreeSet<(DocKind, Option<PoolId>, u64)>,
}

impl Level {
    fn offers(&mut self, doc: DocKind, pool: Option<PoolId>, version: u64) -> bool {
        self.offered.insert((doc, pool, version))
    }
}

impl Inner {
    /// A connection is new: nothing is known of what the relay keeps but its roster.
    pub(crate) fn relay_came(&self, relay: MemberId, roster: u64) {
        self.levels().insert(relay, Level { roster, ..Level::default() });
        self.level_roster(relay);
    }

    pub(crate) fn relay_went(&self, relay: MemberId) {
        self.levels().remove(&relay);
    }

    /// What a relay's report says that it keeps.
    pub(crate) fn relay_keeps(&self, relay: MemberId, roster: u64, policies: &[(PoolId, u64)]) {
        let mut levels = self.levels();
        let level = levels.entry(relay).or_default();
        level.roster = roster;
        level.policies = policies.iter().copied().collect();
        drop(levels);
        self.level_roster(relay);
        for (pool, _) in policies {
            self.level_policy(relay, *pool);
        }
    }

    /// A relay took a document.
    pub(crate) fn relay_stored(&self, relay: MemberId, stored: DocStored) {
        let mut levels = self.levels();
        let Some(level) = levels.get_mut(&relay) else { return };
        match (stored.doc, stored.pool) {
            (DocKind::Roster, _) => level.roster = level.roster.max(stored.version),
            (DocKind::Policy, Some(pool)) => {
                let kept = level.policies.entry(pool).or_default();
                *kept = stored.version.max(*kept);
            }
            (DocKind::Policy, None) => {}
        }
    }

    /// Offers what was just signed or taken to every connected relay.
    pub(crate) fn push_documents(&self) {
        let connected: Vec<_> = self.levels().keys().copied().collect();
        for relay in connected {
            self.level_roster(relay);
            for pool in self.reach.pools_of(relay) {
                self.level_policy(relay, pool);
            }
        }
    }

    fn level_roster(&self, relay: MemberId) {
        let (ours, newest) = {
            let shelf = self.fleet.shelf();
            (shelf.roster_version(), shelf.roster().map(|kept| Arc::clone(&kept.signed)))
        };
        let known = self.levels().get_mut(&relay).map(|level| {
            let equal = level.roster == ours;
            (level.roster, equal && level.offers(DocKind::Roster, None, ours))
        });
        let Some((theirs, offers)) = known else { return };
        let mut missing = self.fleet.shelf().rosters_since(theirs);
        missing.extend(newest.filter(|_| offers));
        for doc in missing {
            self.reach.send(relay, Frame::DocPut((*doc).clone()));
        }
        if theirs > ours {
            self.ask_docs(relay);
        }
    }

    fn level_policy(&self, relay: MemberId, pool: PoolId) {
        let ours = {
            let shelf = self.fleet.shelf();
            shelf.policy(pool).map(|kept| (kept.content.version, Arc::clone(&kept.signed)))
        };
        let version = ours.as_ref().map_or(0, |(version, _)| *version);
        let known = self.levels().get_mut(&relay).and_then(|level| {
            let theirs = *level.policies.get(&pool)?;
            Some((theirs, theirs == version && level.offers(DocKind::Policy, Some(pool), version)))
        });
        let Some((theirs, offers)) = known else { return };
        match ours {
            Some((version, doc)) if theirs < version || offers => {
                self.reach.send(relay, Frame::DocPut((*doc).clone()));
            }
            Some((version, _)) if theirs == version => {}
            Some(_) => self.ask_docs(relay),
            None if theirs > 0 => self.ask_docs(relay),
            None => {}
        }
    }

    fn ask_docs(&self, relay: MemberId) {
        let get = {
            let shelf = self.fleet.shelf();
            let policies = shelf.policies().map(|policy| (policy.content.pool, policy.content.version));
            DocGet { roster_since: shelf.roster_version(), policies_since: policies.collect() }
        };
        self.reach.send(relay, Frame::DocGet(get));
    }

    /// A relay says that a document of the version kept here exists twice. If it keeps the other one, that is fetched
    /// and judged here: a relay's word alone holds nothing.
    pub(crate) fn look_at_fork(&self, relay: MemberId, fork: &Fork) {
        let get = {
            let shelf = self.fleet.shelf();
            let known = shelf.forks().any(|known| known.doc == fork.doc && known.pool == fork.pool);
            let ours = match fork.pool {
                None => shelf.roster().map(|kept| (kept.content.version, kept.signed.signed.hash())),
                Some(pool) => {
                    shelf.policy(pool).map(|kept| (kept.content.version, kept.signed.signed.hash()))
                }
            };
            let other = ours.is_some_and(|(version, hash)| version == fork.version && hash != fork.kept);
            if known || !other {
                return;
            }
            let before = |version: u64, of: Option<PoolId>| {
                if of == fork.pool { version.saturating_sub(1) } else { version }
            };
            let policies = shelf.policies().map(|policy| {
                let pool = policy.content.pool;
                (pool, before(policy.content.version, Some(pool)))
            });
            DocGet { policies_since: policies.collect(), roster_since: before(shelf.roster_version(), None) }
        };
        self.reach.send(relay, Frame::DocGet(get));
    }

    /// Why a fork holds a pool's automatic moves, if one does: nobody knows which of the two should count.
    pub(crate) fn forked(&self, pool: PoolId) -> Option<String> {
        let shelf = self.fleet.shelf();
        let about = |fork: &&Fork| fork.pool.is_none_or(|forked| forked == pool);
        let fork = shelf.forks().find(about)?;
        let kept = match fork.pool {
            Some(pool) => shelf.policy(pool).map(|kept| kept.signed.signed.by),
            None => shelf.roster().map(|kept| kept.signed.signed.by),
        };
        let ours = kept == Some(Signer::Console(self.fleet.console));
        let by = shelf.roster().and_then(|roster| Some(roster.content.console(fork.by)?.name.clone()));
        Some(fork_words(fork, ours, &by.unwrap_or_else(|| fork.by.short())))
    }

    /// Waits, for a moment, until the relays that can be reached have what this short-lived host signed; names those
    /// that have not.
    pub(crate) async fn confirm_documents(&self) -> Vec<String> {
        let wait = async {
            while self.relays_behind(true).next().is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(CONFIRMED_WITHIN, wait).await;
        self.relays_behind(false).collect()
    }

    /// Relays without our newest documents; those that cannot be reached may be left out.
    fn relays_behind(&self, reachable_only: bool) -> impl Iterator<Item = String> {
        let roster = self.fleet.roster();
        let levels = self.levels().clone();
        let behind = self.fleet.reachable().into_iter().filter(move |relay| {
            let dialled = relay.relay.is_some();
            let down = self.link(relay.member).is_some_and(|link| !link.up);
            let is_level = levels.get(&relay.member).is_some_and(|level| self.is_level(level, &relay.pools));
            dialled && !is_level && !(reachable_only && down)
        });
        behind.map(move |relay| {
            roster.member(relay.member).map_or_else(|| relay.member.short(), |entry| entry.name.clone())
        })
    }

    fn is_level(&self, level: &Level, pools: &[PoolId]) -> bool {
        let shelf = self.fleet.shelf();
        let has = |pool: &PoolId| {
            shelf.policy(*pool).is_none_or(|kept| {
                level.policies.get(pool).is_some_and(|version| *version >= kept.content.version)
            })
        };
        level.roster >= shelf.roster_version() && pools.iter().all(has)
    }
}

/// What a fork means to this console: the one whose document came second has to know that its change counts nowhere
/// else.
fn fork_words(fork: &Fork, ours: bool, by: &str) -> String {
    let (one, many) = if fork.pool.is_some() { ("policy", "policies") } else { ("roster", "rosters") };
    let version = fork.version;
    if ours {
        return format!(
            "this console's {one} of version {version} came second and counts here alone: relays keep the one that {by} \
             signed; look at what {by} changed, then sign any change to end that"
        );
    }
    format!(
        "two {many} of version {version} were signed by different consoles, one of them by {by}; sign any change to end that"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ConsoleId;

    fn hash(byte: &str) -> protocol::sign::BodyHash {
        serde_json::from_value(byte.repeat(32).into()).unwrap()
    }

    #[test]
    fn the_console_whose_document_came_second_is_told_so() {
        let fork = Fork {
            doc: DocKind::Policy,
            pool: Some(PoolId::from_number(5)),
            version: 7,
            kept: hash("01"),
            other: hash("02"),
            by: ConsoleId::from_number(2),
        };
        let loser = fork_words(&fork, true, "bob");
        assert!(loser.contains("this console's policy of version 7 came second"), "{loser}");
        assert!(loser.contains("relays keep the one that bob signed"), "{loser}");
        let third = fork_words(&Fork { pool: None, ..fork }, false, "bob");
        assert!(third.contains("two rosters of version 7") && third.contains("by bob"), "{third}");
    }
}
