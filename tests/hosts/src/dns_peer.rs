//! Real BIND 9 with one zone that takes signed updates (RFC 2136 with TSIG), as a process on a plain [`Host`].

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::host::{Host, Process};
use crate::requirements;
use crate::wait::{self, Seen};

/// 235 ms were measured from start to first answer.
const START_BOUND: Duration = Duration::from_secs(20);
const ASK_BOUND: Duration = Duration::from_secs(10);

/// A key that may update the zone, as both sides write it down.
#[derive(Clone)]
pub struct TsigKey {
    pub name: String,
    pub secret_base64: String,
}

/// The secret stays out of a failing test's output.
impl std::fmt::Debug for TsigKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TsigKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TsigKey {
    /// Makes a fresh HMAC-SHA256 key.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub fn fresh(name: &str) -> Result<Self> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).context("making a TSIG key")?;
        Ok(Self { name: name.to_owned(), secret_base64: BASE64.encode(secret) })
    }
}

/// A name server that serves one zone.
#[derive(Debug)]
pub struct Bind {
    process: Process,
    address: Ipv4Addr,
    zone: String,
    key: TsigKey,
    dir: PathBuf,
}

impl Bind {
    /// Starts `named` on `host` for `zone` (no final dot) with these A records, and waits until it answers.
    ///
    /// # Errors
    /// It does not start or does not answer; the error holds its log.
    pub fn start(host: &Host, zone: &str, records: &[(&str, Ipv4Addr)]) -> Result<Self> {
        let dir = host.dir().join("bind");
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let key = TsigKey::fresh("updates")?;
        let write = |name: &str, content: &str| {
            fs::write(dir.join(name), content).with_context(|| format!("writing {name}"))
        };
        write("zone.db", &zone_file(host.address(), records))?;
        write("named.conf", &configuration(&dir, host.address(), zone, &key))?;
        let process = spawn(host, &dir)?;
        let mut bind = Self { process, address: host.address(), zone: zone.to_owned(), key, dir };
        bind.wait_answering(host)?;
        Ok(bind)
    }

    pub fn key(&self) -> &TsigKey {
        &self.key
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Kills it at once. Its journal is on disk, so [`Bind::start_again`] serves what it had accepted.
    ///
    /// # Errors
    /// It cannot be reaped.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        Ok(())
    }

    /// Starts it again on the same files after [`Bind::kill`].
    ///
    /// # Errors
    /// As [`Bind::start`].
    pub fn start_again(&mut self, host: &Host) -> Result<()> {
        self.process = spawn(host, &self.dir)?;
        self.wait_answering(host)
    }

    /// The addresses at `name` (full, no final dot), asked from `host`.
    ///
    /// # Errors
    /// No answer.
    pub fn addresses(&self, host: &Host, name: &str) -> Result<Vec<IpAddr>> {
        let server = format!("@{}", self.address);
        let text = host.must(&["dig", "+short", "+tries=2", "+time=2", &server, name, "A"], ASK_BOUND)?;
        text.lines()
            .map(|line| line.trim().parse().with_context(|| format!("dig said `{line}`")))
            .collect::<Result<_>>()
    }

    /// Sends one update by `nsupdate`, signed with `key`: the lines between `zone` and `send`. Returns what it answered
    /// and whether it was accepted.
    ///
    /// # Errors
    /// nsupdate cannot be run.
    pub fn update(&self, host: &Host, key: &TsigKey, lines: &[&str]) -> Result<(bool, String)> {
        let head = [
            format!("server {}", self.address),
            format!("zone {}", self.zone),
            format!("key hmac-sha256:{} {}", key.name, key.secret_base64),
        ];
        let tail = lines.iter().chain(&["send", "answer"]).map(|&line| line.to_owned());
        let script = head.into_iter().chain(tail).map(|line| line + "\n").collect::<String>();
        // The key goes in by standard input: arguments can be read by everybody on the machine.
        let output = host.run_with_input(&["nsupdate"], script.as_bytes(), ASK_BOUND)?;
        Ok((output.is_success(), format!("{}{}", output.stdout, output.stderr)))
    }

    fn wait_answering(&mut self, host: &Host) -> Result<()> {
        let zone = self.zone.clone();
        let server = format!("@{}", self.address);
        wait::until("BIND to answer", START_BOUND, || {
            self.process.must_run()?;
            let output =
                host.run(&["dig", "+short", "+tries=1", "+time=1", &server, &zone, "SOA"], ASK_BOUND)?;
            let answered = output.is_success() && output.stdout.contains("ns.");
            Ok(Seen::when(answered, self.process.log().unwrap_or_default()))
        })
    }
}

fn spawn(host: &Host, dir: &Path) -> Result<Process> {
    // A copy, because Debian's AppArmor profile is bound to /usr/sbin/named and lets it read /etc/bind only.
    let program = dir.join("named");
    if !program.is_file() {
        let installed = requirements::find_program("named").context("named is not installed")?;
        fs::copy(&installed, &program).context("copying named")?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .context("making named executable")?;
    }
    let conf = dir.join("named.conf");
    host.spawn("named", &[&program.display().to_string(), "-g", "-c", &conf.display().to_string()])
}

fn configuration(dir: &Path, address: Ipv4Addr, zone: &str, key: &TsigKey) -> String {
    let dir = dir.display();
    format!(
        "options {{
    directory \"{dir}\";
    managed-keys-directory \"{dir}\";
    pid-file none;
    session-keyfile \"{dir}/session.key\";
    listen-on {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
}};
controls {{ }};
key \"{}\" {{ algorithm hmac-sha256; secret \"{}\"; }};
zone \"{zone}\" {{
    type primary;
    file \"zone.db\";
    update-policy {{ grant {} zonesub ANY; }};
}};
",
        key.name, key.secret_base64, key.name
    )
}

fn zone_file(address: Ipv4Addr, records: &[(&str, Ipv4Addr)]) -> String {
    let mut text = format!(
        "$TTL 5
@ SOA ns hostmaster 1 3600 600 86400 5
@ NS ns
ns A {address}
"
    );
    for (name, target) in records {
        writeln!(text, "{name} A {target}").expect("a string takes what is written");
    }
    text
}
