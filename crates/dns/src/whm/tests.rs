//! Answers as recorded, and as nobody should send them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    mutation::{change, mutated},
    web::{Answer, scrub},
};

const SECRET: &str = "THISISTHETOKENTHATNOBODYMAYSEE42";

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new("example.com").unwrap()).unwrap()
}

fn decode(status: u16, body: &[u8]) -> Result<Value, ApiFault> {
    let secret = SecretString::from(SECRET);
    let answer = Answer { status, retry_after_ms: None, calls_left: None, body: body.to_vec() };
    wire::decode(&answer, &|words| scrub(words, &secret))
}

fn row(line: u64, kind: &str, owner: &str, data: &[&str]) -> Value {
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    let data: Vec<_> = data.iter().map(|field| encode(field)).collect();
    json!({ "line_index": line, "type": "record", "record_type": kind, "ttl": 60, "dname_b64": encode(owner),
        "data_b64": data })
}

fn zone(rows: &[Value]) -> Value {
    let mut all = vec![
        json!({ "line_index": 0, "type": "comment", "text_b64": "OyBab25l" }),
        json!({ "line_index": 1, "type": "control", "text_b64": "JFRUTCAxNDQwMA==" }),
        row(2, "SOA", "example.com.", &["ns1.", "root.", "2026112001", "3600", "1800", "1209600", "86400"]),
    ];
    all.extend_from_slice(rows);
    json!({ "payload": all })
}

#[test]
fn only_the_result_decides() {
    let body = |result: &str, reason: &str| {
        format!(r#"{{"metadata":{{"version":1,"reason":"{reason}","result":{result}}},"data":{{"x":1}}}}"#)
    };
    for result in ["1", "\"1\""] {
        assert_eq!(decode(200, body(result, "Reloading BIND").as_bytes()).unwrap(), json!({ "x": 1 }));
    }
    for result in ["0", "\"0\""] {
        let fault = decode(200, body(result, "There is a problem").as_bytes()).unwrap_err();
        assert!(
            matches!(&fault, ApiFault::Refused { words, .. } if words == "There is a problem"),
            "{fault:?}"
        );
    }
    for result in ["2", "null", "true", "\"yes\""] {
        let fault = decode(200, body(result, "").as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::Undecodable { .. }), "{result}: {fault:?}");
    }
}

#[test]
fn what_was_not_let_in_is_the_credentials_fault() {
    let body = r#"{"cpanelresult":{"apiversion":"2","error":"Access denied",
        "data":{"reason":"Access denied","result":"0"},"type":"text"}}"#;
    for (status, body) in [(403, body), (200, body), (401, "<html>"), (401, body)] {
        let fault = decode(status, body.as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::Credential { .. }), "{status}: {fault:?}");
    }
    for (status, body) in
        [(403, "<html>firewall</html>"), (200, "<html>"), (200, ""), (200, "{\"status\":1}")]
    {
        let fault = decode(status, body.as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::NotTheApi { .. }), "{status} {body}: {fault:?}");
    }
    assert!(matches!(decode(502, b"{}").unwrap_err(), ApiFault::ServerFailure { .. }));
    assert!(matches!(decode(429, b"").unwrap_err(), ApiFault::Throttled { retry_after_ms: 60_000 }));
}

#[test]
fn owners_are_relative_without_a_dot_and_absolute_with_one() {
    let rows = [
        row(8, "A", "lb", &["203.0.113.1"]),
        row(9, "A", "lb.example.com", &["203.0.113.9"]),
        row(10, "TXT", "_SCTL.lb.example.com.", &["v=sct", "l1"]),
        row(11, "TXT", "a-lb", &["heritage=external-dns"]),
        row(12, "CNAME", "www", &["lb.example.com."]),
    ];
    let reading = Picture::of(&zone(&rows), &names()).unwrap().into_reading();
    assert_eq!(reading.single_a(), Some("203.0.113.1".parse().unwrap()));
    assert_eq!(reading.markers, ["v=sctl1"], "the strings of one record are one text");
    assert_eq!((reading.foreign_owners.len(), reading.cname, reading.serial), (1, None, Some(2_026_112_001)));
}

#[test]
fn an_unreadable_zone_is_not_read_by_half() {
    let mut cut = row(8, "A", "lb", &["203.0.113.1"]);
    cut["data_b64"] = json!(["not base64!"]);
    for rows in [vec![cut], vec![row(8, "A", "lb", &["nonsense"])], vec![json!({ "type": "record" })]] {
        assert!(Picture::of(&zone(&rows), &names()).is_err(), "{rows:?}");
    }
    assert!(Picture::of(&json!({ "payload": [] }), &names()).is_err(), "no SOA");
    assert!(Picture::of(&Value::Null, &names()).is_err());
    // Somebody else's record may hold any bytes.
    let mut odd = row(8, "TXT", "other", &["x"]);
    odd["dname_b64"] = json!("/w==");
    assert!(Picture::of(&zone(&[odd]), &names()).is_ok());
}

#[test]
fn an_edit_is_what_the_documentation_says() {
    let rows = [row(8, "A", "lb", &["203.0.113.1"]), row(9, "TXT", "_sctl.lb", &["old"])];
    let seen = Picture::of(&zone(&rows), &names()).unwrap();
    let change = Move {
        expect_a: Some("203.0.113.1".parse().unwrap()),
        expect_marker: Some("old".to_owned()),
        set_a: "203.0.113.2".parse().unwrap(),
        set_marker: "new".to_owned(),
        ttl_s: 60,
        comment: String::new(),
        token: crate::ReadToken::default(),
    };
    let fields = edit::for_move(&names(), &seen, &change).unwrap().fields();
    let expected = [
        (
            "edit",
            r#"{"line_index":8,"dname":"lb","ttl":60,"record_type":"A","data":["203.0.113.2"]}"#.to_owned(),
        ),
        (
            "edit",
            r#"{"line_index":9,"dname":"_sctl.lb","ttl":60,"record_type":"TXT","data":["new"]}"#.to_owned(),
        ),
    ];
    assert_eq!(fields, expected);

    // The apex is named with its dot, never `@`.
    let apex = Names::new(names().zone().clone(), names().zone().clone()).unwrap();
    let seen = Picture::of(&zone(&[row(8, "A", "example.com.", &["203.0.113.1"])]), &apex).unwrap();
    let change = Move { expect_marker: None, ..change };
    let fields = edit::for_move(&apex, &seen, &change).unwrap().fields();
    assert!(fields.iter().any(|(_, json)| json.contains(r#""dname":"example.com.""#)), "{fields:?}");
    assert!(fields.iter().any(|(_, json)| json.contains(r#""dname":"_sctl""#)), "{fields:?}");
}

/// A zone, an accepted edit, a refusal that echoes the token, and one that was not let in.
fn recorded() -> [String; 4] {
    let rows = [row(8, "A", "lb", &["203.0.113.1"]), row(9, "TXT", "_sctl.lb", &["v=sctl1"])];
    let good =
        |data: &Value| json!({ "metadata": { "version": 1, "reason": "OK", "result": 1 }, "data": data });
    let reason = format!("There is a problem with {SECRET}");
    [
        good(&zone(&rows)).to_string(),
        good(&json!({ "new_serial": "2026112002" })).to_string(),
        json!({ "data": null, "metadata": { "result": 0, "reason": reason } }).to_string(),
        json!({ "cpanelresult": { "error": format!("Access denied for {SECRET}") } }).to_string(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_answer_panics_or_shows_the_secret(
        which in 0..4_usize,
        status in prop_oneof![Just(200_u16), Just(401), Just(403), Just(404), Just(429), Just(500), 100..600_u16],
        changes in proptest::collection::vec(change(SECRET), 0..5),
    ) {
        let body = mutated(&recorded()[which], &changes);
        if let Err(fault) = decode(status, &body).and_then(|data| Picture::of(&data, &names())) {
            let error = DnsError::Api { endpoint: "whm.example.com".to_owned(), operation: "reading", fault };
            let shown = format!("{} {error:?}", error.chain());
            prop_assert!(!shown.contains(SECRET), "{shown}");
            if status >= 500 {
                prop_assert!(error.is_transient(), "{shown}");
            }
        }
    }
}
