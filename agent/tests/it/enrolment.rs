//! Enrolment with a console that speaks the real wire.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use agent::cli::Enrol;
use agent::enrol;
use link::{Channel, Pin, Timeouts};
use protocol::enrol::{Admitter, AdmitterStep, ConsoleCard, Door, Enrolment, Secret, Term};
use protocol::frame::{Hello, HelloRole};
use protocol::{Frame, Goodbye};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::world::{Fleet, Member, PATIENCE, Running, key};

fn secret() -> Secret {
    Secret::from_random(&[42; 24])
}

/// `balctl-agent enrol` in a thread of its own; ends with what it printed.
fn start(member: &Member, hostname: &str, secret: &Secret) -> JoinHandle<(anyhow::Result<()>, String)> {
    let file = member.layout.root().join("secret");
    std::fs::write(&file, secret.expose()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let options = Enrol {
        hostname: Some(hostname.into()),
        declare_ip: None,
        probe_public_ip: false,
        listen: vec![member.relay],
        secret_file: Some(file),
        wait: PATIENCE,
        no_service: false,
    };
    let layout = member.layout.clone();
    tokio::spawn(async move {
        let mut out = Vec::new();
        let outcome = enrol::run(&layout, &options, &mut out).await;
        (outcome, String::from_utf8(out).unwrap())
    })
}

async fn call(fleet: &Fleet, member: &Member) -> Channel {
    let identity = link::Identity::new(&fleet.owner_key).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut link = loop {
        match link::connect(member.relay, &identity, Pin::AnyForEnrolment, Timeouts::default()).await {
            Ok(link) => break link,
            Err(error) => {
                assert!(Instant::now() < deadline, "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let hello = Hello { role: HelloRole::Enrol, version: "test".into(), roster_version: 1, hostname: None };
    link.send(&Frame::Hello(hello)).await.unwrap();
    let Frame::Welcome(welcome) = link.recv().await.unwrap() else { panic!("no welcome") };
    assert_eq!(welcome.member, None);
    link.set_limit(protocol::limits::FRAME_BYTES_ENROLLING_MAX);
    link
}

fn enrolment(member: &Member, secret: &Secret) -> Enrolment {
    Enrolment {
        member: member.id,
        name: member.name(),
        hostname: member.name(),
        sources: vec!["127.0.0.1".parse().unwrap()],
        selector: secret.selector(),
        verifier: Some(secret.verifier(&[1; 16])),
        tries: 0,
        used_by: None,
    }
}

/// The console's side of one call. Ends with the refusal's words, or none when the agent is in.
async fn admit(fleet: &mut Fleet, member: &Member, enrolment: Enrolment) -> Option<String> {
    let mut link = call(fleet, member).await;
    let door = Door {
        binding: link.exporter(),
        peer_key: link.peer_key(),
        source: link.peer_ip().unwrap(),
        term: Term::Open,
    };
    let card = ConsoleCard { fleet: fleet.id, console: fleet.owner, key: fleet.owner_key.public() };
    let mut admitter = Admitter::new(enrolment, door, card, &[3; 18]);
    loop {
        let Frame::Enrol(message) = link.recv().await.unwrap() else { panic!("not an enrolment") };
        match admitter.step(message) {
            AdmitterStep::Send(message) => link.send(&Frame::Enrol(message)).await.unwrap(),
            AdmitterStep::Wait => {}
            AdmitterStep::Proven { send, agent } => {
                link.send(&Frame::Enrol(send)).await.unwrap();
                let mut entry = member.entry();
                entry.key = agent.key;
                let roster = fleet.change(|roster| {
                    roster.members.retain(|one| one.id != entry.id);
                    roster.members.push(entry);
                });
                let message = admitter.admit(roster).unwrap();
                link.send(&Frame::Enrol(message)).await.unwrap();
            }
            AdmitterStep::Done(admitted) => {
                assert_eq!(admitted.enrolment.verifier, None);
                return None;
            }
            AdmitterStep::Refuse { send, refusal, .. } => {
                link.send(&Frame::Enrol(send)).await.unwrap();
                return Some(refusal.to_string());
            }
        }
    }
}

#[tokio::test]
async fn an_agent_joins_beats_and_can_join_again() {
    let mut member = Member::new(1);
    let mut fleet = Fleet::found();
    let mut fingerprints = Vec::new();
    for round in 0..2u64 {
        let secret = Secret::from_random(&[round as u8; 24]);
        let enrolling = start(&member, "edge-1", &secret);
        assert_eq!(admit(&mut fleet, &member, enrolment(&member, &secret)).await, None);
        let (outcome, printed) = enrolling.await.unwrap();
        outcome.unwrap();
        let steps = ["relay answers", "secret accepted", "source allowed", "hostname equal"];
        let at: Vec<_> = steps.iter().map(|step| printed.find(step).expect(step)).collect();
        assert!(at.is_sorted(), "{printed}");
        assert!(!printed.contains(secret.expose()));
        // The secret is gone, and nothing of it is on the disk.
        assert!(!member.layout.root().join("secret").exists());
        assert_eq!(files_with(&member, secret.expose()), Vec::<String>::new());
        assert!(!member.layout.state().join("identity.old").exists());
        let (identity, _) = member.state().look().unwrap();
        fingerprints.push(identity.public().fingerprint());
        member.key = identity.key;
        let env = std::fs::metadata(member.layout.env()).unwrap();
        assert_eq!(env.permissions().mode() & 0o777, 0o600);

        let agent = Running::start(&member);
        let mut console = fleet.console(&member).await;
        let heartbeat = console.heartbeat(&member, "the first heartbeat", |_| true).await;
        assert_eq!((heartbeat.hostname.as_str(), heartbeat.roster_version), ("edge-1", round + 2));
        agent.stop(Goodbye::AgentStop).await;
    }
    assert_ne!(fingerprints[0], fingerprints[1], "every enrolment makes its own key");
}

fn files_with(member: &Member, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![member.layout.root().to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).contains(needle) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn refusals_are_shown_and_the_next_call_is_heard() {
    let member = Member::new(1);
    let mut fleet = Fleet::found();
    let enrolling = start(&member, "edge-1", &secret());

    let other = Secret::from_random(&[9; 24]);
    let wrong = admit(&mut fleet, &member, enrolment(&member, &other)).await.unwrap();
    assert!(wrong.contains("(401)"), "{wrong}");
    let source = Enrolment { sources: vec!["10.0.0.7".parse().unwrap()], ..enrolment(&member, &secret()) };
    let source = admit(&mut fleet, &member, source).await.unwrap();
    assert!(source.contains("source 127.0.0.1 is not among allowed 10.0.0.7"), "{source}");
    let hostname = Enrolment { hostname: "edge-7".into(), ..enrolment(&member, &secret()) };
    let hostname = admit(&mut fleet, &member, hostname).await.unwrap();
    assert!(hostname.contains("agent says edge-1, enrolled as edge-7"), "{hostname}");
    // A stranger who says nothing of use.
    let identity = link::Identity::new(&key(77)).unwrap();
    let mut stranger =
        link::connect(member.relay, &identity, Pin::AnyForEnrolment, Timeouts::default()).await.unwrap();
    stranger.send(&Frame::Ping { number: 1 }).await.unwrap();

    assert_eq!(admit(&mut fleet, &member, enrolment(&member, &secret())).await, None);
    let (outcome, printed) = enrolling.await.unwrap();
    outcome.unwrap();
    for words in [&wrong, &source, &hostname] {
        assert!(printed.contains(words.as_str()), "{words}\n{printed}");
    }
}

#[tokio::test]
async fn nothing_changes_when_nobody_calls() {
    let member = Member::new(1);
    let mut fleet = Fleet::found();
    fleet.enrol(std::slice::from_ref(&member));
    let before = member.state().look().unwrap().0.public();
    let file = member.layout.root().join("secret");
    std::fs::write(&file, secret().expose()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let options = Enrol {
        hostname: Some("edge-1".into()),
        declare_ip: None,
        probe_public_ip: false,
        listen: vec![member.relay],
        secret_file: Some(file),
        wait: Duration::from_millis(200),
        no_service: true,
    };
    let error = enrol::run(&member.layout, &options, &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("no console that knows this secret called"), "{error}");
    assert_eq!(member.state().look().unwrap().0.public(), before);
}
