//! The systemd unit: its text, and installing, starting, stopping and removing it.
//!
//! `systemctl` by its absolute path is used rather than D-Bus here: these are one-time acts of an administrator's
//! command, and its words about a failure are the ones that the administrator knows.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::disk;
use crate::layout::Layout;

/// The unit's name; the old agent had the same one, so installing takes its place.
pub const NAME: &str = "balctl-heartbeat.service";

/// What tells this agent's unit from an older one's.
const MARK: &str = "Description=ServersCTL agent: heartbeat and relay";

const SYSTEMCTL: &str = "/usr/bin/systemctl";

/// The unit's text for an executable.
///
/// The sandbox leaves what a root job needs: D-Bus, HAProxy's configuration and sockets wherever they are (so no
/// private `/tmp`), and children such as `haproxy -c` (so no ban on executable memory, which PCRE's compiler wants,
/// and no memory limit, which their maps would count against). It is not ordered after HAProxy: one that hangs while
/// starting must be told of, not waited for. It is ordered after the network, so that at shutdown the goodbye still
/// gets out.
pub fn text(executable: &Path) -> String {
    format!(
        "[Unit]
{MARK}
After=network.target dbus.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={} run
Restart=always
RestartSec=1
RestartPreventExitStatus=78
WatchdogSec=10
TimeoutStartSec=30
TimeoutStopSec=5
KillMode=mixed
OOMScoreAdjust=-500
TasksMax=256
UMask=0077
StateDirectory=balctl
StateDirectoryMode=0700
RuntimeDirectory=balctl
RuntimeDirectoryMode=0700
ProtectSystem=full
ReadWritePaths=-/etc/balctl -/etc/haproxy -/etc/keepalived
ProtectHome=read-only
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
NoNewPrivileges=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
",
        executable.display()
    )
}

/// Writes the unit, enables it and starts it anew. Below another root only the file is written.
///
/// # Errors
/// The file could not be written, or systemd refused; its words are kept.
pub fn install(layout: &Layout, executable: &Path) -> anyhow::Result<()> {
    let path = layout.unit();
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    }
    disk::write_plain(&path, text(executable).as_bytes(), 0o644)?;
    if layout.is_host() {
        systemctl(&["daemon-reload"])?;
        systemctl(&["enable", NAME])?;
        systemctl(&["restart", NAME])?;
    }
    Ok(())
}

/// Stops and disables the unit and removes its file. What is not there is fine.
///
/// # Errors
/// systemd refused to stop it, or the file could not be removed.
pub fn remove(layout: &Layout) -> anyhow::Result<()> {
    let path = layout.unit();
    let there = path.exists();
    if there && layout.is_host() {
        systemctl(&["disable", "--now", NAME])?;
    }
    disk::remove(&path)?;
    if there && layout.is_host() {
        systemctl(&["daemon-reload"])?;
    }
    Ok(())
}

/// Stops the unit if the host has one.
///
/// # Errors
/// systemd refused.
pub fn stop(layout: &Layout) -> anyhow::Result<()> {
    if layout.is_host() && layout.unit().exists() {
        systemctl(&["stop", NAME])?;
    }
    Ok(())
}

/// Starts the unit.
///
/// # Errors
/// systemd refused.
pub fn start(layout: &Layout) -> anyhow::Result<()> {
    if layout.is_host() {
        systemctl(&["start", NAME])?;
    }
    Ok(())
}

/// Keeps an older agent's unit of the same name as `*.hosted`, so that it can be put back.
///
/// # Errors
/// The disk.
pub fn keep_hosted(layout: &Layout) -> anyhow::Result<()> {
    let path = layout.unit();
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.contains(MARK) => Ok(disk::rename(&path, &path.with_extension("service.hosted"))?),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn systemctl(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(SYSTEMCTL)
        .args(arguments)
        .env("LC_ALL", "C")
        .output()
        .with_context(|| format!("running {SYSTEMCTL}; is this host run by systemd?"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("systemctl {}: {}", arguments.join(" "), words.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_notifies_is_watched_and_comes_back() {
        let text = text(Path::new("/usr/local/bin/balctl-agent"));
        for line in [
            "Type=notify",
            "WatchdogSec=10",
            "Restart=always",
            "ExecStart=/usr/local/bin/balctl-agent run",
            "ProtectKernelTunables=yes",
            "NoNewPrivileges=yes",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}");
        }
    }

    #[test]
    fn an_older_unit_is_kept_and_the_own_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        install(&layout, Path::new("/opt/balctl-agent")).unwrap();
        keep_hosted(&layout).unwrap();
        assert!(layout.unit().exists());
        std::fs::write(layout.unit(), "[Service]\nExecStart=/usr/bin/python3 balctl_heartbeat.py\n").unwrap();
        keep_hosted(&layout).unwrap();
        assert!(!layout.unit().exists());
        let kept = layout.unit().with_extension("service.hosted");
        assert!(std::fs::read_to_string(kept).unwrap().contains("python3"));
    }

    #[test]
    fn below_another_root_only_the_file_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        install(&layout, Path::new("/opt/balctl-agent")).unwrap();
        assert!(std::fs::read_to_string(layout.unit()).unwrap().contains("/opt/balctl-agent run"));
        remove(&layout).unwrap();
        remove(&layout).unwrap();
        assert!(!layout.unit().exists());
    }
}
