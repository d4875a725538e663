//! `/etc/balctl/agent.env`: the few things an administrator tells the agent.
//!
//! The reader is strict: `NAME=value` lines, `#` comments, optional double quotes, nothing else. A wrong value stops
//! the agent before it opens a port, a variable it does not know is reported and has no effect. No secret belongs in
//! here: the variable of the old agent that held one is reported by name, its value is never repeated.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use thiserror::Error;

use crate::disk::{self, DiskError};
use crate::limits::ENV_FILE_BYTES_MAX;

/// Port of the relay unless `BALCTL_LISTEN` says otherwise.
pub const RELAY_PORT: u16 = 7443;

/// What `agent.env` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentEnv {
    /// `BALCTL_HOSTNAME`: instead of the system's own name.
    pub hostname: Option<String>,
    /// `BALCTL_DECLARE_IP`: the public IPv4 that heartbeats declare.
    pub declare_ip: Option<Ipv4Addr>,
    /// `BALCTL_PROBE_PUBLIC_IP=1`: find the public IPv4 when none is declared.
    pub probe_public_ip: bool,
    /// `BALCTL_LISTEN`: where the relay listens; empty means port 7443 on every address, v6 and v4.
    pub listen: Vec<SocketAddr>,
    /// `BALCTL_PROVISION_HAPROXY=1`: install HAProxy at enrolment when it is missing.
    pub provision_haproxy: bool,
}

/// A file that cannot be obeyed.
#[derive(Debug, Error)]
pub enum EnvError {
    /// It cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A line is not `NAME=value`.
    #[error("agent.env, line {line}: {why}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

/// What was read, and what a person should hear about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The values.
    pub env: AgentEnv,
    /// Lines that have no effect, in words.
    pub notes: Vec<String>,
}

impl AgentEnv {
    /// Reads the file; one that does not exist says nothing.
    ///
    /// # Errors
    /// The file cannot be read, or a line in it is wrong.
    pub fn read(path: &Path) -> Result<Reading, EnvError> {
        let Some(bytes) = disk::read_bounded(path, ENV_FILE_BYTES_MAX)? else {
            return Ok(Reading::default());
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| EnvError::Line { line: 1, why: "the file is not text".into() })?;
        Self::parse(text)
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// The first wrong line.
    pub fn parse(text: &str) -> Result<Reading, EnvError> {
        let mut reading = Reading::default();
        let mut seen = Vec::new();
        for (index, raw) in text.lines().enumerate() {
            let wrong = |why: String| EnvError::Line { line: index + 1, why };
            let line = raw.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| wrong("expected NAME=value".into()))?;
            if name.is_empty()
                || !name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
            {
                return Err(wrong("a name is made of A-Z, 0-9 and _".into()));
            }
            if seen.contains(&name) {
                return Err(wrong(format!("{name} stands here twice")));
            }
            seen.push(name);
            let value = unquote(value).ok_or_else(|| wrong(format!("{name} has an odd quote")))?;
            reading.set(name, value).map_err(|why| wrong(format!("{name}: {why}")))?;
        }
        Ok(reading)
    }

    /// The text that reads back as these values.
    pub fn to_text(&self) -> String {
        let mut text = String::from("# ServersCTL agent. Names and meanings: balctl-agent --help\n");
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                for part in [name, "=", &value, "\n"] {
                    text.push_str(part);
                }
            }
        };
        line("BALCTL_HOSTNAME", self.hostname.clone());
        line("BALCTL_DECLARE_IP", self.declare_ip.map(|ip| ip.to_string()));
        line("BALCTL_PROBE_PUBLIC_IP", self.probe_public_ip.then(|| "1".into()));
        let listen: Vec<_> = self.listen.iter().map(ToString::to_string).collect();
        line("BALCTL_LISTEN", (!listen.is_empty()).then(|| listen.join(",")));
        line("BALCTL_PROVISION_HAPROXY", self.provision_haproxy.then(|| "1".into()));
        text
    }

    /// Where the relay listens.
    pub fn listen_addresses(&self) -> Vec<SocketAddr> {
        if self.listen.is_empty() {
            // The v6 socket is opened for v6 only, so that both can stand side by side.
            return vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), RELAY_PORT),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), RELAY_PORT),
            ];
        }
        self.listen.clone()
    }
}

impl Reading {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "BALCTL_HOSTNAME" => self.env.hostname = Some(hostname(value)?),
            "BALCTL_DECLARE_IP" => self.env.declare_ip = Some(ipv4(value)?),
            "BALCTL_PROBE_PUBLIC_IP" => self.env.probe_public_ip = switch(value)?,
            "BALCTL_LISTEN" => self.env.listen = addresses(value)?,
            "BALCTL_PROVISION_HAPROXY" => self.env.provision_haproxy = switch(value)?,
            "BALCTL_ENROLLMENT_SECRET" => self.notes.push(
                "BALCTL_ENROLLMENT_SECRET has no effect: the secret is asked at enrolment; remove the line"
                    .into(),
            ),
            "BALCTL_API_BASE" => self
                .notes
                .push("BALCTL_API_BASE has no effect: consoles call the agent, it calls no server".into()),
            other => self.notes.push(format!("{other} is not a variable of this agent; it has no effect")),
        }
        Ok(())
    }
}

/// Checks a host name as DNS allows it and gives it back in lower case.
///
/// # Errors
/// Why it is none.
pub fn hostname(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if text.len() > 253 || !text.split('.').all(label) {
        return Err("expected a host name such as edge-1.example.org".into());
    }
    Ok(text.to_ascii_lowercase())
}

fn ipv4(text: &str) -> Result<Ipv4Addr, String> {
    let ip: Ipv4Addr = text.parse().map_err(|_| "expected an IPv4 address".to_owned())?;
    if ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast() {
        return Err(format!("{ip} is no address of a host"));
    }
    Ok(ip)
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" | "" => Ok(false),
        _ => Err("expected 1 or 0".into()),
    }
}

fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let list: Vec<SocketAddr> = text
        .split(',')
        .map(|part| {
            let part = part.trim();
            part.parse().map_err(|_| format!("`{part}` is not an address with a port, as in 0.0.0.0:7443"))
        })
        .collect::<Result<_, _>>()?;
    if list.len() > 8 {
        return Err("at most eight addresses".into());
    }
    Ok(list)
}

fn unquote(text: &str) -> Option<&str> {
    let text = text.trim();
    match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains('"')),
        None => (!text.contains('"')).then_some(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_is_read_and_unknown_variables_are_reported() {
        let reading = AgentEnv::parse(
            "# edge\nBALCTL_HOSTNAME=\"Edge-1.example.org\"\nBALCTL_DECLARE_IP=203.0.113.7\n\
             BALCTL_PROBE_PUBLIC_IP=1\nBALCTL_LISTEN=127.0.0.1:7443, [::1]:7444\nBALCTL_COLOUR=blue\n",
        )
        .unwrap();
        assert_eq!(reading.env.hostname.as_deref(), Some("edge-1.example.org"));
        assert_eq!(reading.env.declare_ip, Some(Ipv4Addr::new(203, 0, 113, 7)));
        assert!(reading.env.probe_public_ip);
        assert_eq!(reading.env.listen.len(), 2);
        assert_eq!(reading.notes, ["BALCTL_COLOUR is not a variable of this agent; it has no effect"]);
    }

    #[test]
    fn an_old_secret_is_named_but_never_repeated() {
        let secret = "0123456789abcdef0123456789abcdef0123456789abcdef";
        let reading = AgentEnv::parse(&format!("BALCTL_ENROLLMENT_SECRET={secret}\n")).unwrap();
        assert_eq!(reading.notes.len(), 1);
        assert!(!format!("{reading:?}").contains(secret));
    }

    #[test]
    fn a_wrong_line_is_refused_with_its_number() {
        for (text, words) in [
            ("\nnonsense", "agent.env, line 2: expected NAME=value"),
            ("balctl_hostname=a", "line 1: a name is made of"),
            ("BALCTL_DECLARE_IP=fe80::1", "BALCTL_DECLARE_IP: expected an IPv4 address"),
            ("BALCTL_DECLARE_IP=0.0.0.0", "no address of a host"),
            ("BALCTL_HOSTNAME=-a", "expected a host name"),
            ("BALCTL_LISTEN=7443", "not an address with a port"),
            ("BALCTL_PROBE_PUBLIC_IP=maybe", "expected 1 or 0"),
            ("BALCTL_HOSTNAME=\"a", "odd quote"),
            ("BALCTL_HOSTNAME=a\nBALCTL_HOSTNAME=b", "line 2: BALCTL_HOSTNAME stands here twice"),
        ] {
            let error = AgentEnv::parse(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let env = AgentEnv {
            hostname: Some("edge-1".into()),
            declare_ip: Some(Ipv4Addr::new(198, 51, 100, 4)),
            probe_public_ip: true,
            listen: vec!["0.0.0.0:7500".parse().unwrap()],
            provision_haproxy: true,
        };
        assert_eq!(AgentEnv::parse(&env.to_text()).unwrap(), Reading { env, notes: vec![] });
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,200}") {
            drop(AgentEnv::parse(&text));
        }
    }
}
