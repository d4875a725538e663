//! The newest state of everything, kept by events, and what a change of it tells people.

use std::collections::BTreeMap;

use model::{Health, IncidentId, PoolId};
use serde_json::{Value, json};

use super::{Alert, Hosting, Level, Place, wording};
use crate::view::host::HostStatus;
use crate::view::incident::{IncidentView, NoticeSettings};
use crate::view::member::Role;
use crate::view::pool::{PoolStatus, PoolStatuses};
use crate::view::{Evidence, YesNo};
use crate::{Event, EventBody};

/// Incidents kept for the wording of notices; their end comes seconds after their beginning.
const INCIDENTS_MAX: usize = 32;

/// The newest state of everything a glance shows.
#[derive(Clone, Debug)]
pub struct Picture {
    pub(super) hosting: Hosting,
    pub(super) host: Option<HostStatus>,
    pub(super) pools: BTreeMap<PoolId, PoolStatus>,
    /// When each pool's status came, Unix time: the ages in it are of then.
    pub(super) heard_ms: BTreeMap<PoolId, u64>,
    pub(super) incidents: BTreeMap<IncidentId, IncidentView>,
    pub(super) settings: NoticeSettings,
    revision: u64,
}

/// What an event changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Events were missed: hand in a fresh snapshot.
    pub is_stale: bool,
    /// What people should be told.
    pub alerts: Vec<Alert>,
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            hosting: Hosting::Opening,
            host: None,
            pools: BTreeMap::new(),
            heard_ms: BTreeMap::new(),
            incidents: BTreeMap::new(),
            settings: NoticeSettings::default(),
            revision: 0,
        }
    }
}

impl Picture {
    /// Whether there is a host; without one nothing that was known is true any more.
    pub fn set_hosting(&mut self, hosting: Hosting) {
        if hosting != Hosting::Present {
            self.host = None;
            self.revision = 0;
            self.pools.clear();
            self.heard_ms.clear();
        }
        self.hosting = hosting;
    }

    /// How this console tells people, for the [`super::Desk`].
    pub const fn settings(&self) -> NoticeSettings {
        self.settings
    }

    /// What a snapshot asks, each with an empty request; the answers go to [`Picture::answered`]. What changes without
    /// an event is seen only so.
    pub const ASKS: &[&str] = &["host_status", "notice_settings_show", "pool_status"];

    /// What to ask before an event is heard, so that its words are whole; the answer goes to [`Picture::answered`].
    pub fn asks_first(event: &Event) -> Option<(&'static str, Value)> {
        let EventBody::Notice(notice) = &event.body else { return None };
        notice.incident.map(|incident| ("incident_show", json!({ "incident": incident })))
    }

    /// One answer of a snapshot; gives what people should be told of it. The first one tells nothing: what it shows was
    /// so before.
    ///
    /// # Errors
    /// An answer of another shape.
    pub fn answered(
        &mut self,
        ask: &str,
        answer: Value,
        at_ms: u64,
    ) -> Result<Vec<Alert>, serde_json::Error> {
        if ask == "host_status" {
            self.host = Some(serde_json::from_value(answer)?);
            return Ok(Vec::new());
        }
        if ask == "notice_settings_show" {
            self.settings = serde_json::from_value(answer)?;
            return Ok(Vec::new());
        }
        if ask == "incident_show" {
            self.keep(&serde_json::from_value(answer)?);
            return Ok(Vec::new());
        }
        let PoolStatuses { pools, revision } = serde_json::from_value(answer)?;
        self.revision = revision;
        let is_there = |id: &PoolId| pools.iter().any(|pool| pool.id == *id);
        self.pools.retain(|id, _| is_there(id));
        Ok(pools.into_iter().flat_map(|pool| self.renew(pool, at_ms)).collect())
    }

    fn renew(&mut self, pool: PoolStatus, at_ms: u64) -> Vec<Alert> {
        self.heard_ms.insert(pool.id, at_ms);
        let alerts = self.pools.get(&pool.id).map(|before| told(before, &pool, at_ms)).unwrap_or_default();
        self.pools.insert(pool.id, pool);
        alerts
    }

    /// The revision of the newest snapshot: events after it are news.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What ending this host would end, as a question; none when it watches nothing.
    pub fn quit_question(&self) -> Option<String> {
        let is_watched = |pool: &&PoolStatus| pool.hostname.is_some() && pool.state != "UNWATCHED";
        match self.pools.values().filter(is_watched).count() {
            0 => None,
            1 => Some("Quitting stops failover watch for 1 pool.".to_owned()),
            count => Some(format!("Quitting stops failover watch for {count} pools.")),
        }
    }

    /// Takes one event in.
    pub fn hear(&mut self, event: &Event, at_ms: u64) -> Heard {
        let mut heard = Heard::default();
        match &event.body {
            EventBody::Resync => heard.is_stale = true,
            EventBody::Host(host) => self.host = Some(host.clone()),
            EventBody::Pool(pool) => heard.alerts = self.renew((**pool).clone(), at_ms),
            EventBody::PoolRemoved(pool) => {
                self.pools.remove(pool);
                self.heard_ms.remove(pool);
            }
            EventBody::Incident(incident) => self.keep(incident),
            EventBody::Notice(notice) => {
                let pool = notice.pool.and_then(|id| self.pools.get(&id));
                let incident = notice.incident.and_then(|id| self.incidents.get(&id));
                heard.alerts.push(wording::alert(notice, pool, incident));
            }
            // Numbers that a glance does not show.
            EventBody::Beats(_) => {}
        }
        heard
    }

    fn keep(&mut self, incident: &IncidentView) {
        let mut kept = incident.clone();
        // Only its ends and names are worded; a long story need not be held twice.
        kept.entries = Vec::new();
        kept.evidence = Vec::<Evidence>::new();
        self.incidents.insert(incident.id, kept);
        while self.incidents.len() > INCIDENTS_MAX {
            let oldest = self.incidents.iter().min_by_key(|(_, one)| one.began_ms).map(|(id, _)| *id);
            oldest.map(|id| self.incidents.remove(&id));
        }
    }
}

/// States in which a pool's members are not known for themselves.
fn sees(pool: &PoolStatus) -> bool {
    !matches!(pool.state.as_str(), "BLIND" | "COLD" | "ROUTE" | "UNWATCHED" | "PAUSED")
}

/// What a change of a pool's standbys tells; what happens to its active member is the evaluator's to tell.
fn told(before: &PoolStatus, after: &PoolStatus, at_ms: u64) -> Vec<Alert> {
    let same_active = before.active == after.active;
    if !sees(before) || !sees(after) || !same_active || after.hostname.is_none() {
        return Vec::new();
    }
    let ready = |pool: &PoolStatus| {
        let standbys = pool.members.iter().filter(|member| member.role == Role::Standby);
        standbys.filter(|member| member.ready.verdict == YesNo::Yes).count()
    };
    let left = ready(after);
    let mut alerts = Vec::new();
    for member in after.members.iter().filter(|member| member.role == Role::Standby) {
        let Some(was) = before.members.iter().find(|was| was.id == member.id && was.role == Role::Standby)
        else {
            continue;
        };
        let (was, is) = (was.ready.verdict, member.ready.verdict);
        if was == YesNo::Yes && is == YesNo::No && member.health != Health::Ready {
            alerts.push(wording::standby_lost(after, &member.name, left, at_ms));
        } else if was == YesNo::No && is == YesNo::Yes {
            alerts.push(wording::standby_back(after, &member.name, at_ms));
        }
    }
    alerts
}

impl Picture {
    /// What the shell says once when this desktop has no tray.
    pub fn no_tray(at_ms: u64) -> Alert {
        Alert {
            about: "tray".to_owned(),
            title: "This desktop has no tray".to_owned(),
            body: "ServersCTL keeps its window in the list of windows. Closing it minimises it; the watch goes on"
                .to_owned(),
            level: Level::Normal,
            stays: false,
            is_recovery: false,
            place: Place::of(&["settings"]),
            buttons: Vec::new(),
            at_ms,
        }
    }
}
