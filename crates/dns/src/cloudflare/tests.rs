//! Answers as recorded, and as nobody should send them.

use std::sync::LazyLock;

use proptest::prelude::*;
use secrecy::SecretString;

use super::{wire::Record, *};
use crate::{
    mutation::{change, mutated},
    web::scrub,
};

const SECRET: &str = "cfut_ThisIsTheSecretThatMustNeverBeSeenAnywhere1a2b3c4d";
const ID: &str = "a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6";

fn names() -> Names {
    Names::new(Fqdn::new("lb.example.com").unwrap(), Fqdn::new("example.com").unwrap()).unwrap()
}

fn decode(status: u16, body: &[u8]) -> Result<Reply, ApiFault> {
    let secret = SecretString::from(SECRET);
    let answer = Answer { status, retry_after_ms: None, calls_left: None, body: body.to_vec() };
    wire::decode(&answer, &|words| scrub(words, &secret))
}

fn failed(code: i64) -> String {
    format!(r#"{{"result":null,"success":false,"errors":[{{"code":{code},"message":"no"}}],"messages":[]}}"#)
}

#[test]
fn codes_decide_before_the_status() {
    for (status, code) in [(400, 9_106), (403, 9_109), (403, 10_000), (401, 1_000), (200, 6_003)] {
        let fault = decode(status, failed(code).as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::Credential { code: found, .. } if found == code), "{fault:?}");
    }
    for (status, code) in [(404, 81_044), (400, 81_057), (400, 81_058), (403, 81_053), (200, 81_054)] {
        let fault = decode(status, failed(code).as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::Precondition { code: found, .. } if found == code), "{fault:?}");
    }
    for (status, code) in [(404, 7_003), (400, 1_004), (400, 9_005), (200, 12_345)] {
        let fault = decode(status, failed(code).as_bytes()).unwrap_err();
        assert!(matches!(fault, ApiFault::Refused { code: found, .. } if found == code), "{fault:?}");
    }
    let blocked = decode(200, failed(10_100).as_bytes()).unwrap_err();
    assert!(matches!(blocked, ApiFault::Throttled { retry_after_ms: 300_000 }), "{blocked:?}");
}

#[test]
fn a_wrapped_cause_is_found() {
    let body = r#"{"success":false,"errors":[{"code":1004,"message":"DNS Validation Error",
        "error_chain":[{"code":81058,"message":"An identical record already exists."}]}],"result":null}"#;
    let fault = decode(400, body.as_bytes()).unwrap_err();
    let ApiFault::Precondition { code: 81_058, words } = &fault else { panic!("{fault:?}") };
    assert_eq!(words, "An identical record already exists.; DNS Validation Error");
}

#[test]
fn what_is_not_a_clear_no_is_no_refusal() {
    for (status, body) in [
        (500, failed(1_000)),
        (502, "<html>bad gateway</html>".to_owned()),
        (520, String::new()),
        (200, "<html>log in</html>".to_owned()),
        (403, "blocked by your company".to_owned()),
        (200, "{\"success\":tr".to_owned()),
        (200, "[]".to_owned()),
        (409, failed(55)),
        (408, failed(55)),
        (429, "slow down".to_owned()),
    ] {
        let fault = decode(status, body.as_bytes()).unwrap_err();
        assert!(fault.is_transient(), "{status} {body}: {fault:?}");
    }
    let fault = decode(404, br#"{"success":true,"result":{}}"#).unwrap_err();
    assert!(matches!(fault, ApiFault::Undecodable { .. }), "{fault:?}");
}

#[test]
fn text_is_the_same_in_every_quoting() {
    for content in ["v=sctl1 e=1", "\"v=sctl1 e=1\"", "\"v=sctl1\" \" e=1\"", "  \"v=sctl1 e=1\" "] {
        assert_eq!(wire::unquoted(content), "v=sctl1 e=1", "{content}");
    }
    for text in ["", "\"", "a\"b", "back\\slash", "two words"] {
        assert_eq!(wire::unquoted(&wire::quoted(text)), text);
    }
}

fn record(kind: &str, name: &str, content: &str) -> Record {
    let row = serde_json::json!({ "id": ID, "name": name, "type": kind, "content": content, "ttl": 60 });
    wire::read(&row, "record").unwrap()
}

#[test]
fn records_are_sorted_by_what_they_are_to_us() {
    let records = vec![
        record("A", "LB.example.com.", "203.0.113.1"),
        record("A", "other.lb.example.com", "203.0.113.9"),
        record("TXT", "_sctl.lb.example.com", "\"v=sctl1\""),
        record("TXT", "_sctla.lb.example.com", "\"sctl1\""),
        record("TXT", "a-lb.example.com", "heritage=external-dns"),
        record("TXT", "lb.example.com", "unrelated"),
    ];
    let reading = Picture::of(records, &names()).unwrap().into_reading();
    assert_eq!(reading.single_a(), Some("203.0.113.1".parse().unwrap()));
    assert_eq!(reading.markers, ["v=sctl1"]);
    assert_eq!(reading.foreign_owners, ["heritage=external-dns"]);
    let odd = vec![record("A", "lb.example.com", "not an address")];
    assert!(Picture::of(odd, &names()).is_err(), "an odd record of ours must not be passed over");
}

#[test]
fn a_batch_is_what_the_documentation_says() {
    let seen = Picture::of(
        vec![record("A", "lb.example.com", "203.0.113.1"), record("TXT", "_sctl.lb.example.com", "\"old\"")],
        &names(),
    )
    .unwrap();
    let change = Move {
        expect_a: Some("203.0.113.1".parse().unwrap()),
        expect_marker: Some("old".to_owned()),
        set_a: "203.0.113.2".parse().unwrap(),
        set_marker: "new".to_owned(),
        ttl_s: 60,
        comment: "sctl e=2\r\nm=1".to_owned(),
        token: crate::ReadToken::default(),
    };
    let batch = batch::for_move(&names(), &seen, &change).unwrap();
    let expected = serde_json::json!({
        "deletes": [{ "id": ID }],
        "patches": [{ "id": ID, "content": "203.0.113.2", "ttl": 60, "comment": "sctl e=2  m=1" }],
        "posts": [{ "type": "TXT", "name": "_sctl.lb.example.com", "content": "\"new\"", "ttl": 60 }],
    });
    assert_eq!(serde_json::to_value(&batch).unwrap(), expected);
}

/// A list, a refusal and a batch's result, as recorded.
fn recorded() -> [String; 4] {
    let row = format!(
        r#"{{"id":"{ID}","name":"_sctl.lb.example.com","type":"TXT","content":"\"v=sctl1\"","proxiable":false,
        "proxied":false,"ttl":60,"settings":{{}},"meta":{{}},"comment":null,"tags":[]}}"#
    );
    let a = row.replace("TXT", "A").replace("_sctl.", "").replace(r#"\"v=sctl1\""#, "203.0.113.1");
    let stands = r#"{"page":1,"per_page":100,"count":2,"total_count":2,"total_pages":1}"#;
    let list = format!(
        r#"{{"result":[{row},{a}],"success":true,"errors":[],"messages":[],"result_info":{stands}}}"#
    );
    let batch = format!(
        r#"{{"result":{{"deletes":[{row}],"patches":[{a}],"posts":[]}},"success":true,"errors":[]}}"#
    );
    let echo = format!(
        r#"{{"success":false,"errors":[{{"code":9109,"message":"Invalid access token {SECRET}"}}]}}"#
    );
    [list, batch, echo, failed(81_058)]
}

static PROVIDER: LazyLock<Cloudflare> = LazyLock::new(|| {
    Cloudflare::new(Config {
        zone: Fqdn::new("example.com").unwrap(),
        account_id: None,
        credential: String::new(),
        token: SecretString::from(SECRET),
        road: Road::default(),
        account: Arc::new(Account::new()),
    })
    .unwrap()
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutated_answer_panics_or_shows_the_secret(
        which in 0..4_usize,
        status in prop_oneof![Just(200_u16), Just(400), Just(403), Just(404), Just(429), Just(500), 100..600_u16],
        changes in proptest::collection::vec(change(SECRET), 0..5),
    ) {
        let body = mutated(&recorded()[which], &changes);
        let judged = decode(status, &body).and_then(|reply| {
            let listed = wire::read::<Vec<Record>>(&reply.result, "list of records")?;
            Picture::of(listed, &names())
        });
        if let Err(fault) = judged {
            let error = DnsError::Api { endpoint: "api.example.com".to_owned(), operation: "reading", fault };
            let shown = format!("{} {error:?}", error.chain());
            prop_assert!(!shown.contains(SECRET), "{shown}");
            // A refusal is a clear no: only the API's own JSON with a code, or a status that says so, gives one.
            if status >= 500 {
                prop_assert!(error.is_transient(), "{shown}");
            }
        }
    }

    #[test]
    fn no_mutated_answer_to_a_batch_is_taken_for_more_than_it_says(
        which in 0..4_usize,
        status in prop_oneof![Just(200_u16), Just(400), Just(403), Just(404), Just(429), Just(502), 100..600_u16],
        changes in proptest::collection::vec(change(SECRET), 0..4),
    ) {
        let body = mutated(&recorded()[which], &changes);
        let outcome = PROVIDER.outcome_of(decode(status, &body));
        // Read again by other means: what the answer says in so many words.
        let said = serde_json::from_slice::<serde_json::Value>(&body).ok();
        let success = said.as_ref().and_then(|said| said.get("success")?.as_bool());
        let words = format!("{status} {outcome:?}: {}", String::from_utf8_lossy(&body));
        match outcome {
            MoveOutcome::Accepted => prop_assert!((200..300).contains(&status) && success == Some(true), "{words}"),
            MoveOutcome::Conflict(_) | MoveOutcome::Rejected(_) => {
                prop_assert!(status < 500 && status != 429 && success == Some(false), "{words}");
            }
            MoveOutcome::Throttled { .. } => prop_assert!(status == 429 || success == Some(false), "{words}"),
            MoveOutcome::Unknown { sent, .. } => prop_assert_eq!(sent, crate::Sent::Maybe, "{}", words),
        }
    }
}
