//! TLS on the way to an API: whose certificate is believed, and that nothing leaves before it is.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use dns::{
    DnsError, Fqdn, MoveOutcome, Names, Provider, ReadToken, Sent, TtlChange,
    error::ApiFault,
    web::{Road, Trust},
    whm::{Config, Whm},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

const ZONE: &str = "example.com";

struct TlsServer {
    address: SocketAddr,
    pem: String,
    fingerprint: String,
    /// What clients sent after the handshake.
    heard: mpsc::UnboundedReceiver<String>,
}

/// A server with a certificate of its own making for `name`, which answers a zone to everything.
async fn serve(name: &str) -> TlsServer {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let der: CertificateDer<'static> = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let fingerprint =
        Sha256::digest(&der).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let _ = tell.send(String::from_utf8_lossy(&request[..length]).into_owned());
            let body = r#"{"metadata":{"result":1},"data":{"version":"11.136.0.4"}}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    TlsServer { address, pem: cert.pem(), fingerprint, heard }
}

fn whm(server: &TlsServer, trust: Trust) -> Whm {
    Whm::new(Config {
        host: server.address.ip().to_string(),
        port: server.address.port(),
        user: "root".to_owned(),
        token: SecretString::from("SECRETSECRETSECRETSECRETSECRET12"),
        zone: Fqdn::new(ZONE).unwrap(),
        road: Road { trust, ..Road::default() },
    })
    .unwrap()
}

#[tokio::test]
async fn a_pinned_certificate_is_believed_whatever_name_it_bears() {
    let mut server = serve("somebody-else.example").await;
    let pinned = whm(&server, Trust::Pinned { sha256: server.fingerprint.clone() });
    assert_eq!(pinned.server_facts().await.unwrap().version, "11.136.0.4");
    let request = server.heard.recv().await.unwrap();
    assert!(request.starts_with("GET /json-api/version?api.version=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: whm root:SECRETSECRETSECRETSECRETSECRET12\r\n"), "{request}");
}

#[tokio::test]
async fn an_unknown_certificate_gets_no_token() {
    let mut server = serve("127.0.0.1").await;
    for trust in [Trust::Platform, Trust::Pinned { sha256: "ab".repeat(32) }] {
        let provider = whm(&server, trust.clone());
        let error = provider.server_facts().await.unwrap_err();
        assert!(
            matches!(error, DnsError::Api { fault: ApiFault::Unreachable { .. }, .. }),
            "{trust:?}: {error:?}"
        );
        assert!(error.chain().contains("certificate"), "{trust:?}: {}", error.chain());
        // A write says that nothing was sent, and nothing was.
        let names = Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap();
        let change = TtlChange {
            expect_a: "203.0.113.1".parse().unwrap(),
            expect_marker: None,
            ttl_s: 60,
            token: ReadToken::default(),
        };
        let outcome = provider.set_ttl(&names, &change, Duration::from_secs(10)).await;
        assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
    }
    assert!(server.heard.try_recv().is_err(), "no request may leave before the certificate is believed");
}

#[tokio::test]
async fn a_further_root_is_believed_for_its_own_name() {
    let good = serve("127.0.0.1").await;
    let provider = whm(&good, Trust::AlsoRoot { pem: good.pem.clone() });
    assert_eq!(provider.server_facts().await.unwrap().version, "11.136.0.4");
    let other = serve("other.example").await;
    let provider = whm(&other, Trust::AlsoRoot { pem: other.pem.clone() });
    let error = provider.server_facts().await.unwrap_err();
    assert!(matches!(error, DnsError::Api { fault: ApiFault::Unreachable { .. }, .. }), "{error:?}");
}
