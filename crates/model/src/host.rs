//! Figures of a host, for people.

use serde::{Deserialize, Serialize};

/// What a member says about its host; nothing here decides a failover.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Figures {
    /// Load average over one minute, times 100.
    pub load_centi: u32,
    /// Logical processors.
    pub cpus: u32,
    /// Memory in use, in bytes.
    pub memory_used_bytes: u64,
    /// Memory in all, in bytes.
    pub memory_total_bytes: u64,
    /// Space used on `/`, in bytes.
    pub disk_used_bytes: u64,
    /// Space in all on `/`, in bytes.
    pub disk_total_bytes: u64,
    /// Seconds since the kernel started.
    pub uptime_s: u64,
    /// The operating system's own name, for example `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
}
