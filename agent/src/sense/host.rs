//! Figures of the host, its name and its address.

use std::fmt;
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::pin::Pin;

use model::host::Figures;
use procfs::Current;
use tokio::sync::watch;

/// Longest `/etc/os-release` that is read.
const OS_RELEASE_BYTES_MAX: u64 = 16 << 10;
/// Longest name of a host.
const HOSTNAME_BYTES_MAX: usize = 253;

/// Why a fact of the host could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The kernel did not say its boot id.
    #[error("could not read the kernel's boot id")]
    BootId(#[source] std::io::Error),
    /// The kernel's boot id is not one.
    #[error("the kernel's boot id is no UUID: {text}")]
    OddBootId {
        /// What it said.
        text: String,
    },
}

/// Looks the public IPv4 up from outside. It is asked only with `BALCTL_PROBE_PUBLIC_IP=1` and an address to ask at.
pub trait PublicAddress: Send + Sync {
    /// Asks once; the words say why there is no answer.
    fn look_up(&self) -> Pin<Box<dyn Future<Output = Result<Ipv4Addr, String>> + Send + '_>>;
}

/// Where the member's IPv4 comes from, best first.
pub enum Ipv4Source<'a> {
    /// `BALCTL_DECLARE_IP`.
    Declared(Ipv4Addr),
    /// Somebody outside who sees us.
    Probed(&'a dyn PublicAddress),
    /// The address that leads to the default route.
    DefaultRoute,
}

impl fmt::Debug for Ipv4Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(address) => write!(f, "Declared({address})"),
            Self::Probed(_) => f.write_str("Probed"),
            Self::DefaultRoute => f.write_str("DefaultRoute"),
        }
    }
}

impl Ipv4Source<'_> {
    /// The address, `None` when this source does not know one. A probe that fails falls back to the default route.
    pub async fn address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Declared(address) => Some(*address),
            Self::DefaultRoute => default_route_address(),
            Self::Probed(outside) => match outside.look_up().await {
                Ok(address) => Some(address),
                Err(words) => {
                    tracing::warn!(error = %words, "the public IPv4 could not be looked up");
                    default_route_address()
                }
            },
        }
    }
}

/// The IPv4 that the kernel would send from to the world. Nothing is sent: connecting a UDP socket only chooses a
/// route. The target is from a documentation range, which every host reaches by its default route.
#[must_use]
pub fn default_route_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(address) if !address.is_unspecified() && !address.is_loopback() => Some(address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// The host's name: the override (`BALCTL_HOSTNAME`) if there is one, else the kernel's.
#[must_use]
pub fn hostname(overridden: Option<&str>) -> String {
    let name = match overridden.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    };
    name.chars().take(HOSTNAME_BYTES_MAX).collect()
}

/// The id that the kernel made at its start: another one means that the host was rebooted.
///
/// # Errors
/// The kernel does not say it, or says something else.
pub fn boot_id() -> Result<String, HostError> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").map_err(HostError::BootId)?;
    let text = text.trim();
    let is_uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_uuid {
        Ok(text.to_owned())
    } else {
        Err(HostError::OddBootId { text: text.chars().take(64).collect() })
    }
}

/// Whose figures a heartbeat carries.
#[derive(Clone, Debug)]
pub enum FiguresOf {
    /// Those of the host that this process runs on.
    ThisHost,
    /// Those of a host that is only pretended.
    Pretended(watch::Receiver<Figures>),
}

impl FiguresOf {
    /// The figures now.
    pub fn read(&self) -> Figures {
        match self {
            Self::ThisHost => figures(),
            Self::Pretended(figures) => figures.borrow().clone(),
        }
    }
}

/// Figures for people. What cannot be read is zero or empty: nothing here decides anything.
#[must_use]
pub fn figures() -> Figures {
    let memory = procfs::Meminfo::current().ok();
    let memory_total_bytes = memory.as_ref().map_or(0, |memory| memory.mem_total);
    let available = memory.as_ref().and_then(|memory| memory.mem_available).unwrap_or(memory_total_bytes);
    let disk = rustix::fs::statvfs("/").ok();
    let (disk_total_bytes, disk_used_bytes) = disk.map_or((0, 0), |disk| {
        let free = disk.f_bfree.saturating_mul(disk.f_frsize);
        let total = disk.f_blocks.saturating_mul(disk.f_frsize);
        (total, total.saturating_sub(free))
    });
    Figures {
        load_centi: load_centi(),
        // The standard library's count would read cgroups and mounts each time.
        cpus: rustix::thread::sched_getaffinity(None).map_or(0, |cpus| cpus.count()),
        memory_used_bytes: memory_total_bytes.saturating_sub(available),
        memory_total_bytes,
        disk_used_bytes,
        disk_total_bytes,
        uptime_s: procfs::Uptime::current().map_or(0, |uptime| uptime.uptime_duration().as_secs()),
        os: os_name().unwrap_or_default(),
    }
}

fn load_centi() -> u32 {
    let load = procfs::LoadAverage::current().map_or(0.0, |load| load.one);
    // A load is never negative; one above 10,000 is shown as that.
    let centi = (f64::from(load) * 100.0).clamp(0.0, 1_000_000.0);
    #[expect(clippy::cast_sign_loss, reason = "clamped to a positive range just above")]
    let centi = centi as u32;
    centi
}

fn os_name() -> Option<String> {
    let text =
        ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| read_start(Path::new(path)))?;
    os_release_value(&text, "PRETTY_NAME")
}

fn read_start(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(OS_RELEASE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// One value of an os-release text; values may be quoted.
pub(crate) fn os_release_value(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    Some(unquoted.replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_may_be_quoted() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID_LIKE='a b'\n";
        let value = |name| os_release_value(text, name);
        assert_eq!(value("PRETTY_NAME").as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(value("ID").as_deref(), Some("debian"));
        assert_eq!(value("ID_LIKE").as_deref(), Some("a b"));
        assert_eq!(value("VERSION"), None);
    }

    #[test]
    fn a_name_may_be_overridden() {
        assert_eq!(hostname(Some(" edge-1 ")), "edge-1");
        let own = hostname(None);
        assert!(!own.is_empty());
        assert_eq!(hostname(Some("")), own);
    }

    #[test]
    fn this_host_has_figures() {
        let figures = figures();
        assert!(figures.cpus > 0 && figures.uptime_s > 0);
        assert!(figures.memory_total_bytes >= figures.memory_used_bytes && figures.memory_total_bytes > 0);
        assert!(figures.disk_total_bytes >= figures.disk_used_bytes && figures.disk_total_bytes > 0);
        assert_eq!(boot_id().unwrap().len(), 36);
    }

    #[test]
    fn a_declared_address_is_taken_as_it_is() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let declared = Ipv4Addr::new(203, 0, 113, 7);
        assert_eq!(runtime.block_on(Ipv4Source::Declared(declared).address()), Some(declared));
    }
}
