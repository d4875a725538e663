//! Every fault of the network and the frozen userland: seen from a client, and gone when it is healed.

use std::time::Duration;

use hosts::{Cut, Host, Member};

use crate::members::{SOON, wait_serving, wait_silent, world};

fn ping(from: &Host, to: &Member) -> bool {
    let address = to.address().to_string();
    from.run(&["ping", "-c", "1", "-W", "1", &address], SOON).unwrap().is_success()
}

#[test]
fn cuts_cut_and_heal() {
    let (_fabric, members, client) = world(2).unwrap();
    let [first, second] = &members[..] else { panic!("two members were made") };
    wait_serving(&client, second);
    for cut in [Cut::Cable, Cut::Both, Cut::Mute, Cut::Deaf] {
        wait_serving(&client, first);
        first.cut(cut).unwrap();
        wait_silent(&client, first);
        assert!(!ping(&client, first), "{cut:?} lets a ping pass");
        wait_serving(&client, second);
        first.heal(cut).unwrap();
    }
    wait_serving(&client, first);

    first.cut(Cut::Port(80)).unwrap();
    wait_silent(&client, first);
    assert!(ping(&client, first), "only one port was closed");
    first.cut(Cut::Both).unwrap();
    first.heal_all().unwrap();
    wait_serving(&client, first);
}

#[test]
fn a_pulled_cable_takes_the_carrier_and_a_silent_cut_does_not() {
    let (_fabric, members, _client) = world(1).unwrap();
    let carrier = || {
        members[0]
            .read_file("/etc/hostname")
            .and_then(|_| members[0].must(&["cat", "/sys/class/net/eth0/operstate"]))
    };
    assert_eq!(carrier().unwrap().trim(), "up");
    members[0].cut(Cut::Both).unwrap();
    assert_eq!(carrier().unwrap().trim(), "up");
    members[0].cut(Cut::Cable).unwrap();
    assert_ne!(carrier().unwrap().trim(), "up");
}

#[test]
fn a_pair_is_parted_while_others_reach_both() {
    let (_fabric, members, client) = world(2).unwrap();
    let url = format!("http://{}/", members[1].address());
    let curl = || members[0].exec(&["curl", "--silent", "--max-time", "2", &url]).unwrap();
    wait_serving(&client, &members[0]);
    wait_serving(&client, &members[1]);
    assert_eq!(curl().stdout, "lb2");
    members[0].cut(Cut::Pair(members[1].address())).unwrap();
    assert!(!curl().is_success());
    wait_serving(&client, &members[0]);
    wait_serving(&client, &members[1]);
    members[0].heal(Cut::Pair(members[1].address())).unwrap();
    assert_eq!(curl().stdout, "lb2");
}

#[test]
fn a_frozen_member_answers_pings_and_nothing_else() {
    let (_fabric, members, client) = world(1).unwrap();
    wait_serving(&client, &members[0]);
    members[0].freeze().unwrap();
    let answer = client.http_get(members[0].address(), 80, Duration::from_millis(500));
    assert!(answer.is_err(), "a frozen member served {answer:?}");
    assert!(ping(&client, &members[0]));
    members[0].thaw().unwrap();
    wait_serving(&client, &members[0]);
}

#[test]
fn loss_loses_some_and_not_all() {
    let (_fabric, members, client) = world(1).unwrap();
    members[0].cut(Cut::LossPercent(50)).unwrap();
    let address = members[0].address().to_string();
    let said = client.run(&["ping", "-c", "100", "-i", "0.005", "-W", "1", &address], SOON).unwrap().stdout;
    let received: u32 = said
        .split(", ")
        .find_map(|part| part.strip_suffix(" received"))
        .unwrap_or_else(|| panic!("{said}"))
        .parse()
        .unwrap();
    // Fifty of a hundred, give or take five standard deviations.
    assert!((25..=75).contains(&received), "{said}");
}
