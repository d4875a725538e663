//! A host that shows one pool of five hundred members, each of which beats once a second: what the page is measured with.
//!
//! It answers over the profile's own socket, so a heartbeat goes the whole way: socket, shell, web view, page.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use api::fake::FakeHost;
use api::request::Template;
use api::view::beat::{Beat, Beats};
use api::view::host::{HostKind, HostStatus, ProfileState, VaultState, VaultView, WatchView};
use api::view::member::{Light, LightState, Lights, MemberList, MemberStatus, MemberView, Role, Verdict};
use api::view::pool::{LeaseView, PoolList, PoolStatus, PoolStatuses, PoolView, Voters};
use api::view::{Answer, Evidence, YesNo};
use api::{ApiError, Event, EventBody, EventSource, Subscribe, Topic};
use async_trait::async_trait;
use model::host::Figures;
use model::settings::Preset;
use model::{Code, ConsoleId, Health, MemberId, PoolId, Settings};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

/// How many members the page is measured with.
pub(crate) const MEMBERS: u32 = 500;
pub(crate) const POOL: &str = "crowd";
const BETWEEN: Duration = Duration::from_secs(1);
const GIB: u64 = 1 << 30;

/// Serves the crowd at a profile, from a thread of its own, for as long as this program runs.
pub(crate) fn serve(profile: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the crowd's runtime")?;
    let (listener, peers) = {
        let _entered = runtime.enter();
        client::bind(profile).context("making the profile's socket")?
    };
    let host = FakeHost::at_once(play).streaming(|request| Box::new(Beating::new(request)));
    let serving = move || runtime.block_on(client::serve(listener, peers, Arc::new(host)));
    thread::Builder::new().name("crowd".to_owned()).spawn(serving).context("starting the crowd's thread")?;
    Ok(())
}

fn play(command: &str, _request: Value) -> Result<Value, ApiError> {
    match command {
        "host_status" => told(&host()),
        "pool_status" => told(&PoolStatuses { revision: 1, pools: vec![status()] }),
        "pool_list" => told(&PoolList { pools: vec![pool()] }),
        "pool_show" => told(&pool()),
        "member_list" => {
            told(&MemberList { members: (1..=MEMBERS).map(member).collect(), invitations: Vec::new() })
        }
        "incident_list" => Ok(json!({ "incidents": [] })),
        "provider_list" => Ok(json!({ "providers": [] })),
        "notice_list" => Ok(json!({ "notices": [] })),
        "audit_list" => Ok(json!({ "entries": [] })),
        other => Err(ApiError::new(Code::NotFound, format!("the crowd knows no {other}"))),
    }
}

fn told(value: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(|error| ApiError::internal("telling of the crowd").because(&error))
}

/// A heartbeat of everybody, once a second.
struct Beating {
    wants: bool,
    next: Instant,
    seq: u64,
}

impl Beating {
    fn new(request: &Subscribe) -> Self {
        Self { wants: request.wants(Topic::Beats), next: Instant::now() + BETWEEN, seq: 1 }
    }
}

#[async_trait]
impl EventSource for Beating {
    async fn next(&mut self) -> Option<Event> {
        if !self.wants {
            std::future::pending::<()>().await;
        }
        sleep_until(self.next).await;
        self.next += BETWEEN;
        self.seq += 1;
        let beats = (1..=MEMBERS).map(|n| beat(n, self.seq)).collect();
        Some(Event { revision: self.seq, body: EventBody::Beats(Beats { beats }) })
    }
}

/// Something between 0 and 99 that differs from member to member and from second to second.
const fn wobble(n: u32, seq: u64) -> u32 {
    ((n as u64).wrapping_mul(7_919).wrapping_add(seq.wrapping_mul(104_729)) % 100) as u32
}

fn beat(n: u32, seq: u64) -> Beat {
    let at = wobble(n, seq);
    Beat {
        member: MemberId::from_number(n),
        pool: PoolId::from_number(1),
        age_ms: u64::from(at) * 4,
        seq,
        cpus: 4,
        load_centi: 40 + at,
        memory_used_bytes: 3 * GIB + u64::from(at) * (GIB / 100),
        memory_total_bytes: 8 * GIB,
        disk_used_bytes: 20 * GIB,
        disk_total_bytes: 80 * GIB,
        haproxy: None,
    }
}

fn host() -> HostStatus {
    HostStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: ProfileState::Ready,
        console: Some(ConsoleId::from_number(1)),
        name: "bench".to_owned(),
        fleet: None,
        kind: HostKind::Headless,
        pid: std::process::id(),
        up_ms: 60_000,
        watch: WatchView::On,
        vault: VaultView { choice: None, state: VaultState::Open, words: String::new() },
        revision: 1,
    }
}

fn answer(verdict: YesNo, reason: &str) -> Answer {
    Answer { verdict, reason: reason.to_owned(), evidence: Vec::new() }
}

fn pool() -> PoolView {
    let settings = Settings { preset: Preset::Generic, ..Settings::default() };
    PoolView {
        id: PoolId::from_number(1),
        name: POOL.to_owned(),
        policy_version: 1,
        hostname: None,
        settings,
        preferred: None,
        pause: None,
        held: None,
        rehearsal: None,
        members: MEMBERS,
    }
}

fn status() -> PoolStatus {
    PoolStatus {
        id: PoolId::from_number(1),
        name: POOL.to_owned(),
        hostname: None,
        traffic: answer(YesNo::Unknown, "no managed hostname"),
        standbys: answer(YesNo::No, "the pool has no managed hostname"),
        would_move: answer(YesNo::No, "no managed hostname"),
        state: "ROUTE".to_owned(),
        state_age_ms: 60_000,
        reason: "no managed hostname".to_owned(),
        epoch: 0,
        active: None,
        armed: false,
        pause: None,
        lease: LeaseView::Mine,
        voters: Voters { heard: MEMBERS, needed: MEMBERS / 2 + 1, total: MEMBERS },
        dynamic_dns: None,
        members: (1..=MEMBERS).map(member_status).collect(),
        register: None,
        incident: None,
        blind: None,
        ttl_s: None,
    }
}

fn name(n: u32) -> String {
    format!("node-{n:03}")
}

fn address(n: u32) -> String {
    format!("198.18.{}.{}", n / 250, n % 250 + 1)
}

fn member_status(n: u32) -> MemberStatus {
    let light = |state, vantage: &str, words: &str| Light {
        state,
        age_ms: Some(400),
        vantage: vantage.to_owned(),
        words: words.to_owned(),
    };
    MemberStatus {
        id: MemberId::from_number(n),
        name: name(n),
        address: address(n),
        role: Role::Standby,
        verdict: Verdict::Up,
        health: Health::Ready,
        ready: answer(YesNo::No, "the pool has no managed hostname"),
        age_ms: Some(400),
        evidence: vec![Evidence {
            vantage: "this console".to_owned(),
            about: name(n),
            fact: "its newest signed heartbeat".to_owned(),
            age_ms: 400,
        }],
        lights: Lights {
            agent: light(LightState::On, "any relay", "its newest signed heartbeat"),
            relay: light(LightState::On, "this console", "connected"),
            ssh: light(LightState::Unknown, "this console", "no SSH road is set up"),
            service: light(LightState::Unknown, "the member itself", "HAProxy is not watched there"),
        },
    }
}

fn member(n: u32) -> MemberView {
    MemberView {
        id: MemberId::from_number(n),
        pool: PoolId::from_number(1),
        pool_name: POOL.to_owned(),
        name: name(n),
        hostname: format!("{}.example.com", name(n)),
        address: address(n),
        relay: format!("{}:7443", address(n)),
        sources: vec![address(n)],
        template: Template::GenericLinux,
        priority: n,
        fingerprint: format!("SHA256:{n:032x}"),
        enrolled_ms: 1_700_000_000_000,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        status: Some(member_status(n)),
        place: None,
        haproxy: None,
        figures: Some(Figures {
            load_centi: 40 + wobble(n, 0),
            cpus: 4,
            memory_used_bytes: 3 * GIB,
            memory_total_bytes: 8 * GIB,
            disk_used_bytes: 20 * GIB,
            disk_total_bytes: 80 * GIB,
            uptime_s: 90_000,
            os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn everybody_beats_each_second_and_the_crowd_can_be_read() {
        let began = Instant::now();
        let mut beating = Beating::new(&Subscribe { topics: vec![Topic::Beats], since_revision: 0 });
        for n in 1..=3 {
            let event = beating.next().await.unwrap();
            let EventBody::Beats(beats) = event.body else { panic!("{event:?}") };
            assert_eq!(beats.beats.len(), MEMBERS as usize);
            assert_eq!(began.elapsed(), BETWEEN * n);
        }
        let list: MemberList = serde_json::from_value(play("member_list", Value::Null).unwrap()).unwrap();
        assert_eq!(list.members.len(), MEMBERS as usize);
        assert_eq!(list.members[499].address, "198.18.2.1");
        assert_eq!(play("no_such", Value::Null).unwrap_err().code, Code::NotFound);
    }
}
