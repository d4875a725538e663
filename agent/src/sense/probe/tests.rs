use haproxy::config::{Document, Facts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::sense::clock::SystemClock;

fn of(text: &str) -> Vec<Target> {
    targets(&Facts::of(&[Document::read(text.as_bytes())])).1
}

const FIVE: &str = "frontend web\n mode http\n bind :80,:81,:82,:83,:84\n";

#[test]
fn the_best_proof_comes_first() {
    let text = "listen db\n bind :3306\nfrontend in\n mode http\n bind 127.0.0.1:8404\n bind :443 ssl crt x\n\
                frontend web\n mode http\n monitor-uri /alive\n bind [::]:80-90\n bind /run/x\n bind \"$X:1\"\n\
                frontend off\n bind :99\n disabled\n";
    let found = of(text);
    let names: Vec<_> = found.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["[::]:80-90 (web)", ":443 (in)", ":3306 (db)", "127.0.0.1:8404 (in)"]);
    assert_eq!(found[0].kind, Kind::Http { monitor_uri: Some("/alive".into()) });
    assert_eq!(found[0].connect, "[::1]:80".parse().unwrap());
    assert_eq!((found[3].kind.clone(), found[3].reach), (Kind::Http { monitor_uri: None }, Reach::Loopback));
    let listeners = targets(&Facts::of(&[Document::read(text.as_bytes())])).0;
    assert_eq!(listeners.len(), 6);
    assert_eq!((listeners[2].port, listeners[2].tls, listeners[2].http), (Some(443), true, true));
}

/// Five listeners that have answered once.
fn proven() -> Prober {
    let mut prober = Prober::default();
    prober.set_targets(of(FIVE));
    assert_eq!(prober.due(false), [0, 1, 2, 3, 4]);
    for at in 0..5 {
        prober.note(at, Time::ZERO, Outcome::Answered);
    }
    prober
}

#[test]
fn the_first_is_always_asked_and_the_others_in_turn() {
    let mut prober = proven();
    assert_eq!(prober.due(false), [0]);
    let turns: Vec<_> = (0..5).map(|_| prober.due(true)).collect();
    assert_eq!(turns, [[0, 1], [0, 2], [0, 3], [0, 4], [0, 1]]);
}

#[test]
fn a_silent_one_is_asked_at_every_pulse_once_it_had_answered() {
    let mut prober = proven();
    assert!(prober.note(3, Time::ZERO, Outcome::Silent("x".into())).proven);
    assert_eq!(prober.due(false), [0, 3]);
    assert_eq!(prober.due(true), [0, 3, 1]);
    prober.note(3, Time::ZERO, Outcome::Answered);
    assert_eq!(prober.due(false), [0]);

    let mut prober = Prober::default();
    prober.set_targets(of(FIVE));
    for at in 0..5 {
        assert!(!prober.note(at, Time::ZERO, Outcome::Silent("x".into())).proven);
    }
    assert_eq!(prober.due(false), [0]);
    prober.note(4, Time::ZERO, Outcome::Answered);
    assert_eq!(prober.due(false), [4]);
}

#[test]
fn a_listener_that_stays_keeps_its_proof() {
    let mut prober = Prober::default();
    prober.set_targets(of("frontend web\n mode http\n bind :80\n"));
    prober.note(0, Time::ZERO, Outcome::Answered);
    prober.set_targets(of("frontend a\n mode http\n bind :79\nfrontend web\n mode http\n bind :80\n"));
    assert!(!prober.note(0, Time::ZERO, Outcome::Silent("x".into())).proven);
    assert!(prober.note(1, Time::ZERO, Outcome::Silent("x".into())).proven);
}

/// A prober of one listener on loopback that was bound by the test.
async fn prober_of(lines: &str) -> (Prober, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut prober = Prober::default();
    prober.set_targets(of(&format!("frontend web\n{}\n", lines.replace("PORT", &port.to_string()))));
    (prober, listener)
}

async fn outcomes(prober: &mut Prober) -> Vec<Outcome> {
    prober.pulse(&SystemClock).await.into_iter().map(|finding| finding.outcome).collect()
}

#[tokio::test]
async fn http_must_answer_with_a_byte() {
    let (mut prober, listener) = prober_of(" mode http\n bind 127.0.0.1:PORT accept-proxy").await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = [0; 128];
        let read = stream.read(&mut text).await.unwrap();
        stream.write_all(b"H").await.unwrap();
        text[..read].to_vec()
    };
    let (found, asked) = tokio::join!(outcomes(&mut prober), server);
    assert_eq!(found, [Outcome::Answered]);
    assert!(asked.starts_with(b"PROXY UNKNOWN\r\nPRI * HTTP/2.0\r\n"));
    // The kernel accepts for a process that does not.
    let found = outcomes(&mut prober).await;
    assert!(matches!(&found[..], [Outcome::Silent(words)] if words == "no answer within 900 ms"));
    drop(listener);
    assert!(matches!(&outcomes(&mut prober).await[..], [Outcome::Silent(_)]));
}

#[tokio::test]
async fn a_monitor_uri_is_asked_for() {
    let (mut prober, listener) = prober_of(" mode http\n monitor-uri /up\n bind 127.0.0.1:PORT").await;
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = [0; 128];
        let read = stream.read(&mut text).await.unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await.unwrap();
        text[..read].to_vec()
    };
    let (found, asked) = tokio::join!(outcomes(&mut prober), server);
    assert_eq!((found, asked.as_slice()), (vec![Outcome::Answered], b"GET /up HTTP/1.0\r\n\r\n".as_slice()));
}

#[tokio::test]
async fn tls_is_judged_by_whether_its_connection_was_taken() {
    let (mut prober, listener) = prober_of(" mode http\n bind 127.0.0.1:PORT ssl crt x").await;
    assert_eq!(outcomes(&mut prober).await, []);
    let taken = listener.accept().await.unwrap();
    assert_eq!(outcomes(&mut prober).await, [Outcome::Answered]);
    drop(taken);
    assert!(
        matches!(&outcomes(&mut prober).await[..], [Outcome::Silent(words)] if words.contains("not accepted"))
    );
}

#[tokio::test]
async fn plain_tcp_is_never_connected_to() {
    let (mut prober, listener) = prober_of(" mode tcp\n bind 127.0.0.1:PORT").await;
    assert_eq!(outcomes(&mut prober).await, [Outcome::Answered]);
    assert_eq!(outcomes(&mut prober).await, [Outcome::Answered]);
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    assert!(matches!(&outcomes(&mut prober).await[..], [Outcome::Silent(_)]));
    drop(listener);
    assert_eq!(outcomes(&mut prober).await, [Outcome::Silent("no socket listens there".into())]);
}
