//! A member's disk: the shared image below, a tmpfs above, and an identity of its own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::fabric::Fabric;

/// The tmpfs takes what is written, so this is a disk that can run full, not memory that is reserved.
const SIZE: &str = "512m";
/// Where the demo and the tests put their name server, if they have one.
const NAME_SERVER: u8 = 53;
const BOUND: Duration = Duration::from_secs(10);

/// Mounts the disk at `<dir>/root` and writes who the member is.
pub(super) fn make(image: &Path, dir: &Path, name: &str) -> Result<()> {
    let (disk, root) = (dir.join("disk"), dir.join("root"));
    fs::create_dir_all(&disk).with_context(|| format!("making {}", disk.display()))?;
    fs::create_dir_all(&root).with_context(|| format!("making {}", root.display()))?;
    let (disk_words, root_words) = (disk.display().to_string(), root.display().to_string());
    let size = format!("size={SIZE},mode=755");
    command::must(&["mount", "-t", "tmpfs", "-o", &size, "sctl-disk", &disk_words], BOUND)?;
    fs::create_dir(disk.join("upper")).context("making the upper layer")?;
    fs::create_dir(disk.join("work")).context("making the work layer")?;
    let layers =
        format!("lowerdir={},upperdir={disk_words}/upper,workdir={disk_words}/work", image.display());
    command::must(&["mount", "-t", "overlay", "-o", &layers, "sctl-root", &root_words], BOUND)?;
    identity(&root, name)
}

fn identity(root: &Path, name: &str) -> Result<()> {
    let etc = root.join("etc");
    let write = |file: &str, content: &str| {
        let path = etc.join(file);
        // The image's resolv.conf is a link to what systemd-resolved writes; the member gets a plain file.
        if path.is_symlink() {
            fs::remove_file(&path).with_context(|| format!("replacing {file}"))?;
        }
        fs::write(&path, content).with_context(|| format!("writing {file}"))
    };
    write("hostname", &format!("{name}\n"))?;
    write("hosts", &format!("127.0.0.1 localhost\n127.0.1.1 {name}\n"))?;
    write("resolv.conf", &format!("nameserver {}\n", Fabric::address(NAME_SERVER)))?;
    let uuid = fs::read_to_string("/proc/sys/kernel/random/uuid").context("making a machine id")?;
    write("machine-id", &uuid.replace('-', ""))?;
    let key = etc.join("ssh/ssh_host_ed25519_key").display().to_string();
    command::must(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &key], BOUND)?;
    Ok(())
}
