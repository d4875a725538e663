//! What a set of configuration files says.

use super::address::Address;
use super::document::{Certainty, Document, Keyword, Line, Section};

/// Most binds that are listed; a range of ports is one.
const BINDS_MAX: usize = 1024;

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Plain TCP, HAProxy's default.
    #[default]
    Tcp,
    /// HTTP.
    Http,
    /// Something else (`log`, `spop`, …).
    Other,
}

/// One address of one `bind` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Where it listens.
    pub address: Address,
    /// The address as written.
    pub text: String,
    /// Whether the line carries `ssl`.
    pub tls: bool,
    /// Whether a PROXY header must come first.
    pub accept_proxy: bool,
    /// Whether HAProxy surely reads the line.
    pub certainty: Certainty,
}

/// A frontend, backend or listen section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its name.
    pub name: String,
    /// `frontend`, `backend` or `listen`.
    pub keyword: Keyword,
    /// What it speaks, its defaults taken in.
    pub mode: Mode,
    /// Its listening addresses.
    pub binds: Vec<Bind>,
    /// Names of its servers; a template stands for itself as `prefix1-9`.
    pub servers: Vec<String>,
    /// The path that HAProxy answers by itself and does not log, when one is set.
    pub monitor_uri: Option<String>,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// What a runtime socket lets its user do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum StatsLevel {
    /// Few reads.
    User,
    /// All reads.
    #[default]
    Operator,
    /// Everything.
    Admin,
}

/// One `stats socket` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsSocket {
    /// Where it is.
    pub address: Address,
    /// What it allows.
    pub level: StatsLevel,
    /// Whether HAProxy surely reads the line.
    pub certainty: Certainty,
}

/// The facts of all files together, in the order in which HAProxy reads them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// All proxies.
    pub proxies: Vec<Proxy>,
    /// All runtime sockets.
    pub stats_sockets: Vec<StatsSocket>,
}

#[derive(Debug, Clone, Default)]
struct Defaults {
    name: Option<String>,
    mode: Mode,
    monitor_uri: Option<String>,
    disabled: bool,
}

impl Facts {
    /// Collects the facts of files given in HAProxy's order.
    #[must_use]
    pub fn of(documents: &[Document]) -> Self {
        let mut facts = Self::default();
        let mut defaults: Vec<Defaults> = vec![Defaults::default()];
        let prefix = unix_prefix(documents);
        let mut room = BINDS_MAX;
        for document in documents {
            for section in &document.sections {
                let body = document.body(section);
                match section.keyword {
                    Keyword::Global => facts.stats_sockets.extend(stats_sockets(body, &prefix)),
                    Keyword::Defaults => {
                        let inherited = inherited(section, &defaults, &Defaults::default());
                        defaults.push(read_defaults(section, body, inherited));
                    }
                    Keyword::Frontend | Keyword::Listen | Keyword::Backend => {
                        let last = defaults.last().cloned().unwrap_or_default();
                        let inherited = inherited(section, &defaults, &last);
                        let proxy = read_proxy(section, body, inherited, &prefix, &mut room);
                        facts.proxies.push(proxy);
                    }
                    Keyword::Other => {}
                }
            }
        }
        facts
    }

    /// The runtime socket to use: the one in the file system that allows most.
    #[must_use]
    pub fn runtime_socket(&self) -> Option<(&str, StatsLevel)> {
        let paths = self.stats_sockets.iter().filter_map(|socket| match &socket.address {
            Address::Unix(path) if socket.certainty == Certainty::Certain => {
                Some((path.as_str(), socket.level))
            }
            Address::Unix(_)
            | Address::Tcp { .. }
            | Address::Udp { .. }
            | Address::Abstract(_)
            | Address::Inherited
            | Address::Unreadable => None,
        });
        paths.reduce(|best, next| if next.1 > best.1 { next } else { best })
    }
}

fn inherited(section: &Section, known: &[Defaults], otherwise: &Defaults) -> Defaults {
    match &section.from {
        Some(name) => {
            known.iter().rev().find(|one| one.name.as_ref() == Some(name)).cloned().unwrap_or_default()
        }
        None => otherwise.clone(),
    }
}

fn read_defaults(section: &Section, body: &[Line], inherited: Defaults) -> Defaults {
    let mut defaults = Defaults { name: section.name.clone(), ..inherited };
    for line in body {
        apply_setting(line, &mut defaults);
    }
    defaults
}

fn apply_setting(line: &Line, settings: &mut Defaults) {
    match line.word(0) {
        "mode" => settings.mode = mode(line.word(1)),
        "monitor-uri" => settings.monitor_uri = Some(line.word(1).to_owned()),
        "disabled" => settings.disabled = true,
        "enabled" => settings.disabled = false,
        "no" if line.word(1) == "disabled" => settings.disabled = false,
        _ => {}
    }
}

fn mode(word: &str) -> Mode {
    match word {
        "tcp" => Mode::Tcp,
        "http" => Mode::Http,
        _ => Mode::Other,
    }
}

fn read_proxy(
    section: &Section,
    body: &[Line],
    inherited: Defaults,
    prefix: &str,
    room: &mut usize,
) -> Proxy {
    let mut settings = inherited;
    let (mut binds, mut servers) = (Vec::new(), Vec::new());
    for line in body {
        match line.word(0) {
            "bind" => read_bind(line, prefix, room, &mut binds),
            "server" if !line.word(1).is_empty() => servers.push(line.word(1).to_owned()),
            "server-template" if !line.word(2).is_empty() => {
                let range = line.word(2);
                let range = if range.contains('-') { range.to_owned() } else { format!("1-{range}") };
                servers.push(format!("{}{range}", line.word(1)));
            }
            _ => apply_setting(line, &mut settings),
        }
    }
    Proxy {
        name: section.name.clone().unwrap_or_default(),
        keyword: section.keyword,
        mode: settings.mode,
        binds,
        servers,
        monitor_uri: settings.monitor_uri.filter(|uri| !uri.is_empty()),
        disabled: settings.disabled,
    }
}

fn read_bind(line: &Line, prefix: &str, room: &mut usize, binds: &mut Vec<Bind>) {
    let has = |name: &str| line.words.iter().skip(2).any(|word| word.text == name);
    let expands = line.words.get(1).is_some_and(|word| word.expands);
    for text in line.word(1).split(',').filter(|text| !text.is_empty()) {
        if *room == 0 {
            return;
        }
        *room -= 1;
        binds.push(Bind {
            address: if expands { Address::Unreadable } else { Address::read(text, prefix) },
            text: text.to_owned(),
            tls: has("ssl"),
            accept_proxy: has("accept-proxy"),
            certainty: line.certainty,
        });
    }
}

fn stats_sockets<'a>(body: &'a [Line], prefix: &'a str) -> impl Iterator<Item = StatsSocket> + 'a {
    body.iter().filter(|line| line.word(0) == "stats" && line.word(1) == "socket").map(move |line| {
        let level =
            line.words.windows(2).find(|pair| pair[0].text == "level").map(|pair| pair[1].text.as_str());
        let expands = line.words.get(2).is_some_and(|word| word.expands);
        StatsSocket {
            address: if expands { Address::Unreadable } else { Address::read(line.word(2), prefix) },
            level: match level {
                Some("admin") => StatsLevel::Admin,
                Some("user") => StatsLevel::User,
                _ => StatsLevel::Operator,
            },
            certainty: line.certainty,
        }
    })
}

/// What `unix-bind prefix` in a global section puts before the paths of sockets.
fn unix_prefix(documents: &[Document]) -> String {
    let global = documents.iter().flat_map(|document| {
        let sections = document.sections.iter().filter(|section| section.keyword == Keyword::Global);
        sections.flat_map(|section| document.body(section))
    });
    let mut prefix = String::new();
    for line in global.filter(|line| line.word(0) == "unix-bind") {
        if let Some(pair) = line.words.windows(2).find(|pair| pair[0].text == "prefix") {
            prefix.clone_from(&pair[1].text);
        }
    }
    prefix
}
