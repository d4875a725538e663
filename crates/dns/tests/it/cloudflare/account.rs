//! Tokens, zones, and the calls that an account has left.

use super::*;

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
