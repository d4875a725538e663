//! Cloudflare's API against a strict double: the suite, and everything a network and a provider can do to one exchange.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use dns::{
    Adoption, DnsError, Expected, Fqdn, Front, Move, MoveOutcome, Names, Provider, ReadToken, Reading, Sent,
    TtlChange,
    cloudflare::{Cloudflare, Config, FrontChange, Purpose, TokenState},
    conformance::{
        Access, Bench, DEADLINE, Foreign,
        cloudflare_double::{ACCOUNT, CloudflareDouble, GOOD_TOKEN, Grant, Owner, Quirk},
        run_all,
        stage::{Fault, Gate, Reply, When},
    },
    error::ApiFault,
    guard::{AdoptRefusal, Takeover, Targets, Wanted, plan_adopt},
    probe::{Scope, Step, Verdict, run_probe},
    web::{Road, Timeouts},
};
use model::marker::Short8;
use serde_json::json;

mod account;
mod faults;

const ZONE: &str = "example.com";
const FIRST: &str = "v=sctl1 f=0a1b2c3d e=1 a=203.0.113.1 m=00000001 n=00000001 p=00000000";
const SECOND: &str = "v=sctl1 f=0a1b2c3d e=2 a=203.0.113.2 m=00000001 n=00000002 p=00000001";

async fn double() -> CloudflareDouble {
    CloudflareDouble::start(Fqdn::new(ZONE).unwrap()).await.unwrap()
}

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap()
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, last)
}

fn provider(double: &CloudflareDouble) -> Cloudflare {
    double.open(double.config(GOOD_TOKEN))
}

/// A double whose `lb` is adopted with [`FIRST`].
async fn adopted() -> (CloudflareDouble, Cloudflare) {
    let double = double().await;
    double.edit(names().label(), Foreign::A(vec![address(1)], 300)).await;
    let provider = provider(&double);
    let adoption = Adoption {
        expect_a: Some(address(1)),
        expect_marker: None,
        set_a: address(1),
        set_marker: FIRST.to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    };
    let outcome = provider.adopt(&names(), &adoption, DEADLINE).await;
    assert!(outcome.is_accepted(), "{outcome:?}");
    double.take_requests();
    (double, provider)
}

fn step() -> Move {
    Move {
        expect_a: Some(address(1)),
        expect_marker: Some(FIRST.to_owned()),
        set_a: address(2),
        set_marker: SECOND.to_owned(),
        ttl_s: 60,
        comment: "sctl e=2 m=00000001".to_owned(),
        token: ReadToken::default(),
    }
}

async fn read(double: &CloudflareDouble) -> Reading {
    provider(double).read(&names()).await.unwrap()
}

async fn check_moved(double: &CloudflareDouble) {
    assert_eq!(Expected::after(&step()).compare(&read(double).await), Ok(()));
}

async fn check_unmoved(double: &CloudflareDouble) {
    let expected = Expected { a: Some(address(1)), ttl_s: Some(60), marker: Some(FIRST.to_owned()) };
    assert_eq!(expected.compare(&read(double).await), Ok(()));
}

fn html(status: u16) -> Reply {
    Reply::text(status, "text/html", "<html><title>Bad gateway</title></html>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloudflare_passes_the_suite() {
    run_all(&double().await, 50).await;
}

#[tokio::test]
async fn a_move_is_one_batch_that_keeps_the_proxy_and_says_why() {
    let (double, provider) = adopted().await;
    double.edit_in_place(names().label(), "A", "proxied", &json!(true));
    let reading = provider.read(&names()).await.unwrap();
    assert_eq!(reading.front, Front::Proxied);
    double.take_requests();
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(outcome.is_accepted(), "{outcome:?}");
    let requests = double.take_requests();
    let paths: Vec<_> =
        requests.iter().map(|one| (one.method.as_str(), one.path.rsplit('/').next())).collect();
    assert_eq!(paths, [("GET", Some("dns_records")), ("POST", Some("batch"))], "one look, one batch");
    let row = &double.rows(names().label())[0];
    assert_eq!((&row["content"], &row["proxied"]), (&json!("203.0.113.2"), &json!(true)));
    assert_eq!(row["comment"], json!("sctl e=2 m=00000001"));
    // The TTL of a proxied name is the provider's; reading back must not call that a difference.
    check_moved(&double).await;
    // Without a comment of its own, a change leaves the one that is there.
    let back = Move {
        expect_a: Some(address(2)),
        expect_marker: Some(SECOND.to_owned()),
        set_a: address(1),
        set_marker: FIRST.replace("n=00000001", "n=00000003"),
        comment: String::new(),
        ..step()
    };
    assert!(provider.write(&names(), &back, DEADLINE).await.is_accepted());
    assert_eq!(double.rows(names().label())[0]["comment"], json!("sctl e=2 m=00000001"));
}

#[tokio::test]
async fn the_proxy_is_switched_by_compare_and_set() {
    let (double, provider) = adopted().await;
    let front =
        |front| FrontChange { expect_a: address(1), expect_marker: Some(FIRST.to_owned()), front, ttl_s: 60 };
    assert!(provider.set_front(&names(), &front(Front::Proxied), DEADLINE).await.is_accepted());
    let reading = read(&double).await;
    assert_eq!((reading.front, reading.single_marker()), (Front::Proxied, Some(FIRST)));
    // A TTL is the provider's there; asking for one changes nothing and is no fault.
    let ttl = TtlChange {
        expect_a: address(1),
        expect_marker: Some(FIRST.to_owned()),
        ttl_s: 120,
        token: ReadToken::default(),
    };
    assert!(provider.set_ttl(&names(), &ttl, DEADLINE).await.is_accepted());
    assert_eq!(double.rows(names().label())[0]["ttl"], json!(1));
    assert!(provider.set_front(&names(), &front(Front::Direct), DEADLINE).await.is_accepted());
    check_unmoved(&double).await;
    let stale = FrontChange { expect_a: address(2), ..front(Front::Proxied) };
    assert!(provider.set_front(&names(), &stale, DEADLINE).await.is_conflict());
}

#[tokio::test]
async fn two_first_adoptions_cannot_both_succeed() {
    let double = double().await;
    double.edit(names().label(), Foreign::A(vec![address(1)], 300)).await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let adoption = |marker: &str| Adoption {
        expect_a: Some(address(1)),
        expect_marker: None,
        set_a: address(1),
        set_marker: marker.to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    };
    let (slow, first) = (provider(&double), adoption(FIRST));
    let slow = tokio::spawn(async move { slow.adopt(&names(), &first, DEADLINE).await });
    gate.reached().await;
    let quick = provider(&double).adopt(&names(), &adoption(SECOND), DEADLINE).await;
    assert!(quick.is_accepted(), "{quick:?}");
    gate.open();
    let outcome = slow.await.unwrap();
    assert!(matches!(&outcome, MoveOutcome::Conflict(why) if why.contains("81058")), "{outcome:?}");
    assert_eq!(read(&double).await.markers, [SECOND]);
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_whole() {
    let (double, provider) = adopted().await;
    for number in 0..230 {
        let name = names().label().child(&format!("n{number}")).unwrap();
        double.edit(&name, Foreign::A(vec![address(9)], 60)).await;
    }
    // Listed last, and the list is three pages long.
    double.edit(names().label(), Foreign::A(vec![address(1)], 60)).await;
    double.take_requests();
    check_unmoved(&double).await;
    assert!(provider.write(&names(), &step(), DEADLINE).await.is_accepted());
    let pages = double
        .take_requests()
        .iter()
        .filter_map(|one| one.param("page").map(ToOwned::to_owned))
        .fold(Vec::new(), |mut all, page| {
            all.push(page);
            all
        });
    assert!(pages.iter().any(|page| page == "3"), "{pages:?}");
}

#[tokio::test]
async fn a_zones_own_name_can_be_managed() {
    let double = double().await;
    let zone = Fqdn::new(ZONE).unwrap();
    let apex = Names::new(zone.clone(), zone.clone()).unwrap();
    double.edit(&zone, Foreign::A(vec![address(1)], 300)).await;
    double.edit(&zone.child("www").unwrap(), Foreign::A(vec![address(7)], 300)).await;
    let provider = provider(&double);
    let adoption = Adoption {
        expect_a: Some(address(1)),
        expect_marker: None,
        set_a: address(1),
        set_marker: FIRST.to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    };
    assert!(provider.adopt(&apex, &adoption, DEADLINE).await.is_accepted());
    assert!(provider.write(&apex, &step(), DEADLINE).await.is_accepted());
    let reading = provider.read(&apex).await.unwrap();
    assert_eq!((reading.single_a(), reading.single_marker()), (Some(address(2)), Some(SECOND)));
}

#[tokio::test]
async fn a_zone_without_compare_and_set_serves_moves_by_hand_only() {
    let (double, provider) = adopted().await;
    double.behave(Quirk::AcceptsMissingDeletes);
    let report = run_probe(&provider, &names(), "eeee0001", Scope::Scratch, DEADLINE).await;
    assert!(matches!(report.verdict, Verdict::ManualOnly { .. }), "{report:#?}");
    // The repetition itself is refused there too, as an identical record; a precondition that never held is not.
    assert_eq!(report.steps.last().unwrap().step, Step::WrongPrecondition, "{report:#?}");

    let (double, provider) = adopted().await;
    double.behave(Quirk::DropsLastPost);
    let report = run_probe(&provider, &names(), "eeee0002", Scope::Scratch, DEADLINE).await;
    assert!(matches!(report.verdict, Verdict::ManualOnly { .. }), "{report:#?}");
    assert_eq!(report.steps.last().unwrap().step, Step::CreateReadBack, "{report:#?}");
}

#[tokio::test]
async fn what_blocks_an_adoption_is_seen() {
    let double = double().await;
    let provider = provider(&double);
    let wanted = Wanted {
        publish: None,
        members: vec![address(1)],
        targets: Targets::Any,
        fleet: Short8::of(&[0x0a, 0x1b, 0x2c, 0x3d]),
        takeover: Takeover::Refuse,
    };
    let refusal = |reading: &Reading| plan_adopt(&names(), reading, &wanted).unwrap_err();

    double.edit(names().label(), Foreign::Dual(address(1), "2001:db8::1".parse().unwrap())).await;
    let found = refusal(&provider.read(&names()).await.unwrap());
    assert!(matches!(found, AdoptRefusal::AaaaLeftBehind { .. }), "{found}");

    double.edit(names().label(), Foreign::A(vec![address(1), address(2)], 60)).await;
    let found = refusal(&provider.read(&names()).await.unwrap());
    assert!(matches!(found, AdoptRefusal::SeveralAddresses { .. }), "{found}");

    // ExternalDNS also writes its mark at `a-<name>`.
    double.edit(names().label(), Foreign::A(vec![address(1)], 60)).await;
    let beside = Fqdn::new("a-lb.example.com").unwrap();
    double.edit(&beside, Foreign::Text(vec!["heritage=external-dns,external-dns/owner=x".to_owned()])).await;
    let found = refusal(&provider.read(&names()).await.unwrap());
    assert!(matches!(found, AdoptRefusal::ForeignOwner { .. }), "{found}");
}
