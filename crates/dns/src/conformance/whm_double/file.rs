//! The zone file of the double: things that take lines, a serial, and the mass edit on a copy.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Fqdn;

/// Lines of the SOA record, which is written over several.
const SOA_LINES: u64 = 6;

#[derive(Clone)]
pub(super) struct File {
    pub(super) zone: String,
    pub(super) serial: u32,
    items: Vec<Item>,
}

#[derive(Clone)]
enum Item {
    Comment(&'static str),
    Control(&'static str),
    Soa,
    Record(Record),
}

/// A record as the file has it: the owner relative, or absolute with its dot.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) owner: String,
    pub(super) kind: String,
    pub(super) ttl_s: u32,
    pub(super) data: Vec<String>,
}

/// What an `add` or an `edit` carries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    line_index: Option<u64>,
    dname: String,
    ttl: u32,
    record_type: String,
    data: Vec<String>,
}

impl Item {
    fn lines(&self) -> u64 {
        if matches!(self, Self::Soa) { SOA_LINES } else { 1 }
    }
}

impl File {
    pub(super) fn new(zone: &Fqdn) -> Self {
        let ns = |server: &str| {
            let data = vec![format!("{server}.{zone}.")];
            Item::Record(Record { owner: format!("{zone}."), kind: "NS".to_owned(), ttl_s: 86_400, data })
        };
        let items = vec![
            Item::Comment("; cPanel first:11.136.0.4 (update_time):1790000000"),
            Item::Control("$TTL 14400"),
            Item::Soa,
            ns("ns1"),
            ns("ns2"),
        ];
        Self { zone: zone.to_string(), serial: 2_026_112_000, items }
    }

    /// As `parse_dns_zone` shows it. `odd`: numbers come as text.
    pub(super) fn payload(&self, odd: bool, encode: fn(&[u8]) -> String) -> Value {
        let text = |text: &str| encode(text.as_bytes());
        let number = |number: u64| if odd { json!(number.to_string()) } else { json!(number) };
        let mut line = 0;
        let mut list = Vec::new();
        for item in &self.items {
            let index = number(line);
            list.push(match item {
                Item::Comment(words) => json!({ "line_index": index, "type": "comment", "text_b64": text(words) }),
                Item::Control(words) => json!({ "line_index": index, "type": "control", "text_b64": text(words) }),
                Item::Soa => {
                    let (first, contact) = (format!("ns1.{}.", self.zone), format!("root.{}.", self.zone));
                    let serial = self.serial.to_string();
                    let fields = [&first, &contact, &serial, "3600", "1800", "1209600", "86400"];
                    let fields: Vec<_> = fields.iter().map(|field| text(field)).collect();
                    json!({ "line_index": index, "type": "record", "record_type": "SOA", "ttl": number(86_400),
                        "dname_b64": text(&format!("{}.", self.zone)), "data_b64": fields })
                }
                Item::Record(record) => {
                    let fields: Vec<_> = record.data.iter().map(|field| text(field)).collect();
                    json!({ "line_index": index, "type": "record", "record_type": record.kind,
                        "ttl": number(u64::from(record.ttl_s)), "dname_b64": text(&record.owner),
                        "data_b64": fields })
                }
            });
            line += item.lines();
        }
        json!(list)
    }

    /// As somebody edits it elsewhere.
    pub(super) fn replace(&mut self, name: &Fqdn, records: Vec<Record>) {
        let zone = self.zone.clone();
        self.items.retain(|item| match item {
            Item::Record(record) => absolute(&record.owner, &zone) != name.as_str() || record.kind == "NS",
            Item::Comment(_) | Item::Control(_) | Item::Soa => true,
        });
        self.items.extend(records.into_iter().map(Item::Record));
        self.serial = self.serial.wrapping_add(1);
    }

    /// Applies one call's edits: all of them, or none.
    pub(super) fn mass_edit(
        &mut self,
        adds: Vec<Row>,
        edits: Vec<Row>,
        removes: &[u64],
    ) -> Result<u32, String> {
        if adds.is_empty() && edits.is_empty() && removes.is_empty() {
            return Err("Provide at least one of: add, edit, remove.".to_owned());
        }
        let mut items: Vec<Option<Item>> = self.items.iter().cloned().map(Some).collect();
        let mut touched = Vec::new();
        for row in edits {
            let line = row.line_index.ok_or("An edit needs a line_index.")?;
            let at = self.record_at(line)?;
            items[at] = Some(Item::Record(row.into_record(&self.zone)?));
            touched.push(at);
        }
        for line in removes {
            let at = self.record_at(*line)?;
            items[at] = None;
            touched.push(at);
        }
        touched.sort_unstable();
        if touched.windows(2).any(|two| two[0] == two[1]) {
            return Err("A line is named twice.".to_owned());
        }
        for row in adds {
            if row.line_index.is_some() {
                return Err("An add has no line_index.".to_owned());
            }
            items.push(Some(Item::Record(row.into_record(&self.zone)?)));
        }
        let items: Vec<_> = items.into_iter().flatten().collect();
        check_aliases(&items, &self.zone)?;
        self.items = items;
        self.serial = self.serial.wrapping_add(1);
        Ok(self.serial)
    }

    /// The record that starts at this line.
    fn record_at(&self, wanted: u64) -> Result<usize, String> {
        let mut line = 0;
        for (at, item) in self.items.iter().enumerate() {
            if line == wanted && matches!(item, Item::Record(_)) {
                return Ok(at);
            }
            line += item.lines();
        }
        Err(format!("Line {wanted} is no record that can be changed."))
    }
}

impl Row {
    fn into_record(self, zone: &str) -> Result<Record, String> {
        if self.dname == "@" || self.dname.is_empty() {
            return Err(
                "The request failed. (Error ID: 5c71d0) Ask the server's owner to look it up.".to_owned()
            );
        }
        let is_good = match self.record_type.as_str() {
            "A" => matches!(self.data.as_slice(), [one] if one.parse::<std::net::Ipv4Addr>().is_ok()),
            "AAAA" => matches!(self.data.as_slice(), [one] if one.parse::<std::net::Ipv6Addr>().is_ok()),
            "CNAME" => self.data.len() == 1,
            "TXT" => !self.data.is_empty() && self.data.iter().all(|text| text.len() <= 255),
            _ => return Err(format!("Unknown record type {}.", self.record_type)),
        };
        if !is_good || self.ttl == 0 || self.ttl > 2_147_483_647 {
            return Err(format!("Invalid {} record for {zone}.", self.record_type));
        }
        Ok(Record { owner: self.dname, kind: self.record_type, ttl_s: self.ttl, data: self.data })
    }
}

/// A name with an alias has nothing else.
fn check_aliases(items: &[Item], zone: &str) -> Result<(), String> {
    let records = || {
        items.iter().filter_map(|item| match item {
            Item::Record(record) => Some((absolute(&record.owner, zone), record.kind.as_str())),
            Item::Comment(_) | Item::Control(_) | Item::Soa => None,
        })
    };
    for (name, _) in records().filter(|(_, kind)| *kind == "CNAME") {
        if records().filter(|(other, _)| *other == name).count() > 1 {
            return Err(format!("{name} has a CNAME and other records."));
        }
    }
    Ok(())
}

fn absolute(owner: &str, zone: &str) -> String {
    owner.strip_suffix('.').map_or_else(|| format!("{owner}.{zone}"), ToOwned::to_owned)
}
