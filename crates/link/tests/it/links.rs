use std::net::SocketAddr;
use std::time::Duration;

use link::{Acceptor, Channel, Identity, LinkError, Pin, Timeouts, connect, connect_over};
use proptest::prelude::*;
use protocol::{SecretKey, limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

fn secret(n: u8) -> SecretKey {
    SecretKey::from_bytes(&[n; 32])
}

fn identity(n: u8) -> Identity {
    Identity::new(&secret(n)).unwrap()
}

const QUICK: Timeouts = Timeouts { connect: Duration::from_secs(5), handshake: Duration::from_secs(5) };

/// Listens as identity 1 and accepts one connection.
async fn listen(timeouts: Timeouts) -> (SocketAddr, JoinHandle<Result<Channel, LinkError>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        Acceptor::new(&identity(1), timeouts).accept(stream).await
    });
    (address, accepting)
}

async fn pair() -> (Channel, Channel) {
    let (address, accepting) = listen(QUICK).await;
    let dialled = connect(address, &identity(2), Pin::Key(secret(1).public()), QUICK).await.unwrap();
    (dialled, accepting.await.unwrap().unwrap())
}

#[tokio::test]
async fn both_sides_know_each_other_and_their_channel() {
    let (mut dialled, mut accepted) = pair().await;
    assert_eq!(dialled.peer_key(), secret(1).public());
    assert_eq!(accepted.peer_key(), secret(2).public());
    assert_eq!(dialled.exporter(), accepted.exporter());
    assert_eq!(accepted.peer_ip(), Some("127.0.0.1".parse().unwrap()));

    dialled.send(&vec!["from the dialling side"]).await.unwrap();
    assert_eq!(accepted.recv::<Vec<String>>().await.unwrap(), ["from the dialling side"]);
    accepted.send(&7).await.unwrap();
    assert_eq!(dialled.recv::<u8>().await.unwrap(), 7);

    let (other, _rest) = pair().await;
    assert_ne!(other.exporter(), dialled.exporter(), "each channel is its own");
}

#[tokio::test]
async fn another_key_than_the_pinned_one_is_named() {
    let (address, accepting) = listen(QUICK).await;
    let error = connect(address, &identity(2), Pin::Key(secret(9).public()), QUICK).await.unwrap_err();
    let LinkError::WrongKey { pinned, found, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*pinned, *found), (secret(9).public(), secret(1).public()));
    assert!(!error.is_transient());
    assert!(accepting.await.unwrap().is_err(), "the server learns nothing of who dialled");
}

#[tokio::test]
async fn an_enrolling_side_takes_any_key_and_learns_it() {
    let (address, accepting) = listen(QUICK).await;
    let dialled = connect(address, &identity(2), Pin::AnyForEnrolment, QUICK).await.unwrap();
    assert_eq!(dialled.peer_key(), secret(1).public());
    accepting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_link_runs_over_any_stream() {
    let (near, far) = tokio::io::duplex(1024);
    let accepting = tokio::spawn(async move {
        Acceptor::new(&identity(1), QUICK).accept_over(Box::new(far), "a pipe".into(), None).await
    });
    let pin = Pin::Key(secret(1).public());
    let mut dialled =
        connect_over(Box::new(near), "edge-1".into(), None, &identity(2), pin, QUICK).await.unwrap();
    let mut accepted = accepting.await.unwrap().unwrap();
    // Larger than the pipe, so that writing and reading take turns.
    accepted.set_limit(limits::FRAME_BYTES_MAX);
    let text = "x".repeat(100_000);
    let (sent, received) = tokio::join!(dialled.send(&text), accepted.recv::<String>());
    sent.unwrap();
    assert_eq!(received.unwrap(), text);
    assert_eq!(accepted.peer_ip(), None);
}

#[tokio::test]
async fn strangers_get_short_frames_and_nobody_gets_endless_ones() {
    let (mut dialled, mut accepted) = pair().await;
    dialled.send(&"x".repeat(limits::FRAME_BYTES_BEFORE_HELLO_MAX)).await.unwrap();
    let error = accepted.recv::<String>().await.unwrap_err();
    assert!(
        matches!(error, LinkError::TooLong { max: limits::FRAME_BYTES_BEFORE_HELLO_MAX, .. }),
        "{error:?}"
    );

    let (mut dialled, mut accepted) = pair().await;
    accepted.set_limit(usize::MAX);
    let long = "x".repeat(limits::FRAME_BYTES_MAX - 2);
    let (sent, received) = tokio::join!(dialled.send(&long), accepted.recv::<String>());
    sent.unwrap();
    assert_eq!(received.unwrap().len(), long.len());
    let error = dialled.send(&"x".repeat(limits::FRAME_BYTES_MAX)).await.unwrap_err();
    assert!(matches!(error, LinkError::TooLong { .. }), "{error:?}");
    // The refused frame left nothing behind.
    dialled.send(&1).await.unwrap();
    assert_eq!(accepted.recv::<u8>().await.unwrap(), 1);
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_ends_the_call_not_the_process() {
    let (mut dialled, mut accepted) = pair().await;
    dialled.send(&"not a number").await.unwrap();
    let error = accepted.recv::<u8>().await.unwrap_err();
    assert!(matches!(error, LinkError::Garbage { .. }), "{error:?}");
    assert!(!error.to_string().contains("not a number"), "what a peer sent stays out of the log: {error}");
}

#[tokio::test]
async fn a_dropped_recv_loses_nothing() {
    let (mut dialled, mut accepted) = pair().await;
    assert!(tokio::time::timeout(Duration::ZERO, accepted.recv::<u8>()).await.is_err());
    dialled.send(&5).await.unwrap();
    assert_eq!(accepted.recv::<u8>().await.unwrap(), 5);
}

#[tokio::test]
async fn the_end_of_a_link_is_seen() {
    let (dialled, mut accepted) = pair().await;
    let (mut sender, _receiver) = dialled.split();
    sender.close().await.unwrap();
    let error = accepted.recv::<u8>().await.unwrap_err();
    assert!(matches!(error, LinkError::Closed { .. }), "{error:?}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let (dialled, mut accepted) = pair().await;
    let flooding = tokio::spawn(async move {
        let (mut sender, _receiver) = dialled.split();
        while sender.send_all(&[0_u8; 100]).await.is_ok() {}
    });
    let mut taken = 0;
    let error = loop {
        match accepted.recv::<u8>().await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::TooMany { .. }), "{error:?}");
    assert!(taken >= 4 * limits::FRAMES_PER_S, "the burst is allowed: {taken}");
    drop(accepted);
    flooding.await.unwrap();
}

#[tokio::test]
async fn who_speaks_no_tls_is_refused() {
    let (address, accepting) = listen(QUICK).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n").await.unwrap();
    let error = accepting.await.unwrap().unwrap_err();
    assert!(matches!(error, LinkError::Handshake { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_home_is_said_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = connect(address, &identity(2), Pin::AnyForEnrolment, QUICK).await.unwrap_err();
    assert!(matches!(error, LinkError::Connect { .. }), "{error:?}");
    assert!(error.is_transient());
}

/// The clock stands still but for what the test lets pass, so no test waits.
#[tokio::test(start_paused = true)]
async fn who_connects_and_says_nothing_is_dropped() {
    let (_near, far) = tokio::io::duplex(1024);
    let acceptor = Acceptor::new(&identity(1), Timeouts::default());
    let error = acceptor.accept_over(Box::new(far), "a stranger".into(), None).await.unwrap_err();
    assert!(matches!(error, LinkError::TimedOut { what: "the TLS handshake", .. }), "{error:?}");
}

/// A link over a pipe: no socket, so a paused clock moves on by itself.
async fn piped() -> (Channel, Channel) {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let acceptor = Acceptor::new(&identity(1), QUICK);
    let me = identity(2);
    let pin = Pin::Key(secret(1).public());
    let (dialled, accepted) = tokio::join!(
        connect_over(Box::new(near), "a server".into(), None, &me, pin, QUICK),
        acceptor.accept_over(Box::new(far), "a client".into(), None),
    );
    (dialled.unwrap(), accepted.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_silent_side_is_given_up() {
    let (_dialled, mut accepted) = piped().await;
    accepted.set_idle(Duration::from_secs(5));
    let error = accepted.recv::<u8>().await.unwrap_err();
    assert!(matches!(error, LinkError::TimedOut { what: "waiting for a frame", .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_side_that_never_reads_holds_nobody() {
    let (mut dialled, _accepted) = piped().await;
    let long = "x".repeat(200_000);
    let error = dialled.send(&long).await.unwrap_err();
    assert!(matches!(error, LinkError::TimedOut { what: "writing a frame", .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_trickles_is_given_up() {
    let (mut dialled, mut accepted) = piped().await;
    accepted.set_limit(limits::FRAME_BYTES_MAX);
    accepted.set_idle(Duration::from_hours(1));
    let long = "x".repeat(200_000);
    // The pipe takes a part of it, then the sender stops without closing.
    assert!(tokio::time::timeout(Duration::ZERO, dialled.send(&long)).await.is_err());
    let error = accepted.recv::<String>().await.unwrap_err();
    assert!(matches!(error, LinkError::TimedOut { what: "receiving a frame", .. }), "{error:?}");
}

#[tokio::test]
async fn handshakes_at_once_are_bounded() {
    let acceptor = Acceptor::new(&identity(1), QUICK);
    let mut held = Vec::new();
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let (near, far) = tokio::io::duplex(64);
        held.push(near);
        let acceptor = acceptor.clone();
        waiting.push(tokio::spawn(async move {
            acceptor.accept_over(Box::new(far), "a stranger".into(), None).await.map(drop)
        }));
    }
    // Twice round the runtime, so that each of them has begun.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let (_near, far) = tokio::io::duplex(64);
    let error = acceptor.accept_over(Box::new(far), "one more".into(), None).await.unwrap_err();
    assert!(matches!(error, LinkError::Busy { .. }), "{error:?}");
    held.clear();
    for one in waiting {
        assert!(one.await.unwrap().is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever bytes come instead of a handshake, the acceptor answers with an error.
    #[test]
    fn any_bytes_instead_of_a_handshake_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut near, far) = tokio::io::duplex(64 * 1024);
            let acceptor = Acceptor::new(&identity(1), QUICK);
            near.write_all(&bytes).await.unwrap();
            near.shutdown().await.unwrap();
            assert!(acceptor.accept_over(Box::new(far), "a stranger".into(), None).await.is_err());
            let mut answer = Vec::new();
            near.read_to_end(&mut answer).await.unwrap();
            assert!(answer.len() < 4096);
        });
    }
}
