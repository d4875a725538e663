//! What notices say. The title is the fact, the body the consequence.

use super::{Act, Alert, Button, Level, Mute, Place, name, sentence};
use crate::view::YesNo;
use crate::view::incident::{IncidentView, NoticeView};
use crate::view::member::Role;
use crate::view::pool::PoolStatus;

/// How long a notice's own mute lasts.
const MUTE_MS: u64 = 60 * 60 * 1000;
/// What every notice about this computer's own sight is filed under, whatever pool says it.
const THIS_COMPUTER: &str = "this-computer";

/// Words for one of the evaluator's notices.
pub(super) fn alert(
    notice: &NoticeView,
    pool: Option<&PoolStatus>,
    incident: Option<&IncidentView>,
) -> Alert {
    let about = notice.pool.map_or_else(|| "host".to_owned(), |id| id.to_string());
    let called = pool.map(|pool| pool.name.as_str()).or_else(|| incident.map(|one| one.pool_name.as_str()));
    let called = called.map_or_else(|| "A pool".to_owned(), name);
    let place = match (notice.incident, pool) {
        (Some(id), _) => Place::incident(&id.to_string()),
        (None, Some(pool)) => Place::pool(&pool.name, "overview"),
        (None, None) => Place::overview(),
    };
    let mut alert = Alert {
        about,
        title: called.clone(),
        body: sentence(&notice.text),
        level: Level::High,
        stays: false,
        is_recovery: false,
        place,
        buttons: Vec::new(),
        at_ms: notice.at_ms,
    };
    word(&mut alert, notice, &called, pool, incident);
    alert
}

/// The words of its topic. A topic of a later host keeps the host's own sentence.
fn word(
    alert: &mut Alert,
    notice: &NoticeView,
    called: &str,
    pool: Option<&PoolStatus>,
    incident: Option<&IncidentView>,
) {
    alert.buttons = vec![open(alert, "Open")];
    match notice.topic.as_str() {
        "moved" => {
            let to = incident.and_then(|one| one.to.as_deref()).or_else(|| active(pool?)).map(name);
            let to = to.unwrap_or_else(|| "another member".to_owned());
            urgent(alert, format!("{called} moved to {to}"));
            alert.stays = false;
            alert.body = moved(notice, incident, pool.and_then(|pool| pool.ttl_s));
            alert.buttons = vec![open(alert, "See why"), mute(alert)];
        }
        "no-target" => {
            urgent(alert, format!("{called} is down and cannot move"));
            alert.buttons.push(mute(alert));
        }
        "cannot-confirm" => {
            urgent(alert, format!("{called} may be down"));
            alert.buttons.extend(pool.and_then(cut));
        }
        "ask" | "locked" => {
            urgent(alert, format!("{called} waits for you"));
            alert.buttons.extend(pool.and_then(cut));
        }
        "failed" => {
            urgent(alert, format!("DNS did not move for {called}"));
            alert.buttons.push(to_dns(pool, "Try again..."));
        }
        "drift" => {
            let what = pool.and_then(|pool| pool.hostname.as_deref()).map_or_else(|| called.to_owned(), name);
            alert.title = format!("{what} was changed by somebody else");
            alert.buttons = vec![to_dns(pool, "Open")];
        }
        "not-read-back" => alert.title = format!("The move of {called} is not confirmed yet"),
        "blind" => {
            THIS_COMPUTER.clone_into(&mut alert.about);
            "ServersCTL is offline".clone_into(&mut alert.title);
            alert.body = format!("{}. Failover watch here is paused", alert.body);
            alert.level = Level::Normal;
        }
        "no-provider" => {
            alert.title = format!("DNS of {called} cannot be moved from here");
            alert.body = format!("{}. Clients are not touched; automatic failover waits", alert.body);
            alert.buttons = vec![to_dns(pool, "Open")];
        }
        "over" => {
            alert.title = format!("{called} is well again");
            alert.level = Level::Normal;
            alert.is_recovery = true;
            alert.buttons.push(dismiss());
        }
        "watch-down" | "watch-broke" | "storage" => alert.title = format!("{called} is not watched here"),
        _ => {}
    }
}

fn urgent(alert: &mut Alert, title: String) {
    alert.title = title;
    alert.level = Level::Urgent;
    alert.stays = true;
}

/// Words for a standby that could no longer take over.
pub(super) fn standby_lost(pool: &PoolStatus, member: &str, left: usize, at_ms: u64) -> Alert {
    let called = name(&pool.name);
    let mut alert = of_pool(pool, at_ms);
    if left == 0 {
        alert.title = format!("{called} has no ready standby");
        let active = active(pool).map_or_else(|| "the active member".to_owned(), name);
        alert.body = format!("If {active} fails, DNS stays where it is");
        alert.level = Level::High;
    } else {
        alert.title = format!("{} is not ready", name(member));
        let standbys = if left == 1 { "standby" } else { "standbys" };
        alert.body = format!("{called} still has {left} ready {standbys}");
    }
    alert
}

/// Words for a standby that could take over again.
pub(super) fn standby_back(pool: &PoolStatus, member: &str, at_ms: u64) -> Alert {
    let mut alert = of_pool(pool, at_ms);
    alert.title = format!("{} is ready again", name(member));
    "It stays standby".clone_into(&mut alert.body);
    alert.is_recovery = true;
    alert.buttons = vec![open(&alert, "Open"), dismiss()];
    alert
}

fn of_pool(pool: &PoolStatus, at_ms: u64) -> Alert {
    let place = Place::pool(&pool.name, "overview");
    Alert {
        about: pool.id.to_string(),
        title: String::new(),
        body: String::new(),
        level: Level::Normal,
        stays: false,
        is_recovery: false,
        buttons: vec![Button { label: "Open".to_owned(), act: Act::Open { place: place.clone() } }],
        place,
        at_ms,
    }
}

/// What was wrong, how long the record took from the moment that it counted as lost, and when clients follow.
fn moved(notice: &NoticeView, incident: Option<&IncidentView>, ttl_s: Option<u32>) -> String {
    let why = notice.text.split_once(": ").map_or(notice.text.as_str(), |(_, why)| why);
    let why = sentence(why);
    let took = incident.and_then(|one| {
        let sent =
            one.phases.iter().rev().find(|phase| matches!(phase.name.as_str(), "accepted" | "sent"))?;
        sent.at_ms.checked_sub(one.began_ms)
    });
    let follow = ttl_s.map_or_else(String::new, |ttl_s| format!(", clients follow within {ttl_s} s"));
    match took {
        Some(took_ms) => format!("{why}. DNS moved in {}.{} s{follow}", took_ms / 1000, took_ms % 1000 / 100),
        None => format!("{why}{follow}"),
    }
}

fn active(pool: &PoolStatus) -> Option<&str> {
    pool.members.iter().find(|member| member.role == Role::Active).map(|member| member.name.as_str())
}

fn open(alert: &Alert, label: &str) -> Button {
    Button { label: label.to_owned(), act: Act::Open { place: alert.place.clone() } }
}

fn mute(alert: &Alert) -> Button {
    let act = Act::Mute { about: Some(alert.about.clone()), span: Mute::For { ms: MUTE_MS } };
    Button { label: "Mute 1 h".to_owned(), act }
}

fn dismiss() -> Button {
    Button { label: "Dismiss".to_owned(), act: Act::Dismiss }
}

/// The next ready standby's dialog, if there is one.
fn cut(pool: &PoolStatus) -> Option<Button> {
    let to = next(pool)?;
    Some(Button { label: "Cut DNS...".to_owned(), act: Act::Open { place: Place::cut(&pool.name, to) } })
}

/// The member that would take over: the first ready standby in the operator's order.
pub(super) fn next(pool: &PoolStatus) -> Option<&str> {
    pool.hostname.as_ref()?;
    let mut standbys = pool.members.iter().filter(|member| member.role == Role::Standby);
    standbys.find(|member| member.ready.verdict == YesNo::Yes).map(|member| member.name.as_str())
}

fn to_dns(pool: Option<&PoolStatus>, label: &str) -> Button {
    let place = pool.map_or_else(Place::overview, |pool| Place::pool(&pool.name, "dns"));
    Button { label: label.to_owned(), act: Act::Open { place } }
}
