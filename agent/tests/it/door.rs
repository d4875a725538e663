//! Who gets in, who does not, and with which words.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::check::{Offer, Refusal, Status};
use protocol::docs::{ConsoleEntry, Removed, Role};
use protocol::frame::{Hello, HelloRole};
use protocol::{Frame, Goodbye, SecretKey};
use serde::ser::SerializeStruct as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::world::{Console, Fleet, Member, PATIENCE, Running, key, knock};

async fn refusal(key: &SecretKey, member: &Member, role: HelloRole, hostname: &str) -> Refusal {
    let answer = knock(key, member, role, Some(hostname.into())).await.1;
    let Frame::Refused(refusal) = answer else { panic!("{answer:?}") };
    refusal
}

#[tokio::test]
async fn each_check_has_its_own_answer() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    fleet.change(|roster| {
        roster.members[1].sources = vec!["10.0.0.7".parse().unwrap()];
        roster.removed.push(Removed { key: key(9).public(), name: "edge-9".into() });
    });
    fleet.write_enrolled(&members[0]);
    let agent = Running::start(&members[0]);
    let door = &members[0];

    let unknown = refusal(&key(8), door, HelloRole::Member, "edge-8").await;
    assert_eq!(unknown.status, Status::Unknown);
    assert!(unknown.message.contains("48-character secret"), "{unknown}");
    let removed = refusal(&key(9), door, HelloRole::Member, "edge-9").await;
    assert_eq!(removed.status, Status::Unknown);
    assert!(removed.message.contains("edge-9, which was removed"), "{removed}");
    let source = refusal(&members[1].key, door, HelloRole::Member, "edge-2").await;
    assert_eq!(source.status, Status::Forbidden);
    assert_eq!(source.message, "source 127.0.0.1 is not among allowed 10.0.0.7 of edge-2");
    assert_eq!(source.offer, Some(Offer::AllowSource("127.0.0.1".parse().unwrap())));
    let console = refusal(&key(8), door, HelloRole::Console, "").await;
    assert_eq!(console.status, Status::Unknown);
    assert!(console.message.contains("is no console of fleet"), "{console}");
    let enrol = refusal(&key(8), door, HelloRole::Enrol, "").await;
    assert_eq!(enrol.status, Status::Conflict);

    // An owner allows the source; then the hostname is what is left.
    let mut owner = fleet.console(door).await;
    let next = fleet.change(|roster| roster.members[1].sources = vec!["127.0.0.1".parse().unwrap()]);
    owner.say(Frame::DocPut(next)).await;
    owner.until("the roster", |frame| matches!(frame, Frame::DocStored(_)).then_some(())).await;
    let hostname = refusal(&members[1].key, door, HelloRole::Member, "vm-17").await;
    assert_eq!(hostname.status, Status::Forbidden);
    assert!(hostname.message.contains("set BALCTL_HOSTNAME=edge-2"), "{hostname}");

    let layout = door.layout.clone();
    let overview =
        tokio::task::spawn_blocking(move || agent::status::ask(&layout)).await.unwrap().unwrap().unwrap();
    let told: Vec<_> = overview.refusals.iter().map(|one| one.status).collect();
    assert_eq!(told, [403, 409, 401, 403, 401, 401]);
    agent.stop(Goodbye::AgentStop).await;
}

#[tokio::test]
async fn a_console_that_is_removed_loses_its_link_at_once() {
    let members = [Member::new(1)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let second = ConsoleEntry {
        id: model::ConsoleId::from_number(101),
        key: key(201).public(),
        name: "office".into(),
        role: Role::Operator,
    };
    fleet.change(|roster| roster.consoles.push(second.clone()));
    fleet.write_enrolled(&members[0]);
    let agent = Running::start(&members[0]);
    let (link, welcome) = knock(&key(201), &members[0], HelloRole::Console, None).await;
    assert!(matches!(welcome, Frame::Welcome(_)), "{welcome:?}");
    let operator = Console { link, id: second.id };
    let mut owner = fleet.console(&members[0]).await;
    let next = fleet.change(|roster| {
        roster.consoles.pop();
    });
    owner.say(Frame::DocPut(next)).await;
    let last = operator.closed().await;
    let refused =
        last.iter().any(|frame| matches!(frame, Frame::Refused(r) if r.message.contains("was removed")));
    assert!(refused, "{last:?}");
    agent.stop(Goodbye::AgentStop).await;
}

/// A small generator with a fixed seed: the same mutations on every run.
struct Mutations(u64);

impl Mutations {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.next() % 4 {
            let at = self.next() as usize % bytes.len().max(1);
            match self.next() % 5 {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), self.next() as u8),
                2 => bytes.extend(std::iter::repeat_n(self.next() as u8, self.next() as usize % 300)),
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << (self.next() % 8);
                    }
                }
            }
        }
    }
}

fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Text that goes into a frame as it is, JSON or not: what the serializer does for its own raw values, without the
/// check that those are JSON.
struct Unchecked(String);

impl serde::Serialize for Unchecked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const TOKEN: &str = "$serde_json::private::RawValue";
        let mut raw = serializer.serialize_struct(TOKEN, 1)?;
        raw.serialize_field(TOKEN, &self.0)?;
        raw.end()
    }
}

/// A connection from one of many addresses of the loopback, so that no address is paced away.
async fn connect_from(n: u32, to: SocketAddr) -> TcpStream {
    let [_, a, b, c] = (n / 20 + 1).to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 64 | a, b, c], 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// Bytes that are no TLS, as whoever finds the port may send.
async fn throw_at_port(n: u32, member: &Member, bytes: &[u8]) {
    let mut stream = connect_from(n, member.relay).await;
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    // A reset is an answer too; what must not be is silence beyond the handshake's deadline.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the door holds a stranger");
}

/// A mutated frame inside TLS: instead of the hello by a stranger, after it by a member.
async fn throw_inside(n: u32, member: &Member, by: &SecretKey, hello: Option<Hello>, text: String) {
    let identity = link::Identity::new(by).unwrap();
    let stream = Box::new(connect_from(n, member.relay).await);
    let pin = link::Pin::Key(member.key.public());
    let opened = link::connect_over(stream, "door".into(), None, &identity, pin, link::Timeouts::default());
    let mut link = opened.await.unwrap();
    let known = hello.is_some();
    if let Some(hello) = hello {
        link.send(&Frame::Hello(hello)).await.unwrap();
        let answer = link.recv::<Frame>().await.unwrap();
        // The peer's former link may still be on its way out.
        if !matches!(answer, Frame::Welcome(_)) {
            return;
        }
        link.set_limit(protocol::limits::FRAME_BYTES_MAX);
    }
    if link.send(&Unchecked(text)).await.is_err() || known {
        return;
    }
    let answer = timeout(PATIENCE, link.recv::<Frame>()).await.expect("the door neither answers nor closes");
    assert!(!matches!(answer, Ok(Frame::Welcome(_))), "{answer:?}");
}

#[tokio::test]
async fn ten_thousand_mutated_messages_change_nothing_and_cost_little() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let agent = Running::start(&members[0]);
    let mut console = fleet.console(&members[0]).await;
    console.heartbeat(&members[0], "a heartbeat", |_| true).await;
    // The peer is heard once, so that what is kept does not change by its first honest heartbeat.
    let honest = members[1].heartbeat(1).seal(&members[1].key);
    let (mut peer, _) = knock(&members[1].key, &members[0], HelloRole::Member, Some("edge-2".into())).await;
    peer.send(&Frame::Heartbeat(honest.clone())).await.unwrap();
    console.heartbeat(&members[1], "the peer", |_| true).await;
    // That is kept a moment later; from here on nothing is to change.
    let deadline = Instant::now() + PATIENCE;
    while !kept(&members[0])
        .iter()
        .any(|(_, text)| text.contains(&format!("\"member\":\"{}\",\"heard\"", members[1].id)))
    {
        assert!(Instant::now() < deadline, "the baseline is not kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before_bytes = rss_bytes();
    let before = kept(&members[0]);

    let settings = model::Settings { delay_s: 120, ..Default::default() };
    let docs = protocol::frame::Docs { docs: vec![fleet.policy(settings)], more: false };
    let role = protocol::frame::Role { pool: crate::world::pool(), epoch: 9_999, active: members[1].id };
    let frames = [
        Frame::Heartbeat(honest),
        Frame::Heartbeat(members[1].heartbeat(9).seal(&key(9))),
        Frame::Docs(docs),
        Frame::Role(role),
        Frame::DocPut(fleet.newest.clone()),
    ];
    let mut mutations = Mutations(0x5eed);
    for n in 0..10_000 {
        let mut bytes = serde_json::to_vec(&frames[n as usize % frames.len()]).unwrap();
        mutations.spoil(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let hello = Hello {
            role: HelloRole::Member,
            version: "x".into(),
            roster_version: 2,
            hostname: Some("edge-2".into()),
        };
        match n % 40 {
            0 => throw_inside(n, &members[0], &members[1].key, Some(hello), text).await,
            20 => throw_inside(n, &members[0], &key(66), None, text).await,
            _ => {
                // Some look like the start of TLS, most do not.
                let mut thrown = if n % 2 == 0 { vec![22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3] } else { vec![] };
                thrown.extend_from_slice(&bytes);
                throw_at_port(n, &members[0], &thrown).await;
            }
        }
    }
    let grown_bytes = rss_bytes().saturating_sub(before_bytes);
    assert!(grown_bytes < 64 << 20, "{grown_bytes} bytes more");
    let mut console = fleet.console(&members[0]).await;
    console
        .heartbeat(&members[0], "a heartbeat after all that", |h| h.role_epoch == 0 && h.roster_version == 2)
        .await;
    let changed: Vec<_> = kept(&members[0]).into_iter().filter(|file| !before.contains(file)).collect();
    assert!(changed.is_empty(), "{changed:?}");
    agent.stop(Goodbye::AgentStop).await;
}

fn kept(member: &Member) -> Vec<(String, String)> {
    std::fs::read_dir(member.layout.state())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_none())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}
