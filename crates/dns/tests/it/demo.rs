//! The embedded server: the same suite as BIND, and what a kill does to it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use dns::{
    Expected, Fqdn, Move, Names, ReadToken,
    conformance::{Access, Bench as _, DEADLINE, run_all, update_bench::UpdateBench},
    demo::{DemoConfig, DemoServer},
    tsig::{Algorithm, TsigKey},
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::named::{KEY, SECRET, ZONE, free_address};

pub(crate) async fn start(directory: &TempDir) -> DemoServer {
    DemoServer::start(DemoConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        zone: Fqdn::new(ZONE).unwrap(),
        key: TsigKey::new(KEY, Algorithm::HmacSha256, &SecretString::from(SECRET)).unwrap(),
        directory: directory.path().to_owned(),
        addresses: vec![(Fqdn::new("lb.example.com").unwrap(), "203.0.113.1".parse().unwrap())],
        ttl_s: 300,
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_server_passes_the_suite() {
    let directory = TempDir::new().unwrap();
    let server = start(&directory).await;
    let bench = UpdateBench::new(server.address(), Fqdn::new(ZONE).unwrap(), KEY, SECRET).await;
    run_all(&bench, 50).await;
}

/// A process of the server, killed when dropped.
struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    fn start(root: &TempDir, address: SocketAddr) -> Self {
        let key = root.path().join("key");
        fs::write(&key, format!("{KEY}:hmac-sha256:{SECRET}\n")).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_demo-dns"))
            .args(["--zone", ZONE, "--a", "lb=203.0.113.1", "--listen", &address.to_string()])
            .arg("--key-file")
            .arg(&key)
            .arg("--data-dir")
            .arg(root.path().join("zone"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, address }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_forgets_nothing_it_has_answered() {
    let root = TempDir::new().unwrap();
    let address = free_address(Ipv4Addr::LOCALHOST);
    let mut process = Process::start(&root, address);
    let zone = Fqdn::new(ZONE).unwrap();
    let names = Names::new(Fqdn::new("lb.example.com").unwrap(), zone.clone()).unwrap();
    let bench = UpdateBench::new(process.address, zone, KEY, SECRET).await;
    let provider = bench.provider(Access::Good);
    let (mut a, mut marker, mut serial) = (Ipv4Addr::new(203, 0, 113, 1), None, 0);
    for round in 0..20_u8 {
        // Two moves race with the kill: the first is always answered, the second at an arbitrary moment.
        let first = step(a, marker.clone(), round * 2);
        assert!(provider.write(&names, &first, DEADLINE).await.is_accepted());
        let second = step(first.set_a, Some(first.set_marker.clone()), round * 2 + 1);
        let racing = provider.write(&names, &second, DEADLINE);
        let killing = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            process.child.kill().unwrap();
        };
        let (outcome, ()) = tokio::join!(racing, killing);
        drop(process);
        process = Process::start(&root, address);
        let reading = provider.read(&names).await.unwrap();
        let landed = reading.single_marker() == Some(second.set_marker.as_str());
        assert!(landed || !outcome.is_accepted(), "an answered move was forgotten: {outcome:?}");
        let stands = if landed { &second } else { &first };
        assert_eq!(Expected::after(stands).compare(&reading), Ok(()), "both records or neither");
        assert!(reading.serial.unwrap() > serial, "the serial must not fall");
        (a, marker, serial) = (stands.set_a, Some(stands.set_marker.clone()), reading.serial.unwrap());
    }
}

fn step(from: Ipv4Addr, expect_marker: Option<String>, round: u8) -> Move {
    let set_a = Ipv4Addr::new(203, 0, 113, 100 + round);
    Move {
        expect_a: Some(from),
        expect_marker,
        set_a,
        set_marker: format!("v=sctl1 f=0a1b2c3d e={round} a={set_a} m=00000001 n={round:08x} p=00000000"),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    }
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let root = TempDir::new().unwrap();
    let key = root.path().join("key");
    fs::write(&key, format!("{KEY}:hmac-sha256:{SECRET}")).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_demo-dns"))
        .args(["--zone", ZONE, "--listen", "127.0.0.1:0", "--key-file"])
        .arg(&key)
        .arg("--data-dir")
        .arg(root.path())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && words.contains("chmod 600"), "{words}");
    assert!(!words.contains(SECRET));
}

#[tokio::test]
async fn a_wrong_clock_signs_with_the_servers_time() {
    let directory = TempDir::new().unwrap();
    let server = start(&directory).await;
    let bench = UpdateBench::new(server.address(), Fqdn::new(ZONE).unwrap(), KEY, SECRET).await;
    crate::bind::check_skewed_clocks(&bench).await;
}
