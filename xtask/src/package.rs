//! The desktop's Debian package: the release build of the desktop and of `serversctl`, put where Debian wants them.
//!
//! `dpkg-deb` and nothing else makes it, so that a package can be made wherever the product can be built.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::shell::{self, must, say};

/// What lies where in the package, with its mode; programs come from the build, the rest from the repository.
const PROGRAMS: &[&str] = &["serversctl-desktop", "serversctl"];
const FILES: &[(&str, &str)] = &[
    ("installers/desktop/serversctl.desktop", "usr/share/applications/serversctl.desktop"),
    ("icons/32x32.png", "usr/share/icons/hicolor/32x32/apps/serversctl.png"),
    ("icons/128x128.png", "usr/share/icons/hicolor/128x128/apps/serversctl.png"),
    ("icons/512x512.png", "usr/share/icons/hicolor/512x512/apps/serversctl.png"),
    ("icons/serversctl.svg", "usr/share/icons/hicolor/scalable/apps/serversctl.svg"),
];

/// Makes `target/package/serversctl_<version>_<architecture>.deb` of a finished release build.
pub(crate) fn deb(target: &Path) -> Result<PathBuf> {
    let package = target.join("package");
    let staged = package.join("staged");
    if staged.exists() {
        fs::remove_dir_all(&staged).with_context(|| format!("emptying {}", staged.display()))?;
    }
    for program in PROGRAMS {
        put(&target.join("release").join(program), &staged.join("usr/bin").join(program), 0o755)?;
    }
    for (from, to) in FILES {
        put(&shell::root().join(from), &staged.join(to), 0o644)?;
    }
    let architecture = shell::read(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let version = env!("CARGO_PKG_VERSION");
    let kib = shell::read(Command::new("du").args(["--apparent-size", "-sk"]).arg(&staged))?;
    let kib = kib.split_whitespace().next().context("du prints a size")?.to_owned();
    let control = shell::root().join("installers/desktop/control");
    let control = fs::read_to_string(&control).with_context(|| format!("reading {}", control.display()))?;
    let control = control
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", &architecture)
        .replace("@INSTALLED_KIB@", &kib);
    fs::create_dir_all(staged.join("DEBIAN")).context("making the package's own directory")?;
    fs::write(staged.join("DEBIAN/control"), control).context("writing the package's control file")?;
    let deb = package.join(format!("serversctl_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    // The two programs share most of their code, megabytes apart: a window that spans both keeps it once (14 to 10 MB).
    build.args(["--root-owner-group", "-Zxz", "-z9", "-Sextreme", "--build"]).arg(&staged).arg(&deb);
    must(build.stdout(std::io::stderr()))?;
    say(&format!("{} ({:.1} MB)", deb.display(), fs::metadata(&deb)?.len() as f64 / 1e6));
    Ok(deb)
}

fn put(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let dir = to.parent().context("a file lies in a directory")?;
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
        .with_context(|| format!("opening {} to readers", to.display()))
}
