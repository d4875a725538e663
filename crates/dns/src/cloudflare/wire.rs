//! Cloudflare's envelope and objects: bytes in, typed values or one [`ApiFault`] out. Pure, and never trusting.
//!
//! Codes decide first, the HTTP status second, texts never. What is neither a whole success nor a refusal with a code
//! is a fault that leaves the outcome of a write unknown.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error::ApiFault, web::Answer};

/// How long to wait after a 429 that does not say: going over the limit blocks every call for the next five minutes.
const BLOCKED_MS: u64 = 300_000;
/// Errors of one answer that are looked at.
const ERRORS_MAX: usize = 16;

/// The result of a call that succeeded.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) result: Value,
    pub(super) page: Option<Page>,
}

/// Where a list stands (`result_info`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub(super) struct Page {
    #[serde(rename = "page")]
    pub(super) number: Option<u64>,
    pub(super) total_count: Option<u64>,
    pub(super) total_pages: Option<u64>,
}

/// Judges one answer.
pub(super) fn decode(answer: &Answer, scrub: &dyn Fn(&str) -> String) -> Result<Reply, ApiFault> {
    let status = answer.status;
    if status == 429 {
        return Err(ApiFault::Throttled { retry_after_ms: answer.retry_after_ms.unwrap_or(BLOCKED_MS) });
    }
    let Ok(envelope) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err(not_the_api(status, &answer.body));
    };
    let success = envelope.get("success").and_then(Value::as_bool);
    let said = said(&envelope);
    let words = |said: &[Said]| {
        let all: Vec<_> = said.iter().map(|one| one.words.as_str()).filter(|text| !text.is_empty()).collect();
        scrub(&all.join("; "))
    };
    if status >= 500 {
        return Err(ApiFault::ServerFailure { status, words: words(&said) });
    }
    match success {
        Some(true) if (200..300).contains(&status) => {
            let page = envelope.get("result_info").filter(|page| !page.is_null());
            let page = page.map(Page::deserialize).transpose();
            let page = page.map_err(|_| undecodable("its page numbers are none"))?;
            let result = envelope.get("result").cloned().unwrap_or_default();
            Ok(Reply { result, page })
        }
        Some(false) => Err(refusal(status, &said, words(&said), answer.retry_after_ms)),
        Some(true) => Err(undecodable(&format!("it says success with HTTP {status}"))),
        None => Err(ApiFault::NotTheApi { status, what: "JSON without `success`" }),
    }
}

/// One entry of `errors`, or of an entry's `error_chain`.
#[derive(Debug)]
struct Said {
    code: i64,
    words: String,
}

fn said(envelope: &Value) -> Vec<Said> {
    let list = |of: &Value, name: &str| of.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for error in list(envelope, "errors").iter().take(ERRORS_MAX) {
        all.extend(list(error, "error_chain").iter().take(ERRORS_MAX).filter_map(one_said));
        all.extend(one_said(error));
    }
    all
}

fn one_said(error: &Value) -> Option<Said> {
    let code = error.get("code")?.as_i64()?;
    let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some(Said { code, words: words.to_owned() })
}

fn refusal(status: u16, said: &[Said], words: String, retry_after_ms: Option<u64>) -> ApiFault {
    for Said { code, .. } in said {
        match code {
            10_100 => {
                return ApiFault::Throttled { retry_after_ms: retry_after_ms.unwrap_or(BLOCKED_MS) };
            }
            1_000 | 1_001 | 6_003 | 6_102 | 6_103 | 6_111 | 9_103 | 9_106 | 9_109 | 10_000 => {
                return ApiFault::Credential { code: *code, words };
            }
            81_044 | 81_053 | 81_054 | 81_057 | 81_058 => {
                return ApiFault::Precondition { code: *code, words };
            }
            _ => {}
        }
    }
    match (status, said.first()) {
        (401 | 403, first) => {
            let code = first.map_or(i64::from(status), |first| first.code);
            ApiFault::Credential { code, words }
        }
        // The API may have been interrupted at any point; its own client library sends these again.
        (408 | 409, _) => ApiFault::ServerFailure { status, words },
        (_, Some(first)) => ApiFault::Refused { code: first.code, words },
        (_, None) => undecodable("it says no without a reason"),
    }
}

fn not_the_api(status: u16, body: &[u8]) -> ApiFault {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).map_or(&[][..], |at| &body[at..]);
    let what = match start.first() {
        None => "empty",
        Some(b'<') => "HTML",
        Some(b'{' | b'[') => "broken JSON",
        Some(_) => "no JSON",
    };
    if status >= 500 {
        return ApiFault::ServerFailure { status, words: format!("and answered with {what}") };
    }
    ApiFault::NotTheApi { status, what }
}

pub(super) fn undecodable(reason: &str) -> ApiFault {
    ApiFault::Undecodable { reason: reason.to_owned() }
}

/// Reads a result. What the JSON reader says may quote the answer, so only the place is kept.
pub(super) fn read<T: for<'de> Deserialize<'de>>(result: &Value, what: &str) -> Result<T, ApiFault> {
    T::deserialize(result).map_err(|_| undecodable(&format!("it holds no {what} as documented")))
}

/// An object's id, checked: it goes into addresses and requests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Id(String);

impl Id {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if text.len() == 32 && is_hex { Ok(Self(text)) } else { Err("an id has 32 hexadecimal digits") }
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

/// A zone as listed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Zone {
    pub(super) id: Id,
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) name_servers: Option<Vec<String>>,
    #[serde(default)]
    pub(super) account: Option<Owner>,
}

/// The account of a zone.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Owner {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
}

/// A record as listed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Record {
    pub(super) id: Id,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) ttl: Option<u32>,
    #[serde(default)]
    pub(super) proxied: Option<bool>,
}

/// A token as verified.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Verified {
    pub(super) status: String,
    #[serde(default)]
    pub(super) expires_on: Option<String>,
}

/// Takes a TXT content out of its quotes: `"one" "two"` and `one` are how the same is stored.
pub(super) fn unquoted(content: &str) -> String {
    let text = content.trim();
    if !(text.len() >= 2 && text.starts_with('"') && text.ends_with('"')) {
        return content.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                plain.push(c);
                escaped = false;
            }
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if inside => plain.push(c),
            // Between two strings there is only space.
            _ => {}
        }
    }
    plain
}

/// Puts a text into the one quoted form that is always sent.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
