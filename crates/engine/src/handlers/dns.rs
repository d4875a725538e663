//! A pool's managed name: choosing, adopting, showing, testing, giving back.

use std::sync::Arc;
use std::time::Duration;

use api::request::{DnsAdopt, DnsRelease, DnsSet, DnsShow, DnsTest, ForeignMarker};
use api::view::dns::{DnsState, DnsView};
use api::view::provider::TestReport;
use api::{ApiError, Outcome, Plan, ProviderName};
use dns::guard::{self, Takeover, Wanted, plan_adopt};
use dns::probe::{Scope, Verdict};
use dns::{Expected, Fqdn, MoveOutcome, Names, Release};
use evaluator::io::{Input, MarkerText};
use model::marker::Short8;
use model::settings::{Arming, Targets};
use model::{Code, Marker, Nonce};
use protocol::docs::{ManagedName, Part, Policy};

use super::{failed, find_in_pool, find_pool, stored};
use crate::inner::Inner;
use crate::register::{Register, evaluators_reading};
use crate::watch::Ask;
use crate::{clock, providers, random, rehearse, view};

/// How long a write of ours may take.
const WRITE: Duration = Duration::from_secs(8);

pub(crate) async fn show(inner: &Inner, request: &DnsShow) -> Result<DnsView, ApiError> {
    Ok(dns_view(inner, &*find_pool(inner, &request.pool)?).await)
}

async fn dns_view(inner: &Inner, policy: &Policy) -> DnsView {
    let managed = policy.managed.as_ref();
    let mut shown = DnsView {
        pool: policy.pool,
        hostname: managed.map(|managed| managed.hostname.clone()),
        provider: managed.map(|managed| ProviderName(managed.provider_id.clone())),
        zone: managed.map(|managed| managed.zone.clone()),
        ttl_s: policy.settings.ttl_s,
        state: DnsState::Unset,
        words: "no name is set for this pool".to_owned(),
        epoch: 0,
        target: None,
        old_answers_until_ms: None,
        register: None,
        probe: None,
    };
    if managed.is_none() {
        return shown;
    }
    let Some(register) = inner.register_of(policy.pool) else {
        shown.state = DnsState::Unreadable;
        shown.words = match inner.credential_of(policy.pool) {
            Some(evaluator::io::Credential::Missing(why)) => why,
            Some(evaluator::io::Credential::Working) | None => "the provider is not open".to_owned(),
        };
        return shown;
    };
    match register.look().await {
        Ok(reading) => {
            shown.register = Some(view::register(&reading));
            shown.target = reading.a.first().map(ToString::to_string);
            (shown.state, shown.words) = match reading.markers.as_slice() {
                [MarkerText::Marker(marker)] if reading.a == [marker.address] => {
                    shown.epoch = marker.epoch;
                    (DnsState::Managed, format!("points at {} since epoch {}", marker.address, marker.epoch))
                }
                [] => {
                    (DnsState::NotAdopted, "the name is set, but its record has not been adopted".to_owned())
                }
                _ => (DnsState::Drift, "A and marker do not belong together".to_owned()),
            };
        }
        Err(evaluator::io::DnsFault::Refused(words) | evaluator::io::DnsFault::Unreachable(words)) => {
            shown.state = DnsState::Unreadable;
            shown.words = words;
        }
    }
    shown
}

pub(crate) async fn set(inner: &Arc<Inner>, request: &DnsSet) -> Result<Outcome<DnsView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    if policy.settings.arming == Arming::Armed {
        return Err(ApiError::refused("automatic failover is on: turn it off before changing the name"));
    }
    let row = inner.store.provider(&request.provider.0).map_err(stored)?;
    let row = row.ok_or_else(|| ApiError::not_found("provider", &request.provider))?;
    let link = providers::link_of(&row).map_err(failed("reading the provider"))?;
    let managed = managed_name(&request.label, &link, &row)?;
    let taken = inner.fleet.policies().into_iter().find(|other| {
        other.pool != policy.pool
            && other.managed.as_ref().is_some_and(|other| other.hostname == managed.hostname)
    });
    if let Some(other) = taken {
        return Err(ApiError::refused(format!(
            "{} is managed by the pool {} already",
            managed.hostname, other.name
        )));
    }
    let plan = Plan::new(format!("manage {} at {}", managed.hostname, row.name))
        .step("policy", "sign the next version; the record itself is not touched before it is adopted");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let changed = inner.fleet.change_policy(&**inner, policy.pool, |next| {
        next.managed = Some(managed);
        next.settings.ttl_s = request.ttl_s.unwrap_or(next.settings.ttl_s);
        Ok(())
    });
    changed.map_err(failed("signing the policy"))?;
    inner.documents_changed();
    done(inner, &policy, plan).await
}

fn managed_name(
    label: &str,
    link: &api::request::ProviderLink,
    row: &store::Provider,
) -> Result<ManagedName, ApiError> {
    let invalid = |error: dns::DnsError| ApiError::invalid(error.to_string());
    let zone = Fqdn::new(providers::zone_of(link)).map_err(invalid)?;
    let written = Fqdn::new(label);
    let hostname = match written {
        Ok(name) if name.is_within(&zone) => name,
        // A name with dots that ends elsewhere is a name outside the zone, not a label.
        Ok(name) if label.contains('.') => name,
        Ok(_) | Err(_) => Fqdn::new(&format!("{label}.{zone}")).map_err(invalid)?,
    };
    let names = Names::new(hostname, zone).map_err(invalid)?;
    Ok(ManagedName {
        hostname: names.label().to_string(),
        zone: names.zone().to_string(),
        provider_kind: row.kind.clone(),
        provider_id: row.name.clone(),
    })
}

async fn done(inner: &Inner, policy: &Policy, plan: Plan) -> Result<Outcome<DnsView>, ApiError> {
    let policy = inner.fleet.policy(policy.pool).ok_or_else(|| ApiError::internal("the pool is gone"))?;
    Ok(Outcome::done(plan, dns_view(inner, &policy).await))
}

fn register_of(inner: &Inner, policy: &Policy) -> Result<Arc<Register>, ApiError> {
    inner.register_of(policy.pool).ok_or_else(|| match inner.credential_of(policy.pool) {
        Some(evaluator::io::Credential::Missing(why)) => ApiError::refused(why),
        Some(evaluator::io::Credential::Working) | None => {
            ApiError::refused("no DNS name is set for this pool")
        }
    })
}

pub(crate) async fn adopt(inner: &Arc<Inner>, request: &DnsAdopt) -> Result<Outcome<DnsView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let register = register_of(inner, &policy)?;
    let publish = match &request.member {
        Some(member) => Some(find_in_pool(inner, policy.pool, member)?.address),
        None => None,
    };
    let reading = register.provider().read(register.names()).await;
    let reading = reading.map_err(|error| ApiError::new(Code::Unreachable, error.chain()))?;
    if let Some(shown) = &request.shown {
        let now = reading.single_a().map(|address| address.to_string()).unwrap_or_default();
        if *shown != now {
            return Err(ApiError::refused(format!(
                "the record is {now} now, not {shown} as it was shown: look again"
            )));
        }
    }
    let wanted = wanted(inner, &policy, publish, request.foreign_marker);
    let adoption = plan_adopt(register.names(), &reading, &wanted)
        .map_err(|refusal| ApiError::refused(refusal.to_string()))?;
    let roster = inner.fleet.roster();
    let member = roster.of_pool(policy.pool).find(|entry| entry.address == adoption.set_a);
    let Some(member) = member else {
        return Err(ApiError::refused(format!(
            "{} is no member's address: name the member that should be active",
            adoption.set_a
        )));
    };
    let plan = adoption_plan(&register, &adoption, &member.name);
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let old = reading.single_marker().and_then(|text| Marker::parse(text).ok());
    let marker = Marker {
        fleet: Short8::of(inner.fleet.id.as_bytes()),
        epoch: inner
            .epoch_max(policy.pool)
            .max(old.as_ref().map_or(0, |marker| marker.epoch))
            .saturating_add(1),
        address: adoption.set_a,
        member: Short8::of(member.id.as_bytes()),
        nonce: Short8::of(random::nonce().as_bytes()),
        previous: old.map_or_else(|| Short8::of(Nonce::from_u64(0).as_bytes()), |marker| marker.nonce),
        unknown: Vec::new(),
    };
    let mut write = adoption.adoption(marker.to_string(), &reading);
    write.ttl_s = policy.settings.ttl_s;
    let outcome = register.provider().adopt(register.names(), &write, WRITE).await;
    read_back(&register, &outcome, &Expected::after_adoption(&write)).await?;
    tell_reading(inner, &policy, &register).await;
    done(inner, &policy, plan).await
}

fn wanted(
    inner: &Inner,
    policy: &Policy,
    publish: Option<std::net::Ipv4Addr>,
    foreign: ForeignMarker,
) -> Wanted {
    let roster = inner.fleet.roster();
    let members = roster.of_pool(policy.pool).filter(|entry| entry.part == Part::Member);
    Wanted {
        publish,
        members: members.map(|entry| entry.address).collect(),
        targets: match policy.settings.targets {
            Targets::Public => guard::Targets::Public,
            Targets::Any => guard::Targets::Any,
        },
        fleet: Short8::of(inner.fleet.id.as_bytes()),
        takeover: match foreign {
            ForeignMarker::Respect => Takeover::Refuse,
            ForeignMarker::TakeOver => Takeover::Confirmed,
        },
    }
}

fn adoption_plan(register: &Register, adoption: &guard::AdoptPlan, member: &str) -> Plan {
    let label = register.names().label().to_string();
    let before = adoption.expect_a.map_or_else(|| "nothing".to_owned(), |address| address.to_string());
    let mut plan = Plan::new(format!("adopt {label} with {member} active"))
        .replace(&label, "A", before, adoption.set_a.to_string())
        .step(register.names().marker().to_string(), "the first marker");
    if adoption.old_answers_s > 0 {
        plan = plan.warn(format!("old answers may live on for {} s", adoption.old_answers_s));
    }
    plan
}

/// After a write: what is there counts, not what was answered.
async fn read_back(register: &Register, outcome: &MoveOutcome, expected: &Expected) -> Result<(), ApiError> {
    let seen = register.provider().verify(register.names(), expected).await;
    match (outcome, seen) {
        (_, Ok(Ok(()))) => Ok(()),
        (MoveOutcome::Accepted, Ok(Err(mismatch))) => {
            Err(ApiError::refused("the server said yes, but the records are not there").because(&mismatch))
        }
        (MoveOutcome::Conflict(why), _) => {
            Err(ApiError::refused(format!("the records changed meanwhile, nothing was written: {why}")))
        }
        (MoveOutcome::Rejected(error), _) => Err(ApiError::refused(error.chain())),
        (MoveOutcome::Throttled { retry_after_ms }, _) => {
            Err(ApiError::new(Code::Throttled, "the provider asks to wait")
                .with_retry(api::Retry::After { wait_ms: *retry_after_ms }))
        }
        (MoveOutcome::Accepted, Err(error)) => {
            Err(ApiError::new(Code::Unreachable, "accepted, but not read back").because(&error))
        }
        (MoveOutcome::Unknown { why, .. }, _) => {
            Err(ApiError::new(Code::Unreachable, format!("the outcome is not known: {why}")))
        }
    }
}

/// Lets the pool's machine see what was just written.
async fn tell_reading(inner: &Inner, policy: &Policy, register: &Register) {
    let Some(watch) = inner.watch_of(policy.pool) else { return };
    let asked = clock::now();
    if let Ok(reading) = register.provider().read(register.names()).await {
        watch.tell(Ask::Input(Input::DnsRead(Ok(evaluators_reading(asked, &reading)))));
    }
}

pub(crate) async fn release(inner: &Arc<Inner>, request: &DnsRelease) -> Result<Outcome<DnsView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    if policy.settings.arming == Arming::Armed {
        return Err(ApiError::refused("automatic failover is on: turn it off before giving the name back"));
    }
    let register = register_of(inner, &policy)?;
    let reading = register.provider().read(register.names()).await;
    let reading = reading.map_err(|error| ApiError::new(Code::Unreachable, error.chain()))?;
    let label = register.names().label().to_string();
    let plan = Plan::new(format!("hand {label} back as it stands"))
        .step(register.names().marker().to_string(), "delete the marker")
        .step("policy", "sign the next version without a name");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    if let Some(marker) = reading.single_marker() {
        let release = Release { expect_marker: marker.to_owned(), token: reading.token.clone() };
        let outcome = register.provider().release(register.names(), &release, WRITE).await;
        let after = register.provider().read(register.names()).await;
        let gone = after.is_ok_and(|after| after.markers.is_empty());
        if !gone {
            return Err(ApiError::refused(format!(
                "the marker is still there ({outcome:?}); nothing else was changed"
            )));
        }
    }
    let changed = inner.fleet.change_policy(&**inner, policy.pool, |next| {
        next.managed = None;
        Ok(())
    });
    changed.map_err(failed("signing the policy"))?;
    inner.documents_changed();
    done(inner, &policy, plan).await
}

pub(crate) async fn test(inner: &Arc<Inner>, request: &DnsTest) -> Result<Outcome<TestReport>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let register = register_of(inner, &policy)?;
    let plan = Plan::new(format!("prove at {} that a move is a compare-and-set", register.names().probe()))
        .step(register.names().probe().to_string(), "create, replace, repeat, read back, delete");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let (report, probe) = rehearse::test_claim(&register, Scope::ScratchAndAddress).await;
    let held = match &probe.verdict {
        Verdict::Automatic => None,
        Verdict::ManualOnly { reason } => Some(format!("the provider keeps no compare-and-set: {reason}")),
        // Nothing was learned: what was known stays.
        Verdict::Inconclusive { .. } => inner.held_by_check(policy.pool),
    };
    inner.set_held(policy.pool, held.as_deref()).map_err(failed("keeping the result"))?;
    Ok(Outcome::done(plan, report))
}
