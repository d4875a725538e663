//! Dynamic DNS: members whose own address changes (safety.md 4.4).
//!
//! Once a second this collects, for pools that turn it on, what each member declares and from where others get its
//! heartbeats, and tells the pool's machine, which alone decides about the record. Vantage points are other members'
//! relays, by their signed word, and this console's own link, on which the member proved its key: a member moves nothing
//! to an address it does not come from.
//!
//! The roster follows as well, so that links dial the new address: signed here, if this console may sign rosters and
//! holds the pool's lease. For the active member only after its record was written: a new roster sends the pool through
//! COLD, and what the world asks for goes first. A holder that is no owner says what an owner has to sign.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use api::view::incident::NoticeView;
use api::view::pool::DynamicDnsView;
use evaluator::Explanation;
use evaluator::io::{Input, State};
use model::settings::DynamicDns;
use model::{MemberId, Span, Time};
use protocol::docs::{MemberEntry, Part, Policy, Role};
use protocol::sources::Source;

use crate::inner::Inner;
use crate::watch::Ask;
use crate::{clock, surroundings};

/// How often members' addresses are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A member's address in the roster follows at most once in this span.
const REST: Span = Span::from_s(300);
/// How many vantage points must see a member where it says it is.
const VANTAGES: usize = 2;

/// What is known of one member's address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    /// As the roster has it.
    enrolled: Ipv4Addr,
    /// As its newest heartbeat says.
    declared: Option<Ipv4Addr>,
    /// Who gets its heartbeats from where.
    seen: Vec<(String, IpAddr)>,
}

impl Known {
    /// Who sees it at this address.
    fn seen_at(&self, ip: Ipv4Addr) -> Vec<&str> {
        self.seen.iter().filter(|(_, at)| *at == ip).map(|(by, _)| by.as_str()).collect()
    }

    /// The address that it declares and enough vantage points see, if it is not the enrolled one.
    fn proven_change(&self) -> Option<Ipv4Addr> {
        let declared = self.declared.filter(|ip| *ip != self.enrolled)?;
        (self.seen_at(declared).len() >= VANTAGES).then_some(declared)
    }
}

/// Collects addresses until the engine ends.
pub(crate) async fn watch_addresses(inner: Arc<Inner>) {
    let mut rounds = tokio::time::interval(LOOK_EVERY);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut signed = BTreeMap::new();
    loop {
        rounds.tick().await;
        for policy in inner.fleet.policies() {
            look_at_pool(&inner, &policy, &mut signed).await;
        }
    }
}

async fn look_at_pool(inner: &Arc<Inner>, policy: &Policy, signed: &mut BTreeMap<MemberId, Time>) {
    let roster = inner.fleet.roster();
    let members = roster.members.iter().filter(|one| one.pool == policy.pool && one.part == Part::Member);
    if policy.settings.dynamic_dns == DynamicDns::Off {
        members.for_each(|entry| inner.reach.try_elsewhere(entry.id, None));
        return;
    }
    let Some(watch) = inner.watch_of(policy.pool) else { return };
    for entry in members {
        let known = known(inner, entry);
        let declared = known.declared;
        let elsewhere = declared.filter(|ip| *ip != known.enrolled && !known.seen_at(*ip).is_empty());
        inner.reach.try_elsewhere(entry.id, elsewhere.map(IpAddr::V4));
        if let Some(ip) = declared {
            let vantages = known.seen_at(ip).len() as u32;
            watch.tell(Ask::Input(Input::SourceSeen { member: entry.id, ip, vantages }));
        }
        let now = clock::now();
        let rested = signed.get(&entry.id).is_none_or(|at| now - *at >= REST);
        let Some(ip) = known.proven_change().filter(|_| rested) else { continue };
        let Some(explained) = watch.explain().await else { continue };
        if inner.fleet.role() == Some(Role::Owner) && may_sign(inner, policy, entry, &explained, ip) {
            signed.insert(entry.id, now);
            sign(inner, policy, entry, ip);
            // The rest of the pool is looked at with the new roster.
            return;
        }
    }
}

/// What this console knows of a member's address.
fn known(inner: &Inner, entry: &MemberEntry) -> Known {
    let roster = inner.fleet.roster();
    let own = surroundings::own_addresses();
    let is_own = |address: Ipv4Addr| own.contains(&IpAddr::V4(address));
    let (declared, said) = {
        let sightings = inner.sightings();
        let declared = sightings.seen(entry.id).and_then(|seen| seen.heartbeat.ip);
        (declared, sightings.sources_of(clock::now(), entry.id))
    };
    // Witnesses of the pool see as well as its members do; whoever else says something has no say here.
    let pool: Vec<_> = roster.of_pool(entry.pool).collect();
    let of_pool = |by: MemberId| pool.iter().find(|one| one.id == by);
    let mut seen: Vec<_> =
        said.into_iter().filter_map(|(by, at)| of_pool(by).map(|one| (one.name.clone(), at))).collect();
    // This console and a member that it runs beside are one vantage point; beside the member itself it is none.
    let beside = pool.iter().find(|one| is_own(one.address));
    let counts = beside.is_none_or(|one| one.id != entry.id && seen.iter().all(|(by, _)| *by != one.name));
    if let Some(at) = inner.reach.reached_at(entry.id).filter(|_| counts) {
        seen.push(("this console".to_owned(), at));
    }
    Known { name: entry.name.clone(), enrolled: entry.address, declared, seen }
}

/// Whether the roster may follow now: this console works for the pool, nothing is under way, and the record of an
/// active member is there already.
fn may_sign(
    inner: &Inner,
    policy: &Policy,
    entry: &MemberEntry,
    explained: &Explanation,
    ip: Ipv4Addr,
) -> bool {
    let roster = inner.fleet.roster();
    let others = roster.members.iter().filter(|one| one.id != entry.id);
    let others = others.map(|one| (one.name.as_str(), one.address));
    let barred = evaluator::unpublishable(policy.settings.targets, ip, others).is_some();
    let calm = matches!(explained.state, State::Steady | State::Hold);
    let followed = explained.active != Some(entry.id) || explained.published == Some(ip);
    explained.lease.held && calm && followed && !barred
}

fn sign(inner: &Arc<Inner>, policy: &Policy, entry: &MemberEntry, ip: Ipv4Addr) {
    let text = format!("the address of {} changed from {} to {ip}", entry.name, entry.address);
    let changed = inner.fleet.change_roster(&**inner, |roster| {
        roster.members.iter_mut().filter(|one| one.id == entry.id).for_each(|one| readdress(one, ip));
        Ok(())
    });
    match changed {
        Ok(_) => {
            tracing::warn!(pool = %policy.pool.short(), "{text}: the roster says so from now on");
            inner.documents_changed();
            inner.events.notice(NoticeView {
                topic: "address".to_owned(),
                pool: Some(policy.pool),
                incident: None,
                text,
                at_ms: clock::wall_ms(),
            });
        }
        Err(error) => {
            tracing::warn!(pool = %policy.pool.short(), "{text}, and the roster could not be signed: {error:#}");
        }
    }
}

/// Gives a member another address: what DNS publishes, where its relay is dialled, and where it may call from.
pub(crate) fn readdress(entry: &mut MemberEntry, ip: Ipv4Addr) {
    let former = std::mem::replace(&mut entry.address, ip);
    let single = Source::address(IpAddr::V4(former));
    entry.sources.retain(|source| *source != single);
    if !entry.sources.iter().any(|source| source.covers(IpAddr::V4(ip))) {
        entry.sources.push(Source::address(IpAddr::V4(ip)));
    }
    if let Some(relay) = entry.relay.as_mut().filter(|relay| relay.ip().to_canonical() == former) {
        relay.set_ip(IpAddr::V4(ip));
    }
}

/// Dynamic DNS of a pool in words, both sides named; none before it has a name.
pub(crate) fn view(
    inner: &Inner,
    policy: &Policy,
    explained: Option<&Explanation>,
) -> Option<DynamicDnsView> {
    policy.managed.as_ref()?;
    let on = policy.settings.dynamic_dns == DynamicDns::On;
    let roster = inner.fleet.roster();
    let active = explained.and_then(|explained| explained.active).and_then(|id| roster.member(id));
    let Some((explained, entry)) = explained.zip(active) else {
        return Some(DynamicDnsView { on, words: "no active member is known here".to_owned() });
    };
    let published = explained.published.unwrap_or(entry.address);
    let waits = explained.address_waits.as_deref();
    let owner = inner.fleet.role() == Some(Role::Owner);
    Some(DynamicDnsView { on, words: words(on, owner, &policy.name, published, waits, &known(inner, entry)) })
}

fn words(
    on: bool,
    owner: bool,
    pool: &str,
    published: Ipv4Addr,
    waits: Option<&str>,
    known: &Known,
) -> String {
    let name = &known.name;
    let Some(declared) = known.declared else {
        return format!("{name} declares no IPv4 address; {published} stays published");
    };
    if declared == published {
        let mut words = format!("{name} declares {declared}, which is published");
        if known.enrolled != declared {
            let by = if owner { "the roster follows" } else { "an owner has to sign it" };
            let enrolled = known.enrolled;
            // Writing to a text cannot fail.
            let _ = write!(
                words,
                "; the roster still has {enrolled}: {by} (`serversctl member set {name} --address {declared}`)"
            );
        }
        let elsewhere = known.seen.iter().filter(|(_, at)| on && *at != declared);
        for (by, at) in elsewhere {
            let _ =
                write!(words, "; {by} sees it at {at}, which it does not declare: nothing follows it there");
        }
        return words;
    }
    let differs = format!("{name} declares {declared}, and {published} is published");
    if !on {
        return format!(
            "{differs}; nothing follows it: turn dynamic DNS on (`serversctl pool set {pool} --dynamic-dns on`), or \
             set its address by hand (`serversctl member set {name} --address {declared}`)"
        );
    }
    let there = known.seen_at(declared);
    if there.len() < VANTAGES {
        let seen: Vec<_> = known.seen.iter().map(|(by, at)| format!("{by} sees it at {at}")).collect();
        let seen = if seen.is_empty() { "nobody sees its source now".to_owned() } else { seen.join(", ") };
        return format!(
            "{differs}; {seen}; {VANTAGES} vantage points must see it at {declared}, {} {}: nothing moves",
            there.len(),
            if there.len() == 1 { "does" } else { "do" }
        );
    }
    let there = there.join(" and ");
    match waits {
        Some(waits) => format!("{differs}; {there} see it at {declared}; it does not follow: {waits}"),
        None => format!("{differs}; {there} see it at {declared}: the record follows"),
    }
}

#[cfg(test)]
mod tests {
    use protocol::key::SecretKey;

    use super::*;

    const OLD: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
    const NEW: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

    fn known(declared: Option<Ipv4Addr>, seen: &[(&str, Ipv4Addr)]) -> Known {
        let seen = seen.iter().map(|(by, at)| ((*by).to_owned(), IpAddr::V4(*at))).collect();
        Known { name: "lb1".to_owned(), enrolled: OLD, declared, seen }
    }

    #[test]
    fn a_change_is_proven_by_two_who_see_what_the_member_declares() {
        let two = [("lb2", NEW), ("lb3", NEW)];
        assert_eq!(known(Some(NEW), &two).proven_change(), Some(NEW));
        assert_eq!(known(Some(NEW), &two[..1]).proven_change(), None);
        assert_eq!(known(Some(NEW), &[("lb2", OLD), ("lb3", NEW)]).proven_change(), None);
        assert_eq!(known(Some(Ipv4Addr::new(203, 0, 113, 66)), &two).proven_change(), None, "a lie");
        assert_eq!(known(None, &two).proven_change(), None);
        assert_eq!(known(Some(OLD), &[("lb2", OLD), ("lb3", OLD)]).proven_change(), None, "no change");
    }

    #[test]
    fn the_words_name_both_sides() {
        let said = |on, waits, known: &Known| words(on, true, "web", OLD, waits, known);
        let off = said(false, None, &known(Some(NEW), &[]));
        assert!(
            off.contains("declares 203.0.113.9, and 203.0.113.7 is published; nothing follows it"),
            "{off}"
        );
        assert!(off.contains("pool set web --dynamic-dns on"), "{off}");
        let lie = said(true, None, &known(Some(NEW), &[("lb2", OLD), ("lb3", OLD)]));
        assert!(lie.contains("lb2 sees it at 203.0.113.7, lb3 sees it at 203.0.113.7"), "{lie}");
        assert!(lie.ends_with("2 vantage points must see it at 203.0.113.9, 0 do: nothing moves"), "{lie}");
        let two = known(Some(NEW), &[("lb2", NEW), ("lb3", NEW)]);
        assert!(said(true, None, &two).ends_with("lb2 and lb3 see it at 203.0.113.9: the record follows"));
        let waits = said(true, Some("the pool is paused"), &two);
        assert!(waits.ends_with("it does not follow: the pool is paused"), "{waits}");
        let pinned = said(true, None, &known(Some(OLD), &[("lb2", NEW)]));
        assert!(pinned.contains("lb2 sees it at 203.0.113.9, which it does not declare"), "{pinned}");
        let equal = words(true, false, "web", NEW, None, &two);
        assert!(equal.contains("the roster still has 203.0.113.7: an owner has to sign it"), "{equal}");
    }

    #[test]
    fn another_address_takes_the_place_of_the_old_one_and_of_nothing_else() {
        let mut entry = MemberEntry {
            id: MemberId::from_number(1),
            key: SecretKey::from_bytes(&[1; 32]).public(),
            name: "lb1".to_owned(),
            hostname: "lb1".to_owned(),
            address: OLD,
            sources: vec!["203.0.113.7".parse().unwrap(), "2001:db8::/64".parse().unwrap()],
            pool: model::PoolId::from_number(1),
            part: Part::Member,
            priority: 0,
            relay: Some((OLD, 7443).into()),
            witness_for: Vec::new(),
            place: None,
        };
        readdress(&mut entry, NEW);
        assert_eq!((entry.address, entry.relay), (NEW, Some((NEW, 7443).into())));
        assert_eq!(entry.sources, ["2001:db8::/64".parse().unwrap(), "203.0.113.9".parse().unwrap()]);
        // A relay that is dialled by another address, and a network that covers the new one, stay as they are.
        entry.relay = Some("10.0.0.1:7500".parse().unwrap());
        entry.sources = vec!["203.0.113.0/24".parse().unwrap()];
        readdress(&mut entry, OLD);
        assert_eq!(entry.relay, Some("10.0.0.1:7500".parse().unwrap()));
        assert_eq!(entry.sources, ["203.0.113.0/24".parse().unwrap()]);
    }
}
