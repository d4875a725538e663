//! One subscriber's place in the stream of events.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use api::event::{Event, EventBody, EventSource, Subscribe, Topic};
use api::view::beat::{Beat, BeatTotals, Beats};
use async_trait::async_trait;
use model::MemberId;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::clock;
use crate::events::{Happened, Missed};
use crate::host::Host;
use crate::inner::Inner;

/// How often heartbeats are told, to those who ask for them.
const BEATS_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Stream {
    host: Weak<Host>,
    request: Subscribe,
    seen: u64,
    newest: watch::Receiver<u64>,
    /// Read but not delivered yet, newest first.
    ready: Vec<(u64, Happened)>,
    beats: Option<Pace>,
}

/// When heartbeats are told again, and which were told last.
struct Pace {
    ticks: Interval,
    told: BTreeMap<MemberId, (u64, u64)>,
}

impl Stream {
    pub(crate) fn new(host: Weak<Host>, newest: watch::Receiver<u64>, request: Subscribe) -> Self {
        let beats = request.wants(Topic::Beats).then(|| {
            let mut ticks = interval(BEATS_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            Pace { ticks, told: BTreeMap::new() }
        });
        Self { host, seen: request.since_revision, newest, request, ready: Vec::new(), beats }
    }

    /// Waits for something new; heartbeats come with the second.
    async fn wait(&mut self) -> Option<Option<Beats>> {
        let Some(pace) = &mut self.beats else {
            self.newest.changed().await.ok()?;
            return Some(None);
        };
        tokio::select! {
            changed = self.newest.changed() => {
                changed.ok()?;
                Some(None)
            }
            _ = pace.ticks.tick() => {
                let host = self.host.upgrade()?;
                Some(host.inner().ok().map(|inner| pace.newer(&inner)))
            }
        }
    }
}

impl Pace {
    /// Members of whom something newer was heard since the last time.
    fn newer(&mut self, inner: &Inner) -> Beats {
        let now = clock::now();
        let roster = inner.fleet.roster();
        self.told.retain(|member, _| roster.member(*member).is_some());
        let sightings = inner.sightings();
        let mut beats = Vec::new();
        for entry in &roster.members {
            let Some(seen) = sightings.seen(entry.id) else { continue };
            let heartbeat = &seen.heartbeat;
            let order = (heartbeat.incarnation, heartbeat.seq);
            if self.told.insert(entry.id, order) == Some(order) {
                continue;
            }
            let host = &heartbeat.host;
            let totals = heartbeat.haproxy.stat.as_ref().map(|stat| BeatTotals {
                sessions: stat.sessions,
                session_rate: stat.session_rate,
                servers_up: stat.servers_up,
                servers_down: stat.servers_down,
                backends_down: stat.backends_down,
            });
            beats.push(Beat {
                member: entry.id,
                pool: entry.pool,
                age_ms: (now - seen.received).as_ms(),
                seq: heartbeat.seq,
                cpus: host.cpus,
                load_centi: host.load_centi,
                memory_used_bytes: host.memory_used_bytes,
                memory_total_bytes: host.memory_total_bytes,
                disk_used_bytes: host.disk_used_bytes,
                disk_total_bytes: host.disk_total_bytes,
                haproxy: totals,
            });
        }
        Beats { beats }
    }
}

#[async_trait]
impl EventSource for Stream {
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((revision, happened)) = self.ready.last().cloned() {
                let body = self.host.upgrade()?.event_body(happened).await;
                self.ready.pop();
                self.seen = revision;
                let wanted = body.filter(|body| body.topic().is_none_or(|topic| self.request.wants(topic)));
                if let Some(body) = wanted {
                    return Some(Event { revision, body });
                }
            }
            let missed = self.host.upgrade()?.events.after(self.seen);
            match missed {
                Missed::Resync(revision) => {
                    self.seen = revision;
                    return Some(Event { revision, body: EventBody::Resync });
                }
                Missed::These(these) if these.is_empty() => match self.wait().await? {
                    // No revision of its own: nothing that a subscriber could miss.
                    Some(beats) if !beats.beats.is_empty() => {
                        return Some(Event { revision: self.seen, body: EventBody::Beats(beats) });
                    }
                    Some(_) | None => {}
                },
                Missed::These(mut these) => {
                    these.reverse();
                    self.ready = these;
                }
            }
        }
    }
}
