//! RFC 2136 against a real BIND 9.

use std::{
    net::Ipv4Addr,
    time::{SystemTime, UNIX_EPOCH},
};

use dns::{
    Adoption, DnsError, Fqdn, Move, MoveOutcome, Names, Provider, ReadToken, TtlChange,
    conformance::{Access, Bench, DEADLINE, Foreign, run_all, update_bench::UpdateBench},
    error::KeyFault,
    probe::{Scope, Step, Verdict, run_probe},
    rfc2136::{Reads, Rfc2136},
    tsig::{Algorithm, TsigKey},
};
use secrecy::SecretString;

use crate::named::{KEY, Named, SECRET, ZONE};

const FULL: &str = "grant dns-writer zonesub ANY;";

fn names(label: &str) -> Names {
    let zone = Fqdn::new(ZONE).unwrap();
    Names::new(zone.child(label).unwrap(), zone).unwrap()
}

fn adoption(a: Ipv4Addr) -> Adoption {
    Adoption {
        expect_a: Some(a),
        expect_marker: None,
        set_a: a,
        set_marker: format!("v=sctl1 f=0a1b2c3d e=1 a={a} m=00000001 n=00000001 p=00000000"),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bind_passes_the_suite() {
    let named = Named::start(FULL);
    run_all(&named.bench().await, 50).await;
}

#[tokio::test]
async fn plain_reads_give_the_same_reading() {
    let named = Named::start(FULL);
    let bench = named.bench().await;
    bench.edit(names("lb").label(), Foreign::A(vec![Ipv4Addr::new(203, 0, 113, 1)], 60)).await;
    let signed = bench.provider(Access::Good).read(&names("lb")).await.unwrap();
    let mut config = bench.config(Access::Good);
    config.reads = Reads::Plain;
    let plain = Rfc2136::new(config);
    assert_eq!(plain.read(&names("lb")).await.unwrap(), signed);
    assert!(!plain.describe().authenticated_reads);
}

#[tokio::test]
async fn a_policy_that_drops_records_silently_fails_the_probe() {
    // One TXT per name: the second one of a message is dropped, and BIND answers NOERROR.
    let named = Named::start("grant dns-writer zonesub A(1) TXT(1) AAAA CNAME;");
    let bench = named.bench().await;
    let provider = bench.provider(Access::Good);
    let report = run_probe(&*provider, &names("lb"), "cccc0001", Scope::Scratch, DEADLINE).await;
    let last = report.steps.last().unwrap();
    assert_eq!(last.step, Step::CreateReadBack, "{report:#?}");
    let Verdict::ManualOnly { reason } = &report.verdict else { panic!("{report:#?}") };
    assert!(reason.contains("said yes to 2 records and holds 1"), "{reason}");
    assert!(!report.left_behind);
    assert!(provider.read_scratch(&names("lb")).await.unwrap().texts.is_empty());
}

#[tokio::test]
async fn a_missing_grant_is_a_refusal_by_policy() {
    let named = Named::start("grant dns-writer zonesub TXT;");
    let bench = named.bench().await;
    let provider = bench.provider(Access::Good);
    let mut adoption = adoption(Ipv4Addr::new(203, 0, 113, 1));
    adoption.expect_a = None;
    let outcome = provider.adopt(&names("lb"), &adoption, DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Rejected(DnsError::Refused { .. })), "{outcome:?}");
    let reading = provider.read(&names("lb")).await.unwrap();
    assert!(
        reading.a.is_empty() && reading.markers.is_empty(),
        "one refused record refuses all: {reading:?}"
    );
    let none = Named::start("grant somebody-else zonesub ANY;");
    let provider = none.bench().await.provider(Access::Good);
    let report = run_probe(&*provider, &names("lb"), "cccc0002", Scope::Scratch, DEADLINE).await;
    let Verdict::ManualOnly { reason } = &report.verdict else { panic!("{report:#?}") };
    assert!(reason.contains("by its policy"), "{reason}");
}

#[tokio::test]
async fn the_probe_needs_an_address_to_rewrite() {
    let named = Named::start(FULL);
    let provider = named.bench().await.provider(Access::Good);
    let report = run_probe(&*provider, &names("lb"), "cccc0003", Scope::ScratchAndAddress, DEADLINE).await;
    assert_eq!(report.steps.last().unwrap().step, Step::RewriteAddress, "{report:#?}");
    assert!(matches!(report.verdict, Verdict::ManualOnly { .. }), "{report:#?}");
}

#[tokio::test]
async fn bind_names_the_fault_of_a_key() {
    let named = Named::start(FULL);
    let bench = named.bench().await;
    for (access, expect) in [(Access::WrongSecret, KeyFault::BadSig), (Access::UnknownKey, KeyFault::BadKey)]
    {
        let error = bench.provider(access).read(&names("lb")).await.unwrap_err();
        assert!(matches!(error, DnsError::WrongKey { fault, .. } if fault == expect), "{error:?}");
    }
    // The right secret with another algorithm is another key to BIND.
    let mut config = bench.config(Access::Good);
    config.key = TsigKey::new(KEY, Algorithm::HmacSha512, &SecretString::from(SECRET)).unwrap();
    let error = Rfc2136::new(config).read(&names("lb")).await.unwrap_err();
    assert!(matches!(error, DnsError::WrongKey { fault: KeyFault::BadKey, .. }), "{error:?}");
    // The key's name is folded, so that servers which compare it exactly are fine too.
    let mut config = bench.config(Access::Good);
    config.key = TsigKey::new("DNS-Writer.", Algorithm::HmacSha256, &SecretString::from(SECRET)).unwrap();
    assert!(Rfc2136::new(config).read(&names("lb")).await.is_ok());
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn a_wrong_clock_signs_with_the_servers_time() {
    let named = Named::start(FULL);
    check_skewed_clocks(&named.bench().await).await;
}

/// Shared with the embedded server.
pub(crate) async fn check_skewed_clocks(bench: &UpdateBench) {
    type Clock = fn() -> u64;
    const TEN_YEARS_S: u64 = 315_360_000;
    let a = Ipv4Addr::new(203, 0, 113, 1);
    let clocks: [(&str, Clock); 4] = [
        ("clock-fast", || now_s() + 1_000),
        ("clock-future", || now_s() + TEN_YEARS_S),
        ("clock-past", || now_s() - TEN_YEARS_S),
        ("clock-none", || 0),
    ];
    for (label, clock) in clocks {
        let names = names(label);
        bench.edit(names.label(), Foreign::A(vec![a], 60)).await;
        let skewed = Rfc2136::with_wall_clock(bench.config(Access::Good), clock);
        let outcome = skewed.adopt(&names, &adoption(a), DEADLINE).await;
        assert!(outcome.is_accepted(), "{label}: {outcome:?}");
        let skew = skewed.describe().clock_skew_s.expect("the skew was learned");
        let truth = i64::try_from(clock()).unwrap() - i64::try_from(now_s()).unwrap();
        assert!(skew.abs_diff(truth) <= 2, "{label}: {skew} for {truth}");
        let fresh = Rfc2136::with_wall_clock(bench.config(Access::Good), clock);
        assert_eq!(fresh.read(&names).await.unwrap().single_a(), Some(a), "{label}");
    }
    // A wrong key with a wrong clock is still a wrong key: nobody's time is believed without a signature.
    let stranger = Rfc2136::with_wall_clock(bench.config(Access::WrongSecret), || now_s() + 1_000);
    let error = stranger.read(&names("clock-fast")).await.unwrap_err();
    assert!(matches!(error, DnsError::WrongKey { .. }), "{error:?}");
    assert_eq!(stranger.describe().clock_skew_s, None);
}

#[tokio::test]
async fn names_that_live_elsewhere_are_not_read_as_empty() {
    let named = Named::start(FULL);
    let bench = named.bench().await;
    let zone = Fqdn::new(ZONE).unwrap();
    let delegated = Names::new(Fqdn::new("lb.away.example.com").unwrap(), zone).unwrap();
    let error = bench.provider(Access::Good).read(&delegated).await.unwrap_err();
    assert!(matches!(error, DnsError::NotAuthoritative { .. }), "{error:?}");
    // A zone that is not there, and a name below the apex configured as if it were a zone.
    for zone in ["elsewhere.test", "sub.example.com"] {
        let zone = Fqdn::new(zone).unwrap();
        let mut config = bench.config(Access::Good);
        config.zone = zone.clone();
        let provider = Rfc2136::new(config);
        let inside = Names::new(zone.child("lb").unwrap(), zone.clone()).unwrap();
        let error = provider.read(&inside).await.unwrap_err();
        assert!(matches!(&error, DnsError::WrongZone { zone: named, .. } if *named == zone), "{error:?}");
        let outcome = provider.adopt(&inside, &adoption(Ipv4Addr::new(203, 0, 113, 1)), DEADLINE).await;
        assert!(matches!(outcome, MoveOutcome::Rejected(DnsError::WrongZone { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_wildcards_answer_is_no_record_to_adopt() {
    let named = Named::start(FULL);
    let bench = named.bench().await;
    let zone = Fqdn::new(ZONE).unwrap();
    let starred = Names::new(Fqdn::new("lb.wild.example.com").unwrap(), zone).unwrap();
    let provider = bench.provider(Access::Good);
    let a = Ipv4Addr::new(203, 0, 113, 77);
    assert_eq!(provider.read(&starred).await.unwrap().single_a(), Some(a));
    let outcome = provider.adopt(&starred, &adoption(a), DEADLINE).await;
    assert!(outcome.is_conflict(), "{outcome:?}");
    assert!(provider.read(&starred).await.unwrap().markers.is_empty());
}

#[tokio::test]
async fn texts_that_do_not_fit_are_refused_before_sending() {
    let named = Named::start(FULL);
    let provider = named.bench().await.provider(Access::Good);
    let a = Ipv4Addr::new(203, 0, 113, 1);
    let change = Move {
        expect_a: Some(a),
        expect_marker: Some("m".to_owned()),
        set_a: a,
        set_marker: "x".repeat(256),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    };
    let outcome = provider.write(&names("lb"), &change, DEADLINE).await;
    assert!(matches!(outcome, MoveOutcome::Rejected(DnsError::MarkerTooLong { length: 256 })), "{outcome:?}");
}

#[tokio::test]
async fn a_ttl_can_be_lowered_before_adoption() {
    let named = Named::start(FULL);
    let bench = named.bench().await;
    let a = Ipv4Addr::new(203, 0, 113, 1);
    bench.edit(names("ttl").label(), Foreign::A(vec![a], 86_400)).await;
    let provider = bench.provider(Access::Good);
    let lower = TtlChange { expect_a: a, expect_marker: None, ttl_s: 60, token: ReadToken::default() };
    assert!(provider.set_ttl(&names("ttl"), &lower, DEADLINE).await.is_accepted());
    assert_eq!(provider.read(&names("ttl")).await.unwrap().a[0].ttl_s, 60);
}
