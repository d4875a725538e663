//! `--provision-haproxy`: puts a running HAProxy on a fresh host, and changes nothing on one that has it.
//!
//! Steps, each of which is skipped when it is done already: install the package, write a minimal configuration if there
//! is none (checked by HAProxy itself before it takes its place), enable and start the unit, leave a stamp. Run twice it
//! does nothing the second time.
//!
//! What it runs is an enum of programs with fixed arguments and absolute paths, never a shell; each has a time limit.
//! An existing configuration is never touched, valid or not: that is the operator's.

mod command;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use command::{Command, Host, Runner};

/// Where the package puts its configuration.
const CONFIG: &str = "etc/haproxy/haproxy.cfg";
/// The stamp that says that this agent provisioned HAProxy.
const STAMP: &str = "var/lib/balctl/.haproxy-provisioned";

/// Why provisioning stopped. Everything done so far stays; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// Installing a package needs root.
    #[error("installing HAProxy needs root")]
    NotRoot,
    /// None of the known package programs is there.
    #[error(
        "none of /usr/bin/apt-get, /usr/bin/dnf and /usr/bin/yum is on this host: install HAProxy by hand"
    )]
    NoPackages,
    /// The package says that it is installed, and the program is not there.
    #[error("the package was installed, but there is no /usr/sbin/haproxy")]
    NoProgram,
    /// A program could not be started or waited for.
    #[error("could not run {program}")]
    Run {
        /// Which.
        program: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program took too long and was ended.
    #[error("{program} took longer than {limit_s} s and was ended")]
    TooLong {
        /// Which.
        program: &'static str,
        /// The limit.
        limit_s: u64,
    },
    /// A program failed.
    #[error("{program} {what} failed ({status}): {words}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it was to do.
        what: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it said.
        words: String,
    },
    /// A file could not be written.
    #[error("could not write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ProvisionError {
    /// Whether trying again later may help: a locked package database, a mirror that is away.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::TooLong { .. } => true,
            Self::NotRoot | Self::NoPackages | Self::NoProgram | Self::Run { .. } | Self::Write { .. } => {
                false
            }
        }
    }
}

/// The programs that install packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packages {
    /// Debian and Ubuntu.
    AptGet,
    /// The RHEL family.
    Dnf,
    /// Older ones of it.
    Yum,
}

/// What happened to the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// It was there.
    WasThere,
    /// It was installed.
    Installed(Packages),
}

/// What happened to the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Config {
    /// There was one, and it was left alone.
    Kept,
    /// A minimal one was written.
    Written,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provisioned {
    /// The package.
    pub package: Package,
    /// The configuration.
    pub config: Config,
}

impl Packages {
    const ALL: [Self; 3] = [Self::AptGet, Self::Dnf, Self::Yum];

    /// The program's place.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::AptGet => "/usr/bin/apt-get",
            Self::Dnf => "/usr/bin/dnf",
            Self::Yum => "/usr/bin/yum",
        }
    }

    /// The first one that is on the host below `root`.
    fn find(root: &Path) -> Option<Self> {
        Self::ALL.into_iter().find(|packages| below(root, packages.program()).exists())
    }

    /// Where the family's own configuration puts the runtime socket; the directory comes with the package.
    fn runtime_socket(self) -> &'static str {
        match self {
            Self::AptGet => "/run/haproxy/admin.sock",
            Self::Dnf | Self::Yum => "/var/lib/haproxy/stats",
        }
    }
}

/// Provisions this host.
///
/// # Errors
/// A step failed; see [`ProvisionError`].
pub async fn provision_haproxy() -> Result<Provisioned, ProvisionError> {
    if !rustix::process::geteuid().is_root() {
        return Err(ProvisionError::NotRoot);
    }
    provision(Path::new("/"), &Host).await
}

/// Provisions the host below `root` with the programs of `runner`.
///
/// # Errors
/// A step failed; see [`ProvisionError`].
pub async fn provision(root: &Path, runner: &impl Runner) -> Result<Provisioned, ProvisionError> {
    let package = install(root, runner).await?;
    let config = write_config(root, runner).await?;
    tracing::info!("enabling and starting haproxy.service");
    if let Err(error) = runner.run(Command::EnableUnit).await {
        // Of a configuration that does not start, HAProxy's own words name the line; systemd's do not.
        runner.run(Command::Check(root.join(CONFIG))).await?;
        return Err(error);
    }
    stamp(root)?;
    Ok(Provisioned { package, config })
}

async fn install(root: &Path, runner: &impl Runner) -> Result<Package, ProvisionError> {
    if has_program(root) {
        return Ok(Package::WasThere);
    }
    let packages = Packages::find(root).ok_or(ProvisionError::NoPackages)?;
    tracing::info!(program = packages.program(), "installing the package haproxy");
    if let Err(error) = runner.run(Command::Install(packages)).await {
        // A fresh host has no package lists yet, or old ones that name versions that are gone.
        if packages != Packages::AptGet || !error.is_transient() {
            return Err(error);
        }
        tracing::info!("refreshing the package lists first");
        let refreshed = runner.run(Command::RefreshApt).await;
        if let Err(error) = runner.run(Command::Install(packages)).await {
            // A repository that cannot be read is no harm where another has the package; where none has, it is the
            // reason, and apt's own words about the missing package hide it.
            return Err(refreshed.err().unwrap_or(error));
        }
    }
    if has_program(root) { Ok(Package::Installed(packages)) } else { Err(ProvisionError::NoProgram) }
}

fn has_program(root: &Path) -> bool {
    below(root, "/usr/sbin/haproxy").exists()
}

async fn write_config(root: &Path, runner: &impl Runner) -> Result<Config, ProvisionError> {
    let path = root.join(CONFIG);
    // A link that leads nowhere is the operator's too.
    if path.symlink_metadata().is_ok() {
        return Ok(Config::Kept);
    }
    let failed = |source| ProvisionError::Write { path: path.clone(), source };
    let directory = path.parent().unwrap_or(root);
    fs::DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
    let socket = Packages::find(root).unwrap_or(Packages::AptGet).runtime_socket();
    let new = directory.join(".haproxy.cfg.new");
    write_new(&new, minimal_config(socket).as_bytes(), 0o644).map_err(failed)?;
    let checked = runner.run(Command::Check(new.clone())).await;
    if let Err(error) = checked {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    // Not a rename: somebody may have put a configuration there meanwhile, and theirs stays.
    let linked = fs::hard_link(&new, &path);
    let _ = fs::remove_file(&new);
    match linked {
        Ok(()) => Ok(Config::Written),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Config::Kept),
        Err(error) => Err(failed(error)),
    }
}

/// A configuration that starts, opens nothing to the network and can be steered: HAProxy refuses to start without any
/// listener, so a page of statistics on loopback is one.
fn minimal_config(socket: &str) -> String {
    format!(
        "# Written by balctl-agent because there was no configuration. It is yours: it will not be written again.\n\
         global\n\
         \tlog /dev/log local0\n\
         \tuser haproxy\n\
         \tgroup haproxy\n\
         \tstats socket {socket} mode 600 level admin expose-fd listeners\n\
         \tstats timeout 2m\n\
         \n\
         defaults\n\
         \tlog global\n\
         \tmode http\n\
         \toption httplog\n\
         \toption dontlognull\n\
         \ttimeout connect 5s\n\
         \ttimeout client 50s\n\
         \ttimeout server 50s\n\
         \n\
         listen local_statistics\n\
         \tbind 127.0.0.1:8404\n\
         \tstats enable\n\
         \tstats uri /\n"
    )
}

fn stamp(root: &Path) -> Result<(), ProvisionError> {
    let path = root.join(STAMP);
    let failed = |source| ProvisionError::Write { path: path.clone(), source };
    let directory = path.parent().unwrap_or(root);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    match write_new(&path, b"haproxy\n", 0o600) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    if path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b".new")) {
        // Left by a run that was cut off.
        let _ = fs::remove_file(path);
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn below(root: &Path, absolute: &str) -> PathBuf {
    root.join(absolute.trim_start_matches('/'))
}
