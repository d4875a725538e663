//! BIND serves, takes an update with the right key and the right prerequisite, and refuses every other.

use hosts::Fabric;
use hosts::dns_peer::{Bind, TsigKey};

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
    let seen = client.must(&["cat", "/etc/resolv.conf"], crate::members::SOON).unwrap();
    assert!(seen.starts_with("nameserver 10.77.0.53\n"), "{seen}");
}
