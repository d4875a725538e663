//! Dynamic DNS: the record follows the active member's own address (safety.md 4.4).
//!
//! Nobody moves the record to an address by saying so: the member declares it in a signed heartbeat, and two vantage
//! points get its heartbeats from there. It is no move: nobody takes over, so no role, no hold-down, nothing that counts
//! towards the third move. It is recorded all the same, since every console has to keep the rest between two.

use std::net::Ipv4Addr;

use model::settings::{DynamicDns, Targets};
use model::{MemberId, Span, Time};

use crate::io::{Cause, Claim, MoveRecord, Output, State};
use crate::machine::Machine;

/// The record follows an address at most once in this span.
const REST: Span = Span::from_s(300);
/// When nothing was sent, the next try needs no such rest, only a breath.
const BREATH: Span = Span::from_s(10);
/// What vantage points see is told once a second; older than this it does not count.
const SEEN_FRESH: Span = Span::from_s(5);

/// Why an address may not become a member's, if it may not: what an adoption asks of it as well. `others` are the rest of
/// the members, with their names.
pub fn unpublishable<'n>(
    targets: Targets,
    ip: Ipv4Addr,
    others: impl IntoIterator<Item = (&'n str, Ipv4Addr)>,
) -> Option<String> {
    if let Some((name, _)) = others.into_iter().find(|(_, address)| *address == ip) {
        return Some(format!("{ip} is the address of {name}"));
    }
    if ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast() {
        return Some(format!("{ip} is no address of a host"));
    }
    let barred = targets == Targets::Public && !crate::ready::is_public(ip);
    barred.then(|| format!("{ip} is not public, and this pool publishes public addresses only"))
}

impl Machine {
    /// The address that the active member declares, that two vantage points see, and that this pool may publish.
    pub(crate) fn seen_address(&self, now: Time, member: MemberId) -> Option<Ipv4Addr> {
        let (of, ip, at) = self.new_address?;
        let declared = self.sight.get(member)?.facts.as_ref()?.ip;
        let fresh = of == member && now - at <= SEEN_FRESH && declared == Some(ip);
        let on = self.policy.settings.dynamic_dns == DynamicDns::On;
        (on && fresh && self.barred(member, ip).is_none()).then_some(ip)
    }

    fn barred(&self, member: MemberId, ip: Ipv4Addr) -> Option<String> {
        let others = self.roster.members.iter().filter(|(id, _)| **id != member);
        let others = others.map(|(_, entry)| (entry.name.as_str(), entry.address));
        unpublishable(self.policy.settings.targets, ip, others)
    }

    /// Whether the record followed an address so lately that it may not again.
    pub(crate) fn followed_lately(&self, now: Time) -> bool {
        self.ddns_at.is_some_and(|at| now - at < REST) || self.hold.followed_within(now, REST)
    }

    /// Nothing was sent: the rest is for what was written.
    pub(crate) fn ddns_withdrawn(&mut self, now: Time) {
        self.ddns_at = Some((now + BREATH).minus(REST));
    }

    /// A changed address goes into the shared records: every console keeps the rest, and the story shows it.
    pub(crate) fn record_address(&mut self, now: Time, claim: &Claim, out: &mut Vec<Output>) {
        let record = MoveRecord {
            epoch: claim.epoch,
            age: Span::ZERO,
            cause: Cause::Ddns,
            from: None,
            to: claim.member,
            acknowledged: false,
            verified: false,
        };
        self.hold.add(now, record);
        let incident = claim.incident.or(self.incident);
        let incident =
            incident.unwrap_or_else(|| self.incident_of(claim.epoch.saturating_sub(1), claim.member));
        out.push(Output::Moved(record, incident));
    }

    /// Why the record does not follow the active member to `declared`, beyond what vantage points see; nothing when
    /// it is there, or about to follow.
    pub(crate) fn address_waits(&self, now: Time) -> Option<String> {
        let active = self.active?;
        let declared = self.sight.get(active)?.facts.as_ref()?.ip?;
        let standing = self.memory.marker.as_ref()?.address;
        if declared == standing {
            return None;
        }
        if let Some(words) = self.barred(active, declared) {
            return Some(words);
        }
        self.seen_address(now, active)?;
        if let Some(lack) = self.claim_lacks(now, Cause::Ddns, active).first() {
            return Some(self.lack_words(lack));
        }
        if self.followed_lately(now) {
            return Some("it followed an address within the last five minutes".to_owned());
        }
        let working = matches!(self.state, State::Steady | State::Claim | State::Write | State::Verify);
        (!working).then(|| format!("it follows in STEADY, and stands in {}", self.state.word()))
    }
}
