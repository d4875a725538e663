use super::*;
use crate::{ARecord, Fqdn};

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new("example.com").unwrap()).unwrap()
}

fn reading(addresses: &[&str]) -> Reading {
    Reading {
        a: addresses.iter().map(|text| ARecord { addr: text.parse().unwrap(), ttl_s: 3600 }).collect(),
        ..Reading::default()
    }
}

fn wanted() -> Wanted {
    Wanted {
        publish: None,
        members: vec![Ipv4Addr::new(8, 8, 8, 1), Ipv4Addr::new(8, 8, 8, 2)],
        targets: Targets::Public,
        fleet: "f1e2d3c4".parse().unwrap(),
        takeover: Takeover::Refuse,
    }
}

fn check(reading: &Reading, wanted: &Wanted, expect: &str) {
    let refusal = plan_adopt(&names(), reading, wanted).unwrap_err().to_string();
    assert!(refusal.contains(expect), "{refusal}");
}

#[test]
fn the_present_value_is_kept_and_its_ttl_lowered() {
    let plan = plan_adopt(&names(), &reading(&["8.8.8.1"]), &wanted()).unwrap();
    assert_eq!(
        plan,
        AdoptPlan {
            expect_a: Some(Ipv4Addr::new(8, 8, 8, 1)),
            expect_marker: None,
            set_a: Ipv4Addr::new(8, 8, 8, 1),
            old_ttl_s: Some(3600),
            ttl_s: 60,
            old_answers_s: 3600,
            foreign_address: None,
        }
    );
}

#[test]
fn an_empty_name_needs_an_address() {
    check(&reading(&[]), &wanted(), "no A record and no address");
    let mut wanted = wanted();
    wanted.publish = Some(Ipv4Addr::new(8, 8, 8, 2));
    let plan = plan_adopt(&names(), &reading(&[]), &wanted).unwrap();
    assert_eq!((plan.expect_a, plan.set_a), (None, Ipv4Addr::new(8, 8, 8, 2)));
}

#[test]
fn a_value_of_no_member_is_named() {
    let plan = plan_adopt(&names(), &reading(&["8.8.4.4"]), &wanted()).unwrap();
    assert_eq!(plan.foreign_address, Some(Ipv4Addr::new(8, 8, 4, 4)));
}

#[test]
fn foreign_records_are_refused() {
    let alias = Reading { cname: Some("cdn.example.net.".to_owned()), ..Reading::default() };
    check(&alias, &wanted(), "CNAME to cdn.example.net.");
    let mut owned = reading(&["8.8.8.1"]);
    owned.foreign_owners = vec!["heritage=external-dns,external-dns/owner=prod".to_owned()];
    check(&owned, &wanted(), "managed by another tool (heritage=external-dns");
    check(&reading(&["8.8.8.1", "8.8.8.2"]), &wanted(), "2 A records (8.8.8.1, 8.8.8.2)");
    let mut six = reading(&["8.8.8.1"]);
    six.aaaa = vec!["2001:db8::1".parse().unwrap()];
    check(&six, &wanted(), "AAAA 2001:db8::1");
}

#[test]
fn markers_of_others_are_refused_and_ours_is_consumed() {
    let ours = "v=sctl1 f=f1e2d3c4 e=7 a=8.8.8.1 m=aaaaaaaa n=bbbbbbbb p=cccccccc x=later";
    let theirs = "v=sctl1 f=99999999 e=7 a=8.8.8.1 m=aaaaaaaa n=bbbbbbbb p=cccccccc";
    let mut read = reading(&["8.8.8.1"]);
    read.markers = vec![ours.to_owned()];
    assert_eq!(plan_adopt(&names(), &read, &wanted()).unwrap().expect_marker.as_deref(), Some(ours));
    read.markers = vec![theirs.to_owned()];
    check(&read, &wanted(), "belongs to the fleet 99999999, not to f1e2d3c4");
    let confirmed = Wanted { takeover: Takeover::Confirmed, ..wanted() };
    assert_eq!(plan_adopt(&names(), &read, &confirmed).unwrap().expect_marker.as_deref(), Some(theirs));
    read.markers = vec!["hello".to_owned()];
    check(&read, &confirmed, "not a marker of this product: \"hello\"");
    read.markers = vec!["v=sctl1 f=f1e2d3c4 e=seven".to_owned()];
    check(&read, &wanted(), "damaged marker");
    assert!(plan_adopt(&names(), &read, &confirmed).is_ok());
    read.markers = vec![ours.to_owned(), theirs.to_owned()];
    check(&read, &confirmed, "2 TXT records where one marker belongs");
}

#[test]
fn private_targets_need_the_pools_word() {
    check(&reading(&["10.0.0.1"]), &wanted(), "10.0.0.1 is not a public address (private)");
    let mut private_member = wanted();
    private_member.members.push(Ipv4Addr::new(203, 0, 113, 9));
    check(&reading(&["8.8.8.1"]), &private_member, "203.0.113.9 is not a public address (documentation)");
    private_member.targets = Targets::Any;
    assert!(plan_adopt(&names(), &reading(&["10.0.0.1"]), &private_member).is_ok());
    private_member.members.push(Ipv4Addr::new(224, 0, 0, 1));
    check(&reading(&["10.0.0.1"]), &private_member, "224.0.0.1 cannot be a member's address (multicast)");
}
