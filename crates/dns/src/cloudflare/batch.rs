//! The one atomic batch of each kind of write: what it deletes first, changes and puts. Pure.
//!
//! The API can compare nothing but the existence of what it deletes. So the marker's record is deleted by its id, as the
//! first operation: whoever consumed it before makes the whole batch fail. Deletes run before posts, so a marker whose
//! text stays the same is consumed and written again under a new id. A is changed in place by the id that was read, and
//! a record that somebody deleted and made anew under the same name is not ours to change any more.
//!
//! What the API cannot compare is compared here with a reading made just before: a foreign edit of A in place between
//! that reading and the batch is overwritten. [`crate::ProviderFacts::compares_address`] says so.

use std::net::Ipv4Addr;

use serde::Serialize;

use super::{
    FrontChange,
    picture::{Address, Picture, Text},
    wire::{Id, quoted},
};
use crate::{
    Adoption, Fqdn, Move, Names, Release, TtlChange,
    provider::{Front, MARKER_TTL_S, ScratchWrite},
};

/// What stands at `_sctla.<label>` while a name is managed: an identical record is refused, so two first adoptions
/// cannot both succeed.
const ADOPTED: &str = "sctl1";
/// Comments of zones on the free plan end here.
const COMMENT_CHARS_MAX: usize = 100;
/// No record has it. A text that was never read is expected under this id, so that the API itself refuses.
const NO_RECORD: &str = "5c71d0e5a07e15700000000000000000";

/// The body of one batch, in the order in which it is executed.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Batch {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deletes: Vec<Delete>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patches: Vec<Patch>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    posts: Vec<Post>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Delete {
    id: String,
}

/// What is left out stays as it is: the tags, the proxy flag, the address when it does not change, and a comment when
/// there is no new one.
#[derive(Debug, PartialEq, Serialize)]
struct Patch {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    ttl: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Post {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    content: String,
    ttl: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// Why there is no batch: what is there is not what the write expects.
pub(super) type Conflict = String;

pub(super) fn for_move(names: &Names, seen: &Picture, change: &Move) -> Result<Batch, Conflict> {
    let (address, marker) = seen.facts().require(change.expect_a, change.expect_marker.as_deref())?;
    let mut batch = Batch::default();
    match marker {
        Some(marker) => batch.delete([&marker.id]),
        // No marker to consume, so this is fenced as a first adoption is.
        None => batch.mark_adopted(names, seen),
    }
    batch.put_address(names, address, change.set_a, change.ttl_s, &change.comment);
    batch.post_text(names.marker(), &change.set_marker);
    Ok(batch)
}

pub(super) fn for_adoption(names: &Names, seen: &Picture, adoption: &Adoption) -> Result<Batch, Conflict> {
    let (address, marker) = seen.facts().require(adoption.expect_a, adoption.expect_marker.as_deref())?;
    let mut batch = Batch::default();
    batch.delete(marker.map(|marker| &marker.id));
    batch.mark_adopted(names, seen);
    batch.put_address(names, address, adoption.set_a, adoption.ttl_s, &adoption.comment);
    batch.post_text(names.marker(), &adoption.set_marker);
    Ok(batch)
}

pub(super) fn for_ttl(names: &Names, seen: &Picture, change: &TtlChange) -> Result<Batch, Conflict> {
    let (address, marker) = seen.facts().require(Some(change.expect_a), change.expect_marker.as_deref())?;
    let mut batch = Batch::default();
    batch.put_address(names, address, change.expect_a, change.ttl_s, "");
    batch.renew(names, marker);
    Ok(batch)
}

pub(super) fn for_front(names: &Names, seen: &Picture, change: &FrontChange) -> Result<Batch, Conflict> {
    let (address, marker) = seen.facts().require(Some(change.expect_a), change.expect_marker.as_deref())?;
    let mut batch = Batch::default();
    batch.put_address(names, address, change.expect_a, change.ttl_s, "");
    for patch in &mut batch.patches {
        patch.proxied = Some(change.front == Front::Proxied);
        patch.ttl = served_ttl_s(change.front, change.ttl_s);
    }
    batch.renew(names, marker);
    Ok(batch)
}

pub(super) fn for_release(seen: &Picture, release: &Release) -> Result<Batch, Conflict> {
    let marker = seen.facts().require_marker(Some(&release.expect_marker))?;
    let mut batch = Batch::default();
    batch.delete(marker.map(|marker| &marker.id));
    batch.delete(seen.adoptions.iter().chain(&seen.probes).map(|text| &text.id));
    Ok(batch)
}

/// Nothing is compared here beyond what the token itself says: the probe asks whether the API refuses.
pub(super) fn for_scratch(names: &Names, known: &[Text], change: &ScratchWrite) -> Batch {
    let mut batch = Batch::default();
    let mut expect = change.expect.clone();
    expect.sort_unstable();
    if known.iter().map(|text| &text.text).ne(&expect) {
        batch.deletes.push(Delete { id: NO_RECORD.to_owned() });
    }
    batch.delete(known.iter().map(|text| &text.id));
    for text in &change.set {
        batch.post_text(names.probe(), text);
    }
    batch
}

impl Batch {
    /// True when there is nothing to do, which the API would refuse.
    pub(super) fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.patches.is_empty() && self.posts.is_empty()
    }

    fn delete<'a>(&mut self, ids: impl IntoIterator<Item = &'a Id>) {
        self.deletes.extend(ids.into_iter().map(|id| Delete { id: id.as_str().to_owned() }));
    }

    fn put_address(
        &mut self,
        names: &Names,
        seen: Option<&Address>,
        set: Ipv4Addr,
        ttl_s: u32,
        comment: &str,
    ) {
        let (content, comment) = (set.to_string(), people_comment(comment));
        match seen {
            Some(seen) => self.patches.push(Patch {
                id: seen.id.as_str().to_owned(),
                // A late batch without a marker to consume must not be able to bring an old address back.
                content: (seen.addr != set).then_some(content),
                ttl: served_ttl_s(seen.front, ttl_s),
                proxied: None,
                comment,
            }),
            None => self.posts.push(Post {
                kind: "A",
                name: names.label().to_string(),
                content,
                ttl: ttl_s,
                proxied: Some(false),
                comment,
            }),
        }
    }

    /// Posts the constant record; one that is there is taken away by its id, so that of two batches one fails.
    fn mark_adopted(&mut self, names: &Names, seen: &Picture) {
        self.delete(seen.adoptions.iter().map(|text| &text.id));
        self.post_text(names.adoption(), ADOPTED);
    }

    /// Consumes the marker's record and puts its text back under a new id.
    fn renew(&mut self, names: &Names, marker: Option<&Text>) {
        if let Some(marker) = marker {
            self.delete([&marker.id]);
            self.post_text(names.marker(), &marker.text);
        }
    }

    fn post_text(&mut self, name: &Fqdn, text: &str) {
        self.posts.push(Post {
            kind: "TXT",
            name: name.to_string(),
            content: quoted(text),
            ttl: MARKER_TTL_S,
            proxied: None,
            comment: None,
        });
    }
}

/// The TTL of a proxied record is the provider's own; 1 is how that is written.
fn served_ttl_s(front: Front, ttl_s: u32) -> u32 {
    match front {
        Front::Direct => ttl_s,
        Front::Proxied => 1,
    }
}

/// One line, and no longer than every plan allows. Nothing: the comment that is there stays.
fn people_comment(comment: &str) -> Option<String> {
    let line = comment.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = line.take(COMMENT_CHARS_MAX).collect();
    (!line.trim().is_empty()).then_some(line)
}
