//! An enrolment over a real channel, and one with somebody between.

use std::net::SocketAddr;

use link::{Acceptor, Channel, Identity, Pin, Timeouts, connect};
use protocol::docs::{ConsoleEntry, MemberEntry, Part, Role, Roster, Shelf, SignedDoc};
use protocol::enrol::{
    Admitter, AdmitterStep, AgentCard, ConsoleCard, Door, EnrolMessage, Enrolment, Joiner, JoinerStep,
    Pinned, Secret, Term,
};
use protocol::frame::Frame;
use protocol::{Refusal, SecretKey, Status};
use serde_json::from_value;
use tokio::net::TcpListener;

const SECRET: [u8; 24] = [0x5a; 24];

fn secret_key(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[n; 32])
}

fn id<T: serde::de::DeserializeOwned>(n: u8) -> T {
    from_value(serde_json::Value::String(format!("{n:032x}"))).unwrap()
}

fn console() -> ConsoleEntry {
    ConsoleEntry { id: id(1), key: secret_key(1).public(), name: "anna".into(), role: Role::Owner }
}

/// The agent's side: takes one connection and tries to get in.
async fn agent(listener: TcpListener, key: SecretKey) -> Result<Pinned, Refusal> {
    let (stream, _) = listener.accept().await.unwrap();
    let identity = Identity::new(&key).unwrap();
    let mut channel = Acceptor::new(&identity, Timeouts::default()).accept(stream).await.unwrap();
    let card = AgentCard {
        key: key.public(),
        hostname: "edge-1".into(),
        ssh_host_keys: vec![],
        agent_version: "0.1.0".into(),
        ip: None,
    };
    let secret = Secret::from_random(&SECRET);
    let (mut joiner, first) = Joiner::start(&secret, channel.exporter(), channel.peer_key(), card, &[7; 18]);
    channel.send(&Frame::Enrol(first)).await.unwrap();
    loop {
        let Frame::Enrol(message) = channel.recv().await.unwrap() else { panic!("an enrolment") };
        match joiner.step(message) {
            JoinerStep::Send(message) => channel.send(&Frame::Enrol(message)).await.unwrap(),
            JoinerStep::Wait => {}
            JoinerStep::Refused(refusal) => return Err(refusal),
            JoinerStep::Pinned(pinned) => {
                channel.send(&Frame::Enrol(EnrolMessage::Joined)).await.unwrap();
                return Ok(*pinned);
            }
        }
    }
}

/// The console's side: dials and lets in who knows the secret.
async fn admit(address: SocketAddr) -> Result<(), Refusal> {
    let identity = Identity::new(&secret_key(1)).unwrap();
    let mut channel = connect(address, &identity, Pin::AnyForEnrolment, Timeouts::default()).await.unwrap();
    let secret = Secret::from_random(&SECRET);
    let first = Roster::first(console()).seal(console().id, &secret_key(1));
    let shelf = Shelf::founded(first.clone()).unwrap();
    let enrolment = Enrolment {
        member: id(9),
        name: "edge-1".into(),
        hostname: "edge-1".into(),
        sources: vec!["127.0.0.0/8".parse().unwrap()],
        selector: secret.selector(),
        verifier: Some(secret.verifier(&[3; 16])),
        tries: 0,
        used_by: None,
    };
    let door = Door {
        binding: channel.exporter(),
        peer_key: channel.peer_key(),
        source: channel.peer_ip().unwrap(),
        term: Term::Open,
    };
    let card = ConsoleCard { fleet: shelf.fleet().unwrap(), console: console().id, key: console().key };
    let mut admitter = Admitter::new(enrolment, door, card, &[8; 18]);
    loop {
        let Ok(Frame::Enrol(message)) = channel.recv().await else {
            return Err(Refusal::new(Status::Conflict, "the link ended"));
        };
        match admitter.step(message) {
            AdmitterStep::Send(message) => channel.send(&Frame::Enrol(message)).await.unwrap(),
            AdmitterStep::Wait => {}
            AdmitterStep::Proven { send, agent } => {
                channel.send(&Frame::Enrol(send)).await.unwrap();
                let roster = with_member(&shelf, &first, &agent);
                channel.send(&Frame::Enrol(admitter.admit(roster).unwrap())).await.unwrap();
            }
            AdmitterStep::Done(admitted) => {
                assert!(admitted.enrolment.verifier.is_none());
                return Ok(());
            }
            AdmitterStep::Refuse { send, refusal, .. } => {
                channel.send(&Frame::Enrol(send)).await.unwrap();
                return Err(refusal);
            }
        }
    }
}

fn with_member(shelf: &Shelf, first: &SignedDoc, agent: &AgentCard) -> SignedDoc {
    let mut next = shelf.roster().unwrap().content.successor(shelf.fleet().unwrap(), first);
    next.members.push(MemberEntry {
        id: id(9),
        key: agent.key,
        name: "edge-1".into(),
        hostname: agent.hostname.clone(),
        address: "127.0.0.1".parse().unwrap(),
        sources: vec!["127.0.0.0/8".parse().unwrap()],
        pool: id(2),
        part: Part::Member,
        priority: 1,
        relay: None,
        witness_for: vec![],
        place: None,
    });
    next.seal(console().id, &secret_key(1))
}

#[tokio::test]
async fn an_agent_gets_in_over_a_channel_whose_keys_nobody_knew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (pinned, admitted) = tokio::join!(agent(listener, secret_key(2)), admit(address));
    admitted.unwrap();
    let pinned = pinned.unwrap();
    assert_eq!(pinned.console_key, secret_key(1).public());
    assert_eq!(pinned.member, id(9));
}

/// Ends TLS on both sides and passes every frame on.
async fn between(listener: TcpListener, target: SocketAddr) {
    let identity = Identity::new(&secret_key(66)).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let near = Acceptor::new(&identity, Timeouts::default()).accept(stream).await.unwrap();
    let far = connect(target, &identity, Pin::AnyForEnrolment, Timeouts::default()).await.unwrap();
    let pass = |from: Channel, to: Channel| async move {
        let ((mut to_near, mut from_near), (mut to_far, mut from_far)) = (from.split(), to.split());
        loop {
            tokio::select! {
                frame = from_near.recv::<Frame>() => match frame {
                    Ok(frame) => to_far.send(&frame).await.unwrap(),
                    Err(_) => return,
                },
                frame = from_far.recv::<Frame>() => match frame {
                    Ok(frame) => to_near.send(&frame).await.unwrap(),
                    Err(_) => return,
                },
            }
        }
    };
    pass(near, far).await;
}

#[tokio::test]
async fn who_stands_between_gets_nobody_in() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target_address = target.local_addr().unwrap();
    let middle = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let middle_address = middle.local_addr().unwrap();
    let console = tokio::spawn(admit(middle_address));
    let passing = tokio::spawn(between(middle, target_address));
    let refusal = agent(target, secret_key(2)).await.unwrap_err();
    assert!(refusal.message.contains("somebody stands between"), "{refusal}");
    passing.await.unwrap();
    assert!(console.await.unwrap().is_err(), "the console admitted nobody");
}
