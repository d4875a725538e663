use std::net::Ipv4Addr;

use hickory_proto::{
    op::{Message, OpCode},
    rr::rdata::{A, CNAME, NS, SOA, TXT},
};
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn zone() -> Zone {
    let origin = LowerName::new(&name("example.com."));
    let mut zone = Zone { origin: origin.clone(), records: Records::new() };
    let soa = SOA::new(name("ns1.example.com."), name("h.example.com."), 7, 1, 1, 1, 1);
    zone.put(&origin, RecordType::SOA, 60, vec![RData::SOA(soa)]);
    zone.put(&origin, RecordType::NS, 60, vec![RData::NS(NS(name("ns1.example.com.")))]);
    let star = LowerName::new(&name("*.example.com."));
    zone.put(&star, RecordType::A, 60, vec![a(9)]);
    let lb = LowerName::new(&name("lb.example.com."));
    zone.put(&lb, RecordType::A, 60, vec![a(1)]);
    zone
}

fn a(last: u8) -> RData {
    RData::A(A(Ipv4Addr::new(203, 0, 113, last)))
}

fn record(owner: &str, ttl_s: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl_s, data)
}

fn empty(owner: &str, class: DNSClass, kind: RecordType) -> Record {
    let mut record = Record::update0(name(owner), 0, kind);
    record.dns_class = class;
    record
}

fn check(conditions: &[Record], expect: Result<(), ResponseCode>) {
    assert_eq!(zone().check_prerequisites(conditions), expect, "{conditions:?}");
}

#[test]
fn conditions_follow_the_table() {
    use DNSClass::{ANY, NONE};
    let (lb, free) = ("lb.example.com.", "free.example.com.");
    check(&[empty(lb, ANY, RecordType::ANY)], Ok(()));
    check(&[empty(free, ANY, RecordType::ANY)], Err(ResponseCode::NXDomain));
    check(&[empty(lb, ANY, RecordType::A)], Ok(()));
    check(&[empty(lb, ANY, RecordType::TXT)], Err(ResponseCode::NXRRSet));
    check(&[empty(free, NONE, RecordType::ANY)], Ok(()));
    check(&[empty(lb, NONE, RecordType::ANY)], Err(ResponseCode::YXDomain));
    check(&[empty(lb, NONE, RecordType::TXT)], Ok(()));
    check(&[empty(lb, NONE, RecordType::A)], Err(ResponseCode::YXRRSet));
    check(&[record("LB.Example.Com.", 0, a(1))], Ok(()));
    check(&[record(lb, 0, a(2))], Err(ResponseCode::NXRRSet));
    check(&[record(lb, 0, a(1)), record(lb, 0, a(2))], Err(ResponseCode::NXRRSet));
    check(&[record(free, 0, a(9))], Err(ResponseCode::NXRRSet));
    check(&[record(lb, 1, a(1))], Err(ResponseCode::FormErr));
    check(&[record("lb.example.org.", 0, a(1))], Err(ResponseCode::NotZone));
    check(&[empty(lb, DNSClass::IN, RecordType::A)], Err(ResponseCode::FormErr));
    check(&[empty(lb, DNSClass::CH, RecordType::A)], Err(ResponseCode::FormErr));
}

#[test]
fn one_more_record_is_not_equal() {
    let mut zone = zone();
    let lb = LowerName::new(&name("lb.example.com."));
    zone.put(&lb, RecordType::A, 60, vec![a(1), a(2)]);
    let one = [record("lb.example.com.", 0, a(1))];
    assert_eq!(zone.check_prerequisites(&one), Err(ResponseCode::NXRRSet));
    let both = [record("lb.example.com.", 0, a(2)), record("lb.example.com.", 0, a(1))];
    assert_eq!(zone.check_prerequisites(&both), Ok(()));
}

fn applied(changes: &[Record]) -> (Zone, bool) {
    let mut zone = zone();
    assert_eq!(zone.prescan(changes), Ok(()), "{changes:?}");
    let changed = zone.apply(changes);
    (zone, changed)
}

#[test]
fn changes_are_made_in_order_and_counted_once() {
    let lb = "lb.example.com.";
    let (zone, changed) = applied(&[empty(lb, DNSClass::ANY, RecordType::A), record(lb, 30, a(2))]);
    assert!(changed);
    assert_eq!(zone.serial(), Some(8));
    let set = zone.get(&LowerName::new(&name(lb)), RecordType::A).unwrap();
    assert_eq!((data(set).collect::<Vec<_>>(), set.ttl()), (vec![&a(2)], 30));
    let (zone, _) = applied(&[record(lb, 30, a(2)), empty(lb, DNSClass::ANY, RecordType::A)]);
    assert!(!zone.in_use(&LowerName::new(&name(lb))));
    let (zone, changed) = applied(&[record(lb, 60, a(1))]);
    assert_eq!((changed, zone.serial()), (false, Some(7)), "a duplicate changes nothing");
}

#[test]
fn what_the_rfc_protects_stays() {
    let apex = "example.com.";
    let mut gone = record(apex, 0, RData::NS(NS(name("ns1.example.com."))));
    gone.dns_class = DNSClass::NONE;
    let alias = RData::CNAME(CNAME(name("x.example.net.")));
    let text = RData::TXT(TXT::from_bytes(vec![b"t"]));
    for changes in [
        vec![empty(apex, DNSClass::ANY, RecordType::ANY)],
        vec![empty(apex, DNSClass::ANY, RecordType::SOA), empty(apex, DNSClass::ANY, RecordType::NS)],
        vec![gone],
        vec![record("lb.example.com.", 60, alias.clone())],
        vec![record(apex, 60, RData::SOA(SOA::new(name("a."), name("b."), 6, 1, 1, 1, 1)))],
    ] {
        let (zone, changed) = applied(&changes);
        assert_eq!((changed, zone.serial()), (false, Some(7)), "{changes:?}");
    }
    let (zone, _) = applied(&[record("c.example.com.", 60, alias), record("c.example.com.", 60, text)]);
    assert!(zone.get(&LowerName::new(&name("c.example.com.")), RecordType::TXT).is_none());
}

#[test]
fn malformed_changes_are_refused_as_a_whole() {
    let lb = "lb.example.com.";
    let mut late = empty(lb, DNSClass::ANY, RecordType::A);
    late.ttl = 1;
    for change in [
        empty(lb, DNSClass::IN, RecordType::A),
        empty(lb, DNSClass::NONE, RecordType::A),
        empty(lb, DNSClass::ANY, RecordType::AXFR),
        late,
    ] {
        assert_eq!(zone().prescan(std::slice::from_ref(&change)), Err(ResponseCode::FormErr), "{change:?}");
    }
    assert_eq!(zone().prescan(&[record("a.example.org.", 1, a(1))]), Err(ResponseCode::NotZone));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn arbitrary_updates_keep_the_zone_whole(
        conditions in 0_u8..3,
        changes in 0_u8..4,
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        // Real names in front, so that a good part of the records reaches the rules.
        let mut bytes = vec![0, 1, 0x28, 0, 0, 0, 0, conditions, 0, changes, 0, 0];
        for chunk in body.chunks(12) {
            bytes.extend(b"\x02lb\x07example\x03com\x00");
            bytes.extend(chunk);
        }
        if let Ok(message) = Message::from_vec(&bytes) {
            prop_assert_eq!(message.metadata.op_code, OpCode::Update);
            let mut zone = zone();
            let _ = zone.check_prerequisites(&message.answers);
            if zone.prescan(&message.authorities).is_ok() {
                zone.apply(&message.authorities);
            }
            prop_assert!(zone.serial().is_some(), "the SOA must survive");
        }
    }
}
