//! What a fresh machine lacks. As root it is installed; otherwise the exact line is printed and the task ends with 2.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::shell::{self, EXIT_LACKING, Exit, find_program, say};

/// What the task is going to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Build and test without real members.
    Building,
    /// Real members too: root and the tools to make them.
    Members,
    /// Real members, and a desktop that is fit to be looked at.
    Pictures,
}

/// A program, and the Debian package that brings it.
const TO_BUILD: &[(&str, &str)] = &[("cc", "gcc"), ("git", "git"), ("pkg-config", "pkg-config")];

const TO_MAKE_MEMBERS: &[(&str, &str)] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("journalctl", "systemd"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("ping", "iputils-ping"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("mount", "mount"),
    ("named", "bind9"),
    ("nsupdate", "bind9-dnsutils"),
    ("curl", "curl"),
    ("ssh-keygen", "openssh-client"),
    ("mkfs.ext4", "e2fsprogs"),
    // Looks at every screen of the frontend.
    ("chromium", "chromium"),
    // The desktop of the desktop's tests.
    ("Xvfb", "xvfb"),
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("dbus-daemon", "dbus-daemon"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("import", "imagemagick"),
];

/// A window manager, a panel and a notification service.
const TO_TAKE_PICTURES: &[(&str, &str)] = &[
    ("openbox", "openbox"),
    ("xdotool", "xdotool"),
    ("convert", "imagemagick"),
    ("xfce4-panel", "xfce4-panel"),
];

/// Files without a program of their own.
const FILES_TO_BUILD: &[(&str, &str)] = &[
    ("/usr/include/stdio.h", "libc6-dev"),
    ("/usr/include/webkitgtk-4.1/webkit2/webkit2.h", "libwebkit2gtk-4.1-dev"),
];
const FILES_TO_MAKE_MEMBERS: &[(&str, &str)] = &[
    ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core"),
];

const FILES_TO_TAKE_PICTURES: &[(&str, &str)] = &[
    ("/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd", "xfce4-notifyd"),
    ("/usr/lib/x86_64-linux-gnu/xfce4/xfconf/xfconfd", "xfconf"),
];

const APT_ATTEMPTS: u32 = 4;
/// Doubled after each attempt; a mirror in the middle of its own update needs some seconds.
const APT_PAUSE: Duration = Duration::from_secs(3);

/// Finds what is missing and installs it.
pub(crate) fn ensure(what_for: For) -> Result<()> {
    let is_root = is_root();
    let packages = missing_packages(what_for);
    if !packages.is_empty() {
        if find_program("apt-get").is_none() {
            let words = format!(
                "this machine has no apt-get; install what these Debian packages bring: {}",
                packages.join(" ")
            );
            return Err(Exit { code: EXIT_LACKING, words }.into());
        }
        if !is_root {
            let line = packages.join(" ");
            let words = format!(
                "missing packages; run this, then again what you ran:\n  \
                 sudo apt-get update && sudo apt-get install -y --no-install-recommends {line}"
            );
            return Err(Exit { code: EXIT_LACKING, words }.into());
        }
        apt_install(&packages)?;
        let left = missing_packages(what_for);
        if !left.is_empty() {
            bail!("still missing after installing: {}", left.join(" "));
        }
    }
    if what_for != For::Building && !is_root {
        let words = "real members need root: run it as root (`sudo -E env PATH=\"$PATH\" cargo xtask …`), \
                     or leave them out with `cargo xtask test --fast`";
        return Err(Exit { code: EXIT_LACKING, words: words.to_owned() }.into());
    }
    Ok(())
}

/// The test runner; needs no root.
pub(crate) fn ensure_nextest() -> Result<()> {
    if shell::cargo(&["nextest", "--version"]).output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    say("cargo-nextest is missing; building it once takes some minutes");
    shell::must(shell::cargo(&["install", "cargo-nextest", "--locked"]).stdout(std::io::stderr()))
}

fn missing_packages(what_for: For) -> Vec<&'static str> {
    let (mut programs, mut files) = (TO_BUILD.to_vec(), FILES_TO_BUILD.to_vec());
    if what_for != For::Building {
        programs.extend(TO_MAKE_MEMBERS);
        files.extend(FILES_TO_MAKE_MEMBERS);
    }
    if what_for == For::Pictures {
        programs.extend(TO_TAKE_PICTURES);
        files.extend(FILES_TO_TAKE_PICTURES);
    }
    let programs = programs.into_iter().filter(|(program, _)| find_program(program).is_none());
    let files = files.into_iter().filter(|(file, _)| !Path::new(file).exists());
    programs.chain(files).map(|(_, package)| package).collect()
}

fn apt_install(packages: &[&str]) -> Result<()> {
    let _quiet = NoServices::begin()?;
    // The lists may be empty, as in every container image.
    apt(&["update"])?;
    let install: Vec<&str> =
        ["install", "-y", "--no-install-recommends"].iter().chain(packages).copied().collect();
    apt(&install)
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut pause = APT_PAUSE;
    for attempt in 1.. {
        let mut command = Command::new("apt-get");
        command.args(["-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]).args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        // Standard output is the task's own: `demo --json` prints nothing but JSON there.
        command.stdout(std::io::stderr());
        match shell::must(&mut command) {
            Ok(()) => break,
            Err(error) if attempt == APT_ATTEMPTS => return Err(error),
            Err(error) => say(&format!("{error:#}; trying again in {} s", pause.as_secs())),
        }
        thread::sleep(pause);
        pause *= 2;
    }
    Ok(())
}

/// By the owner of our own `/proc` entry, which needs no system call of our own.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Debian starts a service when its package is installed; `bind9` is wanted as a program only. While this stands,
/// `policy-rc.d` refuses every start.
struct NoServices {
    is_ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn begin() -> Result<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { is_ours: false });
        }
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").context("writing policy-rc.d")?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))
            .context("making policy-rc.d executable")?;
        Ok(Self { is_ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
