//! The store through its public door.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod keeping;
mod kill;
mod opening;
mod ring;

use model::{IncidentId, PoolId};
use store::{EntryRow, IncidentPatch, NoticeRow, Phase, Record, Step};

fn pool(n: u32) -> PoolId {
    PoolId::from_number(n)
}

fn record(id: u64) -> Record {
    Record { id: format!("{id:08}"), revision: 1, at_ms: id, json: format!("{{\"n\":{id}}}") }
}

/// A step with a bit of everything, all of it bearing `n`.
fn step(n: u64) -> Step {
    let incident = IncidentId::from_number(7);
    Step {
        at_ms: 1_000 + n,
        memory: Some(format!("{{\"n\":{n}}}")),
        entries: vec![
            EntryRow { incident: Some(incident), json: format!("{{\"n\":{n}}}") },
            EntryRow { incident: None, json: format!("{{\"n\":{n}}}") },
        ],
        moves: vec![record(n)],
        notices: vec![NoticeRow { incident: None, kind: "ask".to_owned(), text: n.to_string() }],
        incidents: vec![IncidentPatch {
            id: Some(incident),
            epoch: Some(n),
            phases: vec![Phase { name: "sent".to_owned(), at_ms: n, took_ms: Some(n) }],
            ..IncidentPatch::default()
        }],
    }
}
