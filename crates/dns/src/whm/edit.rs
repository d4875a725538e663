//! The line edits of each kind of write. Pure.
//!
//! All edits of one call are one change, and line numbers are those of the zone that bears the serial. A and the marker
//! are edited in place; what is not named keeps its line.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::picture::{Address, Picture, Text, Token};
use crate::{
    Adoption, DnsError, Fqdn, Move, Names, Release, TtlChange,
    provider::{MARKER_TTL_S, ScratchWrite},
};

/// One string of a TXT record holds at most this.
const TEXT_SIZE_BYTES_MAX: usize = 255;

/// The edits of one call.
#[derive(Debug, Default)]
pub(super) struct Edits {
    adds: Vec<Row>,
    changes: Vec<Row>,
    removes: Vec<u64>,
}

/// A record as the writer wants it: plain text, where the reader gives base64.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    line_index: Option<u64>,
    dname: String,
    ttl: u32,
    record_type: &'static str,
    data: Vec<String>,
}

/// Why there is no edit: what is there is not what the write expects.
pub(super) type Conflict = String;

pub(super) fn for_move(names: &Names, seen: &Picture, change: &Move) -> Result<Edits, Conflict> {
    let (address, marker) = seen.facts().require(change.expect_a, change.expect_marker.as_deref())?;
    let mut edits = Edits::default();
    edits.put_address(names, address, change.set_a, change.ttl_s);
    edits.put_text(names, names.marker(), marker, &change.set_marker);
    Ok(edits)
}

pub(super) fn for_adoption(names: &Names, seen: &Picture, adoption: &Adoption) -> Result<Edits, Conflict> {
    let (address, marker) = seen.facts().require(adoption.expect_a, adoption.expect_marker.as_deref())?;
    let mut edits = Edits::default();
    edits.put_address(names, address, adoption.set_a, adoption.ttl_s);
    edits.put_text(names, names.marker(), marker, &adoption.set_marker);
    Ok(edits)
}

pub(super) fn for_ttl(names: &Names, seen: &Picture, change: &TtlChange) -> Result<Edits, Conflict> {
    let (address, _) = seen.facts().require(Some(change.expect_a), change.expect_marker.as_deref())?;
    let mut edits = Edits::default();
    edits.put_address(names, address, change.expect_a, change.ttl_s);
    Ok(edits)
}

pub(super) fn for_release(seen: &Picture, release: &Release) -> Result<Edits, Conflict> {
    let marker = seen.facts().require_marker(Some(&release.expect_marker))?;
    let ours = marker.into_iter().chain(&seen.adoptions).chain(&seen.probes);
    Ok(Edits { removes: ours.map(|text| text.line).collect(), ..Edits::default() })
}

/// Nothing is compared here beyond what the token itself says: the probe asks whether the server refuses. An
/// expectation that the token contradicts goes out under a serial that the zone no longer has.
pub(super) fn for_scratch(names: &Names, known: &Token, change: &ScratchWrite) -> (Edits, u32) {
    let mut expect = change.expect.clone();
    expect.sort_unstable();
    let is_as_expected = known.probes.iter().map(|probe| &probe.text).eq(&expect);
    let serial = if is_as_expected { known.serial } else { known.serial.wrapping_sub(1) };
    let mut edits =
        Edits { removes: known.probes.iter().map(|probe| probe.line).collect(), ..Edits::default() };
    for text in &change.set {
        edits.put_text(names, names.probe(), None, text);
    }
    (edits, serial)
}

/// Says whether a text fits one TXT string.
pub(super) fn check_text(text: &str) -> Result<(), DnsError> {
    if text.len() > TEXT_SIZE_BYTES_MAX {
        return Err(DnsError::MarkerTooLong { length: text.len() });
    }
    Ok(())
}

impl Edits {
    /// True when there is nothing to do, which the server would refuse.
    pub(super) fn is_empty(&self) -> bool {
        self.adds.is_empty() && self.changes.is_empty() && self.removes.is_empty()
    }

    /// The call's fields; a repeated name is a list.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let json = |row: &Row| serde_json::to_string(row).unwrap_or_default();
        let adds = self.adds.iter().map(|row| ("add", json(row)));
        let edits = self.changes.iter().map(|row| ("edit", json(row)));
        let removes = self.removes.iter().map(|line| ("remove", line.to_string()));
        adds.chain(edits).chain(removes).collect()
    }

    fn put_address(&mut self, names: &Names, seen: Option<&Address>, set: Ipv4Addr, ttl_s: u32) {
        let line_index = seen.map(|seen| seen.line);
        let dname = owner(names.label(), names.zone());
        self.put(Row { line_index, dname, ttl: ttl_s, record_type: "A", data: vec![set.to_string()] });
    }

    fn put_text(&mut self, names: &Names, name: &Fqdn, seen: Option<&Text>, text: &str) {
        let line_index = seen.map(|seen| seen.line);
        let dname = owner(name, names.zone());
        let data = vec![text.to_owned()];
        self.put(Row { line_index, dname, ttl: MARKER_TTL_S, record_type: "TXT", data });
    }

    fn put(&mut self, row: Row) {
        if row.line_index.is_some() { self.changes.push(row) } else { self.adds.push(row) }
    }
}

/// Relative to the zone; the apex is the zone with its dot, since the server takes neither `@` nor the bare name.
fn owner(name: &Fqdn, zone: &Fqdn) -> String {
    let relative = name.as_str().strip_suffix(zone.as_str()).and_then(|head| head.strip_suffix('.'));
    relative.map_or_else(|| format!("{zone}."), ToOwned::to_owned)
}
