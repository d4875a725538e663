//! The product's commands, as a person would type them: the only place that knows them.
//!
//! Everything goes through `serversctl --json` and `balctl-agent`; answers are read as JSON and only as far as a story or
//! a test needs them. Secrets go in by files that only their owner can read, never as arguments.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::Output;
use crate::dns_peer::TsigKey;
use crate::host::{Host, Process, write_secret};
use crate::member::Member;
use crate::wait::{self, Seen};
use crate::{programs, world};

mod waits;

pub const POOL: &str = "demo";
pub const PROVIDER: &str = "demo-dns";
/// Where an agent that is to be enrolled finds its secret.
pub const SECRET_FILE: &str = "/root/balctl-secret";
/// A command that only asks or writes.
const ASK_BOUND: Duration = Duration::from_secs(30);
/// Enrolment calls a host, rehearsal runs every check.
const WORK_BOUND: Duration = Duration::from_mins(3);
const WATCH_BOUND: Duration = Duration::from_secs(20);

/// The watch's unit on a member.
pub const WATCH_UNIT: &str = "serversctl-watch.service";
/// The passphrase of every vault here.
pub const PASSPHRASE: &str = "correct horse battery staple demo";

/// One console: a profile on a host or on a member, and its watch.
#[derive(Debug)]
pub struct Console<'a> {
    seat: Seat<'a>,
    program: String,
    profile: PathBuf,
    /// None when only the unit may know it.
    passphrase: Option<PathBuf>,
}

/// Where a console's commands run.
#[derive(Debug, Clone, Copy)]
enum Seat<'a> {
    Host(&'a Host),
    Member(&'a Member),
}

impl Seat<'_> {
    fn run(self, argv: &[&str], bound: Duration) -> Result<Output> {
        match self {
            Self::Host(host) => host.run(argv, bound),
            Self::Member(member) => member.exec_with_input(argv, b"", bound),
        }
    }

    fn spawn(self, name: &str, argv: &[&str]) -> Result<Process> {
        match self {
            Self::Host(host) => host.spawn(name, argv),
            Self::Member(member) => member.spawn(name, argv),
        }
    }

    /// Puts a secret into a file that only its owner can read, unless it is there; where the console finds it.
    fn secret_file(self, name: &str, secret: &str) -> Result<PathBuf> {
        match self {
            Self::Host(host) => {
                let path = host.dir().join(name);
                if !path.exists() {
                    write_secret(&path, secret)?;
                }
                Ok(path)
            }
            Self::Member(member) => {
                let path = format!("/root/{name}");
                member.write_file(&path, secret.as_bytes(), 0o600)?;
                Ok(path.into())
            }
        }
    }
}

/// How an incident went, in Unix time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub cause: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub outcome: String,
    pub decided_at_ms: Option<u64>,
    pub accepted_at_ms: Option<u64>,
}

/// What an invitation gives: its id, the member it is for, and the secret that is shown once.
#[derive(Clone)]
pub struct Invitation {
    pub id: String,
    pub member: String,
    pub secret: String,
}

/// Installs the agent and lets it wait for the console's call, with this secret in a file, calling itself `hostname`.
///
/// # Errors
/// It was not built, or cannot be started.
pub fn wait_for_enrolment(member: &Member, hostname: &str, secret: &str) -> Result<Process> {
    member.install(&programs::built("balctl-agent")?)?;
    member.write_file(SECRET_FILE, secret.as_bytes(), 0o600)?;
    let address = member.address().to_string();
    let waiting = [
        "balctl-agent",
        "enrol",
        "--hostname",
        hostname,
        "--declare-ip",
        &address,
        "--secret-file",
        SECRET_FILE,
    ];
    member.spawn("enrol", &waiting)
}

/// How a command refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub exit: i32,
    pub code: String,
    pub message: String,
    pub detail: String,
}

impl<'a> Console<'a> {
    /// Makes a profile called `name` on `host`. Its vault is a file under a passphrase: a namespace has no keychain.
    ///
    /// # Errors
    /// `serversctl` was not built, or refuses.
    pub fn init(host: &'a Host, name: &str) -> Result<Self> {
        let profile = Self::profile_on(host, name);
        fs::create_dir_all(&profile).with_context(|| format!("making {}", profile.display()))?;
        let program = programs::built("serversctl")?.display().to_string();
        Self::make(Seat::Host(host), program, profile, name, "file")
    }

    /// Where [`Console::init`] makes a profile, for a test that puts a disk of its own there first.
    pub fn profile_on(host: &Host, name: &str) -> PathBuf {
        host.dir().join(format!("profile-{name}"))
    }

    /// Makes a profile on a member, whose vault opens with a credential of systemd: from now on only the watch's unit
    /// knows the passphrase, and no command here does.
    ///
    /// # Errors
    /// As [`Console::init`].
    pub fn init_on_member(member: &'a Member, name: &str) -> Result<Self> {
        member.install(&programs::built("serversctl")?)?;
        let profile = format!("/var/lib/serversctl/{name}");
        member.must(&["mkdir", "--parents", "--mode=0700", &profile])?;
        let program = "/usr/local/bin/serversctl".to_owned();
        let mut console = Self::make(Seat::Member(member), program, profile.into(), name, "credential")?;
        console.passphrase = None;
        Ok(console)
    }

    fn make(seat: Seat<'a>, program: String, profile: PathBuf, name: &str, vault: &str) -> Result<Self> {
        let passphrase = seat.secret_file(&format!("passphrase-{name}"), &format!("{PASSPHRASE}\n"))?;
        let console = Self { seat, program, profile, passphrase: Some(passphrase) };
        console.ask(&["profile", "init", "--name", name, "--vault", vault])?;
        Ok(console)
    }

    /// Installs the watch as a unit of the member's systemd, enables it and starts it; systemd's answer is the watch's own
    /// word that it is ready.
    ///
    /// # Errors
    /// A command refuses, or the console sits on no member.
    pub fn install_watch(&self, name: &str) -> Result<()> {
        let Seat::Member(member) = self.seat else { bail!("a plain host has no systemd") };
        self.ask(&["watch", "--install", "--passphrase-file", &format!("/root/passphrase-{name}")])?;
        member.must(&["systemctl", "daemon-reload"])?;
        member.must(&["systemctl", "enable", "--now", WATCH_UNIT])?;
        Ok(())
    }

    /// The directory of its profile.
    pub fn profile(&self) -> &Path {
        &self.profile
    }

    /// Starts `serversctl watch` and waits until it hosts the profile.
    ///
    /// # Errors
    /// It ends, or does not answer.
    pub fn watch(&self) -> Result<Process> {
        let argv = self.argv(&["watch"]);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let mut watch = self.seat.spawn("watch", &argv)?;
        wait::until("the watch to answer", WATCH_BOUND, || {
            watch.must_run()?;
            let asked = self.run(&["profile", "show"], ASK_BOUND)?;
            Ok(Seen::when(asked.is_success(), asked.stderr))
        })?;
        Ok(watch)
    }

    /// Creates the pool and links its name at the name server, as it stands there.
    ///
    /// # Errors
    /// A command refuses.
    pub fn create_pool(&self, server: std::net::Ipv4Addr, key: &TsigKey, delay_s: u32) -> Result<()> {
        let delay = delay_s.to_string();
        self.ask(&["pool", "create", POOL, "--delay", &delay, "--ttl", "1", "--targets", "any"])?;
        self.add_provider(server, key)?;
        self.ask(&["dns", "set", POOL, "--provider", PROVIDER, "--label", world::LABEL])?;
        Ok(())
    }

    /// Gives this console its own access to the name server.
    ///
    /// # Errors
    /// The command refuses.
    pub fn add_provider(&self, server: std::net::Ipv4Addr, key: &TsigKey) -> Result<()> {
        let secret = self.seat.secret_file("provider-key", &key.secret_base64)?;
        self.ask(&[
            "provider",
            "add",
            PROVIDER,
            "--server",
            &server.to_string(),
            "--zone",
            world::ZONE,
            "--key-name",
            &key.name,
            "--algorithm",
            "hmac-sha256",
            "--secret-file",
            &secret.display().to_string(),
        ])?;
        Ok(())
    }

    /// Lets a second console, on another host, into this one's fleet as an operator, the way two people do it: a card
    /// there, a pool file here, and its own access to the name server.
    ///
    /// # Errors
    /// A command refuses.
    pub fn second<'b>(
        &self,
        host: &'b Host,
        name: &str,
        server: std::net::Ipv4Addr,
        key: &TsigKey,
    ) -> Result<Console<'b>> {
        let second = Console::init(host, name)?;
        let shown = second.ask(&["console", "id"])?;
        let card = shown.get("card").and_then(Value::as_str).context("the console has no card")?;
        let (card_file, pool_file) = (host.dir().join("card"), host.dir().join("fleet.pool"));
        fs::write(&card_file, card).with_context(|| format!("writing {}", card_file.display()))?;
        let (card_file, pool_file) = (card_file.display().to_string(), pool_file.display().to_string());
        self.ask(&["console", "add", &card_file, "--role", "operator", "--out", &pool_file])?;
        second.ask(&["profile", "join", &pool_file])?;
        second.add_provider(server, key)?;
        Ok(second)
    }

    /// Enrols a member the way a person does: invitation here, secret there, then the console calls.
    ///
    /// # Errors
    /// Either side refuses.
    pub fn enrol(&self, member: &Member) -> Result<()> {
        let (name, address) = (member.name(), member.address().to_string());
        let invitation = self.invite(name, &address, &address)?;
        let mut agent = wait_for_enrolment(member, name, &invitation.secret)?;
        let called = self.ask_within(&["member", "enrol", &invitation.id, &address], WORK_BOUND);
        // The agent's side of the story, whichever of the two went wrong.
        let said = || agent.log().unwrap_or_default();
        called.with_context(|| format!("the agent on {name} said:\n{}", said()))?;
        let ended = agent.wait(ASK_BOUND)?;
        if !ended.success() {
            bail!("balctl-agent enrol on {name} ended with {ended}\n{}", agent.log()?);
        }
        Ok(())
    }

    /// Invites a host that may call from `source`, and is published at `address`.
    ///
    /// # Errors
    /// The command refuses.
    pub fn invite(&self, hostname: &str, source: &str, address: &str) -> Result<Invitation> {
        let invited =
            self.ask(&["member", "invite", POOL, hostname, "--from", source, "--address", address])?;
        let invitation = value(&invited);
        let text = |at: &str| {
            let found = invitation.pointer(at).and_then(Value::as_str).map(str::to_owned);
            found.with_context(|| format!("the invitation has no {at}"))
        };
        Ok(Invitation {
            id: text("/invitation/id")?,
            member: text("/invitation/member")?,
            secret: text("/secret")?,
        })
    }

    /// Takes the record over, proves compare-and-set on the zone, rehearses, and arms automatic failover.
    ///
    /// # Errors
    /// A command refuses.
    pub fn arm(&self) -> Result<()> {
        self.ask(&["dns", "adopt", POOL])?;
        self.ask_within(&["dns", "test", POOL], WORK_BOUND)?;
        let rehearsal = self.ask_within(&["rehearse", POOL], WORK_BOUND)?;
        if value(&rehearsal).get("green").and_then(Value::as_bool) != Some(true) {
            bail!("the rehearsal is not green: {rehearsal}");
        }
        self.ask(&["auto", "on", POOL])?;
        Ok(())
    }

    /// Acknowledges the moves so far, as a person does after the second within two hours.
    ///
    /// # Errors
    /// The command refuses.
    pub fn acknowledge(&self) -> Result<()> {
        self.ask(&["ack", POOL])?;
        Ok(())
    }

    /// The pool's status, whole.
    ///
    /// # Errors
    /// The command refuses, or there is no such pool.
    pub fn status(&self) -> Result<Value> {
        let answer = self.ask(&["status", POOL])?;
        answer.pointer("/pools/0").cloned().with_context(|| format!("no pool in {answer}"))
    }

    /// Why the pool stands where it stands, whole.
    ///
    /// # Errors
    /// The command refuses.
    pub fn explain(&self) -> Result<Value> {
        self.ask(&["explain", POOL])
    }

    /// Every incident of the pool, newest first, without entries and evidence.
    ///
    /// # Errors
    /// The command refuses.
    pub fn incidents(&self) -> Result<Vec<Value>> {
        let answer = self.ask(&["incidents", "list", "--pool", POOL, "--limit", "100"])?;
        Ok(answer.get("incidents").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// One incident, whole.
    ///
    /// # Errors
    /// The command refuses.
    pub fn incident(&self, id: &str) -> Result<Value> {
        self.ask(&["incidents", "show", id])
    }

    /// Runs a command that has to refuse, and gives its exit code and its error.
    ///
    /// # Errors
    /// It cannot be run, or it succeeds.
    pub fn refusal(&self, arguments: &[&str]) -> Result<Refusal> {
        let output = self.run(arguments, WORK_BOUND)?;
        let words = arguments.join(" ");
        if output.is_success() {
            bail!("`serversctl {words}` was to be refused and said {}", output.stdout);
        }
        let last = output.stderr.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last)
            .with_context(|| format!("`serversctl {words}` failed without an error in JSON: {last}"))?;
        let error = error.get("error").unwrap_or(&error);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Refusal {
            exit: output.code().unwrap_or_default(),
            code: text("code"),
            message: text("message"),
            detail: text("detail"),
        })
    }

    /// The state's name and its reason, in the product's own words.
    ///
    /// # Errors
    /// The command refuses.
    pub fn reason(&self) -> Result<(String, String)> {
        let answer = self.ask(&["explain", POOL])?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok((text("state"), text("reason")))
    }

    /// Runs a command and reads its answer.
    ///
    /// # Errors
    /// It refuses; its words are in the error.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        self.ask_within(arguments, ASK_BOUND)
    }

    /// As [`Console::ask`], for a command that takes its time.
    ///
    /// # Errors
    /// As [`Console::ask`].
    pub fn ask_within(&self, arguments: &[&str], bound: Duration) -> Result<Value> {
        let output = self.run(arguments, bound)?;
        let words = arguments.join(" ");
        if !output.is_success() {
            bail!("`serversctl {words}` ended with {}\n{}{}", output.status, output.stdout, output.stderr);
        }
        let last = output.stdout.lines().last().unwrap_or("null");
        serde_json::from_str(last).with_context(|| format!("`serversctl {words}` answered {last}"))
    }

    /// Runs a command that may refuse after it has answered, as a red rehearsal does: its exit code and its answer.
    ///
    /// # Errors
    /// It cannot be run, or answers nothing.
    pub fn answer(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let output = self.run(arguments, WORK_BOUND)?;
        let last = output.stdout.lines().last().unwrap_or_default();
        let answer = serde_json::from_str(last)
            .with_context(|| format!("`serversctl {}` answered `{last}`", arguments.join(" ")))?;
        Ok((output.code().unwrap_or_default(), answer))
    }

    /// Starts a command and does not wait for it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn begin(&self, arguments: &[&str]) -> Result<Process> {
        let argv = self.argv(&[&["--json"], arguments].concat());
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        self.seat.spawn("command", &argv)
    }

    fn run(&self, arguments: &[&str], bound: Duration) -> Result<Output> {
        let argv = self.argv(&[&["--json"], arguments].concat());
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        self.seat.run(&argv, bound)
    }
}

impl Console<'_> {
    /// The program with this profile; the passphrase goes in by the name of a file that only its owner can read.
    fn argv(&self, arguments: &[&str]) -> Vec<String> {
        let mut argv = vec!["/usr/bin/env".to_owned()];
        argv.extend(
            self.passphrase.as_ref().map(|file| format!("SERVERSCTL_PASSPHRASE_FILE={}", file.display())),
        );
        argv.extend([self.program.clone(), "--profile".to_owned(), self.profile.display().to_string()]);
        argv.extend(arguments.iter().map(|&argument| argument.to_owned()));
        argv
    }
}

/// A change answers with its plan and its result; a read answers with the result itself.
fn value(answer: &Value) -> &Value {
    answer.get("result").unwrap_or(answer)
}

fn incident(view: &Value) -> Incident {
    let text = |name: &str| view.get(name).and_then(Value::as_str).map(str::to_owned);
    let phases = view.get("phases").and_then(Value::as_array);
    let phase = |name: &str| {
        let found = phases?.iter().find(|phase| phase.get("name").and_then(Value::as_str) == Some(name))?;
        found.get("atMs").and_then(Value::as_u64)
    };
    Incident {
        cause: text("cause").unwrap_or_default(),
        from: text("from"),
        to: text("to"),
        outcome: text("outcome").unwrap_or_default(),
        decided_at_ms: phase("decided"),
        accepted_at_ms: phase("accepted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_read_with_the_times_of_its_phases() {
        let view = serde_json::json!({
            "cause": "service down", "from": "lb1", "to": "lb2", "outcome": "moved", "beganMs": 1,
            "phases": [{"name": "decided", "atMs": 5}, {"name": "accepted", "atMs": 9, "tookMs": 4}],
        });
        let read = incident(&view);
        assert_eq!((read.decided_at_ms, read.accepted_at_ms), (Some(5), Some(9)));
        assert_eq!((read.from.as_deref(), read.to.as_deref()), (Some("lb1"), Some("lb2")));
    }
}
