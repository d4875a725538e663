//! Who gets in, who does not, and with which words.

use std::net::SocketAddr;
use std::time::Duration;

use protocol::check::{Offer, Refusal, Status};
use protocol::docs::{ConsoleEntry, Removed, Role};
use protocol::frame::HelloRole;
use protocol::{Frame, Goodbye, SecretKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{Console, Fleet, Member, PATIENCE, Running, key, knock};

async fn refusal(key: &SecretKey, member: &Member, role: HelloRole, hostname: &str) -> Refusal {
    match knock(key, member, role, Some(hostname.into())).await.1 {
        Frame::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
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
    let Frame::Welcome(welcome) = welcome else { panic!("{welcome:?}") };
    let operator = Console { link, id: second.id, welcome };
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

/// Raw mutated bytes at the TCP port: broken TLS, as whoever finds the port would send.
async fn throw_at_port(address: SocketAddr, bytes: &[u8]) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
}

#[tokio::test]
async fn ten_thousand_mutated_messages_change_nothing_and_cost_little() {
    let members = [Member::new(1)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let agent = Running::start(&members[0]);
    let mut console = fleet.console(&members[0]).await;
    console.heartbeat(&members[0], "a heartbeat", |_| true).await;
    let before_bytes = rss_bytes();
    let before = kept(&members[0]);
    let mut mutations = Mutations(0x5eed);
    let frames = [
        Frame::Role(protocol::frame::Role {
            pool: crate::world::pool(),
            epoch: 9_999,
            active: members[0].id,
        }),
        Frame::DocPut(fleet.policy(model::Settings { delay_s: 120, ..Default::default() })),
        Frame::Heartbeat(
            protocol::Heartbeat::bare(members[0].id, model::BootId::from_number(1), 9, 9).seal(&key(9)),
        ),
    ];
    // By a stranger: raw bytes, and whole frames behind a real handshake that the hello does not survive.
    for n in 0..10_000u64 {
        let mut bytes = serde_json::to_vec(&frames[n as usize % frames.len()]).unwrap();
        mutations.spoil(&mut bytes);
        if n % 100 == 0 {
            let mut tls = vec![22, 3, 1, (bytes.len() >> 8) as u8, bytes.len() as u8];
            tls.extend_from_slice(&bytes);
            throw_at_port(members[0].relay, &tls).await;
        } else if n % 100 == 50 {
            throw_frame_at_door(&members[0], &bytes).await;
        } else {
            // The parser that every byte behind TLS goes through.
            let _ = serde_json::from_slice::<Frame>(&bytes);
        }
    }
    let grown_bytes = rss_bytes().saturating_sub(before_bytes);
    assert!(grown_bytes < 64 << 20, "{grown_bytes} bytes more");
    console.heartbeat(&members[0], "a heartbeat after all that", |h| h.role_epoch == 0).await;
    assert_eq!(kept(&members[0]), before);
    agent.stop(Goodbye::AgentStop).await;
}

async fn throw_frame_at_door(member: &Member, bytes: &[u8]) {
    let identity = link::Identity::new(&key(66)).unwrap();
    let pin = link::Pin::Key(member.key.public());
    let Ok(mut link) = link::connect(member.relay, &identity, pin, link::Timeouts::default()).await else {
        return;
    };
    let _ = link.send(&String::from_utf8_lossy(bytes).into_owned()).await;
    let answer = timeout(PATIENCE, link.recv::<Frame>()).await.expect("the door neither answers nor closes");
    assert!(!matches!(answer, Ok(Frame::Welcome(_))), "{answer:?}");
}

fn kept(member: &Member) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(member.layout.state())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}
