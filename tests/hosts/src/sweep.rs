//! Taking worlds apart: our own at the end, and those of runs that were killed before they could.
//!
//! Everything a fabric makes carries its prefix (`sctl-<pid>-<n>`), and its directory holds the process that owns it, with
//! that process's start time, since pids are used again. A world whose owner lives is never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::requirements::cgroup_mounts;
use crate::wait::{self, Seen};

pub(crate) const WORLDS: &str = "/run/serversctl-hosts";
const BOUND: Duration = Duration::from_secs(10);

/// Writes who owns a world. Until this stands, the directory belongs to nobody and would be swept.
pub(crate) fn claim(dir: &Path) -> Result<()> {
    let pid = std::process::id();
    let start = start_time(pid).context("reading this process's start time")?;
    let staged = dir.with_extension("claim");
    fs::create_dir_all(&staged).with_context(|| format!("making {}", staged.display()))?;
    fs::write(staged.join("owner"), format!("{pid} {start}")).context("writing a world's owner")?;
    fs::rename(&staged, dir).with_context(|| format!("making {}", dir.display()))
}

/// Takes apart every world whose owner is gone.
pub(crate) fn leftovers() {
    let Ok(worlds) = fs::read_dir(WORLDS) else { return };
    for world in worlds.flatten() {
        let dir = world.path();
        let is_claim = dir.extension().is_some_and(|e| e == "claim");
        if is_claim || owner_lives(&dir) {
            continue;
        }
        if let Some(prefix) = dir.file_name().and_then(|name| name.to_str()) {
            world_down(prefix);
        }
    }
}

/// Takes apart one world and all in it. Goes on after each failure: what cannot be removed now is swept next time.
pub(crate) fn world_down(prefix: &str) {
    kill_cgroups(prefix);
    for netns in namespaces(prefix) {
        kill_in_namespace(&netns);
    }
    let dir = Path::new(WORLDS).join(prefix);
    unmount_below(&dir);
    for netns in namespaces(prefix) {
        let _ = command::run(&["ip", "netns", "del", &netns], BOUND);
        let _ = fs::remove_dir_all(Path::new("/etc/netns").join(&netns));
        let _ = fs::remove_dir_all(Path::new("/run/systemd/nspawn/propagate").join(&netns));
    }
    remove_cgroups(prefix);
    // With a mount still in it, removing the tree would empty somebody's disk.
    if mounts_below(&dir).is_empty() {
        let _ = fs::remove_dir_all(&dir);
    }
}

fn owner_lives(dir: &Path) -> bool {
    let Ok(owner) = fs::read_to_string(dir.join("owner")) else { return false };
    let Some((pid, start)) = owner.trim().split_once(' ') else { return false };
    pid.parse().is_ok_and(|pid| start_time(pid).is_some_and(|now| now == start))
}

/// Field 22 of `/proc/<pid>/stat`; the name in field 2 may hold blanks, so fields are counted from its closing bracket.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

fn belongs(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn cgroups(prefix: &str) -> Vec<PathBuf> {
    let (unified, named) = cgroup_mounts();
    let entries = [unified, named].into_iter().flatten().filter_map(|mount| fs::read_dir(mount).ok());
    entries
        .flat_map(Iterator::flatten)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| belongs(name, prefix)))
        .map(|entry| entry.path())
        .collect()
}

fn kill_cgroups(prefix: &str) {
    for cgroup in cgroups(prefix) {
        // A frozen one dies all the same: SIGKILL by cgroup.kill reaches frozen processes.
        let _ = fs::write(cgroup.join("cgroup.kill"), "1");
    }
    for cgroup in cgroups(prefix) {
        let events = cgroup.join("cgroup.events");
        let _ = wait::until("a cgroup to be empty", BOUND, || {
            let text = fs::read_to_string(&events).unwrap_or_default();
            Ok(Seen::when(!text.contains("populated 1"), "populated"))
        });
    }
}

fn remove_cgroups(prefix: &str) {
    for cgroup in cgroups(prefix) {
        remove_cgroup(&cgroup);
    }
}

fn remove_cgroup(cgroup: &Path) {
    for child in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if child.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&child.path());
        }
    }
    let _ = fs::remove_dir(cgroup);
}

fn namespaces(prefix: &str) -> Vec<String> {
    let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|n| belongs(n, prefix)).collect()
}

/// A thread of ours may be inside (a client that measures): only other processes are killed.
fn kill_in_namespace(netns: &str) {
    let Ok(pids) = command::must(&["ip", "netns", "pids", netns], BOUND) else { return };
    let own = std::process::id().to_string();
    for pid in pids.split_whitespace().filter(|pid| *pid != own) {
        let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let points = text.lines().filter_map(|line| line.split(' ').nth(1)).map(PathBuf::from);
    points.filter(|point| point.starts_with(dir)).collect()
}

/// Newest first: the overlay goes before the disk it lies on. A process that is dying may hold it for a moment.
fn unmount_below(dir: &Path) {
    let _ = wait::until("the disks of a world to be free", BOUND, || {
        for point in mounts_below(dir).iter().rev() {
            let _ = command::run(&["umount".as_ref(), point.as_os_str()], BOUND);
        }
        Ok(Seen::when(mounts_below(dir).is_empty(), "still mounted"))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_never_takes_another_world() {
        assert!(belongs("sctl-12-1", "sctl-12-1"));
        assert!(belongs("sctl-12-1-lb1", "sctl-12-1"));
        assert!(!belongs("sctl-12-10", "sctl-12-1"));
        assert!(!belongs("sctl-12-10-lb1", "sctl-12-1"));
    }

    #[test]
    fn this_process_lives_and_its_pid_with_another_start_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let world = dir.path().join("world");
        claim(&world).unwrap();
        assert!(owner_lives(&world));
        fs::write(world.join("owner"), format!("{} 1", std::process::id())).unwrap();
        assert!(!owner_lives(&world));
    }
}
