//! What an operator switches: moves, arming, pauses, acknowledgement, drift, rehearsal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::request::{
    DriftResolve, DriftWay, MemberActivate, PoolAcknowledge, PoolArm, PoolCutover, PoolDisarm, PoolPause,
    PoolRehearse, PoolResume, Readiness, WatchPause, WatchResume,
};
use api::view::dns::DnsView;
use api::view::host::HostStatus;
use api::view::incident::Phase;
use api::view::pool::{MoveOutcome, MoveView, PoolStatus, PoolView, Rehearsal};
use api::{ApiError, Call, Change, Outcome, Plan, Progress, ProgressState};
use evaluator::io::{Command, Input, State, Watch};
use evaluator::{Explanation, Says};
use model::settings::Arming;
use model::{Code, MemberId, Span};
use protocol::docs::{Pause, Policy, Roster};

use super::{failed, find_in_pool, find_pool, stored};
use crate::fleet::PAUSE_MAX;
use crate::host::Host;
use crate::inner::Inner;
use crate::watch::Ask;
use crate::{clock, rehearse, words};

/// How long a move is followed before its outcome is told as unknown.
const FOLLOWED: Duration = Duration::from_secs(90);
/// How old a green rehearsal may be to arm a pool.
const REHEARSED_MS: u64 = 24 * 3_600_000;

pub(crate) async fn activate(
    inner: &Arc<Inner>,
    call: &Call,
    request: &MemberActivate,
) -> Result<Outcome<MoveView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let entry = find_in_pool(inner, policy.pool, &request.member)?;
    let explained = super::pool::explained(inner, &policy).await?;
    let even_if_not_ready = request.readiness == Readiness::Overridden;
    let seen = explained.members.iter().find(|member| member.member == entry.id);
    let bar = seen.and_then(|member| member.bar.clone());
    if let Some(bar) = bar.as_ref().filter(|_| !even_if_not_ready) {
        return Err(ApiError::refused(format!("{} is not ready: {bar}", entry.name)));
    }
    if explained.active == Some(entry.id) {
        return Err(ApiError::refused(format!("{} is active already", entry.name)));
    }
    let command = Command::Activate { member: entry.id, even_if_not_ready, by: call.by.clone() };
    let hold_down = policy.settings.hold_down();
    let warnings = bar.map_or_else(Vec::new, |bar| unready_warnings(&entry.name, &bar, hold_down));
    let wanted = Wanted { target: Some(entry.id), command, warnings };
    run_move(inner, call, &request.change, &policy, &explained, wanted).await
}

pub(crate) async fn cutover(
    inner: &Arc<Inner>,
    call: &Call,
    request: &PoolCutover,
) -> Result<Outcome<MoveView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let explained = super::pool::explained(inner, &policy).await?;
    if explained.takeover.says != Says::Yes {
        return Err(ApiError::refused(format!("no standby can take over: {}", explained.takeover.reason)));
    }
    let command = Command::Cutover { by: call.by.clone() };
    let wanted = Wanted { target: None, command, warnings: Vec::new() };
    run_move(inner, call, &request.change, &policy, &explained, wanted).await
}

/// What a person is told before traffic goes where it is not served.
fn unready_warnings(name: &str, bar: &str, hold_down: Span) -> Vec<String> {
    vec![
        format!("{name} {bar}; traffic goes there all the same"),
        format!(
            "automatic failover does not undo this for {hold_down}, unless {name} serves in between and stops again"
        ),
    ]
}

/// A move that a person wants.
struct Wanted {
    /// None: whoever is next.
    target: Option<MemberId>,
    command: Command,
    warnings: Vec<String>,
}

async fn run_move(
    inner: &Arc<Inner>,
    call: &Call,
    change: &Change,
    policy: &Policy,
    before: &Explanation,
    wanted: Wanted,
) -> Result<Outcome<MoveView>, ApiError> {
    let name =
        |id: MemberId| inner.fleet.roster().member(id).map_or_else(|| id.short(), |entry| entry.name.clone());
    let hostname = policy.managed.as_ref().map(|managed| managed.hostname.clone()).unwrap_or_default();
    let from = before.active.map(name);
    let to = wanted.target.map_or_else(|| "the next ready standby".to_owned(), name);
    let plan = Plan::new(format!("move {hostname} to {to}"));
    let (now, then) = record_before_and_after(&inner.fleet.roster(), before, wanted.target);
    let plan = plan.replace(&hostname, "A", now, then);
    let plan = wanted.warnings.into_iter().fold(plan, Plan::warn);
    if change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let watch = inner.watch_of(policy.pool).ok_or_else(|| ApiError::internal("the pool's watch is gone"))?;
    let mut changes = inner.events.subscribe();
    watch.tell(Ask::Input(Input::Operator(wanted.command)));
    let began = Instant::now();
    let mut phases: Vec<Phase> = Vec::new();
    let mut outcome = None;
    let mut epoch = before.epoch.unwrap_or(0);
    let mut now_active = before.active;
    // The machine's states tell the move's story; each is reported as it is reached.
    while began.elapsed() < FOLLOWED && outcome.is_none() {
        let Some(explained) = watch.explain().await else { break };
        let state = words::state(explained.state);
        if phases.last().is_none_or(|phase| phase.name != state) {
            phases.push(Phase { name: state.to_owned(), at_ms: clock::wall_ms(), took_ms: None });
            report(call, state, &explained.sentence, began);
        }
        let moved = explained.epoch > before.epoch;
        if moved {
            epoch = explained.epoch.unwrap_or(epoch);
            now_active = explained.active;
        }
        outcome = settled(&explained, moved, began);
        let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
    }
    let outcome = outcome.unwrap_or(Ok(MoveOutcome::Unknown))?;
    let incidents = store::IncidentFilter { pool: Some(policy.pool), limit: 8 };
    let incident = inner.store.incidents(incidents).map_err(stored)?;
    let incident = incident.iter().find(|incident| incident.epoch == Some(epoch)).map(|incident| incident.id);
    let to = now_active.map_or_else(String::new, name);
    let view =
        MoveView { pool: policy.pool, epoch, from, to, outcome, phases, evidence: Vec::new(), incident };
    Ok(Outcome::done(plan, view))
}

/// What stands in the record, and what would: addresses, since those are what the record holds, with names for people.
fn record_before_and_after(
    roster: &Roster,
    before: &Explanation,
    target: Option<MemberId>,
) -> (String, String) {
    let name = |id: MemberId| roster.member(id).map_or_else(|| id.short(), |entry| entry.name.clone());
    let stands = |id: MemberId| {
        roster.member(id).map_or_else(|| id.short(), |entry| format!("{} ({})", entry.address, entry.name))
    };
    // With dynamic DNS the record may hold another address than the roster.
    let now = match (before.published, before.active) {
        (Some(address), Some(active)) => format!("{address} ({})", name(active)),
        (Some(address), None) => address.to_string(),
        (None, active) => active.map_or_else(|| "nobody".to_owned(), stands),
    };
    // Members stand in takeover order; whoever is first when the machine moves is chosen.
    let next = before.members.iter().find(|one| !one.active && !one.witness && one.bar.is_none());
    let then = match (target, next) {
        (Some(target), _) => stands(target),
        (None, Some(next)) => format!("whoever is next, now {}", stands(next.member)),
        (None, None) => "whoever is next".to_owned(),
    };
    (now, then)
}

fn report(call: &Call, state: &str, words: &str, began: Instant) {
    let at_ms = began.elapsed().as_millis() as u64;
    call.report(Progress {
        step: state.to_lowercase(),
        state: ProgressState::Running,
        words: words.to_owned(),
        at_ms,
    });
}

/// How a followed move ended, once it has.
fn settled(explained: &Explanation, moved: bool, began: Instant) -> Option<Result<MoveOutcome, ApiError>> {
    let refused = |words: &str| Some(Err(ApiError::refused(format!("{words}: {}", explained.sentence))));
    match explained.state {
        State::Hold | State::Steady | State::Route | State::Follow if moved => {
            Some(Ok(MoveOutcome::Verified))
        }
        State::Adopt if moved => Some(Ok(MoveOutcome::Lost)),
        State::Failed => refused("the provider refuses"),
        State::Drift => refused("the record was changed by others; adopt or restore it first"),
        State::Claim | State::Write | State::Unknown | State::Verify | State::Adopt => None,
        // Not begun: the machine may need its first reading, but not for long.
        State::Cold
        | State::Route
        | State::Blind
        | State::Follow
        | State::Steady
        | State::Suspect
        | State::Confirm
        | State::Revive
        | State::Ask
        | State::NoTarget
        | State::Hold
        | State::Paused
        | State::Locked => {
            (began.elapsed() > Duration::from_secs(15)).then(|| refused("nothing was written")).flatten()
        }
    }
}

pub(crate) async fn rehearse(
    inner: &Arc<Inner>,
    request: &PoolRehearse,
) -> Result<Outcome<Rehearsal>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let plan = Plan::new(format!("rehearse the failover of {}", policy.name))
        .step("the probe's own name", "create, replace, repeat, read back, delete")
        .step("members, voters, zone", "look at them; nothing is written");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let result = rehearse::rehearse(inner, policy.pool).await;
    let json = serde_json::to_string(&result)
        .map_err(|error| ApiError::internal("the rehearsal cannot be written").because(&error))?;
    inner.store.set_setting(&super::pool::rehearsal_key(policy.pool), Some(&json)).map_err(stored)?;
    if result.green {
        inner.set_held(policy.pool, None).map_err(failed("keeping the result"))?;
    }
    Ok(Outcome::done(plan, result))
}

pub(crate) fn arm(inner: &Arc<Inner>, request: &PoolArm) -> Result<Outcome<PoolView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let rehearsal = super::pool::rehearsal(inner, policy.pool);
    let green = rehearsal
        .filter(|result| result.green && clock::wall_ms().saturating_sub(result.at_ms) < REHEARSED_MS);
    if green.is_none() {
        return Err(ApiError::refused(
            "automatic failover is armed only after a green rehearsal of the last 24 hours: run `serversctl rehearse`",
        ));
    }
    set_arming(inner, &request.change, &policy, Arming::Armed)
}

pub(crate) fn disarm(inner: &Arc<Inner>, request: &PoolDisarm) -> Result<Outcome<PoolView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    set_arming(inner, &request.change, &policy, Arming::Shadow)
}

fn set_arming(
    inner: &Arc<Inner>,
    change: &Change,
    policy: &Policy,
    arming: Arming,
) -> Result<Outcome<PoolView>, ApiError> {
    let words = match arming {
        Arming::Armed => "turn automatic failover on",
        Arming::Shadow => "turn automatic failover off; it goes on deciding and explaining",
    };
    let plan = Plan::new(format!("{words} for {}", policy.name)).step("policy", "sign the next version");
    if change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    change_policy(inner, policy, |next| next.settings.arming = arming)?;
    super::pool::done(inner, policy.pool, plan)
}

fn change_policy(
    inner: &Arc<Inner>,
    policy: &Policy,
    change: impl FnOnce(&mut Policy),
) -> Result<(), ApiError> {
    let changed = inner.fleet.change_policy(&**inner, policy.pool, |next| {
        change(next);
        Ok(())
    });
    changed.map_err(failed("signing the policy"))?;
    inner.documents_changed();
    Ok(())
}

pub(crate) fn pause(
    inner: &Arc<Inner>,
    call: &Call,
    request: &PoolPause,
) -> Result<Outcome<PoolView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let length = Span::from_ms(request.for_ms);
    if length == Span::ZERO || length > PAUSE_MAX {
        return Err(ApiError::invalid("a pool can be paused for up to 24 hours"));
    }
    let plan =
        Plan::new(format!("pause {} for {length}", policy.name)).step("policy", "sign the next version");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let pause = Pause {
        until_unix_ms: clock::wall_ms() + length.as_ms(),
        by: call.by.chars().take(100).collect(),
        why: request.why.chars().take(200).collect(),
    };
    change_policy(inner, &policy, |next| next.pause = Some(pause))?;
    super::pool::done(inner, policy.pool, plan)
}

pub(crate) fn resume(inner: &Arc<Inner>, request: &PoolResume) -> Result<Outcome<PoolView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let plan = Plan::new(format!("resume {}", policy.name)).step("policy", "sign the next version");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    change_policy(inner, &policy, |next| next.pause = None)?;
    super::pool::done(inner, policy.pool, plan)
}

pub(crate) async fn acknowledge(
    inner: &Arc<Inner>,
    call: &Call,
    request: &PoolAcknowledge,
) -> Result<Outcome<PoolStatus>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let plan = Plan::new(format!("acknowledge the automatic moves of {}", policy.name));
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    command(inner, &policy, Command::Acknowledge { by: call.by.clone() })?;
    Ok(Outcome::done(plan, super::pool::status_of(inner, &policy).await))
}

pub(crate) async fn drift(
    inner: &Arc<Inner>,
    call: &Call,
    request: &DriftResolve,
) -> Result<Outcome<DnsView>, ApiError> {
    let policy = find_pool(inner, &request.pool)?;
    let (words, wanted) = match request.way {
        DriftWay::Adopt => {
            ("take the record over as it stands", Command::AdoptRecord { by: call.by.clone() })
        }
        DriftWay::Restore => ("put the record back", Command::RestoreRecord { by: call.by.clone() }),
    };
    let plan = Plan::new(format!("{words} for {}", policy.name));
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    command(inner, &policy, wanted)?;
    let watch = inner.watch_of(policy.pool).ok_or_else(|| ApiError::internal("the pool's watch is gone"))?;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        let state = watch.explain().await.map(|explained| explained.state);
        if !matches!(state, Some(State::Drift | State::Claim | State::Write | State::Unknown | State::Verify))
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let shown = super::dns::show(inner, &api::request::DnsShow { pool: request.pool.clone() }).await?;
    Ok(Outcome::done(plan, shown))
}

fn command(inner: &Inner, policy: &Policy, command: Command) -> Result<(), ApiError> {
    let unwatched = || ApiError::new(Code::NoHost, "nobody watches this pool on this computer");
    let watch = inner.watch_of(policy.pool).ok_or_else(unwatched)?;
    watch.tell(Ask::Input(Input::Operator(command)));
    Ok(())
}

pub(crate) fn watch_pause(host: &Host, request: &WatchPause) -> Result<Outcome<HostStatus>, ApiError> {
    set_watch(host, &request.change, Watch::Off, "pause the watch of this computer; the lease is given back")
}

pub(crate) fn watch_resume(host: &Host, request: &WatchResume) -> Result<Outcome<HostStatus>, ApiError> {
    set_watch(host, &request.change, Watch::On, "resume the watch of this computer")
}

fn set_watch(
    host: &Host,
    change: &Change,
    watch: Watch,
    words: &str,
) -> Result<Outcome<HostStatus>, ApiError> {
    let inner = host.inner()?;
    let plan = Plan::new(words);
    if change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    inner.set_watch(watch);
    host.set_paused((watch == Watch::Off).then(clock::now));
    Ok(Outcome::done(plan, super::host::status(host)))
}
