//! What survives a restart, and what happens when the disk holds something else.

use model::Nonce;
use protocol::frame::Role;
use protocol::lease;
use protocol::{Frame, Goodbye};

use crate::world::{Console, Fleet, Member, Running, pool};

async fn ask_lease(console: &mut Console, start_counter: u64, nonce: u64) -> lease::Answer {
    let request = lease::Request {
        pool: pool(),
        number: 1,
        start_counter,
        nonce: Nonce::from_u64(nonce),
        rank: 100,
        epoch_max: 5,
    };
    console.say(Frame::LeaseRequest(request)).await;
    console
        .until(
            "the lease's answer",
            |frame| if let Frame::LeaseAnswer(answer) = frame { Some(answer) } else { None },
        )
        .await
}

#[tokio::test]
async fn lease_role_and_epoch_survive_a_kill() {
    let members = [Member::new(1)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    let agent = Running::start(&members[0]);
    let mut console = fleet.console(&members[0]).await;
    assert!(ask_lease(&mut console, 3, 1).await.granted);
    console.say(Frame::Role(Role { pool: pool(), epoch: 8, active: members[0].id })).await;
    console.heartbeat(&members[0], "the new role", |h| h.role_epoch == 8).await;
    // The answer to a later request tells that the role is on disk too: answers wait for the disk in order.
    assert!(ask_lease(&mut console, 3, 1).await.granted);
    agent.kill().await;

    let agent = Running::start(&members[0]);
    let mut console = fleet.console(&members[0]).await;
    let clone = ask_lease(&mut console, 3, 2).await;
    assert!(!clone.granted, "the holder of before is still known");
    assert!(clone.refusal.unwrap().contains("cloned disk"));
    assert_eq!(clone.epoch_max, 8);
    console.say(Frame::Role(Role { pool: pool(), epoch: 7, active: members[0].id })).await;
    let heartbeat = console.heartbeat(&members[0], "a heartbeat", |_| true).await;
    assert_eq!((heartbeat.role_epoch, heartbeat.incarnation), (8, 2));
    agent.stop(Goodbye::AgentStop).await;
}

#[tokio::test]
async fn a_torn_ledger_costs_the_leases_and_not_the_heartbeat() {
    let members = [Member::new(1)];
    let mut fleet = Fleet::found();
    fleet.enrol(&members);
    tear(&members[0], "ledger");
    let agent = Running::start(&members[0]);
    let mut console = fleet.console(&members[0]).await;
    console.heartbeat(&members[0], "a heartbeat", |_| true).await;
    let answer = ask_lease(&mut console, 1, 1).await;
    assert!(!answer.granted);
    assert!(answer.refusal.unwrap().contains("lost its lease file"));
    agent.stop(Goodbye::AgentStop).await;
    assert!(members[0].layout.state().join("ledger.torn").exists());
}

#[tokio::test]
async fn a_torn_identity_or_roster_stops_the_agent_in_words() {
    for file in ["identity", "documents"] {
        let members = [Member::new(1)];
        let mut fleet = Fleet::found();
        fleet.enrol(&members);
        tear(&members[0], file);
        let error = Running::try_start(&members[0]).err().expect("it must not start");
        assert!(error.is::<agent::run::NeedsPerson>());
        let words = format!("{error:#}");
        assert!(words.contains("torn or was edited") && words.contains(file), "{words}");
    }
}

#[tokio::test]
async fn an_unknown_host_and_a_wrong_variable_stop_it_too() {
    let stranger = Member::new(1);
    let error = format!("{:#}", Running::try_start(&stranger).err().expect("it must not start"));
    assert!(error.contains("not enrolled; run: sudo balctl-agent enrol"), "{error}");
    let members = [Member::new(1)];
    Fleet::found().enrol(&members);
    std::fs::write(members[0].layout.env(), "BALCTL_LISTEN=everywhere\n").unwrap();
    let error = format!("{:#}", Running::try_start(&members[0]).err().expect("it must not start"));
    assert!(error.contains("agent.env, line 1: BALCTL_LISTEN"), "{error}");
}

fn tear(member: &Member, file: &str) {
    let path = member.layout.state().join(file);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
}
