//! The daily check: what no machine sees by itself is tried once a day, while nothing else is the matter (safety.md 4.4
//! and 4.5): that a move is still a compare-and-set, that the record is ours, and that resolvers ask this zone.
//!
//! Only the holder checks, and only in STEADY. What fails holds automatic moves and is said in the status; it is tried
//! again every quarter of an hour, so that a hold ends soon after its reason. When a pool is due stands on disk before
//! the check begins: a host that restarts does not begin with a round of checks, nor does one that dies over them.
//! Nothing here decides a failover, and the wall clock decides nothing but when to look.

use std::sync::Arc;
use std::time::Duration;

use api::view::CheckOutcome;
use api::view::incident::NoticeView;
use dns::probe::Verdict;
use evaluator::io::State;
use model::PoolId;
use serde::{Deserialize, Serialize};
use store::Store;

use crate::inner::Inner;
use crate::register::Register;
use crate::{clock, random, rehearse};

/// How often it is looked whether a pool is due.
const ROUND: Duration = Duration::from_mins(1);
const HOUR_MS: u64 = 3_600_000;
/// From one check that passed to the next, give or take an hour: pools and consoles spread over the day.
const DAY_MS: u64 = 24 * HOUR_MS;
const JITTER_MS: u64 = HOUR_MS;
/// From a check that failed, or proved nothing, to the next.
const AGAIN_MS: u64 = HOUR_MS / 4;

/// A pool's check, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// When it is due next, Unix time.
    due_ms: u64,
    /// The words under which it holds automatic moves. A hold in other words is somebody else's to lift: a person's
    /// probe proves more than this one.
    held: Option<String>,
}

/// Checks each pool once a day until the engine ends.
pub(crate) async fn watch_days(inner: Arc<Inner>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        rounds.tick().await;
        for (pool, register) in inner.registers() {
            if let Err(error) = check_if_due(&inner, pool, &register).await {
                tracing::warn!(pool = %pool.short(), "the daily check could not be kept: {error:#}");
            }
        }
    }
}

async fn check_if_due(inner: &Arc<Inner>, pool: PoolId, register: &Register) -> anyhow::Result<()> {
    let now_ms = clock::wall_ms();
    if !is_due(&inner.store, pool, now_ms)? || !is_steady(inner, pool).await {
        return Ok(());
    }
    put_off(&inner.store, pool, now_ms + DAY_MS - JITTER_MS + random::number() % (2 * JITTER_MS))?;
    let found = look(inner, pool, register).await;
    // What happened meanwhile may be why it failed; then it says nothing.
    if found != Found::Sound && !is_steady(inner, pool).await {
        return put_off(&inner.store, pool, now_ms + AGAIN_MS);
    }
    match found {
        Found::Sound => {
            tracing::info!(pool = %pool.short(), "the daily check passed");
            let ours = kept(&inner.store, pool)?.and_then(|kept| kept.held);
            if ours.is_some() && inner.held_by_check(pool) == ours {
                inner.set_held(pool, None)?;
            }
        }
        Found::Unproven(why) => {
            tracing::info!(pool = %pool.short(), "the daily check proved nothing this time: {why}");
            put_off(&inner.store, pool, now_ms + AGAIN_MS)?;
        }
        Found::Wrong(why) => {
            put_off(&inner.store, pool, now_ms + AGAIN_MS)?;
            hold(inner, pool, &format!("the daily check failed: {why}"))?;
        }
    }
    Ok(())
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Sound,
    /// The provider was busy or away: nothing is known.
    Unproven(String),
    Wrong(String),
}

async fn look(inner: &Arc<Inner>, pool: PoolId, register: &Register) -> Found {
    let (_, probe) = rehearse::test_claim(register, dns::probe::Scope::Scratch).await;
    match probe.verdict {
        Verdict::Automatic => {}
        Verdict::ManualOnly { reason } => {
            return Found::Wrong(format!("a move is no compare-and-set: {reason}"));
        }
        Verdict::Inconclusive { reason } => return Found::Unproven(reason),
    }
    let checks = rehearse::look_at_zone(inner, pool, register).await;
    match checks.into_iter().find(|check| check.outcome == CheckOutcome::Failed) {
        None => Found::Sound,
        Some(check) => Found::Wrong(format!("{}: {}", check.name, check.words)),
    }
}

fn hold(inner: &Arc<Inner>, pool: PoolId, words: &str) -> anyhow::Result<()> {
    let ours = kept(&inner.store, pool)?;
    let held = inner.held_by_check(pool);
    if held.is_some() && held != ours.as_ref().and_then(|kept| kept.held.clone())
        || held.as_deref() == Some(words)
    {
        return Ok(());
    }
    // Whose hold it is comes first: after a kill between the two nothing is held, and the next check says it again.
    keep(&inner.store, pool, &Kept { held: Some(words.to_owned()), ..ours.unwrap_or_default() })?;
    tracing::warn!(pool = %pool.short(), "automatic moves are held: {words}");
    inner.set_held(pool, Some(words))?;
    inner.events.notice(NoticeView {
        topic: "daily-check".to_owned(),
        pool: Some(pool),
        incident: None,
        text: format!("automatic moves are held: {words}"),
        at_ms: clock::wall_ms(),
    });
    Ok(())
}

/// Whether this console holds the pool and nothing is the matter.
async fn is_steady(inner: &Inner, pool: PoolId) -> bool {
    let Some(watch) = inner.watch_of(pool) else { return false };
    watch.explain().await.is_some_and(|explained| explained.state == State::Steady)
}

/// Whether the pool's check is due. A pool that is seen for the first time was rehearsed by a person just now.
fn is_due(store: &Store, pool: PoolId, now_ms: u64) -> anyhow::Result<bool> {
    match kept(store, pool)? {
        // Further away than any check is put off: the wall clock was wrong then, or is now.
        Some(kept) => Ok(now_ms >= kept.due_ms || kept.due_ms - now_ms > DAY_MS + JITTER_MS),
        None => put_off(store, pool, now_ms + DAY_MS - random::number() % JITTER_MS).map(|()| false),
    }
}

fn put_off(store: &Store, pool: PoolId, due_ms: u64) -> anyhow::Result<()> {
    keep(store, pool, &Kept { due_ms, ..kept(store, pool)?.unwrap_or_default() })
}

/// What is kept of a pool; what cannot be read counts as never kept.
fn kept(store: &Store, pool: PoolId) -> anyhow::Result<Option<Kept>> {
    Ok(store.setting(&key(pool))?.and_then(|json| serde_json::from_str(&json).ok()))
}

fn keep(store: &Store, pool: PoolId, kept: &Kept) -> anyhow::Result<()> {
    store.set_setting(&key(pool), Some(&serde_json::to_string(kept)?))?;
    Ok(())
}

fn key(pool: PoolId) -> String {
    format!("daily-check-{pool}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: PoolId = PoolId::from_number(5);
    const NOW_MS: u64 = 1_800_000_000_000;

    #[test]
    fn a_pool_is_due_once_a_day_and_a_restart_repeats_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        assert!(!is_due(&store, EDGE, NOW_MS).unwrap(), "it was rehearsed to be armed");
        assert!(!is_due(&store, EDGE, NOW_MS + DAY_MS - JITTER_MS - 1).unwrap());
        assert!(is_due(&store, EDGE, NOW_MS + DAY_MS).unwrap());
        put_off(&store, EDGE, NOW_MS + DAY_MS + AGAIN_MS).unwrap();
        drop(store);
        let store = Store::open(directory.path()).unwrap();
        assert!(!is_due(&store, EDGE, NOW_MS + DAY_MS).unwrap(), "a restart does not make it due");
        assert!(is_due(&store, EDGE, NOW_MS + DAY_MS + AGAIN_MS).unwrap());
        assert!(
            is_due(&store, EDGE, 0).unwrap(),
            "a wall clock that was put right is no reason to wait for years"
        );
    }
}
