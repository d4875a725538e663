//! One zone's records and what an UPDATE does to them, by RFC 2136 section 3. Pure: records in, records out.
//!
//! Conditions compare whole record sets exactly and look at literal names, never through wildcards or aliases; that is
//! what hickory's own store does not do, and what compare-and-set rests on.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "classes and types are open lists; every other one is one case"
)]

use std::{collections::BTreeMap, sync::Arc};

use hickory_proto::{
    op::ResponseCode,
    rr::{DNSClass, LowerName, Name, RData, Record, RecordData, RecordSet, RecordType, RrKey},
};

/// Records as hickory's in-memory zone holds them.
pub(super) type Records = BTreeMap<RrKey, Arc<RecordSet>>;

/// A zone that is being changed: a cheap copy, published only when all of it went well.
pub(super) struct Zone {
    pub(super) origin: LowerName,
    pub(super) records: Records,
}

impl Zone {
    /// Section 3.2: every condition, then the record sets that must be equal as a whole.
    pub(super) fn check_prerequisites(&self, conditions: &[Record]) -> Result<(), ResponseCode> {
        let mut whole_sets: BTreeMap<RrKey, Vec<&RData>> = BTreeMap::new();
        for condition in conditions {
            if condition.ttl != 0 {
                return Err(ResponseCode::FormErr);
            }
            let name = self.inside(&condition.name)?;
            let kind = condition.record_type();
            let empty = condition.data.is_update();
            match condition.dns_class {
                DNSClass::ANY | DNSClass::NONE if !empty => return Err(ResponseCode::FormErr),
                DNSClass::ANY if kind == RecordType::ANY => {
                    self.in_use(&name).then_some(()).ok_or(ResponseCode::NXDomain)?;
                }
                DNSClass::ANY => self.get(&name, kind).map(drop).ok_or(ResponseCode::NXRRSet)?,
                DNSClass::NONE if kind == RecordType::ANY => {
                    (!self.in_use(&name)).then_some(()).ok_or(ResponseCode::YXDomain)?;
                }
                DNSClass::NONE => {
                    self.get(&name, kind).is_none().then_some(()).ok_or(ResponseCode::YXRRSet)?;
                }
                DNSClass::IN if !empty && !is_meta(kind) => {
                    whole_sets.entry(RrKey::new(name, kind)).or_default().push(&condition.data);
                }
                _ => return Err(ResponseCode::FormErr),
            }
        }
        for (key, wanted) in whole_sets {
            let present = self.get(&key.name, key.record_type).ok_or(ResponseCode::NXRRSet)?;
            let equal = data(present).all(|have| wanted.contains(&have))
                && wanted.iter().all(|want| data(present).any(|have| have == *want));
            if !equal {
                return Err(ResponseCode::NXRRSet);
            }
        }
        Ok(())
    }

    /// Section 3.4.1: nothing is applied unless every change is well formed.
    pub(super) fn prescan(&self, changes: &[Record]) -> Result<(), ResponseCode> {
        for change in changes {
            self.inside(&change.name)?;
            let kind = change.record_type();
            let empty = change.data.is_update();
            let well_formed = match change.dns_class {
                DNSClass::IN => !empty && !is_meta(kind),
                DNSClass::ANY => change.ttl == 0 && empty && (kind == RecordType::ANY || !is_meta(kind)),
                DNSClass::NONE => change.ttl == 0 && !empty && !is_meta(kind),
                _ => false,
            };
            if !well_formed {
                return Err(ResponseCode::FormErr);
            }
        }
        Ok(())
    }

    /// Section 3.4.2, in order; bumps the serial once when anything changed. True when something did.
    pub(super) fn apply(&mut self, changes: &[Record]) -> bool {
        let before = self.serial();
        let mut changed = false;
        for change in changes {
            let name = LowerName::new(&change.name);
            let kind = change.record_type();
            changed |= match change.dns_class {
                DNSClass::IN => self.add(&name, change),
                DNSClass::ANY if kind == RecordType::ANY => self.delete_name(&name),
                DNSClass::ANY => self.delete_set(&name, kind),
                _ => self.delete_one(&name, kind, &change.data),
            };
        }
        if changed && self.serial() == before {
            self.bump_serial();
        }
        changed
    }

    pub(super) fn serial(&self) -> Option<u32> {
        let set = self.get(&self.origin, RecordType::SOA)?;
        data(set).find_map(|data| if let RData::SOA(soa) = data { Some(soa.serial) } else { None })
    }

    pub(super) fn put(&mut self, name: &LowerName, kind: RecordType, ttl_s: u32, all: Vec<RData>) {
        let key = RrKey::new(name.clone(), kind);
        if all.is_empty() {
            self.records.remove(&key);
            return;
        }
        let mut set = RecordSet::with_ttl(Name::from(name.clone()), kind, ttl_s);
        for data in all {
            set.add_rdata(data);
        }
        self.records.insert(key, Arc::new(set));
    }

    fn add(&mut self, name: &LowerName, change: &Record) -> bool {
        let kind = change.record_type();
        let alias_there = self.get(name, RecordType::CNAME).is_some();
        if kind == RecordType::CNAME {
            let other_there = self.in_use(name) && !alias_there;
            if other_there {
                return false;
            }
        } else if alias_there {
            return false;
        }
        if kind == RecordType::SOA && !self.soa_advances(name, &change.data) {
            return false;
        }
        let present = self.get(name, kind);
        let mut all: Vec<RData> = match kind {
            RecordType::CNAME | RecordType::SOA => Vec::new(),
            _ => present.map(|set| data(set).cloned().collect()).unwrap_or_default(),
        };
        if present.is_some_and(|set| set.ttl() == change.ttl && data(set).any(|have| *have == change.data)) {
            return false;
        }
        if !all.contains(&change.data) {
            all.push(change.data.clone());
        }
        self.put(name, kind, change.ttl, all);
        true
    }

    fn soa_advances(&self, name: &LowerName, data: &RData) -> bool {
        let (RData::SOA(new), Some(old)) = (data, self.serial()) else { return false };
        // RFC 1982: greater, in a circle of 32 bits.
        *name == self.origin && new.serial != old && new.serial.wrapping_sub(old) < 1 << 31
    }

    fn delete_name(&mut self, name: &LowerName) -> bool {
        let kinds: Vec<_> =
            self.records.keys().filter(|key| key.name == *name).map(|key| key.record_type).collect();
        kinds.into_iter().fold(false, |changed, kind| self.delete_set(name, kind) | changed)
    }

    fn delete_set(&mut self, name: &LowerName, kind: RecordType) -> bool {
        if *name == self.origin && matches!(kind, RecordType::SOA | RecordType::NS) {
            return false;
        }
        self.records.remove(&RrKey::new(name.clone(), kind)).is_some()
    }

    fn delete_one(&mut self, name: &LowerName, kind: RecordType, gone: &RData) -> bool {
        let Some(set) = self.get(name, kind) else { return false };
        let left: Vec<RData> = data(set).filter(|have| *have != gone).cloned().collect();
        let last_ns = *name == self.origin && kind == RecordType::NS && left.is_empty();
        if kind == RecordType::SOA || last_ns || left.len() == data(set).count() {
            return false;
        }
        let ttl_s = set.ttl();
        self.put(name, kind, ttl_s, left);
        true
    }

    fn bump_serial(&mut self) {
        let Some(set) = self.get(&self.origin, RecordType::SOA) else { return };
        let ttl_s = set.ttl();
        let mut all: Vec<RData> = data(set).cloned().collect();
        for data in &mut all {
            if let RData::SOA(soa) = data {
                // Zero is skipped: some secondaries take it for "no serial yet".
                soa.serial = soa.serial.wrapping_add(1).max(1);
            }
        }
        self.put(&self.origin.clone(), RecordType::SOA, ttl_s, all);
    }

    fn get(&self, name: &LowerName, kind: RecordType) -> Option<&RecordSet> {
        self.records.get(&RrKey::new(name.clone(), kind)).map(AsRef::as_ref).filter(|set| !set.is_empty())
    }

    fn in_use(&self, name: &LowerName) -> bool {
        self.records.iter().any(|(key, set)| key.name == *name && !set.is_empty())
    }

    fn inside(&self, name: &Name) -> Result<LowerName, ResponseCode> {
        let name = LowerName::new(name);
        if self.origin.zone_of(&name) { Ok(name) } else { Err(ResponseCode::NotZone) }
    }
}

fn data(set: &RecordSet) -> impl Iterator<Item = &RData> {
    set.records_without_rrsigs().map(|record| &record.data)
}

/// Types that no zone can hold: OPT, and the block of question and transaction types.
fn is_meta(kind: RecordType) -> bool {
    kind == RecordType::OPT || (249..=255).contains(&u16::from(kind))
}

#[cfg(test)]
mod tests;
