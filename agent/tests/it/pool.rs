//! Two and three agents: what flows between them and to consoles.

use std::time::Duration;

use agent::status;
use model::haproxy::{Down, Report, UnitState};
use model::{Nonce, Settings};
use protocol::{Frame, Goodbye};
use tokio::time::Instant;

use crate::world::{Fleet, Member, PATIENCE, Running};

#[tokio::test]
async fn heartbeats_and_beacons_flow_both_ways_over_one_link() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let agents: Vec<_> = members.iter().map(Running::start).collect();
    // The console sees one relay only; the other member's heartbeat still carries its beacon.
    for (near, far) in [(&members[0], &members[1]), (&members[1], &members[0])] {
        let mut console = fleet.console(near).await;
        let nonce = Nonce::from_u64(u64::from(near.id.as_bytes()[3]) + 77);
        console.beacon(nonce).await;
        let echoes = |nonce| move |h: &protocol::Heartbeat| h.beacons.iter().any(|echo| echo.nonce == nonce);
        console.heartbeat(far, "the far member's echo", echoes(nonce)).await;
        console.heartbeat(near, "the near member's echo", echoes(nonce)).await;
    }
    // Both dialled; one link per pair is left, dialled by the smaller id.
    for (member, words) in [(&members[0], "dialled by us"), (&members[1], "dialled by it")] {
        let overview = asked(member).await;
        assert_eq!(overview.peers.len(), 1);
        assert!(overview.peers[0].link.contains(words), "{}", overview.peers[0].link);
        assert!(overview.peers[0].heard_ms_ago.unwrap() < 5_000);
    }
    for agent in agents {
        agent.stop(Goodbye::AgentStop).await;
    }
}

#[tokio::test]
async fn a_member_that_the_console_lost_is_proven_fresh_through_its_peer() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let agents: Vec<_> = members.iter().map(Running::start).collect();
    let mut near = fleet.console(&members[0]).await;
    let mut far = fleet.console(&members[1]).await;
    let echoes =
        |n| move |h: &protocol::Heartbeat| h.beacons.iter().any(|echo| echo.nonce == Nonce::from_u64(n));
    // Both relays get each beacon first-hand, and learn that of each other.
    for n in 1..=3 {
        near.beacon(Nonce::from_u64(n)).await;
        far.beacon(Nonce::from_u64(n)).await;
        near.heartbeat(&members[1], "the echo while both are reached", echoes(n)).await;
    }
    drop(far);
    // The first beacon after that may be missed; it is what tells.
    for n in 4..=6 {
        near.beacon(Nonce::from_u64(n)).await;
        near.heartbeat(&members[1], "a heartbeat after the beacon", |h| n < 5 || echoes(n)(h)).await;
        near.heartbeat(&members[0], "a beat between two beacons", echoes(n)).await;
    }
    for agent in agents {
        agent.stop(Goodbye::AgentStop).await;
    }
}

async fn asked(member: &Member) -> status::Overview {
    let layout = member.layout.clone();
    tokio::task::spawn_blocking(move || status::ask(&layout)).await.unwrap().unwrap().expect("it runs")
}

#[tokio::test]
async fn a_silenced_peer_is_testified_about_and_a_probe_tells_of_its_port() {
    let members = [Member::new(1), Member::new(2), Member::new(3)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let [a, b, c]: [Running; 3] =
        members.iter().map(Running::start).collect::<Vec<_>>().try_into().ok().unwrap();
    let mut console = fleet.console(&members[0]).await;
    // A policy with a port to probe, on which nobody listens.
    let port = crate::world::free_port().port();
    let settings = Settings { delay_s: 10, probe_port: Some(port), ..Settings::default() };
    let mut policy: protocol::docs::Policy =
        fleet.policy(settings).signed.peek(protocol::Kind::Policy).unwrap();
    policy.version = 2;
    console.say(Frame::DocPut(policy.seal(fleet.owner, &fleet.owner_key))).await;
    for member in &members {
        console.heartbeat(member, "everybody's heartbeat", |_| true).await;
    }
    let baseline = |h: &protocol::Heartbeat| h.beacons.len() < 8 && h.seq > 1;
    console.heartbeat(&members[1], "more than one heartbeat", baseline).await;
    b.kill().await;
    let silent = members[1].id;
    let testifies = |h: &protocol::Heartbeat| h.testimonies.iter().any(|one| one.about == silent);
    let said = console.heartbeat(&members[0], "the near member's testimony", testifies).await;
    let one = said.testimonies.iter().find(|one| one.about == silent).unwrap();
    assert!(one.silent_ms >= 2_500 && one.baseline && one.hears_other, "{one:?}");
    console.heartbeat(&members[2], "the far member's testimony", testifies).await;
    let refused =
        |h: &protocol::Heartbeat| h.testimonies.iter().any(|one| one.service_answers == Some(false));
    console.heartbeat(&members[0], "the probe's outcome", refused).await;
    a.stop(Goodbye::AgentStop).await;
    c.stop(Goodbye::AgentStop).await;
}

#[tokio::test]
async fn what_happens_suddenly_is_told_at_once() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let a = Running::start(&members[0]);
    let b = Running::start(&members[1]);
    let mut console = fleet.console(&members[0]).await;
    console.say(Frame::Poll { every_ms: 10_000 }).await;
    console.heartbeat(&members[1], "the peer's first heartbeat", |_| true).await;
    // No report is due for ten seconds, so what comes sooner comes because of the change.
    let start = Instant::now();
    b.haproxy
        .send(Report { monitored: true, unit: UnitState::Failed, down: Down::Stopped, ..Report::default() })
        .unwrap();
    console.heartbeat(&members[1], "the stop", |h| h.haproxy.down == Down::Stopped).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let start = Instant::now();
    b.stop(Goodbye::HostShutdown).await;
    console.heartbeat(&members[1], "the goodbye", |h| h.goodbye == Some(Goodbye::HostShutdown)).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    a.stop(Goodbye::AgentStop).await;
}

#[tokio::test]
async fn a_peer_that_comes_back_is_linked_again() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let a = Running::start(&members[0]);
    let b = Running::start(&members[1]);
    let mut console = fleet.console(&members[0]).await;
    let first = console.heartbeat(&members[1], "the first life", |_| true).await;
    b.kill().await;
    let b = Running::start(&members[1]);
    let start = Instant::now();
    let again =
        console.heartbeat(&members[1], "the second life", |h| h.incarnation > first.incarnation).await;
    assert_eq!(again.incarnation, first.incarnation + 1);
    assert!(start.elapsed() < PATIENCE);
    a.stop(Goodbye::AgentStop).await;
    b.stop(Goodbye::AgentStop).await;
}

#[tokio::test]
async fn documents_reach_members_that_no_console_reaches() {
    let members = [Member::new(1), Member::new(2)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let a = Running::start(&members[0]);
    let b = Running::start(&members[1]);
    let mut console = fleet.console(&members[0]).await;
    console.heartbeat(&members[1], "the link", |h| h.roster_version == 2).await;
    let next = fleet.change(|roster| roster.members[0].priority = 7);
    console.say(Frame::DocPut(next)).await;
    console
        .until("the confirmation", |frame| {
            matches!(frame, Frame::DocStored(s) if s.version == 3).then_some(())
        })
        .await;
    console.heartbeat(&members[1], "the far member's new roster", |h| h.roster_version == 3).await;
    a.stop(Goodbye::AgentStop).await;
    b.stop(Goodbye::AgentStop).await;
    for member in &members {
        let (_, shelf) = member.state().look().unwrap();
        assert_eq!(shelf.roster_version(), 3, "{}", member.name());
    }
}
