//! Bytes to messages and back, bounded.
//!
//! Whatever arrives from the network passes [`decode`] first; hickory's deeper checks run only on what that let
//! through, because some of them assume counts that a hostile header need not respect.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordType},
};

/// The most octets that a DNS message over TCP can have.
pub(crate) const MESSAGE_SIZE_BYTES_MAX: usize = 65_535;

/// The smallest record on the wire: root name, type, class, TTL, length.
const RECORD_SIZE_BYTES_MIN: usize = 11;

/// Decodes one message that answers a request.
pub(crate) fn decode(bytes: &[u8]) -> Result<Message, String> {
    if bytes.len() > MESSAGE_SIZE_BYTES_MAX {
        return Err(format!("{} bytes are too many", bytes.len()));
    }
    let Some(header) = bytes.get(..12) else {
        return Err(format!("{} bytes are too few", bytes.len()));
    };
    let count = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    if count(4) > 1 {
        return Err(format!("{} questions instead of one", count(4)));
    }
    let records = count(6) + count(8) + count(10);
    if records * RECORD_SIZE_BYTES_MIN > bytes.len() {
        return Err(format!("{records} records cannot fit {} bytes", bytes.len()));
    }
    let message = Message::from_vec(bytes).map_err(|error| error.to_string())?;
    if message.metadata.message_type != MessageType::Response {
        return Err("it is a request, not an answer".to_owned());
    }
    Ok(message)
}

/// A question without recursion, as one asks an authoritative server.
pub(crate) fn question(id: u16, name: Name, kind: RecordType) -> Message {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(name, kind));
    message
}

/// True when the answer's question is the one that was asked.
pub(crate) fn answers_question(answer: &Message, name: &Name, kind: RecordType) -> bool {
    match answer.queries.as_slice() {
        [query] => {
            query.query_type() == kind
                && query.query_class() == DNSClass::IN
                && query.name().eq_ignore_root(name)
        }
        _ => false,
    }
}

/// Records of one owner in the answer section.
pub(crate) fn owned<'a>(answer: &'a Message, owner: &'a Name) -> impl Iterator<Item = &'a Record> {
    answer.answers.iter().filter(move |record| record.dns_class == DNSClass::IN && record.name == *owner)
}

pub(crate) fn as_a(data: &RData) -> Option<Ipv4Addr> {
    if let RData::A(a) = data { Some(a.0) } else { None }
}

pub(crate) fn as_aaaa(data: &RData) -> Option<Ipv6Addr> {
    if let RData::AAAA(aaaa) = data { Some(aaaa.0) } else { None }
}

pub(crate) fn as_name(data: &RData, kind: RecordType) -> Option<&Name> {
    match (data, kind) {
        (RData::CNAME(name), RecordType::CNAME) => Some(&name.0),
        (RData::NS(name), RecordType::NS) => Some(&name.0),
        _ => None,
    }
}

pub(crate) fn as_serial(data: &RData) -> Option<u32> {
    if let RData::SOA(soa) = data { Some(soa.serial) } else { None }
}

/// The text of a TXT record, its strings joined. Bytes that are no UTF-8 are replaced, so such a text never equals ours.
pub(crate) fn as_text(data: &RData) -> Option<String> {
    let RData::TXT(txt) = data else { return None };
    let bytes: Vec<u8> = txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A response code as people know it.
pub(crate) fn code_words(code: ResponseCode) -> String {
    let known = [
        (ResponseCode::NoError, "NOERROR"),
        (ResponseCode::FormErr, "FORMERR"),
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::NXDomain, "NXDOMAIN"),
        (ResponseCode::NotImp, "NOTIMP"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::YXDomain, "YXDOMAIN"),
        (ResponseCode::YXRRSet, "YXRRSET"),
        (ResponseCode::NXRRSet, "NXRRSET"),
        (ResponseCode::NotAuth, "NOTAUTH"),
        (ResponseCode::NotZone, "NOTZONE"),
    ];
    let found = known.iter().find(|(one, _)| *one == code);
    found.map_or_else(|| format!("RCODE {}", u16::from(code)), |(_, words)| (*words).to_owned())
}

/// A random message id.
pub(crate) fn message_id() -> Result<u16, crate::DnsError> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::DnsError::Random { source: std::io::Error::other(error) })?;
    Ok(u16::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_that_cannot_be_true_are_refused_before_decoding() {
        let mut header = vec![0, 1, 0x84, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(decode(&header).unwrap_err().contains("cannot fit"), "{:?}", decode(&header));
        header[4] = 0xff;
        assert!(decode(&header).unwrap_err().contains("questions instead of one"));
        assert!(decode(&header[..11]).unwrap_err().contains("too few"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn arbitrary_bytes_decode_or_fail(
            flags in any::<[u8; 2]>(),
            counts in proptest::collection::vec(0_u8..8, 4),
            body in proptest::collection::vec(any::<u8>(), 0..1_000),
        ) {
            let mut bytes = vec![0, 1, flags[0], flags[1]];
            bytes.extend(counts.iter().flat_map(|count| [0, *count]));
            bytes.extend(body);
            if let Ok(message) = decode(&bytes) {
                let records = message.answers.len() + message.authorities.len() + message.additionals.len();
                prop_assert!(records * RECORD_SIZE_BYTES_MIN <= bytes.len());
                for record in message.all_sections() {
                    drop((as_a(&record.data), as_aaaa(&record.data), as_text(&record.data)));
                }
            }
        }
    }
}
