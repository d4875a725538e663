//! Callers that break the rules.

use std::sync::Arc;

use api::fake::FakeHost;
use client::wire::{ANSWER_BYTES_MAX, OPEN_MAX, REQUEST_BYTES_MAX};
use client::{Client, ClientError, Peers, SOCKET};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::{pools, serve};

struct Raw {
    stream: UnixStream,
    served: JoinHandle<()>,
    _directory: TempDir,
}

impl Raw {
    async fn connect() -> Self {
        let directory = TempDir::new().unwrap();
        let host = FakeHost::new(|_, command, _| {
            let waits = command == "pool_list";
            Box::pin(async move {
                if waits {
                    std::future::pending::<()>().await;
                }
                Ok(pools())
            })
        });
        let served = serve(directory.path(), Arc::new(host));
        let stream = UnixStream::connect(directory.path().join(SOCKET)).await.unwrap();
        Self { stream, served, _directory: directory }
    }

    async fn greeted() -> Self {
        let mut raw = Self::connect().await;
        raw.say(&json!({ "kind": "hello", "version": 1, "by": "a\ntest" })).await;
        assert_eq!(raw.hear().await, Some(json!({ "kind": "hello", "version": 1 })));
        raw
    }

    async fn say(&mut self, message: &Value) {
        let text = message.to_string();
        self.stream.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes()).await.unwrap();
        // A host that has hung up already is what some of these tests are about.
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// The next message, or none when the host hung up.
    async fn hear(&mut self) -> Option<Value> {
        let length = self.stream.read_u32().await.ok()? as usize;
        assert!(length <= ANSWER_BYTES_MAX);
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.ok()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.served.abort();
    }
}

#[tokio::test]
async fn a_frame_over_the_limit_ends_the_connection_unread() {
    let mut raw = Raw::greeted().await;
    raw.stream.write_all(&u32::try_from(REQUEST_BYTES_MAX + 1).unwrap().to_be_bytes()).await.unwrap();
    assert_eq!(raw.hear().await, None, "it does not wait for the bytes");
    let mut raw = Raw::connect().await;
    raw.stream.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    assert_eq!(raw.hear().await.unwrap()["kind"], json!("refused"));
    assert_eq!(raw.hear().await, None);
}

#[tokio::test]
async fn a_client_never_sends_a_frame_over_the_limit() {
    let directory = TempDir::new().unwrap();
    let served = serve(directory.path(), Arc::new(FakeHost::at_once(|_, _| Ok(pools()))));
    let client = Client::connect(directory.path(), "anna").await.unwrap();
    let long = json!({ "file": "x".repeat(REQUEST_BYTES_MAX) });
    let error = client.call_raw("fleet_join", long, |_| {}).await.unwrap_err();
    assert_eq!(error.code, model::Code::Invalid);
    assert!(client.call_raw("pool_list", json!({}), |_| {}).await.is_ok(), "the connection goes on");
    served.abort();
}

#[tokio::test]
async fn nobody_speaks_before_greeting_and_in_another_version() {
    let mut raw = Raw::connect().await;
    raw.say(&json!({ "kind": "call", "id": 1, "command": "host_status", "payload": {} })).await;
    assert_eq!(raw.hear().await.unwrap()["kind"], json!("refused"));
    assert_eq!(raw.hear().await, None);
    let mut raw = Raw::connect().await;
    raw.say(&json!({ "kind": "hello", "version": 2, "by": "a" })).await;
    let refused = raw.hear().await.unwrap();
    assert!(refused["error"]["message"].as_str().unwrap().contains("version 1"), "{refused}");
}

#[tokio::test]
async fn what_is_no_message_ends_the_connection() {
    for text in ["{}", "[]", "null", "{\"kind\":\"explode\"}", "{\"kind\":\"drop\",\"id\":-1}", "\u{0}\u{1}"]
    {
        let mut raw = Raw::greeted().await;
        raw.stream.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes()).await.unwrap();
        raw.stream.write_all(text.as_bytes()).await.unwrap();
        assert_eq!(raw.hear().await, None, "{text}");
    }
}

#[tokio::test]
async fn a_number_in_use_and_too_many_calls_end_the_connection() {
    let call = |id: usize| json!({ "kind": "call", "id": id, "command": "pool_list", "payload": {} });
    let mut raw = Raw::greeted().await;
    raw.say(&call(1)).await;
    raw.say(&call(1)).await;
    assert_eq!(raw.hear().await, None);

    let mut raw = Raw::greeted().await;
    for id in 0..=OPEN_MAX {
        raw.say(&call(id)).await;
    }
    assert_eq!(raw.hear().await, None);

    // Dropped calls make room again.
    let mut raw = Raw::greeted().await;
    for id in 0..3 * OPEN_MAX {
        raw.say(&call(id)).await;
        raw.say(&json!({ "kind": "drop", "id": id })).await;
    }
    let last = 3 * OPEN_MAX;
    raw.say(&json!({ "kind": "call", "id": last, "command": "no_command", "payload": {} })).await;
    let answer = raw.hear().await.unwrap();
    assert_eq!((&answer["kind"], &answer["id"]), (&json!("error"), &json!(last)));
}

#[tokio::test]
async fn another_user_is_refused_in_words() {
    let directory = TempDir::new().unwrap();
    let (listener, peers) = client::bind(directory.path()).unwrap();
    let Peers::Uid(own) = peers else { panic!("a socket is for one user") };
    // The host is told to belong to somebody else, so this very process is the stranger.
    let host = Arc::new(FakeHost::at_once(|_, _| Ok(pools())));
    let served = tokio::spawn(client::serve(listener, Peers::Uid(own + 1), host));
    let error = Client::connect(directory.path(), "anna").await.unwrap_err();
    assert!(matches!(error, ClientError::Greeting(_)), "{error}");
    let words = error.to_string();
    assert!(
        words.contains(&format!("user {own} may not")) && words.contains(&(own + 1).to_string()),
        "{words}"
    );
    served.abort();
}

#[tokio::test]
async fn the_socket_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = TempDir::new().unwrap();
    let _bound = client::bind(directory.path()).unwrap();
    let mode = std::fs::metadata(directory.path().join(SOCKET)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
