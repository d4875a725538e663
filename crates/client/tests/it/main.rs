//! Client and host together, over the in-memory pipe and over a real socket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hostile;
mod leaving;
mod stream;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use api::fake::FakeHost;
use api::request::{PoolListRequest, PoolRemove};
use api::{ApiError, Call, Change, Host, Outcome, Plan, PoolRef, Progress, ProgressState};
use client::{Client, ClientError};
use model::Code;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How a test reaches a host; both ways must behave alike.
#[derive(Clone, Copy, Debug)]
enum Way {
    Pipe,
    Socket,
}

const WAYS: [Way; 2] = [Way::Pipe, Way::Socket];

struct Reached {
    client: Client,
    served: JoinHandle<()>,
    _directory: Option<TempDir>,
}

impl Drop for Reached {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn reach(way: Way, host: FakeHost) -> Reached {
    let host: Arc<dyn Host> = Arc::new(host);
    match way {
        Way::Pipe => {
            let (client, served) = client::in_memory(host, "anna").await.unwrap();
            Reached { client, served, _directory: None }
        }
        Way::Socket => {
            let directory = TempDir::new().unwrap();
            let served = serve(directory.path(), host);
            let client = Client::connect(directory.path(), "anna").await.unwrap();
            Reached { client, served, _directory: Some(directory) }
        }
    }
}

fn serve(profile: &Path, host: Arc<dyn Host>) -> JoinHandle<()> {
    let (listener, peers) = client::bind(profile).unwrap();
    tokio::spawn(client::serve(listener, peers, host))
}

fn pools() -> Value {
    json!({ "pools": [] })
}

fn removed(words: &str) -> Value {
    json!({ "kind": "done", "plan": Plan::new("p"), "result": { "leftBehind": [words] } })
}

fn remove(pool: &str) -> PoolRemove {
    PoolRemove { change: Change::default(), pool: PoolRef::from(pool) }
}

#[tokio::test]
async fn a_call_comes_back_with_its_own_answer() {
    for way in WAYS {
        let host = FakeHost::at_once(|_, request| Ok(removed(request["pool"].as_str().unwrap())));
        let reached = reach(way, host).await;
        let calls = (0..50).map(|n| {
            let client = reached.client.clone();
            tokio::spawn(async move { (n, client.call(remove(&format!("pool {n}"))).await.unwrap()) })
        });
        for call in calls.collect::<Vec<_>>() {
            let (n, outcome) = call.await.unwrap();
            let left = outcome.into_result().unwrap().left_behind;
            assert_eq!(left, [format!("pool {n}")], "{way:?}");
        }
    }
}

#[tokio::test]
async fn an_error_keeps_code_detail_and_advice() {
    for way in WAYS {
        let error = ApiError::refused("no standby is ready")
            .with_detail("edge-2: silent")
            .with_retry(api::Retry::After { wait_ms: 7 });
        let told = error.clone();
        let reached = reach(way, FakeHost::at_once(move |_, _| Err(told.clone()))).await;
        assert_eq!(reached.client.call(PoolListRequest {}).await.unwrap_err(), error, "{way:?}");
    }
}

#[tokio::test]
async fn progress_arrives_in_order_before_the_answer_and_the_caller_is_named() {
    for way in WAYS {
        let host = FakeHost::new(|call: &Call, _, _| {
            let call = call.clone();
            Box::pin(async move {
                for n in 0..20 {
                    let (step, state) = (format!("{n}"), ProgressState::Done);
                    call.report(Progress { step, state, words: String::new(), at_ms: n });
                }
                Ok(removed(&call.by))
            })
        });
        let reached = reach(way, host).await;
        let mut seen = Vec::new();
        let outcome = reached.client.call_watched(remove("web"), |line| seen.push(line.at_ms)).await.unwrap();
        assert_eq!(seen, (0..20).collect::<Vec<_>>(), "{way:?}");
        assert_eq!(outcome.into_result().unwrap().left_behind, ["anna"]);
    }
}

#[tokio::test]
async fn a_change_that_has_begun_is_finished_without_its_caller() {
    for way in WAYS {
        let (begun, go, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (host_begun, host_go, host_done) = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&done));
        let host = FakeHost::new(move |_, _, _| {
            let (begun, go, done) = (Arc::clone(&host_begun), Arc::clone(&host_go), Arc::clone(&host_done));
            Box::pin(async move {
                begun.notify_one();
                go.notified().await;
                done.notify_one();
                Ok(removed(""))
            })
        });
        let reached = reach(way, host).await;
        let client = reached.client.clone();
        let call = tokio::spawn(async move { client.call(remove("web")).await });
        begun.notified().await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        go.notify_one();
        done.notified().await;
    }
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_is_stopped() {
    struct Stopped(Arc<Notify>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    for way in WAYS {
        let (begun, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (host_begun, host_stopped) = (Arc::clone(&begun), Arc::clone(&stopped));
        let host = FakeHost::new(move |_, command, _| {
            let (begun, stopped) = (Arc::clone(&host_begun), Stopped(Arc::clone(&host_stopped)));
            let waits = command == "pool_list";
            Box::pin(async move {
                let _stopped = stopped;
                if waits {
                    begun.notify_one();
                    std::future::pending::<()>().await;
                }
                Ok(removed(""))
            })
        });
        let reached = reach(way, host).await;
        let client = reached.client.clone();
        let call = tokio::spawn(async move { client.call(PoolListRequest {}).await });
        begun.notified().await;
        call.abort();
        stopped.notified().await;
        assert!(reached.client.call(remove("web")).await.is_ok(), "the connection goes on");
    }
}

#[tokio::test]
async fn without_a_host_the_error_says_so() {
    let directory = TempDir::new().unwrap();
    let error = Client::connect(directory.path(), "anna").await.unwrap_err();
    assert!(matches!(error, ClientError::NoHost { .. }) && error.is_transient());
    assert!(error.to_string().contains("serversctl watch"), "{error}");
    assert_eq!(ApiError::from(error).code, Code::NoHost);

    // A host that died leaves its socket behind: still nobody, and the next one takes the place.
    let (listener, _) = client::bind(directory.path()).unwrap();
    drop(listener);
    assert!(matches!(Client::connect(directory.path(), "anna").await, Err(ClientError::NoHost { .. })));
    let served = serve(directory.path(), Arc::new(FakeHost::at_once(|_, _| Ok(pools()))));
    let client = Client::connect(directory.path(), "anna").await.unwrap();
    assert!(client.call(PoolListRequest {}).await.is_ok());
    served.abort();
}

#[tokio::test]
async fn a_host_that_goes_away_wakes_everybody_who_waits() {
    let begun = Arc::new(Notify::new());
    let host_begun = Arc::clone(&begun);
    let host = FakeHost::new(move |_, _, _| {
        host_begun.notify_one();
        Box::pin(std::future::pending())
    });
    let reached = reach(Way::Socket, host).await;
    let client = reached.client.clone();
    let call = tokio::spawn(async move { client.call(PoolListRequest {}).await });
    begun.notified().await;
    reached.served.abort();
    assert_eq!(call.await.unwrap().unwrap_err().code, Code::Unreachable);
    assert_eq!(reached.client.call(PoolListRequest {}).await.unwrap_err().code, Code::Unreachable);
}

#[tokio::test]
async fn a_handler_that_panics_is_an_error_and_not_a_silence() {
    let host = FakeHost::new(|_, command, _| {
        let bad = command == "pool_list";
        Box::pin(async move {
            assert!(!bad, "this panic is part of the test");
            Ok(removed(""))
        })
    });
    let reached = reach(Way::Pipe, host).await;
    assert_eq!(reached.client.call(PoolListRequest {}).await.unwrap_err().code, Code::Internal);
    assert!(reached.client.call(remove("web")).await.is_ok());
}

#[tokio::test]
async fn a_key_given_twice_over_two_connections_is_one_deed() {
    let directory = TempDir::new().unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let host = FakeHost::at_once(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(removed(""))
    });
    let served = serve(directory.path(), Arc::new(host));
    let request = || PoolRemove {
        change: Change { dry_run: false, idempotency_key: Some("k".to_owned()) },
        pool: PoolRef::from("web"),
    };
    let first = Client::connect(directory.path(), "anna").await.unwrap().call(request()).await.unwrap();
    let second = Client::connect(directory.path(), "bert").await.unwrap().call(request()).await.unwrap();
    assert_eq!(first, second);
    assert!(matches!(first, Outcome::Done { .. }));
    assert_eq!(count.load(Ordering::Relaxed), 1);
    served.abort();
}

#[tokio::test]
async fn a_profile_deep_in_the_tree_has_a_socket_too() {
    let directory = TempDir::new().unwrap();
    let deep = directory.path().join("d".repeat(90)).join("e".repeat(90));
    std::fs::create_dir_all(&deep).unwrap();
    let served = serve(&deep, Arc::new(FakeHost::at_once(|_, _| Ok(pools()))));
    let client = Client::connect(&deep, "anna").await.unwrap();
    assert!(client.call(PoolListRequest {}).await.is_ok());
    served.abort();
}
