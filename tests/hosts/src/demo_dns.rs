//! The product's embedded name server as a process on a plain [`Host`].

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::dns_peer::TsigKey;
use crate::host::{Host, Process, write_secret};
use crate::programs;

const START_BOUND: Duration = Duration::from_secs(10);
/// Short, so that nobody's cache is what is measured.
const TTL_S: &str = "1";

/// A running `demo-dns`.
#[derive(Debug)]
pub struct DemoDns {
    process: Process,
    key: TsigKey,
    address: Ipv4Addr,
    argv: Vec<String>,
}

impl DemoDns {
    /// Starts it on `host` for `zone` (no final dot) with these A records, and waits until it serves.
    ///
    /// # Errors
    /// It was not built, or it does not start.
    pub fn start(host: &Host, zone: &str, records: &[(&str, Ipv4Addr)]) -> Result<Self> {
        let key = TsigKey::fresh("updates")?;
        let key_file = host.dir().join("tsig-key");
        write_secret(&key_file, &format!("{}:hmac-sha256:{}\n", key.name, key.secret_base64))?;
        let mut argv = vec![
            programs::built("demo-dns")?.display().to_string(),
            format!("--listen={}:53", host.address()),
            format!("--zone={zone}"),
            format!("--key-file={}", key_file.display()),
            format!("--data-dir={}", host.dir().join("zone").display()),
            format!("--ttl={TTL_S}"),
        ];
        argv.extend(records.iter().map(|(name, address)| format!("--a={name}={address}")));
        let process = Self::spawn(host, &argv)?;
        Ok(Self { process, key, address: host.address(), argv })
    }

    pub fn key(&self) -> &TsigKey {
        &self.key
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Changes the zone behind the product's back, by `nsupdate` from `host` with the zone's own key.
    ///
    /// # Errors
    /// It is refused.
    pub fn update(&self, host: &Host, zone: &str, lines: &[&str]) -> Result<()> {
        let head = [
            format!("server {}", self.address),
            format!("zone {zone}"),
            format!("key hmac-sha256:{} {}", self.key.name, self.key.secret_base64),
        ];
        let tail = lines.iter().chain(&["send"]).map(|&line| line.to_owned());
        let script = head.into_iter().chain(tail).map(|line| line + "\n").collect::<String>();
        let output = host.run_with_input(&["nsupdate"], script.as_bytes(), START_BOUND)?;
        ensure!(output.is_success(), "nsupdate: {}{}", output.stdout, output.stderr);
        Ok(())
    }

    /// Kills it at once.
    ///
    /// # Errors
    /// It cannot be reaped.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        Ok(())
    }

    /// Starts it again on what it has stored.
    ///
    /// # Errors
    /// As [`DemoDns::start`].
    pub fn start_again(&mut self, host: &Host) -> Result<()> {
        self.process = Self::spawn(host, &self.argv)?;
        Ok(())
    }

    fn spawn(host: &Host, argv: &[String]) -> Result<Process> {
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let mut process = host.spawn("demo-dns", &argv)?;
        process.wait_for("ready", START_BOUND).context("starting the embedded name server")?;
        Ok(process)
    }
}
