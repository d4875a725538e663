//! Streams of events.

use api::fake::FakeHost;
use api::view::incident::NoticeView;
use api::{Event, EventBody, Subscribe, Topic};
use model::PoolId;

use crate::{WAYS, reach};

fn notice(revision: u64) -> Event {
    let text = format!("notice {revision}");
    let notice = NoticeView { topic: "ask".to_owned(), pool: None, incident: None, text, at_ms: revision };
    Event { revision, body: EventBody::Notice(notice) }
}

fn gone(revision: u64) -> Event {
    Event { revision, body: EventBody::PoolRemoved(PoolId::from_number(1)) }
}

fn host() -> FakeHost {
    FakeHost::at_once(|_, _| Ok(serde_json::Value::Null))
}

#[tokio::test]
async fn a_subscriber_gets_its_topics_after_its_revision() {
    for way in WAYS {
        let reached = reach(way, host().telling(vec![notice(1), gone(2), notice(3), notice(4)])).await;
        let request = Subscribe { topics: vec![Topic::Notices], since_revision: 1 };
        let mut events = reached.client.subscribe(request).await.unwrap();
        assert_eq!(events.next().await, Some(notice(3)), "{way:?}");
        assert_eq!(events.next().await, Some(notice(4)));
        assert_eq!(events.next().await, None);
        assert_eq!(events.error(), None);
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_to_read_afresh_and_blocks_nobody() {
    for way in WAYS {
        let all: Vec<Event> = (1..=2_000).map(notice).collect();
        let reached = reach(way, host().telling(all)).await;
        let wanted = Subscribe { topics: Vec::new(), since_revision: 0 };
        let mut slow = reached.client.subscribe(wanted.clone()).await.unwrap();
        // A second stream of the same connection is read to its end while the first is not read at all. Its own
        // losses do not matter here: it ends when the host has sent it everything, which is after the first.
        let mut quick = reached.client.subscribe(wanted).await.unwrap();
        while quick.next().await.is_some() {}
        let (mut last, mut resync) = (0, None);
        while let Some(event) = slow.next().await {
            if event.body == EventBody::Resync {
                resync = Some(event.revision);
            } else {
                last = last.max(event.revision);
            }
        }
        assert!(last >= 256, "what found a place is not lost");
        assert!(
            last == 2_000 || resync.is_some_and(|revision| revision > last),
            "{way:?}: {last} {resync:?}"
        );
    }
}
