//! Pools: making, listing, settings, status, explanation.

use std::sync::Arc;

use api::request::{
    Fault, PoolCreate, PoolExplain, PoolRemove, PoolShow, PoolStatusRequest, PoolUpdate, PoolWhatIf, Set,
    SettingsPatch,
};
use api::view::Removed;
use api::view::explain::{Entry, Explanation, WhatIf};
use api::view::pool::{PoolList, PoolStatus, PoolStatuses, PoolView, Rehearsal};
use api::{ApiError, Outcome, Plan};
use evaluator::Loss;
use model::settings::Arming;
use model::{MemberId, PoolId, Settings};
use protocol::docs::Policy;

use super::{failed, find_in_pool, find_pool, stored};
use crate::inner::{Inner, Watching};
use crate::{random, view, words};

/// Lines of the story that an explanation brings along.
const ENTRIES: u32 = 50;

pub(crate) fn list(inner: &Inner) -> PoolList {
    PoolList { pools: inner.fleet.policies().iter().map(|policy| pool_view(inner, policy)).collect() }
}

pub(crate) fn show(inner: &Inner, request: &PoolShow) -> Result<PoolView, ApiError> {
    Ok(pool_view(inner, &*find_pool(inner, &request.pool)?))
}

pub(crate) fn pool_view(inner: &Inner, policy: &Policy) -> PoolView {
    PoolView {
        id: policy.pool,
        name: policy.name.clone(),
        policy_version: policy.version,
        hostname: policy.managed.as_ref().map(|managed| managed.hostname.clone()),
        settings: policy.settings.clone(),
        preferred: policy.preferred,
        pause: view::pause(policy),
        held: inner.held(policy.pool),
        rehearsal: rehearsal(inner, policy.pool),
        members: inner.fleet.roster().of_pool(policy.pool).count() as u32,
    }
}

/// The newest rehearsal of a pool on this console.
pub(crate) fn rehearsal(inner: &Inner, pool: PoolId) -> Option<Rehearsal> {
    let json = inner.store.setting(&rehearsal_key(pool)).ok()??;
    serde_json::from_str(&json).ok()
}

pub(crate) fn rehearsal_key(pool: PoolId) -> String {
    format!("rehearsal-{pool}")
}

pub(crate) fn create(inner: &Arc<Inner>, request: &PoolCreate) -> Result<Outcome<PoolView>, ApiError> {
    check_name(inner, &request.name)?;
    let pool = PoolId::from_bytes(random::bytes());
    let mut settings = Settings::default();
    let preferred = patch(inner, pool, &request.settings, &mut settings)?;
    if preferred != Change::Keep {
        return Err(ApiError::invalid("a new pool has no members yet, so none can be preferred"));
    }
    let settings = settings.check().map_err(|error| ApiError::invalid(error.to_string()))?;
    let plan = Plan::new(format!("create the pool {}", request.name)).step("policy 1", "sign it");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    inner
        .fleet
        .first_policy(&**inner, pool, &request.name, settings)
        .map_err(failed("signing the policy"))?;
    inner.documents_changed();
    let policy = inner.fleet.policy(pool).ok_or_else(|| ApiError::internal("the new pool is gone"))?;
    Ok(Outcome::done(plan, pool_view(inner, &policy)))
}

pub(crate) fn update(inner: &Arc<Inner>, request: &PoolUpdate) -> Result<Outcome<PoolView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let mut settings = policy.settings.clone();
    let preferred = patch(inner, policy.pool, &request.settings, &mut settings)?;
    let settings = settings.check().map_err(|error| ApiError::invalid(error.to_string()))?;
    if let Some(name) = request.name.as_deref().filter(|name| *name != policy.name) {
        check_name(inner, name)?;
    }
    let plan = settings_plan(&policy, &settings, request.name.as_deref());
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let changed = inner.fleet.change_policy(&**inner, policy.pool, |next| {
        next.settings = settings;
        if let Some(name) = &request.name {
            next.name.clone_from(name);
        }
        match preferred {
            Change::Keep => {}
            Change::To(member) => next.preferred = member,
        }
        Ok(())
    });
    changed.map_err(failed("signing the policy"))?;
    inner.documents_changed();
    done(inner, policy.pool, plan)
}

/// A finished change of a pool.
pub(crate) fn done(inner: &Inner, pool: PoolId, plan: Plan) -> Result<Outcome<PoolView>, ApiError> {
    let policy = inner.fleet.policy(pool).ok_or_else(|| ApiError::internal("the pool is gone"))?;
    Ok(Outcome::done(plan, pool_view(inner, &policy)))
}

fn settings_plan(policy: &Policy, settings: &Settings, name: Option<&str>) -> Plan {
    let mut plan = Plan::new(format!("change the settings of {}", policy.name));
    if let Some(name) = name {
        plan = plan.replace("name", "rename", policy.name.clone(), name);
    }
    let (old, new) = (&policy.settings, settings);
    let numbers = [
        ("failover delay", old.delay_s, new.delay_s),
        ("TTL", old.ttl_s, new.ttl_s),
        ("voices", old.voices, new.voices),
    ];
    for (what, before, after) in numbers.into_iter().filter(|(_, before, after)| before != after) {
        plan = plan.replace(what, "set", before.to_string(), after.to_string());
    }
    let rest = [
        ("preset", format!("{:?}", old.preset), format!("{:?}", new.preset)),
        ("targets", format!("{:?}", old.targets), format!("{:?}", new.targets)),
        ("agent lost", format!("{:?}", old.agent_lost), format!("{:?}", new.agent_lost)),
        ("double fault", format!("{:?}", old.double_fault), format!("{:?}", new.double_fault)),
        ("dynamic DNS", format!("{:?}", old.dynamic_dns), format!("{:?}", new.dynamic_dns)),
        ("probe port", format!("{:?}", old.probe_port), format!("{:?}", new.probe_port)),
    ];
    for (what, before, after) in rest.into_iter().filter(|(_, before, after)| before != after) {
        plan = plan.replace(what, "set", before, after);
    }
    plan
}

fn check_name(inner: &Inner, name: &str) -> Result<(), ApiError> {
    if name.trim().is_empty() || name.len() > 64 {
        return Err(ApiError::invalid("a pool's name has 1 to 64 bytes"));
    }
    if inner.fleet.policies().iter().any(|policy| policy.name == name) {
        return Err(ApiError::new(model::Code::Conflict, format!("a pool called {name} exists already")));
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Keep,
    To(Option<MemberId>),
}

fn patch(
    inner: &Inner,
    pool: PoolId,
    patch: &SettingsPatch,
    settings: &mut Settings,
) -> Result<Change, ApiError> {
    let set = |to: &mut u32, from: Option<u32>| *to = from.unwrap_or(*to);
    set(&mut settings.delay_s, patch.delay_s);
    set(&mut settings.ttl_s, patch.ttl_s);
    set(&mut settings.voices, patch.voices);
    settings.preset = patch.preset.unwrap_or(settings.preset);
    settings.targets = patch.targets.unwrap_or(settings.targets);
    settings.agent_lost = patch.agent_lost.unwrap_or(settings.agent_lost);
    settings.double_fault = patch.double_fault.unwrap_or(settings.double_fault);
    settings.dynamic_dns = patch.dynamic_dns.unwrap_or(settings.dynamic_dns);
    settings.probe_port = patch.probe_port.over(settings.probe_port);
    Ok(match &patch.preferred {
        Set::Keep => Change::Keep,
        Set::Clear => Change::To(None),
        Set::To(member) => Change::To(Some(find_in_pool(inner, pool, member)?.id)),
    })
}

pub(crate) fn remove(inner: &Arc<Inner>, request: &PoolRemove) -> Result<Outcome<Removed>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    if policy.managed.is_some() {
        return Err(ApiError::refused(format!(
            "{} still manages a name: hand it back first (`serversctl dns release`)",
            policy.name
        )));
    }
    if inner.fleet.roster().of_pool(policy.pool).next().is_some() {
        return Err(ApiError::refused(format!("{} still has members: remove them first", policy.name)));
    }
    let plan = Plan::new(format!("remove the pool {} from this console", policy.name));
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    inner.store.forget_pool(policy.pool).map_err(stored)?;
    inner.fleet.forget_pool(policy.pool);
    inner.drop_pool(policy.pool);
    Ok(Outcome::done(plan, Removed::default()))
}

pub(crate) async fn statuses(inner: &Inner, request: &PoolStatusRequest) -> Result<PoolStatuses, ApiError> {
    let policies = match &request.pool {
        Some(pool) => vec![find_pool(inner, pool)?],
        None => inner.fleet.policies(),
    };
    let revision = inner.events.revision();
    let mut pools = Vec::with_capacity(policies.len());
    for policy in policies {
        pools.push(status_of(inner, &policy).await);
    }
    Ok(PoolStatuses { revision, pools })
}

pub(crate) async fn status_of(inner: &Inner, policy: &Policy) -> PoolStatus {
    let explained = match inner.watch_of(policy.pool) {
        Some(watch) => watch.explain().await,
        None => None,
    };
    match explained {
        Some(explained) => view::pool_status(inner, policy, &explained),
        None => view::unwatched_status(inner, policy),
    }
}

pub(crate) async fn explain(inner: &Inner, request: &PoolExplain) -> Result<Explanation, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let explained = explained(inner, &policy).await?;
    let rows = inner.store.entries(policy.pool, ENTRIES).map_err(stored)?;
    let mut entries: Vec<Entry> =
        rows.iter().filter_map(|row| serde_json::from_str(&row.json).ok()).collect();
    entries.reverse();
    super::history::count_from_first(&mut entries);
    Ok(view::explanation(inner, &policy, &explained, entries))
}

/// The machine's own explanation; an error where nobody watches.
pub(crate) async fn explained(inner: &Inner, policy: &Policy) -> Result<evaluator::Explanation, ApiError> {
    let unwatched = || {
        let words = match inner.watching {
            Watching::On => "this pool's watch is ending",
            Watching::Off => "nobody watches on this computer: start `serversctl watch` or the desktop",
        };
        ApiError::new(model::Code::NoHost, words)
    };
    let watch = inner.watch_of(policy.pool).ok_or_else(unwatched)?;
    watch.explain().await.ok_or_else(unwatched)
}

pub(crate) async fn what_if(inner: &Inner, request: &PoolWhatIf) -> Result<WhatIf, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let explained = explained(inner, &policy).await?;
    let member = match &request.member {
        Some(member) => find_in_pool(inner, policy.pool, member)?.id,
        None => explained.active.ok_or_else(|| ApiError::refused("nobody is active in this pool"))?,
    };
    let (loss, supposed) = match request.fault {
        Fault::Dies => (Loss::Dies, "dies now"),
        Fault::ServiceStops => (Loss::ServiceStops, "says now that its service stopped"),
    };
    let watch = inner.watch_of(policy.pool).ok_or_else(|| ApiError::internal("the watch is gone"))?;
    let story = watch.what_if(member, loss).await.ok_or_else(|| ApiError::internal("the watch is gone"))?;
    let roster = inner.fleet.roster();
    let name = |id: MemberId| roster.member(id).map_or_else(|| id.short(), |entry| entry.name.clone());
    let first = story.entries.first().map(|entry| entry.at);
    let entries = story.entries.iter().map(|entry| Entry {
        at_ms: None,
        after_ms: first.map_or(0, |first| (entry.at - first).as_ms()),
        ..crate::story::entry_view(entry, 0)
    });
    let entries = entries.collect();
    let armed = policy.settings.arming == Arming::Armed;
    Ok(WhatIf {
        pool: policy.pool,
        supposed: format!("{} {supposed}", name(member)),
        conclusion: match story.moved_to {
            Some(target) => format!("the record would move to {} after {}", name(target), story.after),
            None => format!(
                "nothing would move; it would stand in {}: {}{}",
                words::state(story.ends_in),
                story.reason,
                if armed { "" } else { " (automatic failover is off)" }
            ),
        },
        target: story.moved_to.map(name),
        write_after_ms: story.moved_to.map(|_| story.after.as_ms()),
        entries,
    })
}
