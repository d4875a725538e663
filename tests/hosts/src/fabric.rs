//! One world's network: a namespace with a bridge, and no route out.
//!
//! The same addresses (`10.77.0.0/24`) serve every fabric: they are apart, so several runs may stand side by side.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::host::Host;
use crate::link::Link;
use crate::member::Member;
use crate::{command, image, requirements, sweep};

pub(crate) const BOUND: Duration = Duration::from_secs(10);
/// The bridge's own address; members have it as default route, which ends there.
const GATEWAY: u8 = 1;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A bridge in a namespace of its own. Members and hosts are plugged into it; when the last of them and the fabric are
/// dropped, nothing of it is left.
#[derive(Debug)]
pub struct Fabric {
    core: Arc<Core>,
}

/// What a fabric's members and hosts share.
#[derive(Debug)]
pub(crate) struct Core {
    prefix: String,
    dir: PathBuf,
    image: PathBuf,
}

impl Fabric {
    /// Makes a fabric, after sweeping what killed runs have left.
    ///
    /// # Errors
    /// The machine lacks something (each thing in words), or the image cannot be built.
    pub fn new() -> Result<Self> {
        requirements::demand()?;
        sweep::leftovers();
        let image = image::ensure()?;
        let prefix = format!("sctl-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = Path::new(sweep::WORLDS).join(&prefix);
        fs::create_dir_all(sweep::WORLDS).with_context(|| format!("making {}", sweep::WORLDS))?;
        sweep::claim(&dir)?;
        let core = Core { prefix, dir, image };
        core.bridge_up().context("making the fabric")?;
        Ok(Self { core: Arc::new(core) })
    }

    /// The address with this last octet.
    pub const fn address(octet: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, octet)
    }

    /// Makes a member with this host name and address, not booted yet.
    ///
    /// # Errors
    /// Its namespace or its disk cannot be made.
    pub fn member(&self, name: &str, octet: u8) -> Result<Member> {
        Member::new(self.link(name, octet)?).with_context(|| format!("making member {name}"))
    }

    /// Makes a plain namespace on the bridge, for processes of this machine.
    ///
    /// # Errors
    /// Its namespace cannot be made.
    pub fn host(&self, name: &str, octet: u8) -> Result<Host> {
        Host::new(self.link(name, octet)?).with_context(|| format!("making host {name}"))
    }

    /// Runs a program in the fabric's own namespace, at the bridge's address.
    ///
    /// # Errors
    /// As [`command::must`].
    pub fn exec(&self, argv: &[&str]) -> Result<String> {
        self.core.exec(argv)
    }

    /// Where this world keeps its files and logs while it stands.
    pub fn dir(&self) -> &Path {
        &self.core.dir
    }

    fn link(&self, name: &str, octet: u8) -> Result<Link> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        // `v-<name>` is an interface's name, of which the kernel takes 15 characters.
        ensure!(
            (1..=13).contains(&name.len()) && name.chars().all(is_plain),
            "`{name}` cannot name a host here: 1 to 13 small letters and digits"
        );
        ensure!(octet > GATEWAY && octet < 255, "{octet} is no free address on the bridge");
        Link::plug(Arc::clone(&self.core), name, Self::address(octet))
    }
}

impl Core {
    /// The namespace's name, and what every name of this world begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn image(&self) -> &Path {
        &self.image
    }

    pub(crate) fn gateway() -> Ipv4Addr {
        Fabric::address(GATEWAY)
    }

    pub(crate) fn exec(&self, argv: &[&str]) -> Result<String> {
        let argv: Vec<&str> = ["ip", "netns", "exec", &self.prefix].iter().chain(argv).copied().collect();
        command::must(&argv, BOUND)
    }

    /// `ip` inside the fabric.
    pub(crate) fn ip(&self, argv: &[&str]) -> Result<()> {
        let argv: Vec<&str> = ["ip", "-n", &self.prefix].iter().chain(argv).copied().collect();
        command::must(&argv, BOUND)?;
        Ok(())
    }

    fn bridge_up(&self) -> Result<()> {
        command::must(&["ip", "netns", "add", &self.prefix], BOUND)?;
        self.ip(&["link", "set", "lo", "up"])?;
        // A bridge learns for 15 s before it forwards, unless told not to.
        self.ip(&["link", "add", "br0", "type", "bridge", "forward_delay", "0"])?;
        self.ip(&["addr", "add", &format!("{}/24", Self::gateway()), "dev", "br0"])?;
        self.ip(&["link", "set", "br0", "up"])
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        sweep::world_down(&self.prefix);
    }
}
