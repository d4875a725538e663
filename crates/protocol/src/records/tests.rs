use super::*;
use crate::docs::tests::{console_key, roster_of};

fn pool() -> PoolId {
    PoolId::from_number(1)
}

fn at(s: u64) -> Time {
    Time::from_ms(s * 1000)
}

fn moved(epoch: u64, revision: u32) -> Record {
    let body = RecordBody::Move {
        epoch,
        cause: "down".into(),
        from: None,
        to: MemberId::from_number(2),
        acknowledged: revision > 0,
        verified: true,
        incident: None,
    };
    Record { id: RecordId::of_move(pool(), epoch), revision, pool: pool(), at_unix_ms: 0, body }
}

fn audit(n: u32) -> Record {
    let body = RecordBody::Audit { who: "anna".into(), text: format!("did {n}") };
    Record { id: format!("audit-{n}").parse().unwrap(), revision: 0, pool: pool(), at_unix_ms: 0, body }
}

fn seal(record: Record) -> Noted {
    record.seal(ConsoleId::from_number(1), &console_key(1))
}

#[test]
fn a_record_written_again_keeps_the_age_of_its_first_writing() {
    let mut book = RecordBook::default();
    assert_eq!(book.put(seal(moved(7, 0)), at(10)), Merged::Kept);
    let head = book.head(pool());
    assert_eq!(book.put(seal(moved(7, 1)), at(40)), Merged::Kept);
    assert_ne!(book.head(pool()), head);
    assert_eq!(book.put(seal(moved(7, 0)), at(50)), Merged::Known, "an older revision changes nothing");
    let records = book.of_pool(pool(), at(60));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].age, Span::from_s(50));
    assert_eq!(records[0].noted.record.revision, 1);
}

#[test]
fn ages_survive_a_restart_and_a_reboot() {
    let mut book = RecordBook::default();
    book.put(seal(moved(7, 0)), at(100));
    let text = serde_json::to_string(&book.kept(at(130))).unwrap();
    let kept = || serde_json::from_str(&text).unwrap();
    let restarted = RecordBook::restored(kept(), at(150), true);
    assert_eq!(restarted.of_pool(pool(), at(160))[0].age, Span::from_s(60));
    let rebooted = RecordBook::restored(kept(), at(5), false);
    assert_eq!(rebooted.of_pool(pool(), at(15))[0].age, Span::from_s(40), "time switched off does not count");
}

#[test]
fn a_flood_of_audit_lines_erases_no_move() {
    let mut book = RecordBook::default();
    book.put(seal(moved(1, 0)), at(0));
    for n in 0..2_000 {
        book.put(seal(audit(n)), at(u64::from(n)));
    }
    let records = book.of_pool(pool(), at(3_000));
    assert!(records.len() <= limits::RECORDS_MAX);
    assert_eq!(*records[0].noted.record, moved(1, 0));
    assert_eq!(*records.last().unwrap().noted.record, audit(1_999));
    let bytes: usize = records.iter().map(|one| one.noted.bytes()).sum();
    assert!(bytes <= limits::RECORDS_BYTES_MAX, "{bytes}");
}

#[test]
fn only_consoles_of_the_roster_write_records() {
    let roster = roster_of(vec![crate::docs::tests::member(1)]);
    let good = (*seal(audit(1)).signed.unwrap()).clone();
    assert_eq!(Noted::open(good.clone(), &roster).unwrap().record.id.to_string(), "audit-1");
    let stranger = audit(1).seal(ConsoleId::from_number(9), &console_key(9)).signed.unwrap();
    assert!(Noted::open((*stranger).clone(), &roster).is_err());
    let member = crate::docs::tests::member_key(1);
    let by = Signer::Member(MemberId::from_number(1));
    assert!(Noted::open(Signed::seal(Kind::Record, by, &member, &audit(1)), &roster).is_err());
    let changed = Signed { body: good.body.replace("did 1", "did 2"), ..good };
    assert!(Noted::open(changed, &roster).is_err());
}

#[test]
fn a_later_kind_of_record_is_kept_as_it_is() {
    let text = r#"{"id":"later-1","pool":"00000001000000000000000000000000","body":{"what":"later","x":1}}"#;
    let record: Record = serde_json::from_str(text).unwrap();
    assert_eq!(record.body, RecordBody::Other);
    for id in ["", "Ab", "a b", &"a".repeat(65)] {
        assert!(id.parse::<RecordId>().is_err(), "{id}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Relays that saw the same records in any order, any number of times, keep the same ones.
        #[test]
        fn the_order_of_arrival_does_not_matter(
            revisions in prop::collection::vec((1..4_u64, 0..3_u32, 0..3_u32), 1..12),
            swaps in prop::collection::vec((0..12_usize, 0..12_usize), 0..12),
        ) {
            // Equal id and revision with other content: two consoles that wrote at once.
            let noted = |(epoch, revision, who): (u64, u32, u32)| {
                let mut record = moved(epoch, revision);
                record.at_unix_ms = who.into();
                seal(record)
            };
            let one: Vec<_> = revisions.into_iter().map(noted).collect();
            let mut other = one.clone();
            for (a, b) in swaps {
                let len = other.len();
                other.swap(a % len, b % len);
            }
            other.extend(one.clone());
            let keep = |list: Vec<Noted>| {
                let mut book = RecordBook::default();
                for noted in list {
                    book.put(noted, at(1));
                }
                book.kept(at(1)).into_iter().map(|kept| kept.signed).collect::<Vec<_>>()
            };
            prop_assert_eq!(keep(one), keep(other));
        }
    }
}
