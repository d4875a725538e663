//! Who could take the traffic (safety.md 3.2). This is the only meaning of Ready; the failover delay is no part of it
//! beyond bounding an age.

use std::cmp::Reverse;
use std::net::Ipv4Addr;

use model::haproxy::Down;
use model::settings::{Preset, Targets};
use model::{MemberId, Span, Time};

use crate::io::Part;
use crate::machine::Machine;
use crate::sight::{Heard, TESTIMONY_FRESH};
use crate::verdict::Verdict;

/// A standby's life may be at most this old, or D if that is less.
const AGE_MAX: Span = Span::from_s(10);
/// An answer of its port counts this long.
const ANSWER_FRESH: Span = Span::from_s(10);

/// What keeps a member from being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    NotInRoster,
    Witness,
    Planned,
    Maintenance,
    TimeTravel,
    NotUp(Verdict),
    Late,
    Missed,
    ServiceDown,
    ConfigUnchecked,
    ConfigInvalid,
    NoAddress,
    OtherAddress,
    NotPublic,
    PortSilent,
    AgentStopped,
}

impl Bar {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::NotInRoster => "is not in the roster",
            Self::Witness => "is a witness",
            Self::Planned => "has planned work going on",
            Self::Maintenance => "is in maintenance",
            Self::TimeTravel => "was restored from a memory snapshot; restart its agent",
            Self::NotUp(Verdict::Unknown) => "has not been heard yet",
            Self::NotUp(Verdict::SvcDown) | Self::ServiceDown => "says that its HAProxy does not serve",
            Self::NotUp(_) => "is silent",
            Self::Late => "was heard too long ago",
            Self::Missed => "has not sent at least 8 of its last 10 heartbeats",
            Self::ConfigUnchecked => "has not checked the configuration it runs",
            Self::ConfigInvalid => "runs a configuration that `haproxy -c` refuses",
            Self::NoAddress => "declares no IPv4 address",
            Self::OtherAddress => "declares another IPv4 address than the enrolled one",
            Self::NotPublic => "has an address that is not public, and this pool publishes public ones only",
            Self::PortSilent => "has a service port that answered nobody within 10 s",
            Self::AgentStopped => "has stopped its agent",
        }
    }
}

impl Machine {
    /// What keeps `member` from being ready; nothing when it is.
    pub(crate) fn bar(&self, now: Time, member: MemberId) -> Option<Bar> {
        let Some(entry) = self.roster.members.get(&member) else { return Some(Bar::NotInRoster) };
        if entry.part == Part::Witness {
            return Some(Bar::Witness);
        }
        let Some(seen) = self.sight.get(member) else { return Some(Bar::NotInRoster) };
        let Some(facts) = seen.facts.as_ref() else { return Some(Bar::NotUp(Verdict::Unknown)) };
        let Some(age) = seen.bounded_age(now) else { return Some(Bar::NotUp(Verdict::Unknown)) };
        let settings = &self.policy.settings;
        if seen.planned(now) {
            return Some(Bar::Planned);
        }
        if facts.maintenance {
            return Some(Bar::Maintenance);
        }
        if seen.time_travelled() {
            return Some(Bar::TimeTravel);
        }
        if facts.goodbye.is_some() {
            return Some(Bar::AgentStopped);
        }
        if age > settings.suspect_after() {
            return Some(Bar::NotUp(Verdict::Suspect));
        }
        if age > AGE_MAX.min(settings.delay()) {
            return Some(Bar::Late);
        }
        if !seen.beats_enough() {
            return Some(Bar::Missed);
        }
        if facts.monitored && settings.preset == Preset::Haproxy {
            match (facts.down, facts.cfg_valid) {
                (Down::Stopped | Down::CrashLoop | Down::Hung, _) => return Some(Bar::ServiceDown),
                (Down::None, None) => return Some(Bar::ConfigUnchecked),
                (Down::None, Some(false)) => return Some(Bar::ConfigInvalid),
                (Down::None, Some(true)) => {}
            }
        }
        self.address_bar(facts.ip, entry.address).or_else(|| {
            let silent = settings.probe_port.is_some() && !self.port_answered(now, member);
            silent.then_some(Bar::PortSilent)
        })
    }

    fn address_bar(&self, declared: Option<Ipv4Addr>, enrolled: Ipv4Addr) -> Option<Bar> {
        match declared {
            None => Some(Bar::NoAddress),
            Some(ip) if ip != enrolled => Some(Bar::OtherAddress),
            Some(ip) if self.policy.settings.targets == Targets::Public && !is_public(ip) => {
                Some(Bar::NotPublic)
            }
            Some(_) => None,
        }
    }

    /// Whether the service port answered some vantage other than the member itself.
    fn port_answered(&self, now: Time, member: MemberId) -> bool {
        let own = self.sight.get(member).and_then(|seen| seen.probe_answered);
        if own.is_some_and(|at| now - at <= ANSWER_FRESH) {
            return true;
        }
        self.sight.testimonies(member).any(|(_, said)| {
            let fresh = said.made_after.is_some_and(|made| now - made <= TESTIMONY_FRESH);
            fresh && said.service_answers == Some(true)
        })
    }

    /// The standby that would take over: ready, then not in quarantine, operator's priority, longest ready, id.
    pub(crate) fn best_standby(&self, now: Time) -> Option<MemberId> {
        self.standbys().filter(|id| self.bar(now, *id).is_none()).min_by_key(|id| self.order(now, *id))
    }

    /// Smallest takes over first.
    pub(crate) fn order(&self, now: Time, id: MemberId) -> (bool, u32, Reverse<Span>, MemberId) {
        let priority = self.roster.members.get(&id).map_or(u32::MAX, |entry| entry.priority);
        (self.hold.quarantined(id, now), priority, Reverse(self.ready_streak(now, id)), id)
    }

    /// How long a member has been ready without a break.
    pub(crate) fn ready_streak(&self, now: Time, member: MemberId) -> Span {
        let since = self.sight.get(member).and_then(|seen| seen.ready_since);
        since.map_or(Span::ZERO, |since| now - since)
    }

    /// Keeps the streak of a member that was just heard from.
    pub(crate) fn note_streak(&mut self, now: Time, member: MemberId, heard: Heard, gap: Option<Span>) {
        if heard == Heard::Nothing {
            return;
        }
        let ready = self.bar(now, member).is_none();
        let broken = gap.is_none_or(|gap| gap > AGE_MAX.min(self.policy.settings.delay()));
        if let Some(seen) = self.sight.seen.get_mut(&member) {
            seen.ready_since = match seen.ready_since {
                Some(since) if ready && !broken => Some(since),
                Some(_) | None => ready.then_some(now),
            };
        }
    }

    /// Whether the active member's own agent and configuration deserve a remark; it blocks nothing.
    pub(crate) fn remarks(&self, member: MemberId) -> Vec<String> {
        let facts = |id| self.sight.get(id).and_then(|seen| seen.facts.as_ref());
        let (Some(own), Some(active)) = (facts(member), self.active.and_then(facts)) else {
            return Vec::new();
        };
        let mut remarks = Vec::new();
        if own.cfg != 0 && active.cfg != 0 && own.cfg != active.cfg {
            remarks.push("its configuration differs from the active member's".to_owned());
        }
        if own.agent_version != active.agent_version {
            remarks.push(format!(
                "its agent is {}, the active member's {}",
                own.agent_version, active.agent_version
            ));
        }
        remarks
    }
}

/// Globally reachable unicast IPv4; documentation ranges are not.
pub fn is_public(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127 | 224..=255, ..)
        | (169, 254, _)
        | (192, 168, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18 | 19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        (100, b, _) => (64..=127).contains(&b),
        (172, b, _) => (16..=31).contains(&b),
        _ => false,
    };
    !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reachable_addresses_are_public() {
        for text in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1", "198.20.0.1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.1.2.3",
            "10.0.0.1",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.9.9",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }
}
