//! The doubles as a process: what tests of the whole product stand on.

use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
};

use dns::{
    Fqdn, MoveOutcome, Names, Provider, ReadToken, Sent, TtlChange,
    conformance::{DEADLINE, whm_double::GOOD_TOKEN},
    web::{Road, Trust},
    whm::{Config, Whm},
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::named::free_address;

const ZONE: &str = "example.com";

struct Process {
    child: Child,
    sha256: String,
}

impl Process {
    fn start(address: SocketAddr, root: &TempDir) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_api-double"))
            .args(["--kind", "whm", "--name", "whm.example.com", "--zone", ZONE, "--a", "lb=203.0.113.1"])
            .args(["--listen", &address.to_string(), "--certificate"])
            .arg(root.path().join("certificate.pem"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let sha256 = line.trim().strip_prefix("ready ").unwrap().to_owned();
        Self { child, sha256 }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_double_as_a_process_takes_the_product_and_commands() {
    let root = TempDir::new().unwrap();
    let address = free_address(Ipv4Addr::LOCALHOST);
    let process = Process::start(address, &root);
    let pem = std::fs::read(root.path().join("certificate.pem")).unwrap();
    let provider = Whm::new(Config {
        host: address.ip().to_string(),
        port: address.port(),
        user: "root".to_owned(),
        token: SecretString::from(GOOD_TOKEN),
        zone: Fqdn::new(ZONE).unwrap(),
        road: Road { trust: Trust::Pinned { sha256: process.sha256.clone() }, ..Road::default() },
    })
    .unwrap();
    let names = Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap();
    assert_eq!(provider.read(&names).await.unwrap().single_a(), Some("203.0.113.1".parse().unwrap()));

    // Any client that has the certificate may order a fault.
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .resolve("whm.example.com", address)
        .no_proxy()
        .build()
        .unwrap();
    let order = |path: &str| {
        let url = format!("https://whm.example.com:{}/-/{path}", address.port());
        let request = client.get(url);
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(order("then?when=write&fault=cut-after").await, 200);
    let change = TtlChange {
        expect_a: "203.0.113.1".parse().unwrap(),
        expect_marker: None,
        ttl_s: 120,
        token: ReadToken::default(),
    };
    let outcome = provider.set_ttl(&names, &change, DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    assert_eq!(provider.read(&names).await.unwrap().a[0].ttl_s, 120, "it had landed");
    for nonsense in ["then?fault=nonsense", "then?when=never&fault=doubled", "open", "nothing"] {
        assert_eq!(order(nonsense).await, 400, "{nonsense}");
    }
}
