use super::*;
use crate::ARecord;

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new("example.com").unwrap()).unwrap()
}

fn delegation(servers: &[(&str, &[&str])]) -> Delegation {
    Delegation {
        source: Source::Parent,
        servers: servers
            .iter()
            .map(|(name, addresses)| NameServer {
                name: Fqdn::new(name).unwrap(),
                addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
            })
            .collect(),
    }
}

fn members() -> Vec<MemberAddresses> {
    let member = |name: &str, addresses: &[&str]| MemberAddresses {
        name: name.to_owned(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    };
    vec![member("edge-1", &["192.0.2.1", "2001:db8::1"]), member("edge-2", &["192.0.2.2"])]
}

fn check(delegation: &Delegation, endpoint: &str, expect: Option<&str>) {
    let endpoint = (!endpoint.is_empty()).then(|| endpoint.parse().unwrap());
    let found = zone_dies_with(delegation, endpoint, &names(), &members()).map(|reason| reason.to_string());
    assert_eq!(found.as_deref(), expect);
}

#[test]
fn a_zone_that_lives_elsewhere_survives() {
    check(&delegation(&[("ns1.dns.test", &["198.51.100.1"])]), "198.51.100.9", None);
    check(&delegation(&[("ns1.example.com", &["192.0.2.1"]), ("ns2.dns.test", &["198.51.100.1"])]), "", None);
    // One address of a member and one elsewhere: still reachable.
    check(&delegation(&[("ns1.dns.test", &["192.0.2.1", "198.51.100.1"])]), "", None);
}

#[test]
fn a_zone_on_members_dies_with_them() {
    let on_one = delegation(&[("ns1.example.com", &["192.0.2.1", "2001:db8::1"])]);
    check(&on_one, "", Some("DNS for this name runs on edge-1 and dies with it"));
    let on_both = delegation(&[("ns1.example.com", &["192.0.2.1"]), ("ns2.example.com", &["192.0.2.2"])]);
    check(&on_both, "", Some("DNS for this name runs on edge-1 and edge-2 and dies with it"));
    // A server that nobody can find is no help.
    let one_unknown = delegation(&[("ns1.example.com", &["::ffff:192.0.2.1"]), ("ns2.lost.test", &[])]);
    check(&one_unknown, "", Some("DNS for this name runs on edge-1 and dies with it"));
}

#[test]
fn an_endpoint_on_a_member_is_named() {
    let elsewhere = delegation(&[("ns1.dns.test", &["198.51.100.1"])]);
    let words = "updates for this name go to edge-2 and cannot be sent once it is down";
    check(&elsewhere, "192.0.2.2", Some(words));
    check(&elsewhere, "::ffff:192.0.2.2", Some(words));
}

#[test]
fn name_servers_below_the_label_hang_on_it() {
    let below =
        delegation(&[("lb.example.com", &["198.51.100.1"]), ("ns.lb.example.com", &["198.51.100.2"])]);
    check(&below, "", Some("every name server of the zone hangs on lb.example.com itself"));
    check(&delegation(&[]), "", Some("nobody delegates the zone example.com: resolvers cannot find it"));
}

fn view(last: u8, seen: Option<(&str, &str, u32)>) -> View {
    View {
        server: Fqdn::new("ns1.dns.test").unwrap(),
        address: IpAddr::from([198, 51, 100, last]),
        served: match seen {
            None => Served::Silent { reason: "no answer".to_owned() },
            Some((a, marker, serial)) => Served::Records(Seen {
                a: vec![a.parse().unwrap()],
                markers: if marker.is_empty() { vec![] } else { vec![marker.to_owned()] },
                serial: Some(serial),
            }),
        },
    }
}

#[test]
fn publication_is_judged_by_the_marker() {
    let mut reading = Reading {
        a: vec![ARecord { addr: "192.0.2.1".parse().unwrap(), ttl_s: 60 }],
        markers: vec!["m2".to_owned()],
        serial: Some(7),
        ..Reading::default()
    };
    // A secondary may count serials of its own; the marker is enough.
    let same = view(1, Some(("192.0.2.1", "m2", 3)));
    let behind = view(2, Some(("192.0.2.2", "m1", 2)));
    assert_eq!(published(&[same.clone(), view(3, None)], &reading), Published::Everywhere);
    let partly = Published::Partly { differ: vec![IpAddr::from([198, 51, 100, 2])] };
    assert_eq!(published(&[same.clone(), behind.clone()], &reading), partly);
    assert_eq!(published(&[behind], &reading), Published::Nowhere);
    assert_eq!(published(&[view(3, None)], &reading), Published::Unknown);
    reading.markers.clear();
    assert_eq!(published(&[view(1, Some(("192.0.2.1", "", 7)))], &reading), Published::Everywhere);
    assert_eq!(published(&[view(1, Some(("192.0.2.1", "", 6)))], &reading), Published::Nowhere);
}
