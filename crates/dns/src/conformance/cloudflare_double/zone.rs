//! One zone of the double: records, what the API takes of them, and the batch.

use serde_json::{Map, Value, json};

use super::{Quirk, World};
use crate::Fqdn;

/// A refusal: HTTP status, code, words.
pub(super) type Refusal = (u16, i64, String);

/// Operations of one batch on the free plan.
const BATCH_MAX: usize = 200;

pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: Fqdn,
    pub(super) status: String,
    pub(super) records: Vec<Record>,
}

#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) content: String,
    ttl: u64,
    proxied: bool,
    comment: Option<String>,
}

impl Zone {
    pub(super) fn new(id: String, name: &Fqdn, status: &str) -> Self {
        Self { id, name: name.clone(), status: status.to_owned(), records: Vec::new() }
    }
}

impl Record {
    /// Takes the body of one post, or refuses it.
    pub(super) fn posted(id: String, body: &Value, zone: &Fqdn) -> Result<Self, Refusal> {
        let fields = body.as_object().ok_or_else(|| invalid("Request body is no object."))?;
        for field in fields.keys() {
            if !["type", "name", "content", "ttl", "proxied", "comment"].contains(&field.as_str()) {
                return Err(invalid(&format!("Unknown field {field}.")));
            }
        }
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !["A", "AAAA", "CNAME", "TXT"].contains(&kind.as_str()) {
            return Err(invalid("type is a required field."));
        }
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
        let mut record = Self {
            id,
            name: normalised(name, zone.as_str())?,
            kind,
            content: String::new(),
            ttl: 1,
            proxied: false,
            comment: None,
        };
        record.take(fields)?;
        if record.content.is_empty() {
            return Err(invalid("content is a required field."));
        }
        Ok(record)
    }

    /// Takes the fields of a patch: what is left out stays.
    pub(super) fn take(&mut self, fields: &Map<String, Value>) -> Result<(), Refusal> {
        for (field, value) in fields {
            match field.as_str() {
                "id" | "type" | "name" => {}
                "content" => value.as_str().unwrap_or_default().clone_into(&mut self.content),
                "ttl" => self.ttl = value.as_u64().unwrap_or(0),
                "proxied" => self.proxied = value.as_bool().unwrap_or(false),
                "comment" => self.comment = value.as_str().map(ToOwned::to_owned),
                other => return Err(invalid(&format!("Unknown field {other}."))),
            }
        }
        self.check()?;
        if self.proxied {
            self.ttl = 1;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        let is_value_good = match self.kind.as_str() {
            "A" => self.content.parse::<std::net::Ipv4Addr>().is_ok(),
            "AAAA" => self.content.parse::<std::net::Ipv6Addr>().is_ok(),
            _ => !self.content.is_empty() && self.content.len() <= 2_048,
        };
        if !is_value_good {
            return Err((400, 9_005, format!("Content for {} record is invalid.", self.kind)));
        }
        if self.ttl != 1 && !(60..=86_400).contains(&self.ttl) {
            return Err((400, 9_021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1.".to_owned()));
        }
        if self.proxied && self.kind == "TXT" {
            return Err((400, 9_041, "This DNS record cannot be proxied.".to_owned()));
        }
        let comment = self.comment.as_deref().unwrap_or_default();
        if comment.chars().count() > 100 || comment.contains(['\r', '\n']) {
            return Err(invalid("comment is too long or has line ends."));
        }
        Ok(())
    }

    /// As somebody sets one field in the dashboard.
    pub(super) fn set(&mut self, field: &str, value: &Value) {
        let mut fields = Map::new();
        fields.insert(field.to_owned(), value.clone());
        self.take(&fields).expect("a test edits with valid values");
    }
}

/// The record as replies show it.
pub(super) fn row(record: &Record) -> Value {
    json!({
        "id": record.id, "name": record.name, "type": record.kind, "content": record.content,
        "proxiable": record.kind != "TXT", "proxied": record.proxied, "ttl": record.ttl, "settings": {},
        "meta": {}, "comment": record.comment, "tags": [],
        "created_on": "2026-08-27T20:36:24.9667Z", "modified_on": "2026-08-27T20:36:24.9667Z",
    })
}

/// Executes a batch on a copy: all of it, or none.
pub(super) fn batch(world: &mut World, zone_at: usize, body: &Value) -> Result<Value, Refusal> {
    let body = body.as_object().ok_or_else(|| invalid("Request body is no object."))?;
    if let Some(key) =
        body.keys().find(|key| !["deletes", "patches", "puts", "posts"].contains(&key.as_str()))
    {
        return Err(invalid(&format!("Unknown field {key}.")));
    }
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let count = ["deletes", "patches", "puts", "posts"].iter().map(|name| list(name).len()).sum::<usize>();
    if count == 0 || count > BATCH_MAX {
        return Err(invalid("A batch has 1 to 200 operations."));
    }
    if !list("puts").is_empty() {
        return Err(invalid("The double takes no puts: they reset what they do not name."));
    }
    let zone = world.zones[zone_at].name.clone();
    let mut records = world.zones[zone_at].records.clone();
    let mut done = json!({ "deletes": [], "patches": [], "puts": [], "posts": [] });
    for delete in list("deletes") {
        let id = checked_id(&delete)?;
        match records.iter().position(|record| record.id == id) {
            Some(at) => push(&mut done, "deletes", row(&records.remove(at))),
            None if world.has(Quirk::AcceptsMissingDeletes) => {}
            None => return Err(missing()),
        }
    }
    for patch in list("patches") {
        let id = checked_id(&patch)?;
        let at = records.iter().position(|record| record.id == id).ok_or_else(missing)?;
        let mut changed = records[at].clone();
        changed.take(patch.as_object().ok_or_else(missing)?)?;
        records.remove(at);
        check_neighbours(&records, &changed)?;
        push(&mut done, "patches", row(&changed));
        records.insert(at, changed);
    }
    for post in list("posts") {
        let id = world.new_id();
        let record = Record::posted(id, &post, &zone)?;
        check_neighbours(&records, &record)?;
        push(&mut done, "posts", row(&record));
        records.push(record);
    }
    if world.has(Quirk::DropsLastPost) {
        records.pop();
    }
    world.zones[zone_at].records = records;
    Ok(done)
}

fn push(done: &mut Value, list: &str, row: Value) {
    if let Some(list) = done.get_mut(list).and_then(Value::as_array_mut) {
        list.push(row);
    }
}

fn checked_id(operation: &Value) -> Result<String, Refusal> {
    let id = operation.get("id").and_then(Value::as_str).unwrap_or_default();
    if is_id(id) { Ok(id.to_owned()) } else { Err(no_route()) }
}

fn check_neighbours(records: &[Record], new: &Record) -> Result<(), Refusal> {
    for there in records.iter().filter(|there| there.name == new.name) {
        if there.kind == new.kind && there.content.eq_ignore_ascii_case(&new.content) {
            return Err((400, 81_058, "An identical record already exists.".to_owned()));
        }
        let is_address = |kind: &str| ["A", "AAAA", "CNAME"].contains(&kind);
        if new.kind == "CNAME" && is_address(&there.kind) {
            let words = "An A, AAAA, or CNAME record with that host already exists.";
            return Err((400, 81_053, words.to_owned()));
        }
        if there.kind == "CNAME" && is_address(&new.kind) {
            return Err((400, 81_054, "A CNAME record with that host already exists.".to_owned()));
        }
    }
    Ok(())
}

/// Lower case, without the final dot, `@` as the apex, and the zone at the end whatever was sent.
fn normalised(name: &str, zone: &str) -> Result<String, Refusal> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() {
        return Err(invalid("name is a required field."));
    }
    if name == "@" || name == zone {
        return Ok(zone.to_owned());
    }
    if name.ends_with(&format!(".{zone}")) { Ok(name) } else { Ok(format!("{name}.{zone}")) }
}

pub(super) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

pub(super) fn missing() -> Refusal {
    (404, 81_044, "Record does not exist.".to_owned())
}

pub(super) fn no_route() -> Refusal {
    (404, 7_003, "Could not route to /client/v4/zones, perhaps your object identifier is invalid?".to_owned())
}

pub(super) fn invalid(words: &str) -> Refusal {
    (400, 1_004, format!("DNS Validation Error: {words}"))
}
