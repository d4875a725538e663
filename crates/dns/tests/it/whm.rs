//! WHM API 1 against a strict double: the suite, and everything a network and a server can do to one exchange.

use std::net::Ipv4Addr;

use dns::{
    Adoption, DnsError, Expected, Fqdn, Move, MoveOutcome, Names, Provider, ReadToken, Reading, Sent,
    conformance::{
        Bench, DEADLINE, Foreign, run_all,
        stage::{Fault, Gate, Reply, When},
        whm_double::{GOOD_TOKEN, Quirk, WhmDouble},
    },
    error::ApiFault,
    guard::{AdoptRefusal, Takeover, Targets, Wanted, plan_adopt},
    probe::{Scope, Step, Verdict, run_probe},
    whm::{Config, Whm},
};
use model::marker::Short8;
use secrecy::SecretString;
use serde_json::json;

const ZONE: &str = "example.com";
const FIRST: &str = "v=sctl1 f=0a1b2c3d e=1 a=203.0.113.1 m=00000001 n=00000001 p=00000000";
const SECOND: &str = "v=sctl1 f=0a1b2c3d e=2 a=203.0.113.2 m=00000001 n=00000002 p=00000001";

async fn double() -> WhmDouble {
    WhmDouble::start(Fqdn::new(ZONE).unwrap()).await.unwrap()
}

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap()
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, last)
}

fn provider(double: &WhmDouble) -> Whm {
    double.open(double.config(GOOD_TOKEN))
}

fn adoption() -> Adoption {
    Adoption {
        expect_a: Some(address(1)),
        expect_marker: None,
        set_a: address(1),
        set_marker: FIRST.to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    }
}

/// A double whose `lb` is adopted with [`FIRST`].
async fn adopted() -> (WhmDouble, Whm) {
    let double = double().await;
    double.edit(names().label(), Foreign::A(vec![address(1)], 14_400)).await;
    let provider = provider(&double);
    let outcome = provider.adopt(&names(), &adoption(), DEADLINE).await;
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
        comment: String::new(),
        token: ReadToken::default(),
    }
}

async fn read(double: &WhmDouble) -> Reading {
    provider(double).read(&names()).await.unwrap()
}

async fn check_moved(double: &WhmDouble) {
    assert_eq!(Expected::after(&step()).compare(&read(double).await), Ok(()));
}

async fn check_unmoved(double: &WhmDouble) {
    let expected = Expected { a: Some(address(1)), ttl_s: Some(60), marker: Some(FIRST.to_owned()) };
    assert_eq!(expected.compare(&read(double).await), Ok(()));
}

fn html(status: u16) -> Reply {
    Reply::text(status, "text/html", "<html><title>WHM Login</title></html>")
}

fn refusal(words: &str) -> Reply {
    let metadata = json!({ "command": "mass_edit_dns_zone", "reason": words, "result": 0, "version": 1 });
    Reply::json(200, &json!({ "data": null, "metadata": metadata }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whm_passes_the_suite() {
    run_all(&double().await, 50).await;
}

#[tokio::test]
async fn a_move_is_one_edit_of_two_lines_by_the_serial() {
    let (double, provider) = adopted().await;
    let serial = double.serial();
    assert!(provider.write(&names(), &step(), DEADLINE).await.is_accepted());
    let requests = double.take_requests();
    assert_eq!(requests.len(), 2, "one look, one edit");
    assert_eq!((requests[1].method.as_str(), requests[1].query.len()), ("POST", 0));
    let body = String::from_utf8(requests[1].body.clone()).unwrap();
    assert!(body.contains(&format!("serial={serial}")), "{body}");
    assert_eq!(body.matches("edit=").count(), 2, "{body}");
    assert!(!body.contains("add=") && !body.contains("remove="), "{body}");
    check_moved(&double).await;
    assert_eq!(double.serial(), serial + 1);
}

#[tokio::test]
async fn an_answer_that_proves_nothing_is_unknown() {
    for fault in [
        Fault::Instead(html(502)),
        Fault::Instead(html(200)),
        Fault::Instead(html(403)),
        Fault::Instead(Reply::json(200, &json!({ "status": 1, "statusmsg": "Ok" }))),
        Fault::Instead(Reply::text(302, "text/html", "").with("location", "https://login.invalid/")),
        Fault::CutBefore,
    ] {
        let (double, provider) = adopted().await;
        let words = format!("{fault:?}");
        double.then(When::Write, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{words}: {outcome:?}");
        check_unmoved(&double).await;
        let again = provider.write(&names(), &step(), DEADLINE).await;
        assert!(again.is_accepted(), "{words}: {again:?}");
        check_moved(&double).await;
    }
    for fault in
        [Fault::AfterCommit(html(500)), Fault::AfterCommit(html(200)), Fault::CutAfter, Fault::CutInside]
    {
        let (double, provider) = adopted().await;
        let words = format!("{fault:?}");
        double.then(When::Write, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{words}: {outcome:?}");
        check_moved(&double).await;
        let again = provider.write(&names(), &step(), DEADLINE).await;
        assert!(again.is_conflict(), "{words}: {again:?}");
    }
}

#[tokio::test]
async fn a_refusal_without_a_code_is_understood_by_reading_again() {
    // The same serial: refused for good, in the server's words, without our token.
    let (double, provider) = adopted().await;
    double.then(When::Write, Fault::Instead(refusal(&format!("Not for you, {GOOD_TOKEN}"))));
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    let MoveOutcome::Rejected(error) = &outcome else { panic!("{outcome:?}") };
    let words = format!("{} {error:?}", error.chain());
    assert!(words.contains("Not for you") && !words.contains(GOOD_TOKEN), "{words}");
    check_unmoved(&double).await;

    // Unreadable: nobody knows.
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    double.behave(Quirk::RefusesEdits);
    let slow = tokio::spawn(async move { provider.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    double.then(When::Read, Fault::Instead(html(503)));
    gate.open();
    let outcome = slow.await.unwrap();
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    check_unmoved(&double).await;
}

#[tokio::test]
async fn an_edit_of_other_records_in_between_is_no_reason_to_fail() {
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let slow = tokio::spawn(async move { provider.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    double.edit(&Fqdn::new("www.example.com").unwrap(), Foreign::A(vec![address(7)], 300)).await;
    gate.open();
    let outcome = slow.await.unwrap();
    assert!(outcome.is_accepted(), "{outcome:?}");
    check_moved(&double).await;
    let writes = double.take_requests().iter().filter(|one| one.method == "POST").count();
    assert_eq!(writes, 2, "the first was refused by its serial, the second planned anew");
}

#[tokio::test]
async fn an_edit_of_our_record_in_between_is_a_conflict() {
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let slow = tokio::spawn(async move { provider.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    double.edit(names().label(), Foreign::A(vec![address(9)], 60)).await;
    gate.open();
    let outcome = slow.await.unwrap();
    assert!(outcome.is_conflict(), "{outcome:?}");
    let reading = read(&double).await;
    assert_eq!((reading.single_a(), reading.single_marker()), (Some(address(9)), Some(FIRST)));
}

#[tokio::test]
async fn a_zone_that_others_never_leave_alone_ends_in_a_conflict() {
    let (double, provider) = adopted().await;
    let gates: Vec<_> = (0..4).map(|_| Gate::new()).collect();
    for gate in &gates {
        double.then(When::Write, Fault::HeldBefore(gate.clone()));
    }
    let slow = tokio::spawn(async move { provider.write(&names(), &step(), DEADLINE).await });
    for (last, gate) in (1..).zip(&gates) {
        gate.reached().await;
        double.edit(&Fqdn::new("www.example.com").unwrap(), Foreign::A(vec![address(last)], 300)).await;
        gate.open();
    }
    let outcome = slow.await.unwrap();
    assert!(
        matches!(&outcome, MoveOutcome::Conflict(why) if why.contains("others keep changing")),
        "{outcome:?}"
    );
    check_unmoved(&double).await;
}

#[tokio::test]
async fn a_late_edit_lands_nowhere() {
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let sender = self::provider(&double);
    let late = tokio::spawn(async move { sender.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    // The sender is gone; the request is not.
    late.abort();
    let aborted = FIRST.replace("n=00000001 p=00000000", "n=00000009 p=00000001");
    let abort = Move { set_a: address(1), set_marker: aborted.clone(), ..step() };
    assert!(provider.write(&names(), &abort, DEADLINE).await.is_accepted());
    gate.open();
    gate.passed().await;
    let reading = read(&double).await;
    assert_eq!((reading.single_a(), reading.single_marker()), (Some(address(1)), Some(aborted.as_str())));
}

#[tokio::test]
async fn a_restored_zone_with_an_old_serial_is_told_by_its_marker() {
    let (double, provider) = adopted().await;
    let serial = double.serial();
    assert!(provider.write(&names(), &step(), DEADLINE).await.is_accepted());
    // The backup brings the old serial and other records back.
    double.edit(names().marker(), Foreign::Text(vec![FIRST.replace("n=00000001", "n=0000000b")])).await;
    double.edit(names().label(), Foreign::A(vec![address(1)], 60)).await;
    double.set_serial(serial);
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(outcome.is_conflict(), "{outcome:?}");
}

#[tokio::test]
async fn a_server_without_compare_and_set_serves_moves_by_hand_only() {
    let (double, provider) = adopted().await;
    double.behave(Quirk::IgnoresSerial);
    let report = run_probe(&provider, &names(), "eeee0001", Scope::Scratch, DEADLINE).await;
    assert!(matches!(report.verdict, Verdict::ManualOnly { .. }), "{report:#?}");

    let (double, provider) = adopted().await;
    double.behave(Quirk::RefusesEdits);
    let report = run_probe(&provider, &names(), "eeee0002", Scope::Scratch, DEADLINE).await;
    let Verdict::ManualOnly { reason } = &report.verdict else { panic!("{report:#?}") };
    assert!(reason.contains("DNS edits are not allowed"), "{reason}");
    assert_eq!(report.steps.last().unwrap().step, Step::Create, "{report:#?}");
}

#[tokio::test]
async fn before_anything_is_sent_a_fault_is_no_risk() {
    for fault in [Fault::Instead(html(503)), Fault::Instead(html(200)), Fault::CutInside] {
        let (double, provider) = adopted().await;
        double.then(When::Read, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
        check_unmoved(&double).await;
    }
    let (double, provider) = adopted().await;
    let limited = Reply::text(429, "text/plain", "slow down").with("retry-after", "7");
    double.then(When::Read, Fault::Instead(limited));
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Throttled { retry_after_ms: 7_000 }), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_that_comes_twice_belongs_to_nobody_else() {
    let (double, provider) = adopted().await;
    double.then(When::Read, Fault::Doubled);
    let before = provider.read(&names()).await.unwrap();
    double.then(When::Write, Fault::Doubled);
    assert!(provider.write(&names(), &step(), DEADLINE).await.is_accepted());
    assert_ne!(provider.read(&names()).await.unwrap().a, before.a);
    check_moved(&double).await;
}

#[tokio::test]
async fn what_blocks_an_adoption_is_seen() {
    let double = double().await;
    let wanted = Wanted {
        publish: None,
        members: vec![address(1)],
        targets: Targets::Any,
        fleet: Short8::of(&[0x0a, 0x1b, 0x2c, 0x3d]),
        takeover: Takeover::Refuse,
    };
    let refusal = |reading: &Reading| plan_adopt(&names(), reading, &wanted).unwrap_err();
    double.edit(names().label(), Foreign::Dual(address(1), "2001:db8::1".parse().unwrap())).await;
    let found = refusal(&read(&double).await);
    assert!(matches!(found, AdoptRefusal::AaaaLeftBehind { .. }), "{found}");
    double.edit(names().label(), Foreign::A(vec![address(1), address(2)], 60)).await;
    let found = refusal(&read(&double).await);
    assert!(matches!(found, AdoptRefusal::SeveralAddresses { .. }), "{found}");
    double.edit(names().label(), Foreign::Owned(address(1), vec!["heritage=external-dns".to_owned()])).await;
    let found = refusal(&read(&double).await);
    assert!(matches!(found, AdoptRefusal::ForeignOwner { .. }), "{found}");
}

#[tokio::test]
async fn a_zones_own_name_can_be_managed() {
    let double = double().await;
    let zone = Fqdn::new(ZONE).unwrap();
    let apex = Names::new(zone.clone(), zone.clone()).unwrap();
    double.edit(&zone, Foreign::A(vec![address(1)], 300)).await;
    let provider = provider(&double);
    assert!(provider.adopt(&apex, &adoption(), DEADLINE).await.is_accepted());
    assert!(provider.write(&apex, &step(), DEADLINE).await.is_accepted());
    let reading = provider.read(&apex).await.unwrap();
    assert_eq!((reading.single_a(), reading.single_marker()), (Some(address(2)), Some(SECOND)));
}

#[tokio::test]
async fn the_product_speaks_https_alone_and_shows_no_token() {
    let double = double().await;
    let provider = provider(&double);
    assert_eq!(provider.server_facts().await.unwrap().version, "11.136.0.4");
    let shown = format!("{provider:?} {:?}", provider.describe());
    assert!(!shown.contains(GOOD_TOKEN), "{shown}");
    assert!(provider.describe().compares_address);
    let config = |host: &str, user: &str| Config {
        host: host.to_owned(),
        user: user.to_owned(),
        token: SecretString::from(GOOD_TOKEN),
        ..double.config(GOOD_TOKEN)
    };
    let real = Whm::new(Config { port: 2087, ..config("whm.example.com", "root") }).unwrap();
    assert_eq!(real.describe().endpoint, "whm.example.com:2087");
    let real = Whm::new(Config { port: 443, ..config("whm.example.com", "reseller_1") }).unwrap();
    assert_eq!(real.describe().endpoint, "whm.example.com");
    let real = Whm::new(Config { port: 2087, ..config("2001:db8::1", "root") }).unwrap();
    assert_eq!(real.describe().endpoint, "[2001:db8::1]:2087");
    assert!(matches!(Whm::new(config("http://x", "root")), Err(DnsError::Name { .. })));
    for user in ["", "ro ot", "root:x", "root\r\nx"] {
        let error = Whm::new(config("whm.example.com", user)).unwrap_err();
        assert!(
            matches!(error, DnsError::Api { fault: ApiFault::Setting { .. }, .. }),
            "{user:?}: {error:?}"
        );
    }
}
