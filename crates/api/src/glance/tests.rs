use serde_json::json;

use model::{Health, IncidentId, MemberId, PoolId};

use super::*;
use crate::view::host::{HostKind, HostStatus, ProfileState, VaultState, VaultView, WatchView};
use crate::view::incident::{IncidentOutcome, IncidentView, NoticeSettings, NoticeView, Phase, QuietHours};
use crate::view::member::{MemberStatus, Role};
use crate::view::pool::{PoolStatus, PoolStatuses};
use crate::view::{Answer, YesNo};
use crate::{Event, EventBody};

/// 2026-11-20 13:31:00 UTC, one hour behind local time.
const NOW: Moment = Moment { unix_ms: 1_795_181_460_000, offset_s: 3600 };

fn answer(verdict: YesNo) -> Answer {
    Answer { verdict, reason: String::new(), evidence: Vec::new() }
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn member(number: u32, name: &str, role: Role, health: Health) -> MemberStatus {
    let ready = if role == Role::Standby && health == Health::Ready { "yes" } else { "no" };
    let light = json!({ "state": "on", "vantage": "", "words": "" });
    let value = json!({
        "id": MemberId::from_number(number), "name": name, "address": "192.0.2.1", "role": role, "verdict": "up",
        "health": health, "ready": { "verdict": ready, "reason": "", "evidence": [] }, "ageMs": 400, "evidence": [],
        "lights": { "agent": light, "relay": light, "ssh": light, "service": light },
    });
    serde_json::from_value(value).unwrap()
}

fn pool(number: u32, name: &str) -> PoolStatus {
    let yes = answer(YesNo::Yes);
    let members = [
        member(1, "edge-ams-2", Role::Active, Health::Ready),
        member(2, "edge-fra-1", Role::Standby, Health::Ready),
        member(3, "edge-waw-3", Role::Standby, Health::Ready),
    ];
    let value = json!({
        "id": PoolId::from_number(number), "name": name, "hostname": format!("{name}.example.com"), "traffic": yes,
        "standbys": yes, "wouldMove": yes, "state": "STEADY", "stateAgeMs": 1000, "reason": "", "epoch": 4,
        "active": MemberId::from_number(1), "armed": true, "lease": { "kind": "mine" },
        "voters": { "heard": 3, "needed": 2, "total": 3 }, "members": members, "ttlS": 60,
    });
    serde_json::from_value(value).unwrap()
}

fn host(watch: WatchView) -> HostStatus {
    HostStatus {
        version: "0.1.0".to_owned(),
        profile: ProfileState::Ready,
        console: None,
        name: "desk".to_owned(),
        fleet: None,
        kind: HostKind::Desktop,
        pid: 7,
        up_ms: 1,
        watch,
        vault: VaultView { choice: None, state: VaultState::Open, words: String::new() },
        revision: 1,
    }
}

fn picture(pools: Vec<PoolStatus>) -> Picture {
    let mut picture = Picture::default();
    picture.set_hosting(Hosting::Present);
    answer_both(&mut picture, host(WatchView::On), pools, NOW.unix_ms);
    picture
}

fn answer_both(picture: &mut Picture, host: HostStatus, pools: Vec<PoolStatus>, at_ms: u64) -> Vec<Alert> {
    let pools = PoolStatuses { revision: 1, pools };
    let settings = serde_json::to_value(NoticeSettings::default()).unwrap();
    let answers = [serde_json::to_value(host).unwrap(), settings, serde_json::to_value(pools).unwrap()];
    let asks = Picture::ASKS.iter().zip(answers);
    asks.flat_map(|(ask, answer)| picture.answered(ask, answer, at_ms).unwrap()).collect()
}

fn failing(name: &str, state: &str) -> PoolStatus {
    PoolStatus { state: state.to_owned(), ..pool(u32::from(name.as_bytes()[0]), name) }
}

/// Every text and every act of a menu, flat.
fn flat(rows: &[Row]) -> Vec<(String, Option<Act>)> {
    let mut out = Vec::new();
    for row in rows {
        match row {
            Row::Separator => {}
            Row::Words(text) => out.push((text.clone(), None)),
            Row::Item { text, act } => out.push((text.clone(), Some(act.clone()))),
            Row::Menu { text, rows } => {
                out.push((text.clone(), None));
                out.extend(flat(rows));
            }
        }
    }
    out
}

#[test]
fn the_worst_pool_wins() {
    let check = |pools: Vec<PoolStatus>, shape, tooltip: &str| {
        let view = picture(pools).tray(NOW);
        assert_eq!((view.shape, view.tooltip.as_str()), (shape, tooltip));
    };
    let bare = PoolStatus { standbys: answer(YesNo::No), would_move: answer(YesNo::No), ..pool(2, "lone") };
    let down = PoolStatus { traffic: answer(YesNo::No), ..pool(3, "hosting-eu") };
    check(vec![], TrayShape::Well, "ServersCTL: no pools yet");
    check(vec![pool(1, "edge"), pool(4, "shop")], TrayShape::Well, "ServersCTL: 2 pools protected");
    // Without a name a pool has nowhere to go on to: its members are what there is to tell.
    let unnamed =
        PoolStatus { hostname: None, would_move: answer(YesNo::No), ..failing("hosting-eu", "ROUTE") };
    check(vec![pool(1, "edge"), unnamed], TrayShape::Well, "ServersCTL: 2 pools protected");
    check(
        vec![pool(1, "edge"), bare.clone(), failing("waits", "ASK")],
        TrayShape::Attention,
        "lone has no standby, and 1 more",
    );
    check(vec![bare.clone(), failing("edge", "WRITE")], TrayShape::Moving, "edge: moving");
    check(vec![bare, failing("edge", "WRITE"), down], TrayShape::Down, "hosting-eu is down");
    check(
        vec![PoolStatus { state_age_ms: 60_000, ..failing("edge", "BLIND") }],
        TrayShape::Offline,
        "Offline since 14:30",
    );
}

#[test]
fn the_moment_that_it_went_offline_stays() {
    let blind = PoolStatus { state_age_ms: 60_000, ..failing("edge", "BLIND") };
    assert_eq!(picture(vec![blind]).tray(later(600_000)).tooltip, "Offline since 14:30");
}

#[test]
fn one_pool_that_sees_is_no_offline_computer() {
    let view = picture(vec![failing("edge", "BLIND"), pool(2, "shop")]).tray(NOW);
    assert_eq!(view.shape, TrayShape::Attention);
}

#[test]
fn a_paused_watch_shows_and_can_be_resumed_from_here() {
    let mut paused = picture(vec![pool(1, "edge")]);
    let watch = WatchView::Paused { remaining_ms: None, since_ms: 0 };
    paused.hear(&Event { revision: 2, body: EventBody::Host(host(watch)) }, NOW.unix_ms);
    let view = paused.tray(NOW);
    assert_eq!((view.shape, view.tooltip.as_str()), (TrayShape::Paused, "Failover watch is paused"));
    let rows = flat(&view.rows);
    let resume = rows.iter().find(|(text, _)| text == "Resume this computer's watch").unwrap();
    assert!(matches!(&resume.1, Some(Act::Call { command, .. }) if command == "watch_resume"));
}

#[test]
fn nothing_in_the_menu_changes_a_pool() {
    let mut pools: Vec<_> = (1..=20).map(|n| pool(n, &format!("pool-{n}"))).collect();
    pools[3].state = "ASK".to_owned();
    let mut view = picture(pools.clone());
    for moment in [NOW, NOW.at(NOW.unix_ms + 9)] {
        for (text, act) in flat(&view.tray(moment).rows) {
            if let Some(Act::Call { command, .. }) = act {
                assert!(command.starts_with("watch_"), "{text} calls {command}");
            }
        }
        view = picture(pools[..3].to_vec());
    }
}

#[test]
fn a_pools_menu_says_who_is_what_and_asks_before_it_cuts() {
    let rows = flat(&picture(vec![pool(1, "production-edge")]).tray(NOW).rows);
    let texts: Vec<&str> = rows.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "1 pool, all well",
            "● production-edge   edge-ams-2 active, 2 ready",
            "Open",
            "edge-ams-2  active, ready",
            "edge-fra-1  standby, ready",
            "edge-waw-3  standby, ready",
            "Copy production-edge.example.com",
            "Cut DNS to edge-fra-1...",
            "Mute notifications",
            "1 hour",
            "Until tomorrow 08:00",
            "Pause this computer's watch",
            "30 minutes",
            "Until I resume",
            "Open ServersCTL",
            "Settings...",
            "Quit...",
        ]
    );
    let cut = rows.iter().find(|(text, _)| text.starts_with("Cut")).unwrap();
    assert!(
        matches!(&cut.1, Some(Act::Open { place }) if place.to_string() == "pool/production-edge/overview?cut=edge-fra-1")
    );
}

#[test]
fn more_than_eight_pools_show_those_in_need() {
    let mut pools: Vec<_> = (1..=9).map(|n| pool(n, &format!("pool-{n}"))).collect();
    pools[6].state = "ASK".to_owned();
    let texts: Vec<String> = flat(&picture(pools).tray(NOW).rows).into_iter().map(|(text, _)| text).collect();
    assert!(texts.contains(&"▲ pool-7   waits for you".to_owned()), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("pool-1")), "{texts:?}");
    assert!(texts.contains(&"All pools".to_owned()));
    assert_eq!(texts[0], "9 pools, 1 needs attention");
}

#[test]
fn names_of_others_are_cleaned_and_bounded() {
    let mut hostile = pool(1, &format!("a\u{202e}b\n\tc{}", "x".repeat(300)));
    hostile.members[0].name = "\u{0}\u{1b}[31mred".to_owned();
    let view = picture(vec![hostile]).tray(NOW);
    for (text, _) in flat(&view.rows) {
        assert!(text.chars().all(is_plain), "{text:?}");
        assert!(text.chars().count() < 160, "{text:?}");
    }
    assert!(flat(&view.rows)[1].0.starts_with("● abcxxx"));
    assert!(flat(&view.rows).iter().any(|(text, _)| text.starts_with("[31mred")));
}

#[test]
fn without_a_host_nothing_is_claimed() {
    let mut gone = picture(vec![pool(1, "edge")]);
    gone.set_hosting(Hosting::Absent { why: "the vault is locked".to_owned() });
    let view = gone.tray(NOW);
    assert_eq!(view.shape, TrayShape::Paused);
    assert_eq!(view.tooltip, "Nothing is watched here: the vault is locked");
    assert!(!flat(&view.rows).iter().any(|(text, _)| text.contains("edge")));
}

#[test]
fn links_lead_to_a_pools_tab_and_nowhere_else() {
    let check = |link: &str, expect: Result<&str, PlaceError>| {
        assert_eq!(
            Place::from_link(link).map(|place| place.to_string()),
            expect.map(str::to_owned),
            "{link}"
        );
    };
    check("serversctl://pool/production-edge/dns", Ok("pool/production-edge/dns"));
    check("serversctl://pool/production-edge/", Ok("pool/production-edge/overview"));
    check("serversctl://pool/two%20words/dns", Ok("pool/two%20words/dns"));
    check("serversctl://pool/a%2Fb/dns", Ok("pool/a%2Fb/dns"));
    check("https://pool/x/dns", Err(PlaceError::Scheme));
    check("serversctl://pool/x/overview/cut/y", Err(PlaceError::Shape));
    check("serversctl://settings", Err(PlaceError::Shape));
    check("serversctl://pool/x/DNS", Err(PlaceError::Shape));
    check("serversctl://pool/x%00y/dns", Err(PlaceError::Shape));
    check("serversctl://pool/x%0", Err(PlaceError::Shape));
    check("serversctl://pool/%ff/dns", Err(PlaceError::Shape));
    check(&format!("serversctl://pool/{}/dns", "x".repeat(400)), Err(PlaceError::Length));
    check("serversctl://pool/x/overview?cut=y", Err(PlaceError::Shape));
}

fn notice(topic: &str, incident: Option<IncidentId>) -> EventBody {
    EventBody::Notice(NoticeView {
        topic: topic.to_owned(),
        pool: Some(PoolId::from_number(1)),
        incident,
        text: "traffic moved to edge-fra-1: edge-ams-2 was silent for 10 s".to_owned(),
        at_ms: NOW.unix_ms,
    })
}

fn hear(picture: &mut Picture, body: EventBody) -> Vec<Alert> {
    picture.hear(&Event { revision: 2, body }, NOW.unix_ms).alerts
}

#[test]
fn a_move_is_told_with_its_target_its_time_and_its_incident() {
    let id = IncidentId::from_number(9);
    let mut picture = picture(vec![pool(1, "production-edge")]);
    let incident = IncidentView {
        id,
        pool: PoolId::from_number(1),
        pool_name: "production-edge".to_owned(),
        cause: "down".to_owned(),
        from: Some("edge-ams-2".to_owned()),
        to: Some("edge-fra-1".to_owned()),
        epoch: Some(5),
        began_ms: NOW.unix_ms - 11_150,
        ended_ms: None,
        phases: vec![Phase { name: "accepted".to_owned(), at_ms: NOW.unix_ms, took_ms: None }],
        entries: Vec::new(),
        evidence: Vec::new(),
        outcome: IncidentOutcome::Open,
        held_reason: None,
    };
    let told = Event { revision: 3, body: notice("moved", Some(id)) };
    let (ask, payload) = Picture::asks_first(&told).unwrap();
    let _: crate::request::IncidentShow = serde_json::from_value(payload).unwrap();
    assert_eq!(picture.answered(ask, serde_json::to_value(&incident).unwrap(), NOW.unix_ms).unwrap(), []);
    let alert = hear(&mut picture, notice("moved", Some(id))).remove(0);
    assert_eq!(alert.title, "production-edge moved to edge-fra-1");
    assert_eq!(alert.body, "edge-ams-2 was silent for 10 s. DNS moved in 11.1 s, clients follow within 60 s");
    assert_eq!(alert.level, Level::Urgent);
    assert_eq!(alert.place, Place::incident(&id.to_string()));
    assert_eq!(
        alert.buttons[0],
        Button { label: "See why".to_owned(), act: Act::Open { place: alert.place.clone() } }
    );
    assert_eq!(alert.buttons[1].label, "Mute 1 h");
}

#[test]
fn every_topic_has_its_words_and_no_button_acts() {
    let mut picture = picture(vec![pool(1, "edge")]);
    let topics = [
        "moved",
        "ask",
        "no-target",
        "drift",
        "failed",
        "blind",
        "no-provider",
        "locked",
        "not-read-back",
        "cannot-confirm",
        "over",
        "watch-down",
        "watch-broke",
        "storage",
        "of-a-later-version",
    ];
    for topic in topics {
        let alert = hear(&mut picture, notice(topic, None)).remove(0);
        assert!(!alert.title.is_empty() && alert.buttons.len() <= 3, "{topic}");
        for button in alert.buttons {
            assert!(matches!(button.act, Act::Open { .. } | Act::Mute { .. } | Act::Dismiss), "{topic}");
        }
    }
}

#[test]
fn a_standby_that_goes_and_comes_is_told_once_each() {
    let mut picture = picture(vec![pool(1, "edge")]);
    let mut lost = pool(1, "edge");
    lost.members[1] = member(2, "edge-fra-1", Role::Standby, Health::Down("silent".to_owned()));
    let told = hear(&mut picture, EventBody::Pool(Box::new(lost.clone())));
    assert_eq!(told[0].title, "edge-fra-1 is not ready");
    assert_eq!(told[0].body, "edge still has 1 ready standby");
    assert_eq!(hear(&mut picture, EventBody::Pool(Box::new(lost.clone()))), []);
    lost.members[2] = member(3, "edge-waw-3", Role::Standby, Health::Down("silent".to_owned()));
    let last = hear(&mut picture, EventBody::Pool(Box::new(lost)));
    assert_eq!((last[0].title.as_str(), last[0].level), ("edge has no ready standby", Level::High));
    // A change that came without an event is told all the same.
    let back = answer_both(&mut picture, host(WatchView::On), vec![pool(1, "edge")], NOW.unix_ms);
    assert_eq!(back.iter().filter(|alert| alert.is_recovery).count(), 2);
}

#[test]
fn a_computer_that_cannot_see_tells_nothing_of_standbys() {
    let mut picture = picture(vec![pool(1, "edge")]);
    let mut blind = failing("edge", "BLIND");
    blind.id = PoolId::from_number(1);
    blind.members[1] = member(2, "edge-fra-1", Role::Standby, Health::Unknown("offline".to_owned()));
    assert_eq!(hear(&mut picture, EventBody::Pool(Box::new(blind))), []);
    assert_eq!(hear(&mut picture, EventBody::Pool(Box::new(pool(1, "edge")))), []);
}

fn alert(about: &str, title: &str, level: Level) -> Alert {
    Alert {
        about: about.to_owned(),
        title: title.to_owned(),
        body: format!("body of {title}"),
        level,
        stays: false,
        is_recovery: false,
        place: Place::overview(),
        buttons: Vec::new(),
        at_ms: NOW.unix_ms,
    }
}

fn later(ms: u64) -> Moment {
    NOW.at(NOW.unix_ms + ms)
}

#[test]
fn events_of_one_pool_within_ten_seconds_are_one_notice() {
    let mut desk = Desk::default();
    desk.hear(alert("a", "moved", Level::Urgent), later(0));
    let first = desk.due(later(0)).remove(0);
    desk.hear(alert("a", "standby lost", Level::Normal), later(4_000));
    let second = desk.due(later(4_000)).remove(0);
    assert_eq!((first.slot, first.alert.title.as_str()), (second.slot, "moved"));
    assert_eq!(second.alert.title, "moved");
    assert_eq!(second.alert.body, "body of moved\nstandby lost");
    desk.hear(alert("b", "other", Level::Urgent), later(4_500));
    assert_ne!(desk.due(later(4_500))[0].slot, first.slot);
    desk.hear(alert("a", "again", Level::Urgent), later(11_000));
    let third = desk.due(later(11_000)).remove(0);
    assert_ne!(third.slot, first.slot);
    assert_eq!(third.alert.body, "body of again");
}

#[test]
fn what_is_not_urgent_waits_and_a_recovery_meanwhile_tells_nothing() {
    let mut desk = Desk::default();
    desk.hear(alert("a", "lost", Level::Normal), later(0));
    assert_eq!(desk.due(later(9_999)), []);
    assert_eq!(desk.next_due(), Some(NOW.unix_ms + 10_000));
    desk.hear(Alert { is_recovery: true, ..alert("a", "back", Level::Normal) }, later(9_999));
    assert_eq!(desk.next_due(), None);
    desk.hear(alert("a", "lost", Level::Normal), later(20_000));
    assert_eq!(desk.due(later(30_000)).len(), 1);
}

#[test]
fn a_recovery_takes_the_place_of_the_notice_it_answers() {
    let mut desk = Desk::default();
    desk.hear(alert("a", "down", Level::Urgent), later(0));
    let shown = desk.due(later(0)).remove(0);
    desk.hear(Alert { is_recovery: true, ..alert("a", "well", Level::Normal) }, later(90_000));
    let over = desk.due(later(90_000)).remove(0);
    assert_eq!((over.slot, over.alert.title.as_str()), (shown.slot, "well"));
    assert_eq!(over.alert.body, "body of well");
}

#[test]
fn only_the_urgent_breaks_quiet_hours_and_nothing_breaks_a_mute() {
    // It is 14:31 there.
    let quiet = |from_minute, to_minute| NoticeSettings {
        quiet: QuietHours { from_minute, to_minute },
        ..NoticeSettings::default()
    };
    let mut desk = Desk::default();
    desk.set(quiet(14 * 60, 15 * 60));
    desk.hear(alert("a", "high", Level::High), later(0));
    desk.hear(alert("b", "urgent", Level::Urgent), later(0));
    let titles: Vec<String> = desk.due(later(0)).into_iter().map(|show| show.alert.title).collect();
    assert_eq!(titles, ["urgent"]);
    desk.set(quiet(22 * 60, 7 * 60));
    desk.hear(alert("c", "high", Level::High), later(1));
    assert_eq!(desk.due(later(1)).len(), 1);
    desk.mute("d".to_owned(), Mute::For { ms: 5_000 }, later(0));
    desk.hear(alert("d", "urgent", Level::Urgent), later(2));
    assert_eq!(desk.due(later(2)), []);
    let (_, request) = Mute::For { ms: 60_000 }.everything(later(0));
    let request: crate::request::NoticeSettingsSet = serde_json::from_value(request).unwrap();
    assert_eq!(request.mute_ms, Some(60_000));
    desk.set(NoticeSettings { muted_until_ms: NOW.unix_ms + 60_000, ..NoticeSettings::default() });
    desk.hear(alert("e", "urgent", Level::Urgent), later(3));
    assert_eq!(desk.due(later(3)), []);
    desk.set(NoticeSettings { shown: false, ..NoticeSettings::default() });
    desk.hear(alert("f", "urgent", Level::Urgent), later(4));
    assert_eq!(desk.due(later(4)), []);
    desk.set(NoticeSettings::default());
    desk.hear(alert("g", "urgent", Level::Urgent), later(5));
    assert_eq!(desk.due(later(5)).len(), 1);
}

#[test]
fn the_desk_stays_bounded() {
    let mut desk = Desk::default();
    for number in 0..2_000 {
        desk.hear(alert(&format!("pool {number}"), "lost", Level::Normal), later(number));
    }
    assert!(desk.due(later(60_000)).len() <= 256);
}

#[test]
fn local_time_is_read_from_the_offset() {
    assert_eq!(NOW.clock(), "14:31");
    assert_eq!(NOW.at(NOW.next(8 * 60)).clock(), "08:00");
    assert_eq!(NOW.next(14 * 60 + 31) - NOW.unix_ms, 24 * 60 * 60 * 1000);
    let west = Moment { offset_s: -5 * 3600, ..NOW };
    assert_eq!(west.clock(), "08:31");
}
