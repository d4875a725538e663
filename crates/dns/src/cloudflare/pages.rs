//! Lists, page by page, and what to do when one changes while it is read.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::{
    Cloudflare, Purpose,
    picture::{Picture, filters},
    wire::{self, Record},
};
use crate::{Names, error::ApiFault};

/// Records on one page; what other clients ask for.
const RECORDS_PER_PAGE: usize = 100;
/// Pages of one list that are read before giving up: our own names fill one.
const PAGES_MAX: u64 = 20;
/// How often a list is read again because it changed between two pages.
const TORN_READS_MAX: usize = 3;

impl Cloudflare {
    /// Reads all records of the names; again when a list changed between two pages.
    pub(super) async fn picture(&self, names: &Names, purpose: Purpose) -> Result<Picture, ApiFault> {
        for _ in 0..TORN_READS_MAX {
            if let Some(records) = self.records(names, purpose).await? {
                return Picture::of(records, names);
            }
        }
        Err(ApiFault::Torn)
    }

    /// `None`: a list changed while it was read.
    async fn records(&self, names: &Names, purpose: Purpose) -> Result<Option<Vec<Record>>, ApiFault> {
        let path = format!("zones/{}/dns_records", self.zone_id(purpose).await?.as_str());
        let mut all: Vec<Record> = Vec::new();
        for (filter, value) in filters(names) {
            let filter = [(filter, value.as_str())];
            let listed = self.pages(&path, &filter, RECORDS_PER_PAGE, "list of records", purpose).await?;
            let Some(mut listed) = listed else { return Ok(None) };
            all.append(&mut listed);
        }
        let mut ids = BTreeSet::new();
        let is_whole = all.iter().all(|record| ids.insert(record.id.as_str()));
        drop(ids);
        Ok(is_whole.then_some(all))
    }

    /// Reads a whole list. `None`: it changed while it was read.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
        per_page: usize,
        what: &str,
        purpose: Purpose,
    ) -> Result<Option<Vec<T>>, ApiFault> {
        let per_page_text = per_page.to_string();
        let (mut total, mut all) = (None, Vec::new());
        for page in 1..=PAGES_MAX {
            let number = page.to_string();
            let mut query = filter.to_vec();
            query.extend([("page", number.as_str()), ("per_page", per_page_text.as_str())]);
            let reply = self.get(path, &query, purpose).await?;
            let mut found: Vec<T> = wire::read(&reply.result, what)?;
            let count = found.len();
            all.append(&mut found);
            let stands = reply.page.unwrap_or_default();
            if stands.number.is_some_and(|shown| shown != page) {
                return Err(wire::undecodable("it is another page than the one asked for"));
            }
            if page > 1 && stands.total_count != total {
                return Ok(None);
            }
            total = stands.total_count;
            let is_last = stands.total_pages.is_none_or(|pages| page >= pages);
            // No single sign is relied on: an empty page ends the list, and so does a last one that says so or is short.
            if count == 0 || is_last && (stands.total_pages.is_some() || count < per_page) {
                return Ok(total.is_none_or(|total| total == all.len() as u64).then_some(all));
            }
        }
        Err(wire::undecodable("the list has more pages than are ever needed"))
    }
}
