//! Events: what a host tells without being asked.
//!
//! A subscriber gets everything of its topics after the revision it names. When the host no longer has that far back,
//! the first event is [`EventBody::Resync`]: read the snapshot again, then go on from its revision.

use async_trait::async_trait;
use model::PoolId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::view::beat::Beats;
use crate::view::host::HostStatus;
use crate::view::incident::{IncidentView, NoticeView};
use crate::view::pool::PoolStatus;

/// What a subscription is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The host itself: watch, vault, fleet.
    Host,
    /// Status of every pool.
    Pools,
    /// Incidents as they open, grow and end.
    Incidents,
    /// What people should be told.
    Notices,
    /// Heartbeats in numbers, once a second; only when asked for by name.
    Beats,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Subscribe {
    /// About what; empty means everything but [`Topic::Beats`].
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// The newest revision the subscriber knows; 0 for none.
    #[serde(default)]
    pub since_revision: u64,
}

impl Subscribe {
    /// Whether an event of `topic` belongs to this subscription.
    pub fn wants(&self, topic: Topic) -> bool {
        (self.topics.is_empty() && topic != Topic::Beats) || self.topics.contains(&topic)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Rises by one with each event of a host's life.
    pub revision: u64,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum EventBody {
    /// Events were missed: read snapshots again.
    Resync,
    /// The host changed.
    Host(HostStatus),
    /// A pool's status, whole.
    Pool(Box<PoolStatus>),
    /// A pool is gone.
    PoolRemoved(#[ts(type = "string")] PoolId),
    /// An incident, whole.
    Incident(Box<IncidentView>),
    /// Tell people.
    Notice(NoticeView),
    /// Heartbeats since the last of these.
    Beats(Beats),
}

impl EventBody {
    /// The topic it belongs to; none for a resync, which everybody gets.
    pub const fn topic(&self) -> Option<Topic> {
        match self {
            Self::Resync => None,
            Self::Host(_) => Some(Topic::Host),
            Self::Pool(_) | Self::PoolRemoved(_) => Some(Topic::Pools),
            Self::Incident(_) => Some(Topic::Incidents),
            Self::Notice(_) => Some(Topic::Notices),
            Self::Beats(_) => Some(Topic::Beats),
        }
    }
}

/// Where a subscriber takes its events from, one at a time, at its own pace.
#[async_trait]
pub trait EventSource: Send {
    /// The next event; none when the host is going away. Dropping the future loses no event.
    async fn next(&mut self) -> Option<Event>;
}
