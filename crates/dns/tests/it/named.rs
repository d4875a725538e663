//! A real BIND 9 on a loopback port, in a directory of its own, ended when dropped.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use dns::{Fqdn, conformance::update_bench::UpdateBench};
use tempfile::TempDir;

pub(crate) const KEY: &str = "dns-writer";
pub(crate) const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
pub(crate) const ZONE: &str = "example.com";

const BINARY: &str = "/usr/sbin/named";
/// A port that was free may be taken before named binds it; another one is tried then.
const STARTS_MAX: usize = 3;

pub(crate) struct Named {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
}

impl Named {
    /// Starts a primary for `example.com` whose `update-policy` holds these rules.
    pub(crate) fn start(update_policy: &str) -> Self {
        let records =
            "@ IN NS ns1\nns1 IN A 127.0.0.1\naway IN NS ns.elsewhere.test.\n*.wild IN A 203.0.113.77\n";
        Self::start_zone(Ipv4Addr::LOCALHOST, ZONE, records, update_policy)
    }

    /// Starts a primary for any zone with these records beside its SOA.
    pub(crate) fn start_zone(ip: Ipv4Addr, zone: &str, records: &str, update_policy: &str) -> Self {
        assert!(
            Path::new(BINARY).exists(),
            "{BINARY} is missing: these tests need a real BIND 9. Install it: apt-get install bind9"
        );
        for _ in 1..STARTS_MAX {
            if let Ok(named) = Self::try_start(ip, zone, records, update_policy) {
                return named;
            }
        }
        Self::try_start(ip, zone, records, update_policy)
            .unwrap_or_else(|log| panic!("named did not start:\n{log}"))
    }

    fn try_start(ip: Ipv4Addr, zone: &str, records: &str, update_policy: &str) -> Result<Self, String> {
        let directory = TempDir::new().unwrap();
        let address = free_address(ip);
        let root = directory.path();
        let soa = "$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 86400 60\n";
        fs::write(root.join("db"), format!("{soa}{records}")).unwrap();
        fs::write(root.join("named.conf"), configuration(root, address, zone, update_policy)).unwrap();
        let log = fs::File::create(root.join("log")).unwrap();
        let child = Command::new(BINARY)
            .args(["-g", "-n", "1", "-c"])
            .arg(root.join("named.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut named = Self { child, address, directory };
        let started = Instant::now();
        loop {
            if named.log().contains("all zones loaded") && TcpStream::connect(address).is_ok() {
                return Ok(named);
            }
            let ended = named.child.try_wait().unwrap().is_some();
            if ended || started.elapsed() > Duration::from_secs(20) {
                return Err(named.log());
            }
            std::thread::yield_now();
        }
    }

    pub(crate) async fn bench(&self) -> UpdateBench {
        UpdateBench::new(self.address, Fqdn::new(ZONE).unwrap(), KEY, SECRET).await
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // Both may fail only if it has already ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address whose port is free now, for TCP.
pub(crate) fn free_address(ip: Ipv4Addr) -> SocketAddr {
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}

fn configuration(root: &Path, address: SocketAddr, zone: &str, update_policy: &str) -> String {
    let (root, ip, port) = (root.display(), address.ip(), address.port());
    format!(
        r#"options {{
  directory "{root}"; pid-file none; session-keyfile none; managed-keys-directory "{root}";
  listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no; empty-zones-enable no;
}};
controls {{ }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "{zone}" {{ type primary; file "{root}/db"; update-policy {{ {update_policy} }}; }};
"#
    )
}
