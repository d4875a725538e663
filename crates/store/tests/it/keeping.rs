//! What is kept comes back.

use model::{IncidentId, MemberId};
use store::{
    Begun, Document, DocumentKind, IncidentFilter, IncidentPatch, Invitation, LEDGER_AGE_MS_MAX, NewAudit,
    NoticeRow, Phase, Provider, Spent, Step, Store,
};
use tempfile::TempDir;

use crate::{pool, step};

fn store() -> Store {
    Store::open_in_memory().unwrap()
}

fn document(version: u64, hash: &str) -> Document {
    Document { version, hash: hash.to_owned(), json: format!("{{\"v\":{version}}}") }
}

#[test]
fn twenty_rosters_are_kept_and_one_policy_per_pool() {
    let store = store();
    for version in 1..=25 {
        store.put_document(DocumentKind::Roster, &document(version, "h")).unwrap();
        store.put_document(DocumentKind::Policy(pool(1)), &document(version, "h")).unwrap();
    }
    store.put_document(DocumentKind::Policy(pool(2)), &document(3, "h")).unwrap();
    let versions: Vec<u64> = store.rosters().unwrap().iter().map(|roster| roster.version).collect();
    assert_eq!(versions, (6..=25).collect::<Vec<_>>());
    assert_eq!(store.document(DocumentKind::Roster).unwrap().unwrap().version, 25);
    let policies = store.policies().unwrap();
    assert_eq!(
        policies.iter().map(|(pool, policy)| (*pool, policy.version)).collect::<Vec<_>>(),
        [(pool(1), 25), (pool(2), 3)]
    );
    assert_eq!(store.document(DocumentKind::Policy(pool(3))).unwrap(), None);
}

#[test]
fn of_two_documents_of_one_version_the_first_stays() {
    let store = store();
    store.put_document(DocumentKind::Roster, &document(4, "first")).unwrap();
    store.put_document(DocumentKind::Roster, &document(4, "first")).unwrap();
    let fork = store.put_document(DocumentKind::Roster, &document(4, "second")).unwrap_err();
    assert!(fork.to_string().contains("another roster of version 4"), "{fork}");
    let old = store.put_document(DocumentKind::Roster, &document(3, "x")).unwrap_err();
    assert!(old.to_string().contains("has version 3"), "{old}");
    assert_eq!(store.document(DocumentKind::Roster).unwrap().unwrap().hash, "first");
}

#[test]
fn an_incident_grows_and_keeps_what_it_was_told_first() {
    let store = store();
    let id = IncidentId::from_number(9);
    let patch = |at_ms, patch: IncidentPatch| {
        let incidents = vec![IncidentPatch { id: Some(id), ..patch }];
        store.save_step(pool(1), &Step { at_ms, incidents, ..Step::default() }).unwrap();
    };
    let phase = |name: &str, at_ms, took_ms| Phase { name: name.to_owned(), at_ms, took_ms };
    patch(
        100,
        IncidentPatch {
            cause: Some("edge-1 is silent".to_owned()),
            from: Some("edge-1".to_owned()),
            phases: vec![phase("suspect", 100, None)],
            ..IncidentPatch::default()
        },
    );
    patch(
        200,
        IncidentPatch {
            to: Some("edge-2".to_owned()),
            epoch: Some(42),
            phases: vec![phase("suspect", 200, Some(100)), phase("sent", 200, None)],
            ..IncidentPatch::default()
        },
    );
    patch(
        300,
        IncidentPatch {
            ended_ms: Some(300),
            outcome: Some("moved".to_owned()),
            evidence: Some("[1]".to_owned()),
            phases: vec![phase("sent", 999, Some(12))],
            ..IncidentPatch::default()
        },
    );
    let incident = store.incident(id).unwrap().unwrap();
    assert_eq!(incident.cause, "edge-1 is silent");
    assert_eq!((incident.from.as_deref(), incident.to.as_deref()), (Some("edge-1"), Some("edge-2")));
    assert_eq!((incident.epoch, incident.began_ms, incident.ended_ms), (Some(42), 100, Some(300)));
    assert_eq!((incident.outcome.as_str(), incident.evidence.as_str()), ("moved", "[1]"));
    assert_eq!(incident.phases, [phase("suspect", 100, Some(100)), phase("sent", 200, Some(12))]);
    assert_eq!(store.incident(IncidentId::from_number(1)).unwrap(), None);
    let of = |pool| store.incidents(IncidentFilter { pool: Some(pool), limit: 10 }).unwrap().len();
    assert_eq!((of(pool(1)), of(pool(2))), (1, 0));
}

#[test]
fn a_notice_of_one_incident_and_kind_is_told_once() {
    let store = store();
    let notice = |incident: Option<u32>, kind: &str| NoticeRow {
        incident: incident.map(IncidentId::from_number),
        kind: kind.to_owned(),
        text: "t".to_owned(),
    };
    let notices = vec![notice(Some(1), "moved"), notice(Some(1), "moved"), notice(Some(1), "over")];
    store.save_step(pool(1), &Step { notices, ..Step::default() }).unwrap();
    let notices = vec![notice(Some(1), "moved"), notice(None, "blind"), notice(None, "blind")];
    store.save_step(pool(1), &Step { notices, ..Step::default() }).unwrap();
    assert_eq!(store.notices(100).unwrap().len(), 4);
}

#[test]
fn forgetting_a_pool_keeps_its_history() {
    let store = store();
    store.put_document(DocumentKind::Policy(pool(1)), &document(1, "h")).unwrap();
    store.save_step(pool(1), &step(1)).unwrap();
    store.save_step(pool(2), &step(2)).unwrap();
    store.forget_pool(pool(1)).unwrap();
    assert_eq!(store.memory(pool(1)).unwrap(), None);
    assert!(store.records(pool(1)).unwrap().is_empty() && store.policies().unwrap().is_empty());
    assert_eq!(store.entries(pool(1), 10).unwrap().len(), 2);
    assert!(store.memory(pool(2)).unwrap().is_some());
}

#[test]
fn providers_are_kept_by_name() {
    let store = store();
    let provider = Provider {
        name: "office".to_owned(),
        kind: "rfc2136".to_owned(),
        link: "{}".to_owned(),
        secret: "provider/office".to_owned(),
        created_ms: 1,
        tested: None,
    };
    assert!(store.add_provider(&provider).unwrap());
    assert!(!store.add_provider(&Provider { link: "other".to_owned(), ..provider.clone() }).unwrap());
    store.set_provider_tested("office", "{\"ok\":1}").unwrap();
    let kept = Provider { tested: Some("{\"ok\":1}".to_owned()), ..provider };
    assert_eq!(store.provider("office").unwrap(), Some(kept.clone()));
    assert_eq!(store.providers().unwrap(), [kept]);
    assert!(store.remove_provider("office").unwrap() && !store.remove_provider("office").unwrap());
}

#[test]
fn an_invitation_is_spent_once_and_its_verifier_goes() {
    let store = store();
    let invitation = |id: &str, expires_ms| Invitation {
        id: id.to_owned(),
        member: MemberId::from_number(1),
        pool: pool(1),
        hostname: "edge-1".to_owned(),
        name: "edge-1".to_owned(),
        template: "haproxy-edge".to_owned(),
        address: None,
        priority: 3,
        sources: "[\"203.0.113.7\"]".to_owned(),
        verifier: Some("{\"stored\":1}".to_owned()),
        created_ms: 1,
        expires_ms,
        spent_ms: None,
    };
    store.add_invitation(&invitation("a", 1_000)).unwrap();
    store.add_invitation(&invitation("b", 1_000)).unwrap();
    assert_eq!(store.invitation("a").unwrap(), Some(invitation("a", 1_000)));
    assert_eq!(store.spend_invitation("a", 999).unwrap(), Spent::Now);
    assert_eq!(store.spend_invitation("a", 999).unwrap(), Spent::Before);
    assert_eq!(store.spend_invitation("b", 1_000).unwrap(), Spent::Expired);
    assert_eq!(store.spend_invitation("c", 1).unwrap(), Spent::Unknown);
    let spent = store.invitation("a").unwrap().unwrap();
    assert_eq!((spent.verifier, spent.spent_ms), (None, Some(999)));
    assert!(store.invitation("b").unwrap().unwrap().verifier.is_some());
    assert!(store.remove_invitation("b").unwrap());
    assert_eq!(store.invitations().unwrap().len(), 1);
}

#[test]
fn the_audit_is_read_backwards_in_pages() {
    let store = store();
    for at_ms in 1..=5 {
        let error = (at_ms == 3).then_some("refused");
        let new = NewAudit { at_ms, by: "anna", command: "pool_arm", request: "{}", error };
        assert_eq!(store.add_audit(&new).unwrap(), at_ms);
    }
    let page = store.audit(None, 2).unwrap();
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [5, 4]);
    let page = store.audit(Some(4), 10).unwrap();
    assert_eq!(page.iter().map(|row| row.id).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(page[0].error.as_deref(), Some("refused"));
}

#[test]
fn a_key_means_one_deed() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.begin_deed("k", "pool_arm", "d", 10).unwrap(), Begun::Now);
    assert_eq!(store.begin_deed("k", "pool_arm", "d", 11).unwrap(), Begun::Running);
    assert_eq!(store.begin_deed("k", "pool_arm", "e", 11).unwrap(), Begun::Other);
    assert_eq!(store.begin_deed("k", "pool_disarm", "d", 11).unwrap(), Begun::Other);
    store.end_deed("k", "{\"a\":1}").unwrap();
    assert_eq!(store.begin_deed("k", "pool_arm", "d", 12).unwrap(), Begun::Done("{\"a\":1}".to_owned()));
    store.drop_deed("k").unwrap();
    assert_eq!(
        store.begin_deed("k", "pool_arm", "d", 12).unwrap(),
        Begun::Done("{\"a\":1}".to_owned()),
        "a deed that was done cannot be freed"
    );

    assert_eq!(store.begin_deed("failed", "c", "d", 13).unwrap(), Begun::Now);
    store.drop_deed("failed").unwrap();
    assert_eq!(store.begin_deed("failed", "c", "d", 14).unwrap(), Begun::Now);
    drop(store);

    let store = Store::open(directory.path()).unwrap();
    assert_eq!(
        store.begin_deed("failed", "c", "d", 15).unwrap(),
        Begun::Unknown,
        "its end was never written"
    );
    assert_eq!(store.begin_deed("failed", "c", "d", 15 + LEDGER_AGE_MS_MAX).unwrap(), Begun::Now);
}
