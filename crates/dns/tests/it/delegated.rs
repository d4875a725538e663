//! A parent zone on BIND, its child on the embedded server, and what resolvers would find.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use dns::{
    Fqdn, Names,
    conformance::{Access, Bench as _, Foreign, update_bench::UpdateBench},
    delegation::{
        Dependence, Lookup, MemberAddresses, Published, Served, Source, find_delegation, published,
        view_servers, zone_dies_with,
    },
    demo::{DemoConfig, DemoServer},
    resolve::observe,
    tsig::{Algorithm, TsigKey},
};
use secrecy::SecretString;
use tempfile::TempDir;

use crate::named::{KEY, Named, SECRET, ZONE};

const PARENT_IP: Ipv4Addr = Ipv4Addr::LOCALHOST;
const CHILD_IP: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const PATIENCE: Duration = Duration::from_secs(5);

struct World {
    _parent: Named,
    _child: DemoServer,
    _directory: TempDir,
    bench: UpdateBench,
    lookup: Lookup,
    names: Names,
}

/// `com` on BIND delegates `example.com`, by these records, to the embedded server on another loopback address.
async fn world(delegation: &str) -> World {
    let records = format!("@ IN NS ns.com.\nns IN A {PARENT_IP}\n{delegation}");
    let parent = Named::start_zone(PARENT_IP, "com", &records, "grant nobody zonesub ANY;");
    let directory = TempDir::new().unwrap();
    let zone = Fqdn::new(ZONE).unwrap();
    let names = Names::new(zone.child("lb").unwrap(), zone.clone()).unwrap();
    // Name servers share one port in the real world; here it is the parent's.
    let child = DemoServer::start(DemoConfig {
        listen: SocketAddr::from((CHILD_IP, parent.address.port())),
        zone: zone.clone(),
        key: TsigKey::new(KEY, Algorithm::HmacSha256, &SecretString::from(SECRET)).unwrap(),
        directory: directory.path().to_owned(),
        addresses: vec![(names.label().clone(), Ipv4Addr::new(203, 0, 113, 1))],
        ttl_s: 60,
    })
    .await
    .unwrap();
    let bench = UpdateBench::new(child.address(), zone, KEY, SECRET).await;
    let lookup =
        Lookup { resolvers: vec![parent.address], authority_port: parent.address.port(), patience: PATIENCE };
    World { _parent: parent, _child: child, _directory: directory, bench, lookup, names }
}

const DELEGATED: &str = "example IN NS ns1.example\nns1.example IN A 127.0.0.2\n";

#[tokio::test]
async fn the_parents_word_is_taken() {
    let world = world(DELEGATED).await;
    let found = find_delegation(&world.lookup, world.names.zone()).await.unwrap();
    assert_eq!(found.source, Source::Parent);
    assert_eq!(found.servers.len(), 1);
    assert_eq!(found.servers[0].name.as_str(), "ns1.example.com");
    assert!(found.servers[0].addresses.iter().eq([&IpAddr::V4(CHILD_IP)]));

    let provider = world.bench.provider(Access::Good);
    let reading = provider.read(&world.names).await.unwrap();
    let views = view_servers(&world.lookup, &found, &world.names).await;
    assert_eq!(published(&views, &reading), Published::Everywhere, "{views:?}");
    // The record changes after the reading: what is served is no longer what was read.
    world.bench.edit(world.names.label(), Foreign::A(vec![Ipv4Addr::new(203, 0, 113, 9)], 60)).await;
    let views = view_servers(&world.lookup, &found, &world.names).await;
    assert_eq!(published(&views, &reading), Published::Nowhere, "{views:?}");

    let edge = |address| MemberAddresses { name: "edge-1".to_owned(), addresses: vec![address] };
    let elsewhere = [edge(IpAddr::from([192, 0, 2, 1]))];
    assert_eq!(zone_dies_with(&found, None, &world.names, &elsewhere), None);
    let on_member = [edge(IpAddr::V4(CHILD_IP))];
    let reason = zone_dies_with(&found, None, &world.names, &on_member);
    assert_eq!(reason, Some(Dependence::ServersAreMembers { members: vec!["edge-1".to_owned()] }));
}

#[tokio::test]
async fn a_zone_that_nobody_delegates_is_named() {
    let world = world("").await;
    let found = find_delegation(&world.lookup, world.names.zone()).await.unwrap();
    assert_eq!((found.source, found.servers.len()), (Source::Parent, 0));
    let reason = zone_dies_with(&found, None, &world.names, &[]).unwrap();
    assert!(matches!(reason, Dependence::NotDelegated { .. }), "{reason}");
}

#[tokio::test]
async fn a_delegation_to_strangers_is_seen() {
    // The parent points at an address where nobody serves the zone: BIND itself, which refuses it.
    let world = world("example IN NS ns1.example\nns1.example IN A 127.0.0.1\n").await;
    let found = find_delegation(&world.lookup, world.names.zone()).await.unwrap();
    let reading = world.bench.provider(Access::Good).read(&world.names).await.unwrap();
    let views = view_servers(&world.lookup, &found, &world.names).await;
    assert_eq!(published(&views, &reading), Published::Nowhere, "{views:?}");
    assert!(matches!(views[0].served, Served::NotServed { .. }), "a referral is no answer: {views:?}");
}

#[tokio::test]
async fn a_resolver_that_serves_the_zone_itself_stands_in_for_the_parent() {
    let mut world = world(DELEGATED).await;
    world.lookup.resolvers = vec![SocketAddr::from((CHILD_IP, world.lookup.authority_port))];
    let found = find_delegation(&world.lookup, world.names.zone()).await.unwrap();
    assert_eq!(found.source, Source::Resolver);
    assert_eq!(found.servers[0].name.as_str(), "ns1.example.com");
}

#[tokio::test]
async fn resolvers_are_observed_side_by_side() {
    let world = world(DELEGATED).await;
    let good = SocketAddr::from((CHILD_IP, world.lookup.authority_port));
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolvers = [good, silent.local_addr().unwrap(), good];
    let seen = observe(world.names.label(), &resolvers, Duration::from_millis(300)).await;
    assert_eq!(seen.iter().map(|one| one.resolver).collect::<Vec<_>>(), resolvers);
    assert!(seen[0].answer.as_ref().unwrap().is_only(Ipv4Addr::new(203, 0, 113, 1)));
    assert!(seen[1].answer.as_ref().unwrap_err().is_transient());
    assert!(seen[2].answer.is_ok());
}
