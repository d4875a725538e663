//! The members' root filesystem: one Debian 12, made once per package list and shared read-only by every member.
//!
//! It is kept in `/var/cache/serversctl-tests/<key>/`, where the key covers everything the content depends on, so another
//! list makes another image beside it. It is built under a lock and renamed into place: who finds the directory finds it
//! whole, and parallel test processes build it once.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::wait::{self, Seen};

const CACHE: &str = "/var/cache/serversctl-tests";
const SUITE: &str = "bookworm";

/// What a member has. BIND is in it, switched off, so that a member can also be a DNS peer.
const PACKAGES: &[&str] = &[
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "haproxy",
    "openssh-server",
    "openssh-client",
    "ufw",
    "iptables",
    "nftables",
    "iproute2",
    "iputils-ping",
    "ca-certificates",
    "socat",
    "curl",
    "procps",
    "udev",
    "systemd-resolved",
    "bind9",
    "bind9-dnsutils",
];

/// Pages nobody reads in a member: a fifth of the image.
const EXCLUDES: &[&str] = &["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"];

/// Timers that would work in the background of a test, and the name server that only some members run.
const SWITCHED_OFF: &str = "apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap fstrim.timer \
                            dpkg-db-backup.timer named.service";

/// HAProxy and what only HAProxy needs, kept in the image as a small repository: a member can lose it all and install it
/// again without any network.
const KEPT_PACKAGES: &[&str] = &["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"];
/// Where that repository lies in a member. Nothing names it until somebody puts [`REPOSITORY_SOURCE`] into apt's sources.
const REPOSITORY: &str = "/opt/packages";
/// A line of apt's sources that names it.
pub const REPOSITORY_SOURCE: &str = "deb [trusted=yes] file:/opt/packages ./\n";

/// Raised when the recipe below changes in a way the lists do not show.
const RECIPE_VERSION: u32 = 2;

/// 45 s where it was measured; a slow mirror may take ten times that.
const BUILD_BOUND: Duration = Duration::from_mins(12);
const BUILD_ATTEMPTS: u32 = 3;
/// Another process may be building it, with all its attempts.
const LOCK_BOUND: Duration = Duration::from_mins(37);

/// Returns the image's directory, building it first if this machine has none.
///
/// # Errors
/// It cannot be built: the words are mmdebstrap's.
pub fn ensure() -> Result<PathBuf> {
    let home = Path::new(CACHE).join(key());
    let root = home.join("rootfs");
    if root.is_dir() {
        return Ok(root);
    }
    fs::create_dir_all(CACHE).with_context(|| format!("making {CACHE}"))?;
    let lock = File::create(Path::new(CACHE).join("lock")).context("opening the image lock")?;
    wait::until("the lock on the member image", LOCK_BOUND, || {
        Ok(Seen::when(lock.try_lock().is_ok(), "another process builds the image"))
    })?;
    if !root.is_dir() {
        build(&home)?;
    }
    Ok(root)
}

fn build(home: &Path) -> Result<()> {
    say("making the member image once (about a minute)");
    let staging = home.with_extension("building");
    let mut attempt = 0;
    loop {
        attempt += 1;
        remove_tree(&staging)?;
        fs::create_dir_all(&staging).with_context(|| format!("making {}", staging.display()))?;
        let Err(error) = mmdebstrap(&staging.join("rootfs")) else { break };
        if attempt == BUILD_ATTEMPTS {
            remove_tree(&staging)?;
            return Err(error.context("making the member image"));
        }
        say(&format!("mmdebstrap failed, trying again: {error:#}"));
    }
    fs::rename(&staging, home).with_context(|| format!("renaming the image to {}", home.display()))?;
    say("the member image is ready");
    Ok(())
}

fn mmdebstrap(root: &Path) -> Result<()> {
    let mut argv: Vec<String> =
        vec!["mmdebstrap".into(), "--variant=minbase".into(), format!("--include={}", PACKAGES.join(","))];
    argv.extend(EXCLUDES.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    argv.push(format!("--customize-hook=chroot \"$1\" systemctl disable {SWITCHED_OFF} || true"));
    argv.push("--customize-hook=: > \"$1\"/etc/machine-id".into());
    // Every member makes its own; keys of the image would be shared by all of them.
    argv.push("--customize-hook=rm -f \"$1\"/etc/ssh/ssh_host_*".into());
    argv.push(format!("--customize-hook={}", keep_packages()));
    argv.push(SUITE.into());
    argv.push(root.display().to_string());
    argv.extend(sources());
    command::must(&argv, BUILD_BOUND)?;
    Ok(())
}

/// Keeps what mmdebstrap has fetched already, before it cleans up, with the index that makes a repository of it.
fn keep_packages() -> String {
    let fetched: Vec<String> = KEPT_PACKAGES
        .iter()
        .map(|package| format!("\"$1\"/var/cache/apt/archives/{package}_*.deb"))
        .collect();
    format!(
        "set -e; mkdir -p \"$1\"{REPOSITORY}; cp {} \"$1\"{REPOSITORY}/; cd \"$1\"{REPOSITORY}; \
         for deb in *.deb; do dpkg-deb --field \"$deb\"; echo \"Filename: ./$deb\"; \
         echo \"Size: $(stat --format=%s \"$deb\")\"; \
         echo \"SHA256: $(sha256sum \"$deb\" | cut -d ' ' -f 1)\"; echo; done > Packages",
        fetched.join(" ")
    )
}

/// The machine's own sources where it runs the same Debian (its mirror is the near one), Debian's otherwise.
fn sources() -> Vec<String> {
    let own = Path::new("/etc/apt/sources.list.d/debian.sources");
    let same = fs::read_to_string(own).is_ok_and(|text| text.contains(SUITE));
    if same {
        return vec![own.display().to_string()];
    }
    ["", "-updates"]
        .iter()
        .map(|part| format!("deb http://deb.debian.org/debian {SUITE}{part} main"))
        .chain([format!("deb http://deb.debian.org/debian-security {SUITE}-security main")])
        .collect()
}

fn remove_tree(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(())
}

/// FNV-1a: the standard hasher may change between compilers, and this name must not.
fn key() -> String {
    let recipe =
        format!("{RECIPE_VERSION} {SUITE} {PACKAGES:?} {EXCLUDES:?} {SWITCHED_OFF} {KEPT_PACKAGES:?}");
    let hash = recipe.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{SUITE}-{hash:016x}")
}

/// Progress goes to the standard error, which is where test runners show it.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "hosts: {words}");
}
