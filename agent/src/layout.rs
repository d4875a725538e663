//! Where the agent's files stand. One root moves all of them, for tests and images.

use std::path::{Path, PathBuf};

/// The places of the agent's files below one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The places below `root`; the real ones are below `/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether these are the host's own places, so that the host's systemd is meant too.
    pub fn is_host(&self) -> bool {
        self.root == Path::new("/")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Directory of the configuration.
    pub fn etc(&self) -> PathBuf {
        self.at("etc/balctl")
    }

    /// The variables.
    pub fn env(&self) -> PathBuf {
        self.at("etc/balctl/agent.env")
    }

    /// Directory of everything the agent remembers.
    pub fn state(&self) -> PathBuf {
        self.at("var/lib/balctl")
    }

    /// Directory of what lives as long as the process.
    pub fn run(&self) -> PathBuf {
        self.at("run/balctl")
    }

    /// The local socket that `status` asks.
    pub fn socket(&self) -> PathBuf {
        self.at("run/balctl/agent.sock")
    }

    /// The systemd unit.
    pub fn unit(&self) -> PathBuf {
        self.at("etc/systemd/system").join(crate::unit::NAME)
    }

    /// Directory of the host's SSH keys.
    pub fn ssh(&self) -> PathBuf {
        self.at("etc/ssh")
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new("/")
    }
}
