//! WHM's envelope: bytes in, `data` or one [`ApiFault`] out. Pure, and never trusting.
//!
//! `metadata.result` alone decides, as a number or as text. Bad credentials come in another shape, with HTTP 403.

use serde_json::Value;

use crate::{error::ApiFault, web::Answer};

/// How long to wait after a 429 that does not say; WHM has no documented limit, a firewall before it may have one.
const BLOCKED_MS: u64 = 60_000;

/// Judges one answer.
pub(super) fn decode(answer: &Answer, scrub: &dyn Fn(&str) -> String) -> Result<Value, ApiFault> {
    let status = answer.status;
    if status == 429 {
        return Err(ApiFault::Throttled { retry_after_ms: answer.retry_after_ms.unwrap_or(BLOCKED_MS) });
    }
    let json = serde_json::from_slice::<Value>(&answer.body).ok();
    let words = |text: Option<&str>| scrub(text.unwrap_or_default());
    if status >= 500 {
        let said = json.as_ref().and_then(reason);
        return Err(ApiFault::ServerFailure { status, words: words(said) });
    }
    if status == 401 {
        let said = json.as_ref().and_then(reason);
        return Err(ApiFault::Credential { code: 401, words: words(said) });
    }
    let Some(json) = json else { return Err(not_the_api(status, &answer.body)) };
    if json.get("cpanelresult").is_some() {
        // The old shape is what a request gets that was not let in.
        return Err(ApiFault::Credential { code: i64::from(status), words: words(reason(&json)) });
    }
    let Some(metadata) = json.get("metadata").filter(|metadata| metadata.is_object()) else {
        return Err(ApiFault::NotTheApi { status, what: "JSON without `metadata`" });
    };
    match (status, metadata.get("result").and_then(number)) {
        (200..300, Some(1)) => Ok(json.get("data").cloned().unwrap_or_default()),
        (_, Some(0)) => Err(ApiFault::Refused { code: 0, words: words(reason(&json)) }),
        (_, result) => Err(undecodable(&format!("it says result {result:?} with HTTP {status}"))),
    }
}

/// The words of a refusal, wherever this kind of answer keeps them.
fn reason(json: &Value) -> Option<&str> {
    let places = ["/metadata/reason", "/data/reason", "/cpanelresult/error", "/cpanelresult/data/reason"];
    places.iter().find_map(|place| json.pointer(place)?.as_str())
}

fn not_the_api(status: u16, body: &[u8]) -> ApiFault {
    let what = match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => "empty",
        Some(b'<') => "HTML, perhaps a login page or another port's",
        Some(b'{' | b'[') => "broken JSON",
        Some(_) => "no JSON",
    };
    ApiFault::NotTheApi { status, what }
}

/// A number, also where it comes as text.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

pub(super) fn undecodable(reason: &str) -> ApiFault {
    ApiFault::Undecodable { reason: reason.to_owned() }
}
