//! Members: invitations, enrolment, list, changes, removal.

use std::sync::Arc;
use std::time::Duration;

use api::request::{
    MemberEnrol, MemberInvite, MemberListRequest, MemberRemove, MemberShow, MemberUpdate, Template,
};
use api::view::Removed;
use api::view::member::{Invitation as InvitationAnswer, InvitationView, MemberList, MemberView, PlaceView};
use api::{ApiError, Call, Outcome, Plan, SecretText};
use model::{Code, MemberId};
use protocol::docs::{MemberEntry, Part, Removed as RemovedEntry};
use protocol::enrol::{Enrolment, Secret};
use protocol::scram::Verifier;
use protocol::sources::Source;
use store::Invitation;

use super::{failed, find_member, find_pool, stored};
use crate::enrol::{Enrolling, enrolment_key, template_word};
use crate::inner::Inner;
use crate::{clock, ddns, random, view};

/// How long a secret is good for.
const SECRET_MS: u64 = 24 * 3_600_000;
/// The relay's port when an address names none.
const RELAY_PORT: u16 = 7443;

pub(crate) fn invite(inner: &Inner, request: &MemberInvite) -> Result<Outcome<InvitationAnswer>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let name = request.name.clone().unwrap_or_else(|| request.hostname.clone());
    check_name(inner, &name)?;
    if request.hostname.is_empty() || request.hostname.len() > 253 {
        return Err(ApiError::invalid("a hostname has 1 to 253 bytes"));
    }
    let sources = read_sources(&request.sources)?;
    if let Some(address) = &request.address {
        address
            .parse::<std::net::Ipv4Addr>()
            .map_err(|_| ApiError::invalid(format!("{address} is no IPv4 address")))?;
    }
    let plan = Plan::new(format!("invite {} into {}", request.hostname, policy.name))
        .step("secret", "make one, show it once, keep only what can check it for 24 hours");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let secret = Secret::from_random(&random::bytes());
    let member = MemberId::from_bytes(random::bytes());
    let salt = random::bytes::<16>();
    let enrolment = Enrolment {
        member,
        name: name.clone(),
        hostname: request.hostname.clone(),
        sources,
        selector: secret.selector(),
        verifier: Some(Verifier::of(secret.expose().as_bytes(), &salt, 1)),
        tries: 0,
        used_by: None,
    };
    let now = clock::wall_ms();
    let row = Invitation {
        id: member.short(),
        member,
        pool: policy.pool,
        hostname: request.hostname.clone(),
        name,
        template: template_word(request.template).to_owned(),
        address: request.address.clone(),
        priority: request.priority,
        sources: serde_json::to_string(&request.sources).unwrap_or_default(),
        verifier: Some(
            serde_json::to_string(&enrolment)
                .map_err(|error| ApiError::internal("the invitation cannot be written").because(&error))?,
        ),
        created_ms: now,
        expires_ms: now + SECRET_MS,
        spent_ms: None,
    };
    inner.store.add_invitation(&row).map_err(stored)?;
    let answer = InvitationAnswer {
        invitation: invitation_view(&row),
        secret: SecretText::new(secret.expose().to_owned()),
        command: format!("balctl-agent enrol --hostname {}", request.hostname),
        fleet_fingerprint: inner.fleet.id.short(),
    };
    Ok(Outcome::done(plan, answer))
}

fn read_sources(texts: &[String]) -> Result<Vec<Source>, ApiError> {
    if texts.is_empty() {
        return Err(ApiError::invalid("name at least one address that this VM's connections come from"));
    }
    let read =
        |text: &String| text.parse::<Source>().map_err(|error| ApiError::invalid(format!("{text}: {error}")));
    texts.iter().map(read).collect()
}

fn check_name(inner: &Inner, name: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.len() > 64 {
        return Err(ApiError::invalid("a member's name has 1 to 64 bytes"));
    }
    if inner.fleet.roster().members.iter().any(|entry| entry.name == name) {
        return Err(ApiError::new(
            Code::Conflict,
            format!("a member called {name} exists already; remove it or choose another name"),
        ));
    }
    Ok(())
}

fn invitation_view(row: &Invitation) -> InvitationView {
    InvitationView {
        id: row.id.clone(),
        member: row.member,
        pool: row.pool,
        hostname: row.hostname.clone(),
        name: row.name.clone(),
        sources: serde_json::from_str(&row.sources).unwrap_or_default(),
        expires_ms: row.expires_ms,
    }
}

pub(crate) async fn enrol(
    inner: &Arc<Inner>,
    call: &Call,
    request: &MemberEnrol,
) -> Result<Outcome<MemberView>, ApiError> {
    let row = inner.store.invitation(&request.invitation).map_err(stored)?;
    let row = row.ok_or_else(|| ApiError::not_found("invitation", &request.invitation))?;
    let address = read_address(&request.address)?;
    if request.via.is_some() {
        return Err(ApiError::invalid(
            "enrolling through a peer is not built yet: name an address of the VM itself",
        ));
    }
    let plan = Plan::new(format!("call {address} and enrol {}", row.hostname))
        .step("roster", "sign the next version with this member in it");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    if row.spent_ms.is_some() {
        return Err(ApiError::new(Code::Conflict, "this secret was used already; invite the VM again"));
    }
    let enrolment = open_enrolment(inner, &row)?;
    let patience = request.timeout_ms.map(Duration::from_millis);
    let member = Enrolling::new(inner, call, row, enrolment, address, patience).run().await?;
    let entry = inner.fleet.roster().member(member).cloned();
    let entry = entry.ok_or_else(|| ApiError::internal("the new member is gone"))?;
    Ok(Outcome::done(plan, member_view(inner, &entry).await))
}

/// The enrolment with its counted tries.
fn open_enrolment(inner: &Inner, row: &Invitation) -> Result<Enrolment, ApiError> {
    let counted = inner.store.setting(&enrolment_key(&row.id)).map_err(stored)?;
    let json = counted.or_else(|| row.verifier.clone());
    let json = json
        .ok_or_else(|| ApiError::new(Code::Conflict, "this secret was used already; invite the VM again"))?;
    serde_json::from_str(&json)
        .map_err(|error| ApiError::internal("the invitation cannot be read").because(&error))
}

fn read_address(text: &str) -> Result<std::net::SocketAddr, ApiError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let ip = text.parse::<std::net::IpAddr>();
    ip.map(|ip| (ip, RELAY_PORT).into())
        .map_err(|_| ApiError::invalid(format!("{text} is no address: write 192.0.2.10 or 192.0.2.10:7443")))
}

pub(crate) async fn list(inner: &Inner, request: &MemberListRequest) -> Result<MemberList, ApiError> {
    let pool =
        request.pool.as_ref().map(|pool| find_pool(inner, pool)).transpose()?.map(|policy| policy.pool);
    let mut members = Vec::new();
    for entry in
        inner.fleet.roster().members.iter().filter(|entry| pool.is_none_or(|pool| entry.pool == pool))
    {
        members.push(member_view(inner, entry).await);
    }
    let now = clock::wall_ms();
    let open = inner.store.invitations().map_err(stored)?;
    let open = open.iter().filter(|row| row.spent_ms.is_none() && row.expires_ms > now);
    let open = open.filter(|row| pool.is_none_or(|pool| row.pool == pool));
    Ok(MemberList { members, invitations: open.map(invitation_view).collect() })
}

pub(crate) async fn show(inner: &Inner, request: &MemberShow) -> Result<MemberView, ApiError> {
    let entry = find_member(inner, &request.member)?;
    Ok(member_view(inner, &entry).await)
}

async fn member_view(inner: &Inner, entry: &MemberEntry) -> MemberView {
    let explained = match inner.watch_of(entry.pool) {
        Some(watch) => watch.explain().await,
        None => None,
    };
    let status = explained.and_then(|explained| {
        let member = explained.members.iter().find(|member| member.member == entry.id)?;
        Some(view::member_status(inner, member, entry.address.to_string()))
    });
    let heartbeat = inner.sightings().seen(entry.id).map(|seen| Arc::clone(&seen.heartbeat));
    let pool_name = inner.fleet.policy(entry.pool).map(|policy| policy.name.clone()).unwrap_or_default();
    let enrolled = inner.store.invitation(&entry.id.short()).ok().flatten().and_then(|row| row.spent_ms);
    let template = match (entry.part, heartbeat.as_ref().is_some_and(|beat| beat.haproxy.monitored)) {
        (Part::Witness, _) => Template::Witness,
        (Part::Member, true) => Template::HaproxyEdge,
        (Part::Member, false) => Template::GenericLinux,
    };
    MemberView {
        id: entry.id,
        pool: entry.pool,
        pool_name,
        name: entry.name.clone(),
        hostname: entry.hostname.clone(),
        address: entry.address.to_string(),
        relay: entry.relay.map(|relay| relay.to_string()).unwrap_or_default(),
        sources: entry.sources.iter().map(ToString::to_string).collect(),
        template,
        priority: entry.priority,
        fingerprint: entry.key.fingerprint(),
        enrolled_ms: enrolled.unwrap_or(0),
        agent_version: heartbeat.as_ref().map(|beat| beat.agent_version.clone()).unwrap_or_default(),
        status,
        place: entry.place.as_ref().map(|place| PlaceView {
            name: place.name.clone(),
            north_micro: place.north_micro,
            east_micro: place.east_micro,
        }),
        haproxy: heartbeat.as_ref().map(|beat| beat.haproxy.clone()),
        figures: heartbeat.as_ref().map(|beat| beat.host.clone()),
    }
}

pub(crate) async fn update(
    inner: &Arc<Inner>,
    request: &MemberUpdate,
) -> Result<Outcome<MemberView>, ApiError> {
    let entry = find_member(inner, &request.member)?;
    let sources = request.sources.as_deref().map(read_sources).transpose()?;
    let address = request.address.as_deref().map(|text| new_address(inner, &entry, text)).transpose()?;
    let place = request.place.as_deref().map(read_place).transpose()?;
    if let Some(name) = request.name.as_deref().filter(|name| *name != entry.name) {
        check_name(inner, name)?;
    }
    let mut plan = Plan::new(format!("change {}", entry.name)).step("roster", "sign the next version");
    if let Some(address) = address {
        plan = plan.replace(&entry.name, "address", entry.address.to_string(), address.to_string());
    }
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let changed = inner.fleet.change_roster(&**inner, |roster| {
        for member in roster.members.iter_mut().filter(|member| member.id == entry.id) {
            member.name = request.name.clone().unwrap_or_else(|| member.name.clone());
            if let Some(address) = address {
                ddns::readdress(member, address);
            }
            member.sources = sources.clone().unwrap_or_else(|| member.sources.clone());
            member.priority = request.priority.unwrap_or(member.priority);
            member.place = place.clone().unwrap_or_else(|| member.place.clone());
        }
        Ok(())
    });
    changed.map_err(failed("signing the roster"))?;
    inner.documents_changed();
    let entry = inner.fleet.roster().member(entry.id).cloned().unwrap_or(entry);
    Ok(Outcome::done(plan, member_view(inner, &entry).await))
}

/// A place, or none for an empty text.
fn read_place(text: &str) -> Result<Option<model::Place>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: model::place::PlaceError| ApiError::invalid(error.to_string()))
}

/// An address that a member may have.
fn new_address(inner: &Inner, entry: &MemberEntry, text: &str) -> Result<std::net::Ipv4Addr, ApiError> {
    let address = text.parse().map_err(|_| ApiError::invalid(format!("{text} is no IPv4 address")))?;
    let targets = inner.fleet.policy(entry.pool).map(|policy| policy.settings.targets).unwrap_or_default();
    let roster = inner.fleet.roster();
    let others = roster.members.iter().filter(|one| one.id != entry.id);
    match evaluator::unpublishable(targets, address, others.map(|one| (one.name.as_str(), one.address))) {
        Some(why) => Err(ApiError::refused(format!("{} cannot have this address: {why}", entry.name))),
        None => Ok(address),
    }
}

pub(crate) async fn remove(inner: &Arc<Inner>, request: &MemberRemove) -> Result<Outcome<Removed>, ApiError> {
    let entry = find_member(inner, &request.member)?;
    let explained = match inner.watch_of(entry.pool) {
        Some(watch) => watch.explain().await,
        None => None,
    };
    if explained.is_some_and(|explained| explained.active == Some(entry.id)) {
        return Err(ApiError::refused(format!("{} is active: cut over to another member first", entry.name)));
    }
    let plan = Plan::new(format!("remove {} from the fleet", entry.name))
        .step("roster", "sign the next version without it; its key is refused from then on");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let changed = inner.fleet.change_roster(&**inner, |roster| {
        roster.members.retain(|member| member.id != entry.id);
        roster.removed.push(RemovedEntry { key: entry.key, name: entry.name.clone() });
        Ok(())
    });
    changed.map_err(failed("signing the roster"))?;
    inner.documents_changed();
    let left = format!("the agent on {}: run `balctl-agent uninstall` there", entry.hostname);
    Ok(Outcome::done(plan, Removed { left_behind: vec![left] }))
}
