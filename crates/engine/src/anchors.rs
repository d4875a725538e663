//! The tasks that look at this computer itself: did it sleep, did the network change, do the anchors answer.

use std::sync::Arc;
use std::time::Duration;

use evaluator::io::{Input, OwnFault};
use model::PoolId;
use model::stall::{Gap, LOOK_EVERY, StallWatch};

use crate::inner::Inner;
use crate::watch::Ask;
use crate::{clock, desk, surroundings};

/// How often anchors are asked.
const ROUND: Duration = Duration::from_secs(5);
/// An anchor that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the attachment is read.
const ATTACHMENT: Duration = Duration::from_secs(1);

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
                tracing::warn!("the wall clock was set by {step}; nothing depends on it")
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
        }
    }
}

/// Asks the anchors of every pool in rounds: the pool's DNS provider, a relay of another pool, and the operator's own
/// address if one is set.
pub(crate) async fn watch_anchors(inner: Arc<Inner>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let own = own_anchor(&inner).await;
        for (pool, register) in inner.registers() {
            let inner = Arc::clone(&inner);
            tokio::spawn(async move {
                let provider = tokio::time::timeout(PATIENCE, register.read()).await;
                let mut answers = vec![matches!(provider, Ok(Ok(_)))];
                answers.extend(other_relay(&inner, pool));
                answers.extend(own);
                let answered = answers.iter().filter(|answered| **answered).count() as u32;
                if let Some(watch) = inner.watch_of(pool) {
                    watch.tell(Ask::Input(Input::Anchors { asked: answers.len() as u32, answered }));
                }
            });
        }
    }
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
    loop {
        rounds.tick().await;
        for policy in inner.fleet.policies() {
            let Some(port) = policy.settings.probe_port else { continue };
            let Some(watch) = inner.watch_of(policy.pool) else { continue };
            for entry in inner.fleet.roster().of_pool(policy.pool) {
                let (watch, member) = (watch.clone(), entry.id);
                let address = std::net::SocketAddr::from((entry.address, port));
                tokio::spawn(async move {
                    let dialled =
                        tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(address)).await;
                    let answered = matches!(dialled, Ok(Ok(_)));
                    watch.tell(Ask::Input(Input::Probe { member, answered }));
                });
            }
        }
    }
}
