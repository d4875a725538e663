use model::FleetId;
use proptest::prelude::*;

use super::*;
use crate::check::Status;
use crate::heartbeat::Heartbeat;
use crate::key::SecretKey;

fn wire(frame: &Frame) -> String {
    serde_json::to_string(frame).unwrap()
}

fn some_frames() -> Vec<Frame> {
    let key = SecretKey::from_bytes(&[1; 32]);
    let signed = Heartbeat::bare(MemberId::from_number(1), model::BootId::from_number(1), 1, 1).seal(&key);
    let pool = PoolId::from_number(1);
    vec![
        Frame::Hello(Hello {
            role: HelloRole::Member,
            version: "0.1.0".into(),
            roster_version: 3,
            hostname: Some("edge-1".into()),
        }),
        Frame::Welcome(Welcome {
            member: Some(MemberId::from_number(1)),
            version: "0.1.0".into(),
            roster_version: 3,
            hostname: "edge-1".into(),
            seen_from: Some("10.0.0.7".parse().unwrap()),
            heartbeats_alone: Some("source 10.0.0.7 is not among allowed 10.0.0.1 of edge-1".into()),
        }),
        Frame::Refused(Refusal::new(Status::Forbidden, "not from here")),
        Frame::Heartbeat(signed.clone()),
        Frame::Report(Report {
            heartbeats: vec![Heard { signed: signed.clone(), heard_ms_ago: 4, time_travel: false }],
            pools: BTreeMap::from([(pool, PoolHead::default())]),
            ..Report::default()
        }),
        Frame::DocPut(SignedDoc { doc: DocKind::Roster, signed }),
        Frame::Ping { number: 4 },
        Frame::Enrol(EnrolMessage::Joined),
    ]
}

#[test]
fn the_wire_form_is_frozen() {
    let frames = some_frames();
    assert_eq!(
        wire(&frames[0]),
        r#"{"kind":"hello","role":"member","version":"0.1.0","rosterVersion":3,"hostname":"edge-1"}"#
    );
    assert_eq!(wire(&frames[2]), r#"{"kind":"refused","status":403,"message":"not from here","offer":null}"#);
    assert_eq!(wire(&frames[6]), r#"{"kind":"ping","number":4}"#);
    assert_eq!(wire(&frames[7]), r#"{"kind":"enrol","step":"joined"}"#);
    let beacon = Frame::Beacon(Beacon { console: ConsoleId::from_number(1), nonce: Nonce::from_u64(2) });
    assert_eq!(
        wire(&beacon),
        r#"{"kind":"beacon","console":"00000001000000000000000000000000","nonce":"0000000000000002"}"#
    );
    for frame in frames {
        assert_eq!(serde_json::from_str::<Frame>(&wire(&frame)).unwrap(), frame);
    }
}

#[test]
fn what_a_later_version_says_is_skipped() {
    let read = |text: &str| serde_json::from_str::<Frame>(text).unwrap();
    assert_eq!(read(r#"{"kind":"teleport","to":[1,{"x":2}]}"#), Frame::Unknown);
    assert_eq!(read(r#"{"kind":"ping","number":4,"colour":"blue"}"#), Frame::Ping { number: 4 });
    assert_eq!(read(r#"{"kind":"enrol","step":"dance"}"#), Frame::Enrol(EnrolMessage::Unknown));
    assert_eq!(read(r#"{"kind":"report"}"#), Frame::Report(Report::default()));
    assert!(serde_json::from_str::<Frame>(r#"{"number":4}"#).is_err());
}

#[test]
fn a_list_that_is_too_long_is_refused_while_it_is_read() {
    let heard = r#"{"signed":{"by":{"member":"00000001000000000000000000000000"},"sig":"SIG","body":""},"heardMsAgo":1}"#
        .replace("SIG", &"0".repeat(128));
    let report =
        |n: usize| format!(r#"{{"kind":"report","heartbeats":[{}]}}"#, vec![heard.as_str(); n].join(","));
    assert!(serde_json::from_str::<Frame>(&report(64)).is_ok());
    assert!(serde_json::from_str::<Frame>(&report(65)).is_err());
}

#[test]
fn depth_is_bounded() {
    let deep = format!(r#"{{"kind":"ping","number":1,"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(serde_json::from_str::<Frame>(&deep).is_err());
}

#[test]
fn an_id_of_a_fleet_is_no_id_of_a_pool_by_accident() {
    // Both are 16 bytes on the wire; only their place tells them apart, so their places must differ.
    let get = Frame::RecordsGet { pool: PoolId::from_number(1) };
    assert!(wire(&get).contains(r#""pool":"00000001"#));
    assert_eq!(FleetId::from_number(1).to_string(), PoolId::from_number(1).to_string());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        drop(serde_json::from_slice::<Frame>(&bytes));
    }

    #[test]
    fn mutated_frames_are_read_or_refused(
        which in 0..8_usize,
        bites in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        repeat in 1..4_usize,
    ) {
        let mut bytes = wire(&some_frames()[which]).into_bytes();
        for (index, byte) in bites {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        drop(serde_json::from_slice::<Frame>(&bytes));
        let part = &bytes[..cut.index(bytes.len())];
        drop(serde_json::from_slice::<Frame>(&part.repeat(repeat)));
    }
}
