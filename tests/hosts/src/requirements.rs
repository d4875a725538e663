//! What this machine must offer, each thing in words. A test that cannot run for want of one of these fails; it is never
//! skipped silently.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command;

/// Something that is missing here, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    pub what: &'static str,
    pub remedy: String,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.remedy)
    }
}

/// Programs, and the Debian package of each.
const PROGRAMS: &[(&str, &str)] = &[
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mmdebstrap", "mmdebstrap"),
    ("ssh-keygen", "openssh-client"),
    ("mkfs.ext4", "e2fsprogs"),
    ("named", "bind9"),
    ("nsupdate", "bind9-dnsutils"),
];

const BOUND: Duration = Duration::from_secs(10);

/// Lists what is missing; empty means that members can be made.
pub fn check() -> Vec<Lack> {
    let mut lacks = Vec::new();
    if !rustix::process::geteuid().is_root() {
        lacks.push(lack("root", "namespaces, mounts and cgroups are made; run the command as root"));
        // Everything below would only repeat that.
        return lacks;
    }
    for (program, package) in PROGRAMS {
        if find_program(program).is_none() {
            lacks.push(lack(program, &format!("apt-get install --no-install-recommends {package}")));
        }
    }
    if !has_filesystem("overlay") {
        // It may be a module that nobody has used yet.
        let _ = command::run(&["modprobe", "overlay"], BOUND);
        if !has_filesystem("overlay") {
            lacks.push(lack(
                "overlayfs",
                "the kernel has no overlay filesystem; members are clones made with it",
            ));
        }
    }
    if let Err(error) = cgroup2_is_writable() {
        lacks.push(lack("cgroup2", &format!("{error:#}; each member runs in a cgroup of its own")));
    }
    if lacks.is_empty()
        && let Err(error) = namespace_probe()
    {
        lacks.push(lack(
            "network namespaces",
            &format!("{error:#}; CAP_SYS_ADMIN and CAP_NET_ADMIN are needed"),
        ));
    }
    lacks
}

/// Fails with every lack in words.
///
/// # Errors
/// Something is missing.
pub fn demand() -> Result<()> {
    let lacks = check();
    if !lacks.is_empty() {
        let list: Vec<String> = lacks.iter().map(|lack| format!("  {lack}")).collect();
        bail!("real members cannot be made on this machine; it lacks\n{}", list.join("\n"));
    }
    Ok(())
}

/// Where a program lies; `/usr/sbin` is searched even if PATH lacks it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
        .map(|dir| Path::new(dir).join(name))
        .find(|candidate| candidate.is_file())
}

/// Mount point of the unified hierarchy, and of systemd's named one where the machine still has it.
pub(crate) fn cgroup_mounts() -> (Option<PathBuf>, Option<PathBuf>) {
    let (mut unified, mut named) = (None, None);
    for line in fs::read_to_string("/proc/self/mounts").unwrap_or_default().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [_, at, kind, options, ..] = fields[..] else { continue };
        if kind == "cgroup2" {
            unified = Some(PathBuf::from(at));
        } else if kind == "cgroup" && options.split(',').any(|o| o == "name=systemd") {
            named = Some(PathBuf::from(at));
        }
    }
    (unified, named)
}

fn lack(what: &'static str, remedy: &str) -> Lack {
    Lack { what, remedy: remedy.to_owned() }
}

fn has_filesystem(name: &str) -> bool {
    fs::read_to_string("/proc/filesystems")
        .unwrap_or_default()
        .lines()
        .any(|line| line.split_whitespace().last() == Some(name))
}

fn cgroup2_is_writable() -> Result<()> {
    let (Some(unified), _) = cgroup_mounts() else { bail!("no cgroup2 is mounted") };
    let probe = unified.join(format!("sctl-probe-{}", std::process::id()));
    fs::create_dir(&probe)?;
    fs::remove_dir(&probe)?;
    Ok(())
}

fn namespace_probe() -> Result<()> {
    let name = format!("sctl-probe-{}", std::process::id());
    command::must(&["ip", "netns", "add", &name], BOUND)?;
    let tables =
        command::must(&["ip", "netns", "exec", &name, "nft", "add", "table", "bridge", "probe"], BOUND);
    command::must(&["ip", "netns", "del", &name], BOUND)?;
    tables?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_lies_in_sbin_and_not_what_is_nowhere() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }

    #[test]
    fn a_lack_says_what_and_what_to_do() {
        let text = lack("nft", "apt-get install nftables").to_string();
        assert_eq!(text, "nft: apt-get install nftables");
    }
}
