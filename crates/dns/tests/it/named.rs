//! A real BIND 9 on a loopback port, in a directory of its own, ended when dropped.

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
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

pub(crate) struct Named {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
}

impl Named {
    /// Starts a primary for `example.com` whose `update-policy` holds these rules.
    pub(crate) fn start(update_policy: &str) -> Self {
        assert!(
            Path::new(BINARY).exists(),
            "{BINARY} is missing: these tests need a real BIND 9. Install it: apt-get install bind9"
        );
        let directory = TempDir::new().unwrap();
        let address = free_address();
        let root = directory.path();
        fs::write(root.join("db.example.com"), zone_text("ns1.example.com.")).unwrap();
        fs::write(root.join("named.conf"), configuration(root, address.port(), update_policy)).unwrap();
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
        named.wait_until_ready();
        named
    }

    pub(crate) async fn bench(&self) -> UpdateBench {
        UpdateBench::new(self.address, Fqdn::new(ZONE).unwrap(), KEY, SECRET).await
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    fn wait_until_ready(&mut self) {
        let started = Instant::now();
        loop {
            if self.log().contains("all zones loaded") && TcpStream::connect(self.address).is_ok() {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "named ended at once:\n{}", self.log());
            assert!(started.elapsed() < Duration::from_secs(20), "named is not ready:\n{}", self.log());
            std::thread::yield_now();
        }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // Both may fail only if it has already ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address whose port is free now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn zone_text(primary: &str) -> String {
    format!(
        "$TTL 300\n@ IN SOA {primary} hostmaster.example.com. 1 3600 600 86400 60\n@ IN NS {primary}\nns1 IN A 127.0.0.1\n"
    )
}

fn configuration(root: &Path, port: u16, update_policy: &str) -> String {
    let root = root.display();
    format!(
        r#"options {{
  directory "{root}"; pid-file none; session-keyfile none; managed-keys-directory "{root}";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no; empty-zones-enable no;
}};
controls {{ }};
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};
zone "{ZONE}" {{ type primary; file "{root}/db.example.com"; update-policy {{ {update_policy} }}; }};
"#
    )
}
