//! The UPDATE messages, built by hand: which conditions each one states and what it changes.
//!
//! Every replacement deletes the record set and adds the new record in the same message. That order is the RFC's and
//! holds on servers that apply deletions first; it also changes the TTL everywhere, which adding alone does not.

use std::net::Ipv4Addr;

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{
        DNSClass, Name, RData, Record, RecordType,
        rdata::{A, TXT},
    },
};

use crate::{
    Adoption, DnsError, Fqdn, Move, Names, Release, TtlChange,
    provider::{MARKER_TTL_S, ScratchWrite},
};

/// One string of a TXT record holds at most this.
const TEXT_SIZE_BYTES_MAX: usize = 255;

/// Conditions and changes of one zone, not yet signed.
pub(super) struct Update {
    message: Message,
}

impl Update {
    pub(super) fn for_move(id: u16, names: &Names, change: &Move) -> Result<Self, DnsError> {
        let mut update = Self::new(id, names.zone());
        update.require_address(names, change.expect_a);
        update.require_texts(names.marker(), change.expect_marker.as_slice())?;
        update.replace_address(names, change.set_a, change.ttl_s);
        update.replace_texts(names.marker(), std::slice::from_ref(&change.set_marker))?;
        Ok(update)
    }

    pub(super) fn for_adoption(id: u16, names: &Names, adoption: &Adoption) -> Result<Self, DnsError> {
        let mut update = Self::new(id, names.zone());
        update.require_address(names, adoption.expect_a);
        match &adoption.expect_marker {
            Some(marker) => update.require_texts(names.marker(), std::slice::from_ref(marker))?,
            // Stronger than "no TXT": beside a CNAME the TXT would be dropped without a word.
            None => update.require_unused(names.marker()),
        }
        update.replace_address(names, adoption.set_a, adoption.ttl_s);
        update.replace_texts(names.marker(), std::slice::from_ref(&adoption.set_marker))?;
        Ok(update)
    }

    pub(super) fn for_ttl(id: u16, names: &Names, change: &TtlChange) -> Result<Self, DnsError> {
        let mut update = Self::new(id, names.zone());
        update.require_address(names, Some(change.expect_a));
        update.require_texts(names.marker(), change.expect_marker.as_slice())?;
        update.replace_address(names, change.expect_a, change.ttl_s);
        Ok(update)
    }

    pub(super) fn for_release(id: u16, names: &Names, release: &Release) -> Result<Self, DnsError> {
        let mut update = Self::new(id, names.zone());
        update.require_texts(names.marker(), std::slice::from_ref(&release.expect_marker))?;
        for name in [names.marker(), names.probe(), names.adoption()] {
            update.delete(&name.to_wire(), RecordType::TXT);
        }
        Ok(update)
    }

    pub(super) fn for_scratch(id: u16, names: &Names, change: &ScratchWrite) -> Result<Self, DnsError> {
        let mut update = Self::new(id, names.zone());
        if change.expect.is_empty() {
            update.require_unused(names.probe());
        } else {
            update.require_texts(names.probe(), &change.expect)?;
        }
        update.replace_texts(names.probe(), &change.set)?;
        Ok(update)
    }

    pub(super) fn into_message(self) -> Message {
        self.message
    }

    fn new(id: u16, zone: &Fqdn) -> Self {
        let mut message = Message::new(id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(zone.to_wire(), RecordType::SOA));
        Self { message }
    }

    /// A is exactly this (or not there), and nothing else at the label could answer instead of it.
    fn require_address(&mut self, names: &Names, address: Option<Ipv4Addr>) {
        let label = names.label().to_wire();
        match address {
            Some(address) => self.require_record(Record::from_rdata(label.clone(), 0, RData::A(A(address)))),
            None => self.require_absent(&label, RecordType::A),
        }
        self.require_absent(&label, RecordType::AAAA);
        self.require_absent(&label, RecordType::CNAME);
    }

    fn require_texts(&mut self, name: &Fqdn, texts: &[String]) -> Result<(), DnsError> {
        let name = name.to_wire();
        if texts.is_empty() {
            self.require_absent(&name, RecordType::TXT);
        }
        for text in texts {
            self.require_record(Record::from_rdata(name.clone(), 0, text_data(text)?));
        }
        Ok(())
    }

    fn require_unused(&mut self, name: &Fqdn) {
        self.require_absent(&name.to_wire(), RecordType::ANY);
    }

    fn require_record(&mut self, record: Record) {
        self.message.add_answer(record);
    }

    fn require_absent(&mut self, name: &Name, kind: RecordType) {
        let mut record = Record::update0(name.clone(), 0, kind);
        record.dns_class = DNSClass::NONE;
        self.message.add_answer(record);
    }

    fn replace_address(&mut self, names: &Names, address: Ipv4Addr, ttl_s: u32) {
        let label = names.label().to_wire();
        self.delete(&label, RecordType::A);
        self.message.add_authority(Record::from_rdata(label, ttl_s, RData::A(A(address))));
    }

    fn replace_texts(&mut self, name: &Fqdn, texts: &[String]) -> Result<(), DnsError> {
        let name = name.to_wire();
        self.delete(&name, RecordType::TXT);
        for text in texts {
            self.message.add_authority(Record::from_rdata(name.clone(), MARKER_TTL_S, text_data(text)?));
        }
        Ok(())
    }

    fn delete(&mut self, name: &Name, kind: RecordType) {
        let mut record = Record::update0(name.clone(), 0, kind);
        record.dns_class = DNSClass::ANY;
        self.message.add_authority(record);
    }
}

fn text_data(text: &str) -> Result<RData, DnsError> {
    if text.len() > TEXT_SIZE_BYTES_MAX {
        return Err(DnsError::MarkerTooLong { length: text.len() });
    }
    Ok(RData::TXT(TXT::from_bytes(vec![text.as_bytes()])))
}
