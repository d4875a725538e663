//! The cases themselves, one promise each.

use std::sync::Arc;

use model::marker::Short8;

use super::{
    Access, Bench, DEADLINE, Foreign, address, adopted, adoption as adoption_of, change, check_conflict,
    check_records, fresh, marker, names, read,
};
use crate::{
    DnsError, Expected, Fqdn, MoveOutcome, Names, Release, Sent, TtlChange,
    guard::{AdoptRefusal, Takeover, Targets, Wanted, plan_adopt},
    probe::{Scope, Verdict, run_probe},
};

pub(super) async fn reading_an_empty_name(bench: &dyn Bench) {
    let names = fresh(bench, "empty").await;
    let reading = read(&*bench.provider(Access::Good), &names).await;
    assert!(reading.a.is_empty() && reading.aaaa.is_empty() && reading.cname.is_none(), "{reading:?}");
    assert!(reading.markers.is_empty() && reading.foreign_owners.is_empty(), "{reading:?}");
}

pub(super) async fn adoption(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "adopt", address(1)).await;
    let expected = Expected { a: Some(address(1)), ttl_s: Some(60), marker: Some(first) };
    let verified = provider.verify(&names, &expected).await.expect("the server answers");
    assert_eq!(verified, Ok(()), "adoption lowers the TTL and leaves marker and address");

    let created = fresh(bench, "adopt-new").await;
    let reading = read(&*provider, &created).await;
    let first = marker(1, address(2), 1, 0);
    let outcome = provider.adopt(&created, &adoption_of(&reading, None, address(2), &first), DEADLINE).await;
    assert!(outcome.is_accepted(), "creating by adoption: {outcome:?}");
    check_records(bench, &created, &[address(2)], &[&first]).await;
}

pub(super) async fn adoption_is_compare_and_set(bench: &dyn Bench) {
    let names = fresh(bench, "adopt-cas").await;
    let provider = bench.provider(Access::Good);
    bench.edit(names.label(), Foreign::A(vec![address(1)], 300)).await;
    let reading = read(&*provider, &names).await;
    bench.edit(names.label(), Foreign::A(vec![address(9)], 300)).await;
    let first = marker(1, address(1), 1, 0);
    let stale = adoption_of(&reading, Some(address(1)), address(1), &first);
    check_conflict("adopting a value that changed", &provider.adopt(&names, &stale, DEADLINE).await);
    check_records(bench, &names, &[address(9)], &[]).await;

    let reading = read(&*provider, &names).await;
    let current = adoption_of(&reading, Some(address(9)), address(9), &marker(1, address(9), 2, 0));
    assert!(provider.adopt(&names, &current, DEADLINE).await.is_accepted());
    check_conflict("adopting twice", &provider.adopt(&names, &current, DEADLINE).await);
    let creating = adoption_of(&reading, None, address(9), &marker(1, address(9), 3, 0));
    check_conflict("creating what exists", &provider.adopt(&names, &creating, DEADLINE).await);
}

pub(super) async fn moves(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "moves", address(1)).await;
    let (mut from, mut marked) = (address(1), first);
    for round in 2..6_u8 {
        let reading = read(&*provider, &names).await;
        let to = address(round);
        let next = marker(u64::from(round), to, u32::from(round), u32::from(round) - 1);
        let step = change(&reading, (from, &marked), (to, &next));
        let outcome = provider.write(&names, &step, DEADLINE).await;
        assert!(outcome.is_accepted(), "move {round}: {outcome:?}");
        let verified = provider.verify(&names, &Expected::after(&step)).await.expect("the server answers");
        assert_eq!(verified, Ok(()), "move {round}");
        let after = read(&*provider, &names).await;
        // An API may have none to show; one that is shown must follow a move.
        assert!(after.serial.is_none() || after.serial != reading.serial, "the serial must follow a move");
        (from, marked) = (to, next);
    }
}

pub(super) async fn a_late_move_lands_nowhere(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "late", address(1)).await;
    let reading = read(&*provider, &names).await;
    let second = marker(2, address(2), 2, 1);
    let late = change(&reading, (address(1), &first), (address(3), &marker(2, address(3), 3, 1)));
    let outcome = provider
        .write(&names, &change(&reading, (address(1), &first), (address(2), &second)), DEADLINE)
        .await;
    assert!(outcome.is_accepted(), "{outcome:?}");
    check_conflict("a move whose marker is consumed", &provider.write(&names, &late, DEADLINE).await);
    // The same address again under a newer marker: the late move must still find nothing to hold on to.
    let reading = read(&*provider, &names).await;
    let third = marker(3, address(1), 4, 2);
    let back = change(&reading, (address(2), &second), (address(1), &third));
    assert!(provider.write(&names, &back, DEADLINE).await.is_accepted());
    check_conflict("the late move after a move back", &provider.write(&names, &late, DEADLINE).await);
    check_records(bench, &names, &[address(1)], &[&third]).await;
}

pub(super) async fn foreign_edits_win(bench: &dyn Bench) {
    for (label, edit) in [
        ("edit-a", Foreign::A(vec![address(99)], 60)),
        ("edit-two", Foreign::A(vec![address(1), address(99)], 60)),
        ("edit-aaaa", Foreign::Dual(address(1), "2001:db8::1".parse().expect("an address"))),
        ("edit-none", Foreign::Nothing),
        ("edit-cname", Foreign::Cname(bench.zone())),
    ] {
        let (names, provider, first) = adopted(bench, label, address(1)).await;
        let reading = read(&*provider, &names).await;
        bench.edit(names.label(), edit).await;
        let edited = read(&*provider, &names).await;
        let step = change(&reading, (address(1), &first), (address(2), &marker(2, address(2), 2, 1)));
        check_conflict(label, &provider.write(&names, &step, DEADLINE).await);
        let after = read(&*provider, &names).await;
        assert_eq!((after.a, after.aaaa, after.cname), (edited.a, edited.aaaa, edited.cname), "{label}");
        assert_eq!(after.markers, [first], "{label}: nothing may be written");
    }
    let (names, provider, first) = adopted(bench, "edit-marker", address(1)).await;
    let reading = read(&*provider, &names).await;
    for texts in [vec![marker(2, address(1), 7, 1)], vec![first.clone(), marker(1, address(1), 8, 0)], vec![]]
    {
        let edit = if texts.is_empty() { Foreign::Nothing } else { Foreign::Text(texts) };
        bench.edit(names.marker(), edit).await;
        let step = change(&reading, (address(1), &first), (address(2), &marker(2, address(2), 2, 1)));
        check_conflict("another marker", &provider.write(&names, &step, DEADLINE).await);
        let after = read(&*provider, &names).await;
        assert_eq!(after.single_a(), Some(address(1)), "A must stay");
    }
}

pub(super) async fn an_identical_request_is_harmless(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "resend", address(1)).await;
    let reading = read(&*provider, &names).await;
    let second = marker(2, address(2), 2, 1);
    let step = change(&reading, (address(1), &first), (address(2), &second));
    assert!(provider.write(&names, &step, DEADLINE).await.is_accepted());
    check_conflict("the identical request", &provider.write(&names, &step, DEADLINE).await);
    let reading = read(&*provider, &names).await;
    assert_eq!(reading.single_marker(), Some(second.as_str()), "the reader finds its own marker");
    assert_eq!(reading.single_a(), Some(address(2)));
}

pub(super) async fn a_lost_answer_is_unknown_and_can_be_read(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "lost", address(1)).await;
    let reading = read(&*provider, &names).await;
    let second = marker(2, address(2), 2, 1);
    let step = change(&reading, (address(1), &first), (address(2), &second));
    let outcome = bench.provider(Access::LostAnswers).write(&names, &step, DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    let reading = read(&*provider, &names).await;
    assert_eq!(reading.single_marker(), Some(second.as_str()), "the write had landed");
    check_conflict("resending after a lost answer", &provider.write(&names, &step, DEADLINE).await);
    check_records(bench, &names, &[address(2)], &[&second]).await;
}

pub(super) async fn an_abort_claim_consumes_the_marker(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "abort", address(1)).await;
    let reading = read(&*provider, &names).await;
    let open = change(&reading, (address(1), &first), (address(2), &marker(2, address(2), 2, 1)));
    let aborted = marker(1, address(1), 3, 1);
    let abort = change(&reading, (address(1), &first), (address(1), &aborted));
    let outcome = provider.write(&names, &abort, DEADLINE).await;
    assert!(outcome.is_accepted(), "an abort claim: {outcome:?}");
    check_conflict("the aborted move", &provider.write(&names, &open, DEADLINE).await);
    check_records(bench, &names, &[address(1)], &[&aborted]).await;
}

pub(super) async fn one_winner_per_marker(bench: &dyn Bench, rounds: u32) {
    const WRITERS: u8 = 8;
    let (names, provider, first) = adopted(bench, "race", address(100)).await;
    let writers: Vec<_> = (0..WRITERS).map(|_| bench.provider(Access::Good)).collect();
    let (mut from, mut marked) = (address(100), first);
    for round in 0..rounds {
        let reading = read(&*provider, &names).await;
        let barrier = Arc::new(tokio::sync::Barrier::new(usize::from(WRITERS)));
        let mut tasks = tokio::task::JoinSet::new();
        for (writer, racer) in (0..WRITERS).zip(&writers) {
            let to = address(101 + writer);
            let nonce = (round + 1) * 256 + u32::from(writer);
            let next = marker(u64::from(round) + 2, to, nonce, round);
            let step = change(&reading, (from, &marked), (to, &next));
            let (racer, names, barrier) = (Arc::clone(racer), names.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                (racer.write(&names, &step, DEADLINE).await, to, next)
            });
        }
        let mut winners = Vec::new();
        while let Some(done) = tasks.join_next().await {
            match done.expect("a racer does not panic") {
                (MoveOutcome::Accepted, to, next) => winners.push((to, next)),
                (MoveOutcome::Conflict(_), ..) => {}
                (other, ..) => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: exactly one writer may win: {winners:?}");
        (from, marked) = winners.remove(0);
        check_records(bench, &names, &[from], &[&marked]).await;
    }
}

pub(super) async fn bad_keys(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "keys", address(1)).await;
    let reading = read(&*provider, &names).await;
    let step = change(&reading, (address(1), &first), (address(2), &marker(2, address(2), 2, 1)));
    for access in [Access::WrongSecret, Access::UnknownKey] {
        let stranger = bench.provider(access);
        let refused = stranger.read(&names).await.expect_err("a bad key must not read as a good one");
        check_key_fault(access, &refused);
        let outcome = stranger.write(&names, &step, DEADLINE).await;
        let MoveOutcome::Rejected(error) = &outcome else { panic!("{access:?}: {outcome:?}") };
        check_key_fault(access, error);
    }
    check_records(bench, &names, &[address(1)], &[&first]).await;
}

fn check_key_fault(access: Access, error: &DnsError) {
    assert!(error.is_credential(), "{access:?} must be named as the key's fault: {error:?}");
    assert!(!error.is_transient(), "{error:?}");
}

pub(super) async fn wrong_zone(bench: &dyn Bench) {
    let zone = bench.absent_zone();
    let label = zone.child("lb").expect("a short label");
    let names = Names::new(label, zone).expect("a child is inside its zone");
    let provider = bench.provider(Access::WrongZone);
    let error = provider.read(&names).await.expect_err("the zone is not served");
    assert!(is_zone_fault(&error), "{error:?}");
    let empty = crate::Reading::default();
    let step = adoption_of(&empty, None, address(1), &marker(1, address(1), 1, 0));
    let outcome = provider.adopt(&names, &step, DEADLINE).await;
    assert!(matches!(&outcome, MoveOutcome::Rejected(error) if is_zone_fault(error)), "{outcome:?}");

    // A name below the apex is no zone either, even though the server knows it.
    let below = bench.zone().child("adopt").expect("a short label");
    let inside = Names::new(below.child("lb").expect("a short label"), below).expect("a child");
    let error = bench.provider(Access::Good).read(&inside).await.expect_err("the zone is another");
    assert!(matches!(error, DnsError::OutsideZone { .. }), "{error:?}");
}

/// Knot does not sign what it says about a zone that it does not serve.
fn is_zone_fault(error: &DnsError) -> bool {
    (error.is_wrong_zone() || matches!(error, DnsError::Unauthenticated { .. })) && !error.is_transient()
}

pub(super) async fn label_outside_the_zone(bench: &dyn Bench) {
    let outside = Fqdn::new("lb.outside.test").expect("a name");
    let error = Names::new(outside, bench.zone()).expect_err("the label is not in the zone");
    assert!(matches!(error, DnsError::OutsideZone { .. }), "{error:?}");
    // Names of another zone, given to a provider of this one.
    let zone = bench.absent_zone();
    let names =
        Names::new(zone.child("lb").expect("a short label"), zone).expect("a child is inside its zone");
    let provider = bench.provider(Access::Good);
    let step = adoption_of(&crate::Reading::default(), None, address(1), &marker(1, address(1), 1, 0));
    let outcome = provider.adopt(&names, &step, DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Rejected(DnsError::OutsideZone { .. })), "{outcome:?}");
}

type Refused = fn(&AdoptRefusal) -> bool;

pub(super) async fn what_blocks_adoption(bench: &dyn Bench) {
    let theirs = "v=sctl1 f=99999999 e=4 a=203.0.113.1 m=00000001 n=00000009 p=00000008".to_owned();
    let heritage = "heritage=external-dns,external-dns/owner=prod".to_owned();
    let wanted = Wanted {
        publish: None,
        members: vec![address(1)],
        targets: Targets::Any,
        fleet: Short8::of(&[0x0a, 0x1b, 0x2c, 0x3d]),
        takeover: Takeover::Refuse,
    };
    let six = "2001:db8::1".parse().expect("an address");
    let blocks: [(&str, Foreign, Option<String>, Refused); 5] = [
        ("block-two", Foreign::A(vec![address(1), address(2)], 60), None, |refusal| {
            matches!(refusal, AdoptRefusal::SeveralAddresses { .. })
        }),
        ("block-aaaa", Foreign::Dual(address(1), six), None, |refusal| {
            matches!(refusal, AdoptRefusal::AaaaLeftBehind { .. })
        }),
        ("block-cname", Foreign::Cname(bench.zone()), None, |refusal| {
            matches!(refusal, AdoptRefusal::Cname { .. })
        }),
        ("block-owner", Foreign::Owned(address(1), vec![heritage]), None, |refusal| {
            matches!(refusal, AdoptRefusal::ForeignOwner { .. })
        }),
        ("block-fleet", Foreign::A(vec![address(1)], 60), Some(theirs), |refusal| {
            matches!(refusal, AdoptRefusal::ForeignFleet { .. })
        }),
    ];
    let provider = bench.provider(Access::Good);
    for (label, records, foreign_marker, refused) in blocks {
        let names = fresh(bench, label).await;
        bench.edit(names.label(), records).await;
        if let Some(text) = &foreign_marker {
            bench.edit(names.marker(), Foreign::Text(vec![text.clone()])).await;
        }
        let before = read(&*provider, &names).await;
        let refusal = plan_adopt(&names, &before, &wanted).expect_err(label);
        assert!(refused(&refusal), "{label}: {refusal}");
        // The owner mark is advice that only the plan can heed; all else the server itself must refuse as well.
        if label != "block-owner" {
            let blind = adoption_of(&before, Some(address(1)), address(1), &marker(1, address(1), 1, 0));
            check_conflict(label, &provider.adopt(&names, &blind, DEADLINE).await);
        }
        let after = read(&*provider, &names).await;
        assert_eq!((before.a, before.markers), (after.a, after.markers), "{label}: nothing may be written");
    }
    let public = Wanted { targets: Targets::Public, ..wanted };
    let names = names(bench, "moves");
    let reading = read(&*provider, &names).await;
    let refusal = plan_adopt(&names, &reading, &public).expect_err("a documentation address is not public");
    assert!(matches!(refusal, AdoptRefusal::NotPublic { .. }), "{refusal}");
}

pub(super) async fn ttl_and_release(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "release", address(1)).await;
    let reading = read(&*provider, &names).await;
    let ttl = TtlChange {
        expect_a: address(1),
        expect_marker: Some(first.clone()),
        ttl_s: 120,
        token: reading.token.clone(),
    };
    assert!(provider.set_ttl(&names, &ttl, DEADLINE).await.is_accepted());
    let reading = read(&*provider, &names).await;
    assert_eq!(reading.a.first().map(|record| record.ttl_s), Some(120));
    assert_eq!(reading.markers, std::slice::from_ref(&first), "a TTL change leaves the marker");
    let stale = TtlChange { expect_a: address(2), ..ttl };
    check_conflict("a TTL for another address", &provider.set_ttl(&names, &stale, DEADLINE).await);

    let wrong = Release { expect_marker: marker(9, address(1), 9, 9), token: reading.token.clone() };
    check_conflict("releasing another marker", &provider.release(&names, &wrong, DEADLINE).await);
    let release = Release { expect_marker: first, token: reading.token };
    let outcome = provider.release(&names, &release, DEADLINE).await;
    assert!(outcome.is_accepted(), "{outcome:?}");
    check_records(bench, &names, &[address(1)], &[]).await;
}

pub(super) async fn the_probe_passes(bench: &dyn Bench) {
    let (names, provider, first) = adopted(bench, "probe", address(1)).await;
    for nonce in ["aaaa0001", "aaaa0002"] {
        let report = run_probe(&*provider, &names, nonce, Scope::ScratchAndAddress, DEADLINE).await;
        assert_eq!(report.verdict, Verdict::Automatic, "{report:#?}");
        assert_eq!(report.steps.len(), 11, "every step must have run: {report:#?}");
        assert!(!report.left_behind);
    }
    let scratch = provider.read_scratch(&names).await.expect("the server answers");
    assert!(scratch.texts.is_empty(), "the probe must leave nothing: {:?}", scratch.texts);
    check_records(bench, &names, &[address(1)], &[&first]).await;

    // What an interrupted probe left is cleared by the next one.
    bench.edit(names.probe(), Foreign::Text(vec!["sctlp n=dead r=1 part=1".to_owned()])).await;
    let report = run_probe(&*provider, &names, "aaaa0003", Scope::Scratch, DEADLINE).await;
    assert_eq!(report.verdict, Verdict::Automatic, "{report:#?}");
}

pub(super) async fn the_probe_leaves_strangers_alone(bench: &dyn Bench) {
    let (names, provider, _) = adopted(bench, "probe-foreign", address(1)).await;
    let text = "somebody else's".to_owned();
    bench.edit(names.probe(), Foreign::Text(vec![text.clone()])).await;
    let report = run_probe(&*provider, &names, "bbbb0001", Scope::Scratch, DEADLINE).await;
    assert!(matches!(report.verdict, Verdict::ManualOnly { .. }), "{report:#?}");
    let scratch = provider.read_scratch(&names).await.expect("the server answers");
    assert_eq!(scratch.texts, [text]);
}
