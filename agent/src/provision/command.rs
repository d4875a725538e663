//! The programs that provisioning runs: fixed arguments, absolute paths, a clean environment, a time limit.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use super::{Packages, ProvisionError};

/// How much of what a program said is kept: its end, where the reason stands.
const WORDS_BYTES_MAX: usize = 2048;
/// Installing may fetch over a slow line.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);
const SHORT_LIMIT: Duration = Duration::from_mins(1);
/// Package scripts look programs up.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// What a host needs to reach its mirror.
const PROXIES: [&str; 6] = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

/// One thing to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Refresh the lists of `apt-get`.
    RefreshApt,
    /// Install the package.
    Install(Packages),
    /// Have HAProxy check a configuration.
    Check(PathBuf),
    /// Enable and start the unit.
    EnableUnit,
}

/// Runs commands: this host, or a test's stand-in.
pub trait Runner {
    /// Runs one to its end.
    fn run(&self, command: Command) -> impl Future<Output = Result<(), ProvisionError>> + Send;
}

/// The host itself.
#[derive(Debug, Clone, Copy)]
pub struct Host;

impl Command {
    fn program(&self) -> &'static str {
        match self {
            Self::RefreshApt => Packages::AptGet.program(),
            Self::Install(packages) => packages.program(),
            Self::Check(_) => "/usr/sbin/haproxy",
            Self::EnableUnit => "/usr/bin/systemctl",
        }
    }

    fn arguments(&self) -> Vec<String> {
        let words: &[&str] = match self {
            // Without that mode it succeeds when no repository can be reached.
            Self::RefreshApt => {
                &["-q", "-o", "DPkg::Lock::Timeout=60", "-o", "APT::Update::Error-Mode=any", "update"]
            }
            Self::Install(Packages::AptGet) => &[
                "-q",
                "-y",
                "--no-install-recommends",
                "-o",
                "DPkg::Lock::Timeout=60",
                "-o",
                "Dpkg::Options::=--force-confdef",
                "-o",
                "Dpkg::Options::=--force-confold",
                "install",
                "haproxy",
            ],
            Self::Install(Packages::Dnf | Packages::Yum) => &["-q", "-y", "install", "haproxy"],
            Self::Check(file) => return vec!["-c".into(), "-f".into(), file.display().to_string()],
            Self::EnableUnit => &["enable", "--now", "haproxy.service"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn what(&self) -> &'static str {
        match self {
            Self::RefreshApt => "update",
            Self::Install(_) => "install haproxy",
            Self::Check(_) => "-c",
            Self::EnableUnit => "enable --now haproxy.service",
        }
    }

    fn limit(&self) -> Duration {
        match self {
            Self::RefreshApt | Self::Install(_) => INSTALL_LIMIT,
            Self::Check(_) | Self::EnableUnit => SHORT_LIMIT,
        }
    }
}

impl Runner for Host {
    async fn run(&self, command: Command) -> Result<(), ProvisionError> {
        let program = command.program();
        let mut process = tokio::process::Command::new(program);
        process
            .args(command.arguments())
            .env_clear()
            .envs(PROXIES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
            .env("PATH", PATH)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("NEEDRESTART_MODE", "l")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let limit = command.limit();
        let output = tokio::time::timeout(limit, process.output())
            .await
            .map_err(|_| ProvisionError::TooLong { program, limit_s: limit.as_secs() })?
            .map_err(|source| ProvisionError::Run { program, source })?;
        if output.status.success() {
            return Ok(());
        }
        let from = output.stderr.len().saturating_sub(WORDS_BYTES_MAX);
        let words = String::from_utf8_lossy(&output.stderr[from..]).trim().to_owned();
        let status = output.status.to_string();
        Err(ProvisionError::Failed { program, what: command.what(), status, words })
    }
}
