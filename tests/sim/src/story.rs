//! Stories told to a small world: a script of what happens, and every decision and sentence that follows, as text to be
//! compared with what was committed. Words that operators read change only where somebody reviews the change.
//!
//! A script says how the world is made (`members 3`, `consoles 2`, `delay 10 s`), then what happens when
//! (`at 60 s edge-1 loses power`) and when it ends (`until 240 s`). `#` begins a remark.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use evaluator::io::{Command, Entry, Goodbye, Input, Notice, Pause, Reach, State};
use model::haproxy::Down;
use model::{Span, Time};

use crate::ids;
use crate::register::{ForeignA, Provider};
use crate::small::{BEGIN, Noted, Shape, Small};

/// Machines are asked this often.
const ROUND_MS: u64 = 250;

/// A script that was read.
#[derive(Clone, Debug)]
pub struct Script {
    shape: Shape,
    steps: Vec<(Span, String)>,
    until: Span,
}

/// Why a script cannot be told: the line, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(pub String);

type Done<T = ()> = Result<T, Unreadable>;

fn unreadable<T>(line: &str) -> Done<T> {
    Err(Unreadable(format!("`{line}` means nothing in a story")))
}

impl Script {
    /// Reads a script.
    pub fn read(text: &str) -> Done<Self> {
        let shape = Shape {
            members: 3,
            witnesses: 0,
            consoles: 1,
            delay_s: 10,
            provider: Provider::Rfc2136,
            lease_for_all: false,
            prompt: true,
            peers_speak: true,
            planted: None,
        };
        let mut script = Self { shape, steps: Vec::new(), until: Span::ZERO };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            script.line(line)?;
        }
        Ok(script)
    }

    fn line(&mut self, line: &str) -> Done {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["members", n] => self.shape.members = number(line, n)?,
            ["witnesses", n] => self.shape.witnesses = number(line, n)?,
            ["consoles", n] => self.shape.consoles = number(line, n)?,
            ["delay", n, "s"] => self.shape.delay_s = number(line, n)?,
            ["lease", "forced", "open"] => self.shape.lease_for_all = true,
            ["until", n, "s"] => self.until = Span::from_s(number(line, n)?),
            ["at", n, "s", what @ ..] if !what.is_empty() => {
                self.steps.push((Span::from_s(number(line, n)?), what.join(" ")));
            }
            _ => return unreadable(line),
        }
        Ok(())
    }

    /// Lets it happen and writes down what follows.
    pub fn tell(&self) -> Done<String> {
        let mut small = Small::new(self.shape.clone());
        let mut text = String::new();
        for (at, what) in &self.steps {
            pass_until(&mut small, BEGIN + *at, &mut text);
            line(&mut text, small.now, "-----", what);
            happen(&mut small, what, &mut text)?;
            write_down(&mut small, &mut text);
        }
        pass_until(&mut small, BEGIN + self.until, &mut text);
        Ok(text)
    }
}

fn number<T: std::str::FromStr>(line: &str, word: &str) -> Done<T> {
    word.parse().or_else(|_| unreadable(line))
}

fn pass_until(small: &mut Small, end: Time, text: &mut String) {
    write_down(small, text);
    while small.now < end {
        let regular = Time::from_ms((small.now.as_ms() / ROUND_MS + 1) * ROUND_MS);
        let next = small.next_wake(regular).unwrap_or(regular).min(end);
        small.pass((next - small.now).as_ms());
        write_down(small, text);
    }
}

/// The place of `edge-2` is 1, that of `console-1` is 0.
fn place(line: &str, word: &str, of: &str, many: usize) -> Done<usize> {
    let digits = word.strip_prefix(of).and_then(|rest| rest.trim_end_matches(':').parse::<usize>().ok());
    match digits.and_then(|n| n.checked_sub(1)).filter(|n| *n < many) {
        Some(place) => Ok(place),
        None => unreadable(line),
    }
}

fn happen(small: &mut Small, what: &str, text: &mut String) -> Done {
    let words: Vec<_> = what.split_ascii_whitespace().collect();
    let (hosts, consoles) = (small.hosts.len(), small.desks.len());
    match words.as_slice() {
        [member, rest @ ..] if member.starts_with("edge-") => {
            let member = place(what, member, "edge-", hosts)?;
            on_member(small, member, &rest.join(" "), what)
        }
        ["witness", "loses", "power"] => {
            let last = hosts - 1;
            on_member(small, last, "loses power", what)
        }
        [console, rest @ ..] if console.starts_with("console-") => {
            let console = place(what, console, "console-", consoles)?;
            on_console(small, console, rest, what)
        }
        ["operator", "on", console, order @ ..] => {
            let console = place(what, console, "console-", consoles)?;
            let command = order_of(order, what, hosts)?;
            small.input(console, Input::Operator(command));
            Ok(())
        }
        ["ask", console, about @ ..] => {
            let console = place(what, console, "console-", consoles)?;
            let about = match about {
                [] => None,
                ["if", member, "dies"] => Some(place(what, member, "edge-", hosts)?),
                _ => return unreadable(what),
            };
            explain(small, console, about, text);
            Ok(())
        }
        ["the", "pool", "is", "paused", "for", n, "s"] => {
            let remaining = Span::from_s(number(what, n)?);
            small.policy.pause = Some(Pause { remaining, by: "anna".into(), why: "maintenance".into() });
            small.give_policy();
            Ok(())
        }
        ["the", "pool", "is", "resumed"] => {
            small.policy.pause = None;
            small.give_policy();
            Ok(())
        }
        _ => on_provider(small, &words, what),
    }
}

fn on_provider(small: &mut Small, words: &[&str], what: &str) -> Done {
    let now = small.now.as_ms();
    match words {
        ["the", "record", "is", "edited", "to", address] => {
            let address: Ipv4Addr = number(what, address)?;
            small.register.foreign_a(now, address, ForeignA::Edit);
        }
        ["the", "record", "is", "put", "back"] => {
            let Some(marker) = small.register.marker().cloned() else { return unreadable(what) };
            small.register.foreign_a(now, marker.address, ForeignA::Edit);
        }
        ["the", "provider", "does", "not", "answer"] => small.provider_answers = false,
        ["the", "provider", "answers", "again"] => small.provider_answers = true,
        _ => return unreadable(what),
    }
    Ok(())
}

fn on_member(small: &mut Small, member: usize, what: &str, line: &str) -> Done {
    let down = match what {
        "stops its HAProxy" => Some(Down::Stopped),
        "has a HAProxy that crashes again and again" => Some(Down::CrashLoop),
        "has a HAProxy that hangs" => Some(Down::Hung),
        "serves again" => Some(Down::None),
        _ => None,
    };
    if let Some(down) = down {
        small.hosts[member].down = down;
        small.hosts[member].serves = down == Down::None;
        small.speak(member);
        return Ok(());
    }
    match what {
        "loses power" => {
            small.hosts[member].powered = false;
            small.hosts[member].serves = false;
            small.silence(member);
        }
        "gets power" => small.rise(member, true),
        "shuts down" => {
            small.hosts[member].goodbye = Some(Goodbye::HostShutdown);
            small.speak(member);
            small.hosts[member].powered = false;
            small.silence(member);
        }
        "loses its agent" => {
            small.hosts[member].agent = false;
            small.silence(member);
        }
        "stops its agent" => {
            small.hosts[member].goodbye = Some(Goodbye::AgentStop);
            small.speak(member);
            small.hosts[member].agent = false;
            small.silence(member);
        }
        "gets its agent back" => small.rise(member, false),
        "is heard by no other member" => small.hosts[member].heard_by_peers = false,
        "is heard again" => small.hosts[member].heard_by_peers = true,
        "has a configuration that is not valid" => small.hosts[member].cfg_valid = Some(false),
        _ => return unreadable(line),
    }
    Ok(())
}

fn on_console(small: &mut Small, console: usize, words: &[&str], line: &str) -> Done {
    let members = small.hosts.len();
    match words {
        ["loses", "its", "network"] => small.desk(console).online = false,
        ["gets", "its", "network", "back"] => small.desk(console).online = true,
        ["no", "longer", "reaches", member] => {
            let member = place(line, member, "edge-", members)?;
            small.desk(console).cut_from.insert(member);
        }
        ["reaches", member, "again"] => {
            let member = place(line, member, "edge-", members)?;
            small.desk(console).cut_from.remove(&member);
        }
        ["dies"] => small.crash(console),
        ["starts"] => small.start(console),
        ["falls", "asleep"] => {
            let now = small.now;
            small.desk(console).frozen = Some(now);
        }
        ["wakes"] => small.thaw(console, true),
        _ => return unreadable(line),
    }
    Ok(())
}

fn order_of(words: &[&str], line: &str, hosts: usize) -> Done<Command> {
    let by = "anna".to_owned();
    Ok(match words {
        ["activate", member] => Command::Activate {
            member: ids::member(place(line, member, "edge-", hosts)?),
            even_if_not_ready: false,
            by,
        },
        ["cutover"] => Command::Cutover { by },
        ["restore"] => Command::RestoreRecord { by },
        ["adopt"] => Command::AdoptRecord { by },
        ["acknowledge"] => Command::Acknowledge { by },
        _ => return unreadable(line),
    })
}

/// What an operator is answered who asks.
fn explain(small: &mut Small, console: usize, about: Option<usize>, text: &mut String) {
    let now = small.now;
    let name = format!("console-{}", console + 1);
    let Some(machine) = small.desks[console].machine.as_ref() else { return };
    if let Some(member) = about {
        let story = machine.what_if_dies(now, ids::member(member));
        let to = story.moved_to.map_or_else(|| "nobody".to_owned(), |to| small.name_of(to));
        line(text, now, &name, &format!("would move to {to} after {}", story.after));
        for entry in story.entries.iter().filter(|entry| entry.from != entry.to) {
            line(text, now, "", &way(entry));
        }
        return;
    }
    let said = machine.explain(now);
    for (question, answer) in
        [("serving", said.serving), ("takeover", said.takeover), ("would move", said.would_move)]
    {
        line(text, now, &name, &format!("{question}: {:?}, {}", answer.says, answer.reason));
    }
}

fn write_down(small: &mut Small, text: &mut String) {
    for (at, console, noted) in std::mem::take(&mut small.noted) {
        let name = format!("console-{}", console + 1);
        match noted {
            Noted::Entry(entry) => write_entry(text, at, &name, &entry),
            Noted::Notice(notice) => line(text, at, &name, &notice_words(&notice)),
            Noted::Sent(sent) => {
                let claim = &sent.claim;
                line(text, at, &name, &format!("asks for epoch {} with {}", claim.epoch, claim.set_a));
            }
            Noted::NotSent => line(text, at, &name, "sends nothing: too late"),
            Noted::Accepted(claim) => line(text, at, "register", &format!("takes epoch {}", claim.epoch)),
            Noted::Refused(claim) => line(text, at, "register", &format!("refuses epoch {}", claim.epoch)),
        }
    }
}

fn write_entry(text: &mut String, at: Time, name: &str, entry: &Entry) {
    line(text, at, name, &way(entry));
    // What a decision rests on; where nothing is decided it would only be repeated.
    let decides = [State::Confirm, State::Claim, State::Revive, State::Ask, State::NoTarget, State::Locked];
    if entry.from == entry.to || !decides.contains(&entry.to) {
        return;
    }
    for piece in &entry.evidence {
        let age = Span::from_ms(piece.age_ms);
        line(text, at, "", &format!("    {} on {}, {age} ago: {}", piece.vantage, piece.about, piece.fact));
    }
}

fn way(entry: &Entry) -> String {
    if entry.from == entry.to {
        return format!("{}: {}", entry.cause, entry.reason);
    }
    format!("{:?} -> {:?}: {}", entry.from, entry.to, entry.reason)
}

fn notice_words(notice: &Notice) -> String {
    let whom = match notice.reach {
        Reach::Here => "says here",
        Reach::Shared => "tells everybody",
    };
    format!("{whom} ({:?}): {}", notice.kind, notice.text)
}

fn line(text: &mut String, at: Time, who: &str, what: &str) {
    let ms = (at - BEGIN).as_ms();
    let words = format!("{:>5}.{:03}  {who:<9}  {what}", ms / 1_000, ms % 1_000);
    let _ = writeln!(text, "{}", words.trim_end());
}
