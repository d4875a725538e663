//! The tasks that look at this computer itself: did it sleep, did the network change, do the anchors answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evaluator::io::{DnsFault, Input, OwnFault};
use model::stall::{Gap, LOOK_EVERY, StallWatch};
use model::{PoolId, Span};
use tokio::sync::Semaphore;

use crate::inner::Inner;
use crate::register::Register;
use crate::watch::Ask;
use crate::{clock, desk, surroundings};

/// How often it is looked whether a round is due.
const ROUND_LOOK: Duration = Duration::from_secs(1);
/// How often anchors are asked: every so many looks.
const ROUND_LOOKS: u32 = 5;
/// Nobody of the fleet is heard for this long: is it they, or this computer? Then each look is a round.
const DOUBT_AFTER: Span = Span::from_s(2);
/// Who is not heard after this is not asked about in a hurry any more.
const DOUBT_UNTIL: Span = Span::from_s(60);
/// An anchor that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the attachment is read.
const ATTACHMENT: Duration = Duration::from_secs(1);
/// A provider that could not be opened (its secret could not be read) is tried again every so many looks: a minute.
const REOPEN_LOOKS: u32 = 60;
/// Service ports probed at one time.
const PROBES_MAX: usize = 256;

/// Watches for sleep and stalls until the engine ends.
pub(crate) async fn watch_clock(inner: Arc<Inner>) {
    let mut stalls = StallWatch::default();
    let mut looks = tokio::time::interval(clock::std(LOOK_EVERY));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        looks.tick().await;
        match stalls.look(clock::look()) {
            Some(Gap::Suspended(slept)) => desk::own_fault(&inner, OwnFault::Suspended(slept)),
            Some(Gap::Stalled(stalled)) => desk::own_fault(&inner, OwnFault::Stalled(stalled)),
            Some(Gap::WallStep(step)) => {
                tracing::warn!("the wall clock was set by {step}; nothing depends on it");
            }
            None => {}
        }
    }
}

/// Watches the network attachment until the engine ends.
pub(crate) async fn watch_attachment(inner: Arc<Inner>) {
    let mut last = surroundings::attachment();
    loop {
        tokio::time::sleep(ATTACHMENT).await;
        let now = surroundings::attachment();
        if now != last {
            last = now;
            desk::own_fault(&inner, OwnFault::NetworkChanged(now));
            // Which member this computer is may be known only now.
            inner.surroundings_changed();
        }
    }
}

/// Asks the anchors of every pool in rounds: the pool's DNS provider, a relay of another pool, and the operator's own
/// address if one is set.
pub(crate) async fn watch_anchors(inner: Arc<Inner>) {
    let mut looks = tokio::time::interval(ROUND_LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut look: u32 = 0;
    loop {
        looks.tick().await;
        if look.is_multiple_of(REOPEN_LOOKS) && look > 0 && inner.lacks_registers() {
            inner.surroundings_changed();
        }
        let is_due = look.is_multiple_of(ROUND_LOOKS);
        look = look.wrapping_add(1);
        if !is_due && !is_doubtful(inner.sightings().newest().map(|heard| clock::now() - heard)) {
            continue;
        }
        let own = own_anchor(&inner).await;
        // Pools of one provider share its answer: a provider counts every question.
        let mut providers: BTreeMap<String, Vec<(PoolId, Arc<Register>)>> = BTreeMap::new();
        for (pool, register) in inner.registers() {
            let policy = inner.fleet.policy(pool);
            let Some(managed) = policy.as_ref().and_then(|policy| policy.managed.as_ref()) else { continue };
            providers.entry(managed.provider_id.clone()).or_default().push((pool, register));
        }
        for pools in providers.into_values() {
            tokio::spawn(ask_anchors(Arc::clone(&inner), pools, own));
        }
    }
}

/// Whether it is in doubt since a moment that this computer sees anything, by the age of the newest heartbeat of anybody.
fn is_doubtful(newest: Option<Span>) -> bool {
    newest.is_some_and(|age| age > DOUBT_AFTER && age < DOUBT_UNTIL)
}

async fn ask_anchors(inner: Arc<Inner>, pools: Vec<(PoolId, Arc<Register>)>, own: Option<bool>) {
    let Some((_, register)) = pools.first() else { return };
    let provider = match tokio::time::timeout(PATIENCE, register.look()).await {
        // A refusal is an answer: the road to the provider is open.
        Ok(Ok(_) | Err(DnsFault::Refused(_))) => true,
        Ok(Err(DnsFault::Unreachable(_))) | Err(_) => false,
    };
    for (pool, _) in pools {
        let answers: Vec<_> =
            [Some(provider), other_relay(&inner, pool), own].into_iter().flatten().collect();
        let (asked, answered) = judge(&answers, own_relay(&inner, pool));
        if let Some(watch) = inner.watch_of(pool) {
            watch.tell(Ask::Input(Input::Anchors { asked, answered }));
        }
    }
}

/// Two of three anchors must answer. With fewer anchors none of them can tell its own outage from this console's
/// blindness, so any one sign of the network is enough, be it a relay of this very pool.
fn judge(answers: &[bool], own_relay: bool) -> (u32, u32) {
    let answered = answers.iter().filter(|answered| **answered).count() as u32;
    if answers.len() >= 3 {
        return (answers.len() as u32, answered);
    }
    (1, u32::from(answered > 0 || own_relay))
}

/// Whether any relay of this pool is connected.
fn own_relay(inner: &Inner, pool: PoolId) -> bool {
    let own = inner.fleet.reachable().into_iter().filter(|relay| relay.pools.contains(&pool));
    own.into_iter().any(|relay| inner.link(relay.member).is_some_and(|link| link.up))
}

/// Whether any relay outside the pool is connected; none when there is no such relay.
fn other_relay(inner: &Inner, pool: PoolId) -> Option<bool> {
    let others = inner.fleet.reachable().into_iter().filter(|relay| !relay.pools.contains(&pool));
    let links: Vec<_> = others.map(|relay| inner.link(relay.member).is_some_and(|link| link.up)).collect();
    (!links.is_empty()).then(|| links.contains(&true))
}

/// Whether the operator's anchor (an address with a port) takes a connection; none when it is not set.
async fn own_anchor(inner: &Inner) -> Option<bool> {
    let text = inner.store.setting("anchor").ok().flatten()?;
    let address: std::net::SocketAddr = serde_json::from_str::<String>(&text).ok()?.parse().ok()?;
    let connected = tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await;
    Some(matches!(connected, Ok(Ok(_))))
}

/// Probes the service port of every member of every pool that has one set.
pub(crate) async fn watch_services(inner: Arc<Inner>) {
    let mut rounds = tokio::time::interval(Duration::from_secs(1));
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let room = Arc::new(Semaphore::new(PROBES_MAX));
    loop {
        rounds.tick().await;
        for policy in inner.fleet.policies() {
            let Some(port) = policy.settings.probe_port else { continue };
            let Some(watch) = inner.watch_of(policy.pool) else { continue };
            for entry in inner.fleet.roster().of_pool(policy.pool) {
                // What finds no room is not probed this second; that is no answer and no failure.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (watch, member) = (watch.clone(), entry.id);
                let address = std::net::SocketAddr::from((entry.address, port));
                let said_http = |seen: &crate::sighting::Seen| seen.heartbeat.haproxy.speaks_http(port);
                let is_http = inner.sightings().seen(member).is_some_and(said_http);
                let speaks = if is_http { link::Speaks::Http } else { link::Speaks::Other };
                tokio::spawn(async move {
                    let _place = place;
                    let answered = link::probe(address, speaks, PATIENCE).await;
                    watch.tell(Ask::Input(Input::Probe { member, answered }));
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_asked_at_once_when_everybody_falls_silent_and_not_for_ever() {
        let after = |s| is_doubtful(Some(Span::from_s(s)));
        assert!(!is_doubtful(None), "who never heard anybody misses nobody");
        assert!(!after(1), "a heartbeat comes once a second");
        assert!(after(3));
        assert!(!after(3_600), "hosts that are gone for an hour are not asked about every second");
    }

    #[test]
    fn one_silent_provider_is_not_this_consoles_blindness() {
        assert_eq!(judge(&[false], true), (1, 1), "a relay answers: the provider is out");
        assert_eq!(judge(&[false], false), (1, 0), "nothing answers");
        assert_eq!(judge(&[true, false], false), (1, 1), "another pool's outage is not ours");
        assert_eq!(judge(&[false, true, false], true), (3, 1), "three anchors speak for themselves");
    }
}
