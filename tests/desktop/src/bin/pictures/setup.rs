//! The fleet as its admin set it up, by the command line: the page's own way is what the tests walk.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use desktop::Desk;
use desktop::fleet::{self, EDGE, Kind, NEWCOMER, Servers, ZONE};
use hosts::demo_dns::DemoDns;
use hosts::host::write_secret;
use hosts::product;
use hosts::programs;
use hosts::wait::{self, Seen};
use serde_json::{Value, json};

use super::shots::Theme;
use super::{MOVED, READY, say};

const PROVIDER: &str = "edge-dns";

pub(crate) struct Console<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) passphrase: &'a str,
}

/// As the page tells the shell.
pub(crate) const PREFER_DARK: &str = "
const preferences = { theme: 'dark', autostart: false, toldNoTray: true };
window.__TAURI_INTERNALS__.invoke('shell_prefer', { preferences });
return 1";

/// The theme that the program starts with.
pub(crate) fn prefer(desk: &Desk, theme: Theme) -> Result<()> {
    let dir = desk.dir().join("home/.config/serversctl");
    fs::create_dir_all(&dir).context("making a place for preferences")?;
    let preferences = json!({ "theme": theme.word(), "autostart": false, "toldNoTray": true });
    fs::write(dir.join("desktop.json"), preferences.to_string()).context("writing preferences")
}

impl Console<'_> {
    /// Writes the vault's passphrase where only its owner reads it.
    pub(crate) fn passphrase(desk: &Desk) -> Result<String> {
        let path = desk.dir().join("passphrase");
        write_secret(&path, "a fleet for pictures only\n")?;
        Ok(path.display().to_string())
    }

    /// Everything up to armed automatic failover.
    pub(crate) fn set_up(&self, servers: &Servers<'_>, dns: &DemoDns) -> Result<()> {
        self.ask(&["profile", "init", "--vault", "file", "--name", "ops-laptop"])?;
        let edge = ["--ttl", "60", "--targets", "any"];
        self.ask(&[&["pool", "create", EDGE, "--delay", "10"][..], &edge].concat())?;
        self.ask(&[&["pool", "create", "staging-edge", "--delay", "30"][..], &edge].concat())?;
        for pool in ["hosting-eu", "lab"] {
            self.ask(&["pool", "create", pool, "--preset", "generic", "--targets", "any"])?;
        }
        self.provide(dns)?;
        self.ask(&["dns", "set", EDGE, "--provider", PROVIDER, "--label", "lb"])?;
        self.ask(&["dns", "set", "staging-edge", "--provider", PROVIDER, "--label", "stg"])?;
        for (number, (seat, member)) in
            servers.seated().enumerate().filter(|(_, (seat, _))| seat.name != NEWCOMER)
        {
            say(&format!("enrolling {}", seat.name));
            self.enrol(number, seat, member).with_context(|| format!("enrolling {}", seat.name))?;
        }
        for pool in [EDGE, "staging-edge"] {
            self.ask(&["dns", "adopt", pool])?;
        }
        self.ask(&["dns", "test", EDGE])?;
        say("rehearsing");
        let rehearsed = self.ask(&["rehearse", EDGE])?;
        if rehearsed.pointer("/result/green").and_then(Value::as_bool) != Some(true) {
            bail!("the rehearsal is not green: {rehearsed}");
        }
        self.ask(&["auto", "on", EDGE])?;
        Ok(())
    }

    fn provide(&self, dns: &DemoDns) -> Result<()> {
        let secret = self.desk.dir().join("provider-key");
        write_secret(&secret, &dns.key().secret_base64)?;
        let (server, secret) = (dns.address().to_string(), secret.display().to_string());
        let link = ["--server", &server, "--zone", ZONE, "--key-name", &dns.key().name];
        let key = ["--algorithm", "hmac-sha256", "--secret-file", &secret];
        self.ask(&[&["provider", "add", PROVIDER][..], &link, &key].concat())?;
        self.ask(&["provider", "test", PROVIDER])?;
        Ok(())
    }

    fn enrol(&self, number: usize, seat: &fleet::Seat, member: &hosts::Member) -> Result<()> {
        let (address, priority) = (member.address().to_string(), (number + 1).to_string());
        let template = if seat.kind == Kind::Balancer { "haproxy-edge" } else { "generic-linux" };
        let who = ["member", "invite", seat.pool, seat.name, "--from", &address, "--address", &address];
        let invited = self.ask(&[&who[..], &["--as", template, "--priority", &priority]].concat())?;
        let text = |at: &str| invited.pointer(at).and_then(Value::as_str).with_context(|| format!("no {at}"));
        let secret = text("/result/secret")?;
        let mut agent = product::wait_for_enrolment(member, seat.name, secret)?;
        self.ask(&["member", "enrol", text("/result/invitation/id")?, &address])?;
        agent.wait(READY)?;
        self.ask(&["member", "set", seat.name, "--place", seat.place])?;
        Ok(())
    }

    /// Waits until the pool would fail over.
    pub(crate) fn wait_protected(&self) -> Result<()> {
        self.wait_status("the pool to be protected", |pool| {
            let is = |at: &str| pool.pointer(at).and_then(Value::as_str) == Some("yes");
            let ready = pool.pointer("/members").and_then(Value::as_array).cloned().unwrap_or_default();
            let standbys =
                ready.iter().filter(|one| one.pointer("/ready/verdict") == Some(&"yes".into())).count();
            is("/traffic/verdict") && is("/wouldMove/verdict") && standbys >= 2
        })
    }

    /// Waits for so many moves; the new active member.
    pub(crate) fn wait_moved(&self, count: usize) -> Result<String> {
        wait::until("the move", MOVED, || {
            let answer = self.ask(&["incidents", "list", "--pool", EDGE])?;
            let all = answer.get("incidents").and_then(Value::as_array).cloned().unwrap_or_default();
            let moved: Vec<_> = all.iter().filter(|one| one["outcome"] == "moved").collect();
            let to = moved.first().and_then(|newest| newest["to"].as_str()).unwrap_or_default();
            Ok(if moved.len() >= count { Seen::Yes(to.to_owned()) } else { Seen::NotYet(format!("{all:?}")) })
        })
    }

    pub(crate) fn acknowledge(&self) -> Result<()> {
        self.ask(&["ack", EDGE])?;
        Ok(())
    }

    fn wait_status(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<()> {
        wait::until(what, READY, || {
            let answer = self.ask(&["status", EDGE])?;
            let pool = answer.pointer("/pools/0").cloned().unwrap_or_default();
            Ok(Seen::when(is_so(&pool), pool.to_string()))
        })
    }

    fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.desk.command(Path::new(&programs::built("serversctl")?));
        command.env("SERVERSCTL_PASSPHRASE_FILE", self.passphrase).env("USER", "ops");
        command.arg("--json").args(arguments);
        let output = command.stdin(Stdio::null()).output().context("starting serversctl")?;
        if !output.status.success() {
            bail!("serversctl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(said.lines().last().unwrap_or("null")).context("serversctl answers in JSON")
    }
}
