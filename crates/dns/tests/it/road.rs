//! TLS on the way to an API: whose certificate is believed, and that nothing leaves before it is.

use std::{net::SocketAddr, time::Duration};

use dns::{
    DnsError, Fqdn, MoveOutcome, Names, Provider, ReadToken, Sent, TtlChange,
    cloudflare::Cloudflare,
    conformance::{
        Bench as _, DEADLINE, Foreign,
        cloudflare_double::{self, CloudflareDouble},
        whm_double::{GOOD_TOKEN, WhmDouble},
    },
    error::ApiFault,
    web::{Road, Trust},
    whm::{Config, Whm},
};

const ZONE: &str = "example.com";

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn serve(name: &str) -> WhmDouble {
    WhmDouble::start_tls(Fqdn::new(ZONE).unwrap(), loopback(), name).await.unwrap()
}

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap()
}

/// The product's own constructor, with everything but its certificates as it is delivered.
fn whm(double: &WhmDouble, trust: Trust) -> Whm {
    Whm::new(Config { road: Road { trust, ..Road::default() }, ..double.config(GOOD_TOKEN) }).unwrap()
}

fn pinned(sha256: &str) -> Trust {
    Trust::Pinned { sha256: sha256.to_owned() }
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_whatever_name_it_bears() {
    let double = serve("somebody-else.example").await;
    let provider = whm(&double, pinned(&double.stage().certificate().unwrap().sha256));
    assert_eq!(provider.server_facts().await.unwrap().version, "11.136.0.4");
    let request = double.take_requests().remove(0);
    assert_eq!((request.path.as_str(), request.param("api.version")), ("/json-api/version", Some("1")));
    assert_eq!(request.header("authorization"), Some(format!("whm root:{GOOD_TOKEN}").as_str()));
}

#[tokio::test]
async fn an_unknown_certificate_gets_no_token() {
    let double = serve("127.0.0.1").await;
    for trust in [Trust::Platform, pinned(&"ab".repeat(32))] {
        let provider = whm(&double, trust.clone());
        let error = provider.server_facts().await.unwrap_err();
        assert!(
            matches!(error, DnsError::Api { fault: ApiFault::Unreachable { .. }, .. }),
            "{trust:?}: {error:?}"
        );
        assert!(error.chain().contains("certificate"), "{trust:?}: {}", error.chain());
        // A write says that nothing was sent, and nothing was.
        let change = TtlChange {
            expect_a: "203.0.113.1".parse().unwrap(),
            expect_marker: None,
            ttl_s: 60,
            token: ReadToken::default(),
        };
        let outcome = provider.set_ttl(&names(), &change, Duration::from_secs(10)).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
    }
    assert!(double.take_requests().is_empty(), "no request may leave before the certificate is believed");
}

#[tokio::test]
async fn a_further_root_is_believed_for_its_own_name() {
    let root =
        |double: &WhmDouble| Trust::AlsoRoot { pem: double.stage().certificate().unwrap().pem.clone() };
    let good = serve("127.0.0.1").await;
    assert!(whm(&good, root(&good)).server_facts().await.is_ok());
    let other = serve("other.example").await;
    let error = whm(&other, root(&other)).server_facts().await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Unreachable { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn cloudflare_is_spoken_to_over_tls_as_delivered() {
    let zone = Fqdn::new(ZONE).unwrap();
    let double = CloudflareDouble::start_tls(zone, loopback(), "127.0.0.1").await.unwrap();
    double.edit(names().label(), Foreign::A(vec!["203.0.113.1".parse().unwrap()], 300)).await;
    let base = format!("https://{}/client/v4", double.stage().address());
    let config = |trust| {
        let mut config = double.config(cloudflare_double::GOOD_TOKEN);
        config.road.trust = trust;
        config
    };
    let trusting =
        Cloudflare::at(config(pinned(&double.stage().certificate().unwrap().sha256)), &base).unwrap();
    let reading = trusting.read(&names()).await.unwrap();
    assert_eq!(reading.single_a(), Some("203.0.113.1".parse().unwrap()));
    let change = TtlChange {
        expect_a: "203.0.113.1".parse().unwrap(),
        expect_marker: None,
        ttl_s: 60,
        token: reading.token,
    };
    assert!(trusting.set_ttl(&names(), &change, DEADLINE).await.is_accepted());
    assert!(Cloudflare::at(config(Trust::Platform), &base).unwrap().read(&names()).await.is_err());
    assert!(Cloudflare::at(config(Trust::Platform), "http://127.0.0.1:1/client/v4").is_err());
}
