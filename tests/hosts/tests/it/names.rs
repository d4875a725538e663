//! BIND serves, takes an update with the right key and the right prerequisite, and refuses every other.

use std::time::Duration;

use hosts::customer::{Customer, unix_ms};
use hosts::dns_peer::{Bind, TsigKey};
use hosts::{Cut, Fabric, Seen, World, lookup, wait};

use crate::members::SOON;

#[test]
fn bind_takes_a_compare_and_set_once() {
    let fabric = Fabric::new().unwrap();
    let server = fabric.host("dns", 53).unwrap();
    let client = fabric.host("client", 200).unwrap();
    let mut bind = Bind::start(&server, "demo.test", &[("lb", Fabric::address(11))]).unwrap();
    let at = |bind: &Bind| bind.addresses(&client, "lb.demo.test").unwrap();
    assert_eq!(at(&bind), [Fabric::address(11)]);

    let step = [
        "prereq yxrrset lb.demo.test. A 10.77.0.11",
        "update delete lb.demo.test. A",
        "update add lb.demo.test. 5 A 10.77.0.12",
    ];
    let (accepted, said) = bind.update(&client, bind.key(), &step).unwrap();
    assert!(accepted, "{said}");
    assert_eq!(at(&bind), [Fabric::address(12)]);

    let (accepted, said) = bind.update(&client, bind.key(), &step).unwrap();
    assert!(!accepted && said.contains("NXRRSET"), "{said}");

    let stranger = TsigKey { name: bind.key().name.clone(), ..TsigKey::fresh("x").unwrap() };
    let (accepted, said) = bind.update(&client, &stranger, &["update delete lb.demo.test. A"]).unwrap();
    assert!(!accepted && said.contains("BADSIG"), "{said}");

    bind.kill().unwrap();
    bind.start_again(&server).unwrap();
    assert_eq!(at(&bind), [Fabric::address(12)], "what was accepted is kept over a kill");
}

#[test]
fn a_host_finds_its_own_name_server() {
    let fabric = Fabric::new().unwrap();
    let client = fabric.host("client", 200).unwrap();
    client.set_name_server(Fabric::address(53)).unwrap();
    let seen = client.must(&["cat", "/etc/resolv.conf"], SOON).unwrap();
    assert!(seen.starts_with("nameserver 10.77.0.53\n"), "{seen}");
}

#[test]
fn a_customer_sees_the_record_move_and_who_serves() {
    let (fabric, members, client) = crate::members::world(2).unwrap();
    let server = fabric.host("dns", 53).unwrap();
    let bind = Bind::start(&server, "demo.test", &[("lb", Fabric::address(11))]).unwrap();
    let customer = Customer::begin(&client, server.address(), "lb.demo.test").unwrap();
    customer.wait_served_by("lb1", 0, SOON).unwrap();
    customer.must_stay(Fabric::address(11), Duration::from_millis(300)).unwrap();

    let moved_ms = unix_ms();
    let update = ["update delete lb.demo.test. A", "update add lb.demo.test. 5 A 10.77.0.12"];
    assert!(bind.update(&client, bind.key(), &update).unwrap().0);
    let served = customer.wait_moved(members[0].address(), moved_ms, SOON).unwrap();
    assert_eq!(served.addresses, [members[1].address()]);
    let visit = customer.wait_served_by("lb2", moved_ms, SOON).unwrap();
    assert!(visit.at_ms >= moved_ms);
    let error = customer.must_stay(Fabric::address(11), Duration::ZERO).unwrap_err().to_string();
    assert!(error.contains("10.77.0.12"), "{error}");

    members[1].cut(Cut::Both).unwrap();
    wait::until("a visit that nobody serves", SOON, || {
        let last = customer.visits().pop();
        Ok(Seen::when(last.as_ref().is_some_and(|visit| visit.served_by.is_err()), format!("{last:?}")))
    })
    .unwrap();
}

#[test]
fn the_world_of_the_demo_stands() {
    let mut world = World::boot(3).unwrap();
    let asked = lookup_from(&world, "lb.demo.test");
    assert_eq!(asked, [Fabric::address(11)]);
    assert!(lookup_from(&world, "nobody.demo.test").is_empty());
    world.dns.kill().unwrap();
    world.dns.start_again(&world.dns_host).unwrap();
    assert_eq!(lookup_from(&world, "lb.demo.test"), [Fabric::address(11)]);
}

fn lookup_from(world: &World, name: &'static str) -> Vec<std::net::Ipv4Addr> {
    let server = world.dns.address();
    world.client.thread(move || lookup::addresses(server, name, SOON)).unwrap().join().unwrap().unwrap()
}
