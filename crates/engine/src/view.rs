//! The evaluator's and the documents' values as the api's views.

use api::view::explain::{Explanation as ExplanationView, Missing, Next};
use api::view::member::{Light, LightState, Lights, MemberStatus, Role, Verdict as VerdictView};
use api::view::pool::{Blind, LeaseView, PauseView, PoolStatus, RegisterView, Voters};
use api::view::{Answer, YesNo};
use evaluator::io::{MarkerText, Reading};
use evaluator::{Blindness, Explanation, MemberView as Explained, Says, Verdict};
use model::{MemberId, Time};
use protocol::docs::Policy;

use crate::inner::Inner;
use crate::story::evidence_view;
use crate::{clock, ddns, words};

/// A pool's status out of its machine's explanation.
pub(crate) fn pool_status(inner: &Inner, policy: &Policy, explained: &Explanation) -> PoolStatus {
    let roster = inner.fleet.roster();
    PoolStatus {
        id: policy.pool,
        name: policy.name.clone(),
        hostname: policy.managed.as_ref().map(|managed| managed.hostname.clone()),
        traffic: answer(&explained.serving),
        standbys: answer(&explained.takeover),
        would_move: answer(&explained.would_move),
        state: words::state(explained.state).to_owned(),
        state_age_ms: explained.since_ms,
        reason: explained.sentence.clone(),
        epoch: explained.epoch.unwrap_or(0),
        active: explained.active,
        armed: policy.settings.arming == model::settings::Arming::Armed,
        pause: pause(policy),
        lease: lease(inner, explained),
        voters: Voters {
            heard: explained.voters.heard as u32,
            needed: explained.voters.needed.map_or(0, |needed| needed as u32),
            total: explained.voters.all as u32,
        },
        dynamic_dns: ddns::view(inner, policy, Some(explained)),
        members: explained
            .members
            .iter()
            .map(|member| {
                let address = roster.member(member.member).map(|entry| entry.address.to_string());
                member_status(inner, member, address.unwrap_or_default())
            })
            .collect(),
        register: explained
            .record
            .as_ref()
            .map(|reading| RegisterView { fault: explained.record_fault.clone(), ..register(reading) }),
        incident: explained.incident,
        blind: explained.blind.map(|blind| match blind {
            Blindness::OwnSight => Blind::OwnSight,
            Blindness::Provider => Blind::Provider,
        }),
        ttl_s: ttl_s(policy),
    }
}

fn ttl_s(policy: &Policy) -> Option<u32> {
    policy.managed.as_ref().map(|_| policy.settings.ttl_s)
}

/// A pool's status on a host that does not watch.
pub(crate) fn unwatched_status(inner: &Inner, policy: &Policy) -> PoolStatus {
    let unknown = || Answer {
        verdict: YesNo::Unknown,
        reason: "nobody watches on this computer: start `serversctl watch` or the desktop".to_owned(),
        evidence: Vec::new(),
    };
    PoolStatus {
        id: policy.pool,
        name: policy.name.clone(),
        hostname: policy.managed.as_ref().map(|managed| managed.hostname.clone()),
        traffic: unknown(),
        standbys: unknown(),
        would_move: unknown(),
        state: "UNWATCHED".to_owned(),
        state_age_ms: 0,
        reason: unknown().reason,
        epoch: 0,
        active: None,
        armed: policy.settings.arming == model::settings::Arming::Armed,
        pause: pause(policy),
        lease: LeaseView::Nobody { why: unknown().reason },
        voters: Voters {
            heard: 0,
            needed: 0,
            total: inner.fleet.roster().of_pool(policy.pool).count() as u32,
        },
        dynamic_dns: ddns::view(inner, policy, None),
        members: Vec::new(),
        register: None,
        incident: None,
        blind: None,
        ttl_s: ttl_s(policy),
    }
}

/// What is left of a pool's pause.
pub(crate) fn pause(policy: &Policy) -> Option<PauseView> {
    let pause = policy.pause.as_ref()?;
    let remaining_ms = pause.until_unix_ms.checked_sub(clock::wall_ms()).filter(|left| *left > 0)?;
    Some(PauseView { remaining_ms, by: pause.by.clone(), why: pause.why.clone() })
}

fn lease(inner: &Inner, explained: &Explanation) -> LeaseView {
    if explained.lease.held {
        return LeaseView::Mine;
    }
    let roster = inner.fleet.roster();
    match explained.lease.holder {
        Some(holder) => LeaseView::Other {
            console: holder.console,
            name: roster
                .console(holder.console)
                .map_or_else(|| holder.console.short(), |entry| entry.name.clone()),
        },
        None => LeaseView::Nobody { why: explained.lease.reason.clone() },
    }
}

fn answer(answer: &evaluator::Answer) -> Answer {
    let verdict = match answer.says {
        Says::Yes => YesNo::Yes,
        Says::No => YesNo::No,
        Says::Unknown => YesNo::Unknown,
    };
    Answer { verdict, reason: answer.reason.clone(), evidence: Vec::new() }
}

/// One member as its pool's machine sees it.
pub(crate) fn member_status(inner: &Inner, explained: &Explained, address: String) -> MemberStatus {
    let ready = match &explained.bar {
        _ if explained.active || explained.witness => (YesNo::No, "is not a standby".to_owned()),
        Some(bar) => (YesNo::No, bar.clone()),
        None => (YesNo::Yes, "could take over now".to_owned()),
    };
    let now = clock::now();
    // One lock at a time: the lights look at the sightings again.
    let age_ms = inner.sightings().seen(explained.member).map(|seen| (now - seen.received).as_ms());
    MemberStatus {
        id: explained.member,
        name: explained.name.clone(),
        address,
        role: match (explained.witness, explained.active) {
            (true, _) => Role::Witness,
            (false, true) => Role::Active,
            (false, false) => Role::Standby,
        },
        verdict: verdict(explained.verdict),
        health: explained.health.clone(),
        ready: Answer { verdict: ready.0, reason: ready.1, evidence: Vec::new() },
        age_ms,
        evidence: explained.evidence.iter().map(evidence_view).collect(),
        lights: lights(inner, explained.member, now),
    }
}

fn verdict(verdict: Verdict) -> VerdictView {
    match verdict {
        Verdict::Unknown => VerdictView::Unknown,
        Verdict::Up => VerdictView::Up,
        Verdict::Suspect => VerdictView::Suspect,
        Verdict::Down => VerdictView::Down,
        Verdict::SvcDown => VerdictView::ServiceDown,
        Verdict::AgentLost => VerdictView::AgentLost,
    }
}

/// The four lights of a member: each can be lit or dark by itself.
fn lights(inner: &Inner, member: MemberId, now: Time) -> Lights {
    let seen = inner.sightings().seen(member).cloned();
    let (agent, service) = match &seen {
        Some(seen) => {
            let age_ms = (now - seen.received).as_ms();
            let alive = if age_ms <= 3_000 { LightState::On } else { LightState::Off };
            let agent = light(alive, Some(age_ms), "any relay", "its newest signed heartbeat");
            let haproxy = &seen.heartbeat.haproxy;
            let service = if !haproxy.monitored {
                light(LightState::Unknown, Some(age_ms), "the member itself", "HAProxy is not watched there")
            } else if haproxy.down == model::haproxy::Down::None {
                light(LightState::On, Some(age_ms), "the member itself", "HAProxy serves")
            } else {
                light(LightState::Off, Some(age_ms), "the member itself", &haproxy.reason)
            };
            (agent, service)
        }
        None => (
            light(LightState::Unknown, None, "", "never heard here"),
            light(LightState::Unknown, None, "", "never heard here"),
        ),
    };
    let relay = match inner.link(member) {
        Some(link) => {
            let state = if link.up { LightState::On } else { LightState::Off };
            light(state, Some((now - link.since).as_ms()), "this console", &link.words)
        }
        None => light(LightState::Unknown, None, "this console", "not dialled"),
    };
    let ssh = light(LightState::Unknown, None, "this console", "no SSH road is set up");
    Lights { agent, relay, ssh, service }
}

fn light(state: LightState, age_ms: Option<u64>, vantage: &str, words: &str) -> Light {
    Light { state, age_ms, vantage: vantage.to_owned(), words: words.to_owned() }
}

/// A reading of the register.
pub(crate) fn register(reading: &Reading) -> RegisterView {
    let marker = |text: &MarkerText| match text {
        MarkerText::Marker(marker) => marker.to_string(),
        MarkerText::Foreign(text) => text.clone(),
    };
    RegisterView {
        a: reading.a.iter().map(ToString::to_string).collect(),
        markers: reading.markers.iter().map(marker).collect(),
        age_ms: (clock::now() - reading.asked).as_ms(),
        fault: None,
    }
}

/// The explanation of a pool.
pub(crate) fn explanation(
    inner: &Inner,
    policy: &Policy,
    explained: &Explanation,
    entries: Vec<api::view::explain::Entry>,
) -> ExplanationView {
    let next = Next { what: explained.next.clone(), in_ms: explained.next_in_ms };
    ExplanationView {
        pool: policy.pool,
        name: policy.name.clone(),
        state: words::state(explained.state).to_owned(),
        since_ms: explained.since_ms,
        reason: explained.sentence.clone(),
        evidence: explained.members.iter().flat_map(|member| &member.evidence).map(evidence_view).collect(),
        missing: explained
            .missing
            .iter()
            .map(|what| Missing { what: what.clone(), remedy: String::new() })
            .collect(),
        dynamic_dns: ddns::view(inner, policy, Some(explained)),
        next: if next.what.is_empty() { Vec::new() } else { vec![next] },
        entries,
    }
}
