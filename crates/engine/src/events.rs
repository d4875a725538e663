//! Events for subscribers: revisions, a short memory, and waking whoever waits. What an event holds is fetched when it
//! is delivered, so a slow subscriber gets the newest state and never a queue of old ones.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::view::incident::NoticeView;
use model::{IncidentId, PoolId};
use tokio::sync::watch;

/// Revisions kept before a subscriber must read snapshots again.
const KEPT: usize = 512;

/// What changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    Host,
    Pool(PoolId),
    PoolRemoved(PoolId),
    Incident(IncidentId),
    Notice(NoticeView),
}

#[derive(Default)]
struct Past {
    revision: u64,
    kept: VecDeque<(u64, Happened)>,
}

/// The hub.
pub(crate) struct Events {
    past: Mutex<Past>,
    newest: watch::Sender<u64>,
}

/// What a subscriber has missed.
#[derive(Debug, PartialEq)]
pub(crate) enum Missed {
    /// These, oldest first, with the revision after them.
    These(Vec<(u64, Happened)>),
    /// Too much: read snapshots again, then go on from this revision.
    Resync(u64),
}

impl Default for Events {
    fn default() -> Self {
        Self { past: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Events {
    pub(crate) fn revision(&self) -> u64 {
        *self.newest.borrow()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    pub(crate) fn host_changed(&self) {
        self.add(Happened::Host);
    }

    pub(crate) fn pool_changed(&self, pool: PoolId) {
        self.add(Happened::Pool(pool));
    }

    pub(crate) fn pool_removed(&self, pool: PoolId) {
        self.add(Happened::PoolRemoved(pool));
    }

    pub(crate) fn incident_changed(&self, incident: IncidentId) {
        self.add(Happened::Incident(incident));
    }

    pub(crate) fn notice(&self, notice: NoticeView) {
        self.add(Happened::Notice(notice));
    }

    /// What happened after `since`. Several changes of one thing count as its newest.
    pub(crate) fn after(&self, since: u64) -> Missed {
        let past = self.past();
        let oldest = past.kept.front().map_or(past.revision + 1, |(revision, _)| *revision);
        if since > past.revision || (since + 1 < oldest && since < past.revision) {
            return Missed::Resync(past.revision);
        }
        let mut seen = Vec::new();
        let mut told: BTreeSet<String> = BTreeSet::new();
        for (revision, happened) in past.kept.iter().rev().take_while(|(revision, _)| *revision > since) {
            let folds = !matches!(happened, Happened::Notice(_));
            if !folds || told.insert(format!("{happened:?}")) {
                seen.push((*revision, happened.clone()));
            }
        }
        seen.reverse();
        Missed::These(seen)
    }

    fn add(&self, happened: Happened) {
        let mut past = self.past();
        past.revision += 1;
        let revision = past.revision;
        if past.kept.len() == KEPT {
            past.kept.pop_front();
        }
        past.kept.push_back((revision, happened));
        drop(past);
        self.newest.send_replace(revision);
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGE: PoolId = PoolId::from_number(1);

    #[test]
    fn changes_of_one_thing_fold_into_the_newest() {
        let events = Events::default();
        events.pool_changed(EDGE);
        events.host_changed();
        events.pool_changed(EDGE);
        assert_eq!(events.after(0), Missed::These(vec![(2, Happened::Host), (3, Happened::Pool(EDGE))]));
        assert_eq!(events.after(3), Missed::These(vec![]));
    }

    #[test]
    fn whoever_missed_too_much_reads_again() {
        let events = Events::default();
        for _ in 0..KEPT + 5 {
            events.host_changed();
        }
        assert_eq!(events.after(1), Missed::Resync(events.revision()));
        assert_eq!(events.after(events.revision() + 9), Missed::Resync(events.revision()));
    }
}
