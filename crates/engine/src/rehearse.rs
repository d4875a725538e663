//! Rehearse: everything a failover needs, tried before it is needed (safety.md 4.5). Only a green one arms a pool.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::view::pool::Rehearsal;
use api::view::provider::TestReport;
use api::view::{Check, CheckOutcome};
use dns::delegation::{
    Lookup, MemberAddresses, Published, find_delegation, published, view_servers, zone_dies_with,
};
use dns::probe::{ProbeReport, Scope, Verdict, run_probe};
use evaluator::io::State;
use evaluator::{Explanation, Says};
use model::PoolId;
use model::settings::{DoubleFault, Targets};
use protocol::docs::Part;

use crate::inner::Inner;
use crate::register::Register;
use crate::{clock, providers, random};

/// For one question about delegation.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a machine may take to look around: COLD, the lease and its first reading.
const LOOKING_AROUND: Duration = Duration::from_secs(40);
/// For one write of the probe.
const PROBE: Duration = Duration::from_secs(8);

struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, name: &str, outcome: CheckOutcome, words: impl Into<String>, began: Instant) {
        let took_ms = began.elapsed().as_millis() as u64;
        self.0.push(Check { name: name.to_owned(), outcome, words: words.into(), took_ms });
    }

    fn green(&self) -> bool {
        self.0.iter().all(|check| matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::Warned))
    }
}

/// Runs the claim probe and tells it as a report.
pub(crate) async fn test_claim(register: &Register, scope: Scope) -> (TestReport, ProbeReport) {
    let nonce = random::nonce().to_string();
    let report = run_probe(register.provider().as_ref(), register.names(), &nonce, scope, PROBE).await;
    let mut checks = Vec::new();
    for step in &report.steps {
        let outcome = if step.failure.is_none() { CheckOutcome::Passed } else { CheckOutcome::Failed };
        let words = step.failure.clone().unwrap_or_default();
        checks.push(Check { name: step.step.words().to_owned(), outcome, words, took_ms: 0 });
    }
    let summary = match &report.verdict {
        Verdict::Automatic => "a move here is a compare-and-set".to_owned(),
        Verdict::ManualOnly { reason } => format!("moves by hand only: {reason}"),
        Verdict::Inconclusive { reason } => format!("not proven this time: {reason}"),
    };
    let passed = report.verdict == Verdict::Automatic;
    (TestReport { passed, at_ms: clock::wall_ms(), summary, checks }, report)
}

/// Rehearses a pool's failover. Writes nothing but the probe's own scratch records.
pub(crate) async fn rehearse(inner: &Arc<Inner>, pool: PoolId) -> Rehearsal {
    let mut checks = Checks(Vec::new());
    if let Some(register) = inner.register_of(pool) {
        check_claim(&mut checks, &register).await;
        check_register(&mut checks, inner, pool, &register).await;
        check_zone(&mut checks, inner, pool, &register).await;
    } else {
        let why = match inner.credential_of(pool) {
            Some(evaluator::io::Credential::Missing(why)) => why,
            Some(evaluator::io::Credential::Working) | None => "no DNS name is set".to_owned(),
        };
        checks.add("DNS provider", CheckOutcome::Failed, why, Instant::now());
    }
    let vantages = check_members(&mut checks, inner, pool).await;
    Rehearsal {
        green: checks.green(),
        at_ms: clock::wall_ms(),
        survives: survives(inner, pool),
        vantages,
        checks: checks.0,
    }
}

/// The part that no machine sees by itself, without the claim probe: whose the record is, and where the zone lives.
pub(crate) async fn look_at_zone(inner: &Arc<Inner>, pool: PoolId, register: &Register) -> Vec<Check> {
    let mut checks = Checks(Vec::new());
    check_register(&mut checks, inner, pool, register).await;
    check_zone(&mut checks, inner, pool, register).await;
    checks.0
}

async fn check_claim(checks: &mut Checks, register: &Register) {
    let began = Instant::now();
    let (report, _) = test_claim(register, Scope::Scratch).await;
    let outcome = if report.passed { CheckOutcome::Passed } else { CheckOutcome::Failed };
    checks.add("a move is a compare-and-set", outcome, report.summary, began);
}

async fn check_register(checks: &mut Checks, inner: &Inner, pool: PoolId, register: &Register) {
    let began = Instant::now();
    let reading = match register.look().await {
        Ok(reading) => reading,
        Err(fault) => {
            return checks.add("the record can be read", CheckOutcome::Failed, format!("{fault:?}"), began);
        }
    };
    let policy = inner.fleet.policy(pool);
    let ttl_s = policy.as_ref().map_or(60, |policy| policy.settings.ttl_s);
    match reading.markers.as_slice() {
        [evaluator::io::MarkerText::Marker(marker)] if reading.a == [marker.address] => {
            let words = format!("epoch {}, {} for {ttl_s} s", marker.epoch, marker.address);
            checks.add("the record is ours", CheckOutcome::Passed, words, began);
        }
        [] => checks.add("the record is ours", CheckOutcome::Failed, "it has not been adopted yet", began),
        _ => checks.add(
            "the record is ours",
            CheckOutcome::Failed,
            "A and marker do not belong together",
            began,
        ),
    }
    if reading.aaaa {
        let words = "an AAAA stands at the name: IPv6 clients would stay behind";
        checks.add("nothing else answers at the name", CheckOutcome::Failed, words, began);
    }
}

async fn check_zone(checks: &mut Checks, inner: &Inner, pool: PoolId, register: &Register) {
    let began = Instant::now();
    let lookup = Lookup { resolvers: providers::resolvers(), authority_port: 53, patience: PATIENCE };
    let names = register.names();
    let any = inner.fleet.policy(pool).is_some_and(|policy| policy.settings.targets == Targets::Any);
    let delegation = match find_delegation(&lookup, names.zone()).await {
        Ok(delegation) => delegation,
        Err(error) => {
            // An internal zone may be invisible to resolvers; a public one may not.
            let outcome = if any { CheckOutcome::Warned } else { CheckOutcome::Failed };
            return checks.add("the zone does not die with a member", outcome, error.chain(), began);
        }
    };
    let members: Vec<_> = (inner.fleet.roster().of_pool(pool))
        .map(|entry| MemberAddresses { name: entry.name.clone(), addresses: vec![IpAddr::V4(entry.address)] })
        .collect();
    let endpoint = endpoint_of(inner, pool);
    match zone_dies_with(&delegation, endpoint, names, &members) {
        Some(dependence) => {
            checks.add(
                "the zone does not die with a member",
                CheckOutcome::Failed,
                dependence.to_string(),
                began,
            );
        }
        None => checks.add("the zone does not die with a member", CheckOutcome::Passed, "", began),
    }
    let began = Instant::now();
    let views = view_servers(&lookup, &delegation, names).await;
    let Ok(reading) = register.provider().read(names).await else { return };
    let (outcome, words) = match published(&views, &reading) {
        Published::Everywhere => (CheckOutcome::Passed, "every delegated server serves it".to_owned()),
        Published::Partly { differ } => {
            (CheckOutcome::Warned, format!("{} servers serve another copy", differ.len()))
        }
        Published::Nowhere => (CheckOutcome::Failed, "this zone is not the one resolvers ask".to_owned()),
        Published::Unknown if any => (CheckOutcome::Warned, "no delegated server answered".to_owned()),
        Published::Unknown => (CheckOutcome::Failed, "no delegated server answered".to_owned()),
    };
    checks.add("resolvers ask this zone", outcome, words, began);
}

fn endpoint_of(inner: &Inner, pool: PoolId) -> Option<IpAddr> {
    let managed = inner.fleet.policy(pool)?.managed.clone()?;
    let row = inner.store.provider(&managed.provider_id).ok()??;
    providers::endpoint_of(&providers::link_of(&row).ok()?).map(|address| address.ip())
}

async fn check_members(checks: &mut Checks, inner: &Inner, pool: PoolId) -> Vec<String> {
    let began = Instant::now();
    let explained = settled(inner, pool).await;
    let Some(explained) = explained else {
        checks.add(
            "somebody watches",
            CheckOutcome::Failed,
            "no watch runs for this pool on this computer",
            began,
        );
        return Vec::new();
    };
    let serving = (&explained.serving, "traffic is on the active member");
    let takeover = (&explained.takeover, "a standby is ready");
    for (answer, name) in [serving, takeover] {
        let outcome = if answer.says == Says::Yes { CheckOutcome::Passed } else { CheckOutcome::Failed };
        checks.add(name, outcome, answer.reason.clone(), began);
    }
    let voters = &explained.voters;
    let enough = voters.needed.is_some_and(|needed| voters.heard >= needed);
    let outcome = if enough { CheckOutcome::Passed } else { CheckOutcome::Failed };
    let words = format!(
        "{} of {} voters heard, {} needed",
        voters.heard,
        voters.all,
        voters.needed.map_or_else(|| "more than there are".to_owned(), |needed| needed.to_string())
    );
    checks.add("enough voters are heard", outcome, words, began);
    explained.members.iter().map(|member| format!("{}: {}", member.name, member.health.word())).collect()
}

/// The machine's explanation once it has looked around: right after a start or a new roster it knows nothing yet.
async fn settled(inner: &Inner, pool: PoolId) -> Option<Explanation> {
    let watch = inner.watch_of(pool)?;
    let began = Instant::now();
    loop {
        let explained = watch.explain().await?;
        let looking = matches!(explained.state, State::Cold | State::Route | State::Follow | State::Adopt);
        if !looking || began.elapsed() > LOOKING_AROUND {
            return Some(explained);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Which losses the pool survives, by the rules of safety.md 4.2.
fn survives(inner: &Inner, pool: PoolId) -> Vec<String> {
    let roster = inner.fleet.roster();
    let voters = roster.of_pool(pool).count();
    let members =
        roster.of_pool(pool).filter(|entry| entry.part == Part::Member && entry.pool == pool).count();
    let mut lines = Vec::new();
    if members < 2 {
        return vec!["nothing: a pool needs two members".to_owned()];
    }
    if voters == 2 {
        lines.push("the active member, while this console sees both itself".to_owned());
    } else {
        lines.push("the active member".to_owned());
        let needed = if voters == 3 { 2 } else { voters / 2 + 1 };
        if voters - needed > 1 {
            lines.push(format!("{} voters at once", voters - needed));
        }
    }
    let double =
        inner.fleet.policy(pool).is_some_and(|policy| policy.settings.double_fault == DoubleFault::Move);
    if double {
        lines.push("a silent majority, by the pool's own switch".to_owned());
    }
    lines
}
