//! The tray as it should look: one shape for the worst state of all, a sentence, a menu. No row moves anything.

use super::{Act, Hosting, Moment, Mute, Picture, Place, clean, name, wording};
use crate::view::YesNo;
use crate::view::host::{HostStatus, WatchView};
use crate::view::member::{MemberStatus, Role};
use crate::view::pool::PoolStatus;
use model::Health;
use serde_json::json;

/// Pools on the menu; with more, only those that need attention are, and a row for all.
const POOLS_MAX: usize = 8;
/// Members below a pool.
const MEMBERS_MAX: usize = 20;
const HALF_HOUR_MS: u64 = 30 * 60 * 1000;
const HOUR_MS: u64 = 2 * HALF_HOUR_MS;
/// Until when "tomorrow" mutes.
const MORNING_MIN: u32 = 8 * 60;
const HOST_WORDS_MAX: usize = 80;

/// The shape in the icon's corner. The order is the order of badness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrayShape {
    /// None.
    Well,
    /// A triangle.
    Attention,
    /// Two bars: the watch of this computer rests.
    Paused,
    /// An arrow.
    Moving,
    /// An octagon.
    Down,
    /// The whole logo as a dashed outline.
    Offline,
}

/// The tray as it should look.
#[derive(Clone, Debug, PartialEq)]
pub struct TrayView {
    /// The icon's shape.
    pub shape: TrayShape,
    /// What the icon says when pointed at.
    pub tooltip: String,
    /// The menu.
    pub rows: Vec<Row>,
}

/// One row of the menu.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A line between groups.
    Separator,
    /// Words that do nothing.
    Words(String),
    /// A row that does something.
    Item {
        /// Its words.
        text: String,
        /// What it does.
        act: Act,
    },
    /// A row with rows of its own.
    Menu {
        /// Its words.
        text: String,
        /// What is below.
        rows: Vec<Row>,
    },
}

/// How a pool stands, for one glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Posture {
    Well,
    Unknown,
    Attention,
    Moving,
    Down,
}

impl Picture {
    /// The tray as it should look now.
    pub fn tray(&self, now: Moment) -> TrayView {
        let pools: Vec<(Posture, &PoolStatus)> = {
            let mut pools: Vec<_> = self.pools.values().map(|pool| (posture(pool), pool)).collect();
            pools.sort_by(|a, b| a.1.name.cmp(&b.1.name));
            pools
        };
        let shape = self.shape(&pools);
        TrayView { shape, tooltip: self.tooltip(shape, &pools, now), rows: self.rows(&pools, now) }
    }

    fn is_paused(&self) -> bool {
        self.host.as_ref().is_some_and(|host| !matches!(host.watch, WatchView::On))
    }

    /// Since when this computer is the one without a network: every pool that it watches says that it cannot see.
    fn blind_since_ms(&self) -> Option<u64> {
        let mut watched = self.pools.values().filter(|pool| pool.state != "UNWATCHED").peekable();
        watched.peek()?;
        let since = |pool: &PoolStatus| {
            let heard_ms = self.heard_ms.get(&pool.id).copied().unwrap_or_default();
            (pool.state == "BLIND").then_some(heard_ms.saturating_sub(pool.state_age_ms))
        };
        watched.map(since).collect::<Option<Vec<u64>>>()?.into_iter().min()
    }

    fn shape(&self, pools: &[(Posture, &PoolStatus)]) -> TrayShape {
        if self.blind_since_ms().is_some() {
            return TrayShape::Offline;
        }
        let worst = pools.iter().map(|(posture, _)| match posture {
            Posture::Well => TrayShape::Well,
            Posture::Unknown | Posture::Attention => TrayShape::Attention,
            Posture::Moving => TrayShape::Moving,
            Posture::Down => TrayShape::Down,
        });
        let own = match &self.hosting {
            Hosting::Absent { .. } => TrayShape::Paused,
            Hosting::Opening | Hosting::Present if self.is_paused() => TrayShape::Paused,
            Hosting::Opening | Hosting::Present => TrayShape::Well,
        };
        worst.chain([own]).max().unwrap_or(TrayShape::Well)
    }

    fn tooltip(&self, shape: TrayShape, pools: &[(Posture, &PoolStatus)], now: Moment) -> String {
        let of = |posture| pools.iter().filter(move |(own, _)| *own == posture).map(|(_, pool)| *pool);
        let text = match shape {
            TrayShape::Offline => {
                format!("Offline since {}", now.at(self.blind_since_ms().unwrap_or_default()).clock())
            }
            TrayShape::Paused => match &self.hosting {
                Hosting::Absent { why } => format!("Nothing is watched here: {}", clean(why, HOST_WORDS_MAX)),
                Hosting::Opening | Hosting::Present => "Failover watch is paused".to_owned(),
            },
            TrayShape::Down => more(of(Posture::Down).map(|pool| format!("{} is down", name(&pool.name)))),
            TrayShape::Moving => more(of(Posture::Moving).map(|pool| self.moving(pool))),
            TrayShape::Attention => {
                let troubled = of(Posture::Attention).chain(of(Posture::Unknown));
                more(troubled.map(|pool| format!("{} {}", name(&pool.name), trouble(pool))))
            }
            TrayShape::Well => match (pools.len(), &self.hosting) {
                (_, Hosting::Opening) => "ServersCTL: starting".to_owned(),
                (0, _) => "ServersCTL: no pools yet".to_owned(),
                (1, _) => "ServersCTL: 1 pool protected".to_owned(),
                (count, _) => format!("ServersCTL: {count} pools protected"),
            },
        };
        clean(&text, super::TEXT_CHARS_MAX)
    }

    fn moving(&self, pool: &PoolStatus) -> String {
        let incident = pool.incident.and_then(|id| self.incidents.get(&id));
        let to = incident.and_then(|incident| incident.to.as_deref());
        let to = to.map_or_else(String::new, |to| format!(" to {}", name(to)));
        format!("{}: moving{to}", name(&pool.name))
    }

    fn rows(&self, pools: &[(Posture, &PoolStatus)], now: Moment) -> Vec<Row> {
        let troubled = pools.iter().filter(|(posture, _)| *posture != Posture::Well).count();
        let head = match &self.hosting {
            Hosting::Opening => "Starting".to_owned(),
            Hosting::Absent { why } => format!("Nothing is watched here: {}", clean(why, HOST_WORDS_MAX)),
            Hosting::Present if pools.is_empty() => "No pools yet".to_owned(),
            Hosting::Present => summary(pools.len(), troubled),
        };
        let mut rows = vec![item(head, Place::overview()), Row::Separator];
        let shown = |posture: Posture| pools.len() <= POOLS_MAX || posture != Posture::Well;
        let listed = pools.iter().filter(|(posture, _)| shown(*posture)).take(POOLS_MAX);
        rows.extend(listed.map(|(posture, pool)| self.row(*posture, pool)));
        if pools.len() > POOLS_MAX {
            rows.push(item("All pools".to_owned(), Place::overview()));
        }
        if !pools.is_empty() {
            rows.push(Row::Separator);
        }
        rows.push(self.mute(now));
        rows.extend(self.host.as_ref().map(watch));
        rows.extend([
            Row::Separator,
            item("Open ServersCTL".to_owned(), Place::of(&[])),
            item("Settings...".to_owned(), Place::of(&["settings"])),
            Row::Item { text: "Quit...".to_owned(), act: Act::Quit },
        ]);
        rows
    }

    fn row(&self, posture: Posture, pool: &PoolStatus) -> Row {
        let mark = match posture {
            Posture::Well => '●',
            Posture::Unknown => '?',
            Posture::Attention => '▲',
            Posture::Moving => '➜',
            Posture::Down => '⬣',
        };
        let words = match posture {
            Posture::Well => standing(pool),
            Posture::Unknown | Posture::Attention => trouble(pool),
            Posture::Moving => {
                self.moving(pool).split_once(": ").map_or_else(String::new, |(_, to)| to.to_owned())
            }
            Posture::Down => "is down".to_owned(),
        };
        let mut rows = vec![item("Open".to_owned(), Place::pool(&pool.name, "overview")), Row::Separator];
        rows.extend(pool.members.iter().take(MEMBERS_MAX).map(|member| {
            let place = Place::of(&["pool", &pool.name, "member", &member.name]);
            item(format!("{}  {}", name(&member.name), state(member)), place)
        }));
        if pool.members.len() > MEMBERS_MAX {
            rows.push(Row::Words(format!("and {} more", pool.members.len() - MEMBERS_MAX)));
        }
        if let Some(hostname) = &pool.hostname {
            rows.push(Row::Separator);
            let text = clean(hostname, 253);
            rows.push(Row::Item { text: format!("Copy {}", name(hostname)), act: Act::Copy { text } });
        }
        if let Some(next) = wording::next(pool) {
            rows.push(item(format!("Cut DNS to {}...", name(next)), Place::cut(&pool.name, next)));
        }
        Row::Menu { text: format!("{mark} {}   {words}", name(&pool.name)), rows }
    }

    fn mute(&self, now: Moment) -> Row {
        let until = self.settings.muted_until_ms;
        if until > now.unix_ms {
            let text = format!("Show notifications again (muted until {})", now.at(until).clock());
            return Row::Item { text, act: Act::Unmute };
        }
        let mute =
            |text: &str, span| Row::Item { text: text.to_owned(), act: Act::Mute { about: None, span } };
        let rows = vec![
            mute("1 hour", Mute::For { ms: HOUR_MS }),
            mute("Until tomorrow 08:00", Mute::Until { minute: MORNING_MIN }),
        ];
        Row::Menu { text: "Mute notifications".to_owned(), rows }
    }
}

/// The watch of this computer: the only thing that the tray changes.
fn watch(host: &HostStatus) -> Row {
    let call = |text: &str, command: &str, payload| Row::Item {
        text: text.to_owned(),
        act: Act::Call { command: command.to_owned(), payload },
    };
    match host.watch {
        WatchView::On => Row::Menu {
            text: "Pause this computer's watch".to_owned(),
            rows: vec![
                call("30 minutes", "watch_pause", json!({ "forMs": HALF_HOUR_MS })),
                call("Until I resume", "watch_pause", json!({})),
            ],
        },
        WatchView::Paused { .. } => call("Resume this computer's watch", "watch_resume", json!({})),
        WatchView::Off => Row::Words("Nothing is watched on this computer".to_owned()),
    }
}

fn item(text: String, place: Place) -> Row {
    Row::Item { text, act: Act::Open { place } }
}

fn summary(pools: usize, troubled: usize) -> String {
    let pools = if pools == 1 { "1 pool".to_owned() } else { format!("{pools} pools") };
    match troubled {
        0 => format!("{pools}, all well"),
        1 => format!("{pools}, 1 needs attention"),
        more => format!("{pools}, {more} need attention"),
    }
}

/// The first, and how many more there are.
fn more(mut words: impl Iterator<Item = String>) -> String {
    let first = words.next().unwrap_or_default();
    match words.count() {
        0 => first,
        left => format!("{first}, and {left} more"),
    }
}

fn posture(pool: &PoolStatus) -> Posture {
    match pool.state.as_str() {
        "CLAIM" | "WRITE" | "VERIFY" => return Posture::Moving,
        "NO_TARGET" => return Posture::Down,
        "ASK" | "LOCKED" | "DRIFT" | "FAILED" | "UNKNOWN" => return Posture::Attention,
        "UNWATCHED" | "BLIND" => return Posture::Unknown,
        // A pool without a name has nowhere to go on to; its members are what there is to tell.
        "COLD" | "ROUTE" if pool.hostname.is_some() => return Posture::Unknown,
        _ => {}
    }
    let any = |of: fn(&Health) -> bool| pool.members.iter().any(|member| of(&member.health));
    let lives = any(|health| matches!(health, Health::Ready | Health::Degraded(_)));
    let is_down = any(|health| matches!(health, Health::Down(_)));
    if pool.hostname.is_none() {
        return match (lives, is_down) {
            (true, false) if !any(|health| *health != Health::Ready) => Posture::Well,
            (true, _) => Posture::Attention,
            (false, true) => Posture::Down,
            (false, false) => Posture::Unknown,
        };
    }
    if pool.traffic.verdict == YesNo::No || (!lives && is_down) {
        return Posture::Down;
    }
    match (pool.would_move.verdict, pool.traffic.verdict) {
        (YesNo::Yes, _) => Posture::Well,
        (YesNo::Unknown, YesNo::Unknown) => Posture::Unknown,
        (YesNo::No | YesNo::Unknown, _) => Posture::Attention,
    }
}

/// `edge-ams-2 active, 2 ready`.
fn standing(pool: &PoolStatus) -> String {
    let active = pool.members.iter().find(|member| member.role == Role::Active);
    let ready = pool.members.iter().filter(|member| member.ready.verdict == YesNo::Yes).count();
    match active {
        Some(active) => format!("{} active, {ready} ready", name(&active.name)),
        None => format!("{} members", pool.members.len()),
    }
}

/// What is wrong, in a few words.
fn trouble(pool: &PoolStatus) -> String {
    match pool.state.as_str() {
        "ASK" | "LOCKED" => return "waits for you".to_owned(),
        "DRIFT" => return "has a record that somebody else changed".to_owned(),
        "FAILED" | "UNKNOWN" => return "has trouble with its DNS provider".to_owned(),
        "UNWATCHED" => return "is not watched here".to_owned(),
        "BLIND" => return "is being looked at".to_owned(),
        "COLD" | "ROUTE" if pool.hostname.is_some() => return "is being looked at".to_owned(),
        _ => {}
    }
    if pool.hostname.is_some() && pool.standbys.verdict == YesNo::No {
        return "has no standby".to_owned();
    }
    if let Some(member) = pool.members.iter().find(|member| member.health != Health::Ready) {
        return format!("has {} {}", name(&member.name), member.health.word().to_lowercase());
    }
    if pool.pause.is_some() {
        return "is paused".to_owned();
    }
    if pool.hostname.is_some() && !pool.armed {
        return "does not fail over by itself".to_owned();
    }
    "needs attention".to_owned()
}

fn state(member: &MemberStatus) -> String {
    let role = match member.role {
        Role::Active => "active",
        Role::Standby => "standby",
        Role::Witness => "witness",
    };
    format!("{role}, {}", member.health.word().to_lowercase())
}
