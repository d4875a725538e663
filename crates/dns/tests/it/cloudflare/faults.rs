//! What a network and a provider can do to one exchange.

use super::*;

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
