//! A host that leaves: what is under way ends, what is new is refused, and everybody is told.

use std::sync::Arc;
use std::time::Duration;

use api::fake::FakeHost;
use api::request::PoolListRequest;
use api::{ApiError, Host, Subscribe, Topic};
use client::{Client, ClientError};
use model::Code;
use tempfile::TempDir;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::{pools, remove, removed};

/// Longer than any of these tests may take.
const LONG: Duration = Duration::from_mins(1);

struct Leaver {
    directory: TempDir,
    leave: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
    begun: Arc<Notify>,
    go: Arc<Notify>,
}

impl Leaver {
    /// A host whose changes wait until they are let go, and whose reads answer at once.
    fn new(patience: Duration) -> Self {
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (host_begun, host_go) = (Arc::clone(&begun), Arc::clone(&go));
        let host = FakeHost::new(move |_, command, _| {
            let (begun, go, waits) = (Arc::clone(&host_begun), Arc::clone(&host_go), command != "pool_list");
            Box::pin(async move {
                if waits {
                    begun.notify_one();
                    go.notified().await;
                    return Ok(removed("done"));
                }
                Ok(pools())
            })
        });
        let directory = TempDir::new().unwrap();
        let (listener, peers) = client::bind(directory.path()).unwrap();
        let (leave, left) = oneshot::channel();
        let host: Arc<dyn Host> = Arc::new(host);
        let leaving = async { drop(left.await) };
        let served = tokio::spawn(client::serve_until(listener, peers, host, leaving, patience));
        Self { directory, leave: Some(leave), served, begun, go }
    }

    async fn client(&self) -> Client {
        Client::connect(self.directory.path(), "anna").await.unwrap()
    }

    /// Begins a change and waits until the host is in the middle of it.
    async fn change(&self, client: &Client) -> JoinHandle<Result<Vec<String>, ApiError>> {
        let client = client.clone();
        let call = tokio::spawn(async move {
            let outcome = client.call(remove("web")).await?;
            Ok(outcome.into_result().expect("it was no dry run").left_behind)
        });
        self.begun.notified().await;
        call
    }

    fn leave(&mut self) {
        drop(self.leave.take());
    }
}

fn subscribe() -> Subscribe {
    Subscribe { topics: vec![Topic::Pools], since_revision: 0 }
}

#[tokio::test]
async fn a_call_under_way_ends_and_everybody_else_is_told() {
    let mut leaver = Leaver::new(LONG);
    let (busy, idle) = (leaver.client().await, leaver.client().await);
    let call = leaver.change(&busy).await;
    assert!(idle.call(PoolListRequest {}).await.is_ok());
    leaver.leave();

    // The connection with the change stands, and takes nothing new; streams are no reason to stay.
    let refused = loop {
        match busy.call(PoolListRequest {}).await {
            // It has not heard yet that it leaves.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!((refused.code, refused.retry), (Code::NoHost, api::Retry::Now));
    let mut events = busy.subscribe(subscribe()).await.unwrap();
    assert!(events.next().await.is_none());
    assert_eq!(events.error().unwrap().code, Code::NoHost);
    let late = Client::connect(leaver.directory.path(), "late").await;
    assert!(matches!(late, Err(ClientError::NoHost { .. })), "{late:?}");
    assert!(!leaver.served.is_finished(), "a change is under way");

    leaver.go.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), ["done"]);
    (&mut leaver.served).await.unwrap();
    assert_eq!(idle.call(PoolListRequest {}).await.unwrap_err().code, Code::Unreachable);
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_and_says_so() {
    let mut leaver = Leaver::new(Duration::from_millis(100));
    let client = leaver.client().await;
    let call = leaver.change(&client).await;
    leaver.leave();
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::Unreachable);
    assert!(error.message.contains("ended before this was over"), "{error}");
    (&mut leaver.served).await.unwrap();
}

#[tokio::test]
async fn a_change_without_its_caller_still_ends_before_the_host_does() {
    let mut leaver = Leaver::new(LONG);
    let client = leaver.client().await;
    let call = leaver.change(&client).await;
    call.abort();
    drop(client);
    leaver.leave();
    tokio::task::yield_now().await;
    assert!(!leaver.served.is_finished());
    leaver.go.notify_one();
    (&mut leaver.served).await.unwrap();
}
