//! A network that loses, delays and lies.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use dns::{
    DnsError, Fqdn, Move, MoveOutcome, Names, Provider, ReadToken, Sent,
    rfc2136::{Config, Reads, Rfc2136, Timeouts},
    tsig::{Algorithm, TsigKey},
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::named::{KEY, SECRET, ZONE, free_address};

fn provider(server: SocketAddr) -> Rfc2136 {
    Rfc2136::new(Config {
        server,
        zone: Fqdn::new(ZONE).unwrap(),
        key: TsigKey::new(KEY, Algorithm::HmacSha256, &SecretString::from(SECRET)).unwrap(),
        reads: Reads::Signed,
        timeouts: Timeouts { connect_ms: 2_000, answer_ms: 300 },
    })
}

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new(ZONE).unwrap()).unwrap()
}

fn change() -> Move {
    Move {
        expect_a: Some(Ipv4Addr::new(203, 0, 113, 1)),
        expect_marker: Some("old".to_owned()),
        set_a: Ipv4Addr::new(203, 0, 113, 2),
        set_marker: "new".to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: ReadToken::default(),
    }
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let provider = provider(free_address(Ipv4Addr::LOCALHOST));
    let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::No, .. }), "{outcome:?}");
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Unreachable { .. }) && error.is_transient(), "{error:?}");
}

/// A server that reads one request per connection and answers with what `reply` makes of it.
async fn serve(reply: fn(Vec<u8>) -> Option<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        // Connections that get no answer are kept open, so that only the client's own limit ends them.
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let Ok(length) = stream.read_u16().await else { continue };
            let mut request = vec![0; usize::from(length)];
            if stream.read_exact(&mut request).await.is_err() {
                continue;
            }
            match reply(request) {
                Some(answer) => {
                    let mut frame = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
                    frame.extend(answer);
                    let _ = stream.write_all(&frame).await;
                }
                None => silent.push(stream),
            }
        }
    });
    address
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_deadline() {
    let provider = provider(serve(|_| None).await);
    let started = Instant::now();
    let outcome = provider.write(&names(), &change(), Duration::from_millis(200)).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Timeout { timeout_ms: 300, .. }) && error.is_transient(), "{error:?}");
    // Generous: this only shows that the limits end it, not the sockets' own minutes.
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// An answer to the request with this code and no signature.
fn unsigned(request: &[u8], code: u8) -> Vec<u8> {
    let mut answer = request[..12].to_vec();
    answer[2] |= 0x80;
    answer[3] = code;
    answer[4..12].fill(0);
    answer
}

#[tokio::test]
async fn an_unsigned_yes_proves_nothing() {
    let provider = provider(serve(|request| Some(unsigned(&request, 0))).await);
    let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
    let MoveOutcome::Unknown { sent: Sent::Maybe, why } = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("did not sign"), "{why}");
    let error = provider.read(&names()).await.unwrap_err();
    assert!(matches!(error, DnsError::Unsigned { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unsigned_no_is_said_to_be_unauthenticated() {
    for (server, code) in [
        (serve(|request| Some(unsigned(&request, 5))).await, "REFUSED"),
        (serve(|request| Some(unsigned(&request, 9))).await, "NOTAUTH"),
    ] {
        let provider = provider(server);
        let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
        let MoveOutcome::Rejected(error) = &outcome else { panic!("{outcome:?}") };
        let words = format!("refused ({code}), reason unauthenticated");
        assert!(error.to_string().contains(&words), "{error}");
    }
    // A failing server may have failed after the change.
    let provider = provider(serve(|request| Some(unsigned(&request, 2))).await);
    let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_mirrored_request_is_no_answer() {
    // The request's own signature is genuine, for a request; turning it round must not make it an answer.
    let mirror = |request: Vec<u8>| {
        let mut answer = request;
        answer[2] |= 0x80;
        Some(answer)
    };
    let provider = provider(serve(mirror).await);
    let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
    let MoveOutcome::Unknown { sent: Sent::Maybe, why } = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("signature is wrong"), "{why}");
    assert!(provider.read(&names()).await.is_err());
}

#[tokio::test]
async fn garbage_is_unknown() {
    let provider = provider(serve(|request| Some(request.iter().rev().copied().collect())).await);
    let outcome = provider.write(&names(), &change(), Duration::from_secs(5)).await;
    assert!(matches!(outcome, MoveOutcome::Unknown { sent: Sent::Maybe, .. }), "{outcome:?}");
    assert!(matches!(provider.read(&names()).await.unwrap_err(), DnsError::Protocol { .. }));
}
