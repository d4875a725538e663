//! `status`: what the agent knows, in words or as JSON.
//!
//! A running agent answers on its local socket, which only root can open. When it does not run, the files say what
//! they can, and that it does not run stands first.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use model::Span;
use model::haproxy::{Down, Report, UnitState};
use protocol::docs::Roster;
use serde::{Deserialize, Serialize};

use crate::env::AgentEnv;
use crate::layout::Layout;
use crate::limits::STATE_FILE_BYTES_MAX;
use crate::sense::host;
use crate::state::{Identity, State, StateError};
use crate::{cli, log};

/// How long a running agent may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(3);

/// What the agent knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overview {
    /// The agent's version.
    pub version: String,
    /// The name this host goes by.
    pub hostname: String,
    /// How long the agent has been running; none when it does not run.
    pub up_ms: Option<u64>,
    /// The fleet it belongs to; none before enrolment.
    pub fleet: Option<Fleet>,
    /// The address that heartbeats declare.
    pub ip: Option<String>,
    /// Whether its word counts: it did not stall lately.
    pub fit: bool,
    /// Highest epoch of a role it was told.
    pub role_epoch: u64,
    /// What it says about HAProxy; none when the agent does not run.
    pub haproxy: Option<Report>,
    /// Members of the same pools.
    pub peers: Vec<Peer>,
    /// Consoles that are connected.
    pub consoles: Vec<Console>,
    /// The newest refusals, newest first.
    pub refusals: Vec<Refused>,
    /// What a person should hear about: lines of `agent.env` without effect, files that are torn.
    pub notes: Vec<String>,
}

/// The fleet, as the pinned roster says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Its id.
    pub id: String,
    /// This member's id.
    pub member: String,
    /// This member's name in the roster.
    pub name: String,
    /// Fingerprint of this member's key.
    pub fingerprint: String,
    /// The roster's version.
    pub roster_version: u64,
    /// Members and witnesses in the roster.
    pub members: usize,
    /// Consoles in the roster.
    pub consoles: usize,
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its id.
    pub member: String,
    /// Its name.
    pub name: String,
    /// How long ago it was last heard, by any path; none when never.
    pub heard_ms_ago: Option<u64>,
    /// The connection, in words.
    pub link: String,
}

/// One connected console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Console {
    /// Its id.
    pub console: String,
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub address: String,
}

/// One refusal, of somebody by this agent or of this agent by somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// How long ago.
    pub ms_ago: u64,
    /// The other side.
    pub address: String,
    /// 401, 403, or another.
    pub status: u16,
    /// Why, naming both sides.
    pub words: String,
}

/// Prints what the agent knows; the exit code is 3 when it does not run, as `systemctl status` has it.
///
/// # Errors
/// A running agent does not answer, or the output cannot be written.
pub fn run(layout: &Layout, options: &cli::Status, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let overview = match ask(layout)? {
        Some(overview) => overview,
        None => from_files(layout),
    };
    if options.json {
        serde_json::to_writer_pretty(&mut *out, &overview).context("writing the answer")?;
        writeln!(out)?;
    } else {
        write_text(&overview, out).context("writing the answer")?;
    }
    Ok(if overview.up_ms.is_some() { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// What the files say when no agent runs.
fn from_files(layout: &Layout) -> Overview {
    let mut overview = Overview { version: env!("CARGO_PKG_VERSION").into(), ..Overview::default() };
    let env = match AgentEnv::read(&layout.env()) {
        Ok(reading) => {
            overview.notes = reading.notes;
            reading.env
        }
        Err(error) => {
            overview.notes.push(log::chain(&error));
            AgentEnv::default()
        }
    };
    overview.hostname = host::hostname(env.hostname.as_deref());
    match State::new(layout).look() {
        Ok((identity, shelf)) => {
            let roster = shelf.roster().map(|shelved| shelved.content.clone());
            overview.fleet = roster.map(|roster| Fleet::of(&identity, &roster));
        }
        Err(StateError::NotEnrolled) => {}
        Err(error) => overview.notes.push(log::chain(&error)),
    }
    overview
}

impl Fleet {
    /// The fleet as one of its members sees it.
    pub fn of(identity: &Identity, roster: &Roster) -> Self {
        let name = roster.member(identity.member).map(|entry| entry.name.clone());
        Self {
            id: identity.fleet.to_string(),
            member: identity.member.to_string(),
            name: name.unwrap_or_else(|| "removed from this fleet".into()),
            fingerprint: identity.public().fingerprint(),
            roster_version: roster.version,
            members: roster.members.len(),
            consoles: roster.consoles.len(),
        }
    }
}

/// Asks the running agent; none when none answers at its socket.
///
/// # Errors
/// Something answered, but not with an overview.
pub fn ask(layout: &Layout) -> anyhow::Result<Option<Overview>> {
    let Ok(socket) = UnixStream::connect(layout.socket()) else { return Ok(None) };
    socket.set_read_timeout(Some(ANSWER_DEADLINE)).context("setting a deadline")?;
    let mut text = String::new();
    socket.take(STATE_FILE_BYTES_MAX).read_to_string(&mut text).context("reading the agent's answer")?;
    let overview = serde_json::from_str(&text).context("understanding the agent's answer")?;
    Ok(Some(overview))
}

/// Writes the overview for people.
///
/// # Errors
/// The output cannot be written.
pub fn write_text(overview: &Overview, out: &mut dyn Write) -> std::io::Result<()> {
    let span = |ms: u64| Span::from_ms(ms);
    let running = overview.up_ms.map_or("NOT RUNNING".to_owned(), |ms| format!("running for {}", span(ms)));
    writeln!(out, "balctl-agent {} on {}, {running}", overview.version, overview.hostname)?;
    match &overview.fleet {
        None => writeln!(out, "Fleet      not enrolled; run: sudo balctl-agent enrol")?,
        Some(fleet) => {
            writeln!(
                out,
                "Fleet      {}, roster {}: {} members, {} consoles",
                &fleet.id[..fleet.id.len().min(8)],
                fleet.roster_version,
                fleet.members,
                fleet.consoles
            )?;
            writeln!(out, "Member     {} ({}), key {}", fleet.name, fleet.member, fleet.fingerprint)?;
        }
    }
    if let Some(ip) = &overview.ip {
        writeln!(out, "Address    {ip}")?;
    }
    if let Some(report) = &overview.haproxy {
        writeln!(out, "HAProxy    {}", haproxy_words(report))?;
    }
    if overview.up_ms.is_some() && !overview.fit {
        writeln!(out, "Unfit      the agent stalled lately; its word about peers does not count for now")?;
    }
    lines(
        out,
        "Peers",
        overview.peers.iter().map(|peer| {
            let heard =
                peer.heard_ms_ago.map_or("never heard".into(), |ms| format!("heard {} ago", span(ms)));
            format!("{}  {heard}; {}", peer.name, peer.link)
        }),
    )?;
    lines(
        out,
        "Consoles",
        overview.consoles.iter().map(|console| format!("{}  from {}", console.name, console.address)),
    )?;
    lines(
        out,
        "Refused",
        overview.refusals.iter().map(|refused| {
            format!("{} ago, {}: {} {}", span(refused.ms_ago), refused.address, refused.status, refused.words)
        }),
    )?;
    lines(out, "Note", overview.notes.iter().cloned())
}

fn lines(out: &mut dyn Write, title: &str, rows: impl Iterator<Item = String>) -> std::io::Result<()> {
    let mut title = title;
    for row in rows {
        writeln!(out, "{title:<10} {row}")?;
        title = "";
    }
    Ok(())
}

/// HAProxy in one line.
pub fn haproxy_words(report: &Report) -> String {
    if !report.monitored {
        return "not watched: no configuration or unit was found on this host".into();
    }
    let unit = match report.unit {
        UnitState::NotFound => "no unit",
        UnitState::Active => "active",
        UnitState::Reloading => "reloading",
        UnitState::Inactive => "inactive",
        UnitState::Failed => "failed",
        UnitState::Activating => "starting",
        UnitState::Deactivating => "stopping",
        UnitState::Other => "in an unknown state",
    };
    let judgement = match report.down {
        Down::None => "serves",
        Down::Stopped => "STOPPED",
        Down::CrashLoop => "CRASH LOOP",
        Down::Hung => "HUNG",
    };
    if report.reason.is_empty() {
        return format!("{unit}, {judgement}");
    }
    format!("{unit}, {judgement}: {}", report.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(overview: &Overview) -> String {
        let mut out = Vec::new();
        write_text(overview, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_agent_that_is_not_enrolled_says_what_to_do() {
        let overview = Overview { version: "0.1.0".into(), hostname: "edge-1".into(), ..Overview::default() };
        assert_eq!(
            text(&overview),
            "balctl-agent 0.1.0 on edge-1, NOT RUNNING\nFleet      not enrolled; run: sudo balctl-agent enrol\n"
        );
    }

    #[test]
    fn a_running_agent_tells_all_it_knows() {
        let overview = Overview {
            version: "0.1.0".into(),
            hostname: "edge-1".into(),
            up_ms: Some(45_000),
            fit: true,
            haproxy: Some(Report {
                monitored: true,
                unit: UnitState::Failed,
                down: Down::Stopped,
                reason: "the unit is failed".into(),
                ..Report::default()
            }),
            peers: vec![
                Peer {
                    member: "aa".into(),
                    name: "edge-2".into(),
                    heard_ms_ago: Some(320),
                    link: "connected".into(),
                },
                Peer {
                    member: "bb".into(),
                    name: "edge-3".into(),
                    heard_ms_ago: None,
                    link: "refused".into(),
                },
            ],
            refusals: vec![Refused {
                ms_ago: 130_000,
                address: "10.0.0.4".into(),
                status: 403,
                words: "not allowed".into(),
            }],
            ..Overview::default()
        };
        let text = text(&overview);
        for line in [
            "balctl-agent 0.1.0 on edge-1, running for 45 s",
            "HAProxy    failed, STOPPED: the unit is failed",
            "Peers      edge-2  heard 320 ms ago; connected",
            "           edge-3  never heard; refused",
            "Refused    2 min ago, 10.0.0.4: 403 not allowed",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        let json = serde_json::to_string(&overview).unwrap();
        assert_eq!(serde_json::from_str::<Overview>(&json).unwrap(), overview);
    }
}
