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
async fn a_late_change_without_a_marker_brings_no_address_back() {
    // Before the adoption nothing can be consumed, so what is late then must not name an address.
    let double = double().await;
    double.edit(names().label(), Foreign::A(vec![address(1)], 300)).await;
    let early = provider(&double);
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let ttl =
        TtlChange { expect_a: address(1), expect_marker: None, ttl_s: 120, token: ReadToken::default() };
    let late = tokio::spawn(async move { early.set_ttl(&names(), &ttl, DEADLINE).await });
    gate.reached().await;
    late.abort();
    double.edit_in_place(names().label(), "A", "content", &json!("203.0.113.9"));
    gate.open();
    gate.passed().await;
    assert_eq!(read(&double).await.single_a(), Some(address(9)), "A must stay as somebody put it since");
}

#[tokio::test]
async fn pools_of_one_token_look_the_zone_up_once() {
    let (double, _) = adopted().await;
    let config = double.config(GOOD_TOKEN);
    let account = Arc::clone(&config.account);
    for _ in 0..3 {
        let pool = double.open(Config { account: Arc::clone(&account), ..double.config(GOOD_TOKEN) });
        assert!(pool.read(&names()).await.is_ok());
    }
    let lookups = double.take_requests().iter().filter(|one| one.path.ends_with("/zones")).count();
    assert_eq!(lookups, 1);
    // A zone that was deleted and made anew is found again, by its name.
    double.renew_zone();
    let pool = double.open(Config { account, ..double.config(GOOD_TOKEN) });
    let error = pool.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Refused { code: 7_003, .. }, .. }), "{error:?}");
    assert!(pool.read(&names()).await.is_ok());
}

#[tokio::test]
async fn a_refusal_that_proves_nothing_is_unknown() {
    for fault in [
        Fault::Instead(html(502)),
        Fault::Instead(html(200)),
        Fault::Instead(html(403)),
        Fault::Instead(Reply::text(200, "application/json", "")),
        Fault::Instead(Reply::json(
            500,
            &json!({ "success": false, "errors": [{ "code": 1, "message": "x" }] }),
        )),
        Fault::Instead(Reply::json(200, &json!({ "success": true, "result": null }))),
        Fault::Instead(Reply::text(302, "text/html", "").with("location", "https://login.invalid/")),
        Fault::CutBefore,
    ] {
        let (double, provider) = adopted().await;
        let words = format!("{fault:?}");
        double.then(When::Write, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{words}: {outcome:?}");
        check_unmoved(&double).await;
        // The identical request again is what the caller may do now.
        let again = provider.write(&names(), &step(), DEADLINE).await;
        assert!(again.is_accepted(), "{words}: {again:?}");
        check_moved(&double).await;
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_is_unknown_and_then_a_conflict() {
    for fault in [
        Fault::AfterCommit(html(500)),
        Fault::AfterCommit(html(524)),
        Fault::AfterCommit(html(200)),
        Fault::CutAfter,
        Fault::CutInside,
    ] {
        let (double, provider) = adopted().await;
        let words = format!("{fault:?}");
        double.then(When::Write, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{words}: {outcome:?}");
        check_moved(&double).await;
        let again = provider.write(&names(), &step(), DEADLINE).await;
        assert!(again.is_conflict(), "{words}: {again:?}");
        check_moved(&double).await;
    }
}

#[tokio::test]
async fn success_false_with_200_is_a_refusal_with_its_words() {
    let (double, provider) = adopted().await;
    let errors = json!([{ "code": 1_004, "message": format!("DNS Validation Error for {GOOD_TOKEN}") }]);
    double
        .then(When::Write, Fault::Instead(Reply::json(200, &json!({ "success": false, "errors": errors }))));
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    let MoveOutcome::Rejected(error) = &outcome else { panic!("{outcome:?}") };
    let words = format!("{} {error:?}", error.chain());
    assert!(words.contains("1004") && words.contains("DNS Validation Error"), "{words}");
    assert!(!words.contains(GOOD_TOKEN), "a token that the server echoes must not be shown: {words}");
    check_unmoved(&double).await;
}

#[tokio::test]
async fn too_many_requests_waits_as_long_as_it_is_told() {
    let (double, provider) = adopted().await;
    let limited = Reply::text(429, "text/plain", "slow down").with("retry-after", "7");
    double.then(When::Write, Fault::Instead(limited));
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Throttled { retry_after_ms: 7_000 }), "{outcome:?}");
    double.take_requests();
    // The block is the account's: the next call waits without asking, a read as well as a write.
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Throttled { retry_after_ms: 1..=7_000 }), "{outcome:?}");
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Throttled { .. }, .. }), "{error:?}");
    assert!(error.is_transient());
    assert!(double.take_requests().is_empty(), "a blocked account asks nothing");
    check_unmoved(&double).await;

    // While it is being read: nothing was sent either.
    let other = adopted().await;
    other.0.block(1);
    let outcome = other.1.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Throttled { retry_after_ms: 7_000 }), "{outcome:?}");
}

#[tokio::test]
async fn reads_give_way_to_writes_over_all_pools_of_an_account() {
    let (double, one) = adopted().await;
    let config = double.config(GOOD_TOKEN);
    let account = Arc::clone(&config.account);
    let other = double.open(config);
    while account.budget.take(Purpose::Read).is_ok() {}
    let error = other.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Throttled { .. }, .. }), "{error:?}");
    let outcome = other.write(&names(), &step(), DEADLINE).await;
    assert!(outcome.is_accepted(), "the reserve is for this: {outcome:?}");
    assert!(one.read(&names()).await.is_ok(), "another account has its own budget");
}

#[tokio::test]
async fn before_anything_is_sent_a_fault_is_no_risk() {
    for fault in [Fault::Instead(html(503)), Fault::CutBefore, Fault::CutInside] {
        let (double, provider) = adopted().await;
        double.then(When::Read, fault);
        let outcome = provider.write(&names(), &step(), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
        check_unmoved(&double).await;
    }
    // Nobody listens at all.
    let (double, _) = adopted().await;
    let config = double.config(GOOD_TOKEN);
    drop(double);
    let nobody = crate::named::free_address(Ipv4Addr::LOCALHOST);
    let provider = Cloudflare::for_double(config, &format!("http://{nobody}/client/v4")).unwrap();
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Unreachable { .. }, .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_late_batch_lands_nowhere_once_the_marker_is_consumed() {
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let sender = self::provider(&double);
    let late = tokio::spawn(async move { sender.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    // The sender is gone; the request is not.
    late.abort();
    // An abort claim consumes the marker while the first request is still under way somewhere.
    let aborted = FIRST.replace("n=00000001 p=00000000", "n=00000009 p=00000001");
    let abort = Move { set_a: address(1), set_marker: aborted.clone(), ..step() };
    assert!(provider.write(&names(), &abort, DEADLINE).await.is_accepted());
    gate.open();
    gate.passed().await;
    let reading = read(&double).await;
    assert_eq!((reading.single_a(), reading.single_marker()), (Some(address(1)), Some(aborted.as_str())));
}

#[tokio::test]
async fn the_batch_itself_refuses_a_consumed_marker() {
    // Both have read before either writes, so only the server can tell them apart.
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldBefore(gate.clone()));
    let other = self::provider(&double);
    let slow = tokio::spawn(async move { other.write(&names(), &step(), DEADLINE).await });
    gate.reached().await;
    let rival = Move { set_a: address(3), set_marker: SECOND.replace("n=00000002", "n=0000000a"), ..step() };
    assert!(provider.write(&names(), &rival, DEADLINE).await.is_accepted());
    gate.open();
    let outcome = slow.await.unwrap();
    let MoveOutcome::Conflict(why) = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("81044"), "{why}");
    assert_eq!(read(&double).await.single_a(), Some(address(3)));
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
async fn an_answer_that_comes_late_or_twice_belongs_to_nobody_else() {
    let (double, provider) = adopted().await;
    double.then(When::Read, Fault::Doubled);
    let before = provider.read(&names()).await.unwrap();
    double.then(When::Write, Fault::Doubled);
    assert!(provider.write(&names(), &step(), DEADLINE).await.is_accepted());
    let after = provider.read(&names()).await.unwrap();
    assert_ne!(after.a, before.a, "the second copy of the first answer must not be read again");
    check_moved(&double).await;
}

#[tokio::test]
async fn a_slow_answer_costs_no_more_than_the_deadline() {
    let (double, provider) = adopted().await;
    let gate = Gate::new();
    double.then(When::Write, Fault::HeldAfter(gate.clone()));
    let outcome = provider.write(&names(), &step(), Duration::from_millis(1_500)).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    gate.open();
    check_moved(&double).await;

    let mut config = double.config(GOOD_TOKEN);
    config.road = Road { timeouts: Timeouts { connect_ms: 1_000, answer_ms: 200 }, ..Road::default() };
    let hasty = double.open(config);
    double.then(When::Read, Fault::HeldAfter(Gate::new()));
    let error = hasty.read(&names()).await.unwrap_err();
    assert!(
        matches!(error, DnsError::Api { fault: ApiFault::Timeout { timeout_ms: 1_200 }, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (double, provider) = adopted().await;
    double.then(When::Read, Fault::Instead(Reply::text(200, "application/json", &" ".repeat(2 << 20))));
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::TooLarge { .. }, .. }), "{error:?}");
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
async fn tokens_are_told_apart() {
    let (double, good) = adopted().await;
    let facts = good.token_facts().await.unwrap();
    assert_eq!((facts.state, facts.expires_at_ms), (TokenState::Active, None));

    let expiring = "cfut_ExpiringExpiringExpiringExpiringExpiring0a1b";
    double.grant(Grant { expires_on: Some("2026-12-01T00:00:00.5Z".to_owned()), ..Grant::all(expiring) });
    let facts = double.open(double.config(expiring)).token_facts().await.unwrap();
    assert_eq!((facts.state, facts.expires_at_ms), (TokenState::Active, Some(1_796_083_200_500)));

    double.grant(Grant { status: "expired".to_owned(), ..Grant::all(expiring) });
    let expired = double.open(double.config(expiring));
    assert_eq!(expired.token_facts().await.unwrap().state, TokenState::Expired);
    let error = expired.read(&names()).await.unwrap_err();
    assert!(error.is_credential() && !error.is_transient(), "{error:?}");

    // An account's own token is unknown at the user's address, and works all the same.
    let owned = "cfat_OwnedByTheAccountOwnedByTheAccountOwned0a1b";
    double.grant(Grant { owner: Owner::Account, ..Grant::all(owned) });
    let mut config = double.config(owned);
    let blind = double.open(double.config(owned));
    assert_eq!(blind.token_facts().await.unwrap().state, TokenState::Unsaid);
    assert!(blind.read(&names()).await.is_ok());
    config.account_id = Some(ACCOUNT.to_owned());
    assert_eq!(double.open(config).token_facts().await.unwrap().state, TokenState::Active);

    let unknown = double.open(double.config("cfut_NobodyKnowsThisTokenNobodyKnowsThisToken0a1b"));
    let error = unknown.token_facts().await.unwrap_err();
    assert!(error.is_credential(), "{error:?}");
}

#[tokio::test]
async fn a_token_without_the_right_to_write_is_found_by_the_probe() {
    let (double, _) = adopted().await;
    let reader = "cfut_ReaderReaderReaderReaderReaderReaderRead0a1b";
    double.grant(Grant { dns_write: false, ..Grant::all(reader) });
    let provider = double.open(double.config(reader));
    assert_eq!(provider.read(&names()).await.unwrap().single_a(), Some(address(1)));
    let outcome = provider.write(&names(), &step(), DEADLINE).await;
    assert!(matches!(&outcome, MoveOutcome::Rejected(error) if error.is_credential()), "{outcome:?}");
    let report = run_probe(&provider, &names(), "dddd0001", Scope::ScratchAndAddress, DEADLINE).await;
    let Verdict::ManualOnly { reason } = &report.verdict else { panic!("{report:#?}") };
    assert!(reason.contains("10000"), "{reason}");

    // Without Zone Read the zone cannot be found, and it is the token that is named.
    double.grant(Grant { zone_read: false, ..Grant::all(reader) });
    let error = double.open(double.config(reader)).read(&names()).await.unwrap_err();
    assert!(error.is_credential(), "{error:?}");
    check_unmoved(&double).await;
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
async fn zones_of_one_name_are_not_guessed_between() {
    let (double, provider) = adopted().await;
    let facts = provider.zone_facts().await.unwrap();
    assert_eq!((facts.status.as_str(), facts.name_servers.len()), ("active", 2));
    assert_eq!(facts.account, "The double");
    double.add_zone(&Fqdn::new(ZONE).unwrap(), "pending");
    let error = self::provider(&double).read(&names()).await.unwrap_err();
    assert!(
        matches!(error, DnsError::Api { fault: ApiFault::AmbiguousZone { count: 2, .. }, .. }),
        "{error:?}"
    );
    assert!(error.is_wrong_zone() && !error.is_transient());
}

#[tokio::test]
async fn the_zone_is_found_on_a_later_page_and_never_by_halves() {
    let double = double().await;
    for number in 0..120 {
        double.add_zone(&Fqdn::new(&format!("zone{number}.test")).unwrap(), "active");
    }
    double.behave(Quirk::IgnoresZoneName);
    let mut config = double.config(GOOD_TOKEN);
    config.zone = Fqdn::new("zone110.test").unwrap();
    let facts = double.open(config).zone_facts().await.unwrap();
    assert_eq!(facts.name.as_str(), "zone110.test");
    // The list begins with other zones; none of them may be taken for the one that is not there.
    let mut config = double.config(GOOD_TOKEN);
    config.zone = double.absent_zone();
    let error = double.open(config).zone_facts().await.unwrap_err();
    assert!(error.is_wrong_zone(), "{error:?}");
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

#[tokio::test]
async fn the_product_speaks_https_alone_and_shows_no_token() {
    let double = double().await;
    let provider = provider(&double);
    let shown = format!("{provider:?} {:?}", provider.describe());
    assert!(!shown.contains(GOOD_TOKEN), "{shown}");
    assert_eq!(provider.describe().kind, "cloudflare");
    assert!(!provider.describe().compares_address);
    // The double refuses what it must: a provider with a foreign credential gets nothing.
    assert!(double.provider(Access::UnknownKey).read(&names()).await.unwrap_err().is_credential());
    let real = Cloudflare::new(double.config(GOOD_TOKEN)).unwrap();
    assert_eq!(real.describe().endpoint, "api.cloudflare.com");
    let bad = Cloudflare::for_double(double.config(GOOD_TOKEN), "http://192.0.2.1/client/v4").unwrap_err();
    assert!(matches!(bad, DnsError::Api { fault: ApiFault::Setting { .. }, .. }), "{bad:?}");
}
