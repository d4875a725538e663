//! From the command line to one request and back to words.

use std::io::Read as _;
use std::path::Path;

use api::names::IncidentRef;
use api::view::incident::IncidentOutcome;
use api::{ApiError, Outcome, Subscribe, Topic, request as req};
use serde::Serialize;

use crate::args::{AutoCommand, Cli, Command, DriftCommand, IncidentCommand, NoticeCommand, StatusArgs};
use crate::session::Session;
use crate::{show, watch};

mod member;
mod pool;
mod profile;

/// Runs one command line.
pub(crate) async fn run(cli: Cli) -> Result<(), ApiError> {
    let Cli { common, command } = cli;
    if let Command::Watch(args) = &command
        && args.command.is_none()
    {
        return watch::run(&common, args).await;
    }
    let session = Session::open(&common).await?;
    let result = on_command(&session, command).await;
    session.close().await;
    result
}

async fn on_command(session: &Session, command: Command) -> Result<(), ApiError> {
    let screen = session.screen;
    match command {
        Command::Profile(command) => profile::on_profile(session, command).await,
        Command::Console(command) => profile::on_console(session, command).await,
        Command::Watch(args) => profile::on_watch(session, args).await,
        Command::Pool(command) => pool::on_pool(session, command).await,
        Command::Provider(command) => pool::on_provider(session, command).await,
        Command::Dns(command) => pool::on_dns(session, command).await,
        Command::Member(command) => member::on_member(session, command).await,
        Command::Status(args) => status(session, args).await,
        Command::Explain(of) => {
            let answer = session.read(req::PoolExplain { pool: of.pool }).await?;
            screen.answer(&answer, show::explanation)
        }
        Command::WhatIf(args) => {
            let fault = if args.service_stops { req::Fault::ServiceStops } else { req::Fault::Dies };
            let answer =
                session.read(req::PoolWhatIf { pool: args.pool, member: args.member, fault }).await?;
            screen.answer(&answer, show::what_if)
        }
        Command::Rehearse(of) => {
            let outcome =
                session.change(req::PoolRehearse { change: api::Change::default(), pool: of.pool }).await?;
            screen.outcome(&outcome, show::rehearsal)?;
            held_unless(&outcome, |rehearsal| rehearsal.green, "the rehearsal is not green")
        }
        Command::Activate(args) => member::activate(session, args).await,
        Command::Cutover(of) => {
            let outcome =
                session.change(req::PoolCutover { change: api::Change::default(), pool: of.pool }).await?;
            moved(session, &outcome)
        }
        Command::Auto(AutoCommand::On(of)) => {
            let outcome =
                session.change(req::PoolArm { change: api::Change::default(), pool: of.pool }).await?;
            screen.outcome(&outcome, show::pool)
        }
        Command::Auto(AutoCommand::Off(of)) => {
            let outcome =
                session.change(req::PoolDisarm { change: api::Change::default(), pool: of.pool }).await?;
            screen.outcome(&outcome, show::pool)
        }
        Command::Pause(args) => {
            let change = api::Change::default();
            let request = req::PoolPause { change, pool: args.pool, for_ms: args.duration.ms, why: args.why };
            screen.outcome(&session.change(request).await?, show::pool)
        }
        Command::Resume(of) => {
            let outcome =
                session.change(req::PoolResume { change: api::Change::default(), pool: of.pool }).await?;
            screen.outcome(&outcome, show::pool)
        }
        Command::Ack(of) => {
            let request = req::PoolAcknowledge { change: api::Change::default(), pool: of.pool };
            screen.outcome(&session.change(request).await?, show::status)
        }
        Command::Drift(command) => drift(session, command).await,
        Command::Incidents(command) => incidents(session, command).await,
        Command::Notices(command) => notices(session, &command).await,
        Command::Audit(args) => {
            let request = req::AuditListRequest { limit: Some(args.limit), before: args.before };
            screen.answer(&session.read(request).await?, show::audit)
        }
    }
}

async fn drift(session: &Session, command: DriftCommand) -> Result<(), ApiError> {
    let (of, way) = match command {
        DriftCommand::Adopt(of) => (of, req::DriftWay::Adopt),
        DriftCommand::Restore(of) => (of, req::DriftWay::Restore),
    };
    let request = req::DriftResolve { change: api::Change::default(), pool: of.pool, way };
    session.screen.outcome(&session.change(request).await?, show::dns)
}

async fn notices(session: &Session, command: &NoticeCommand) -> Result<(), ApiError> {
    let screen = session.screen;
    let mute = |mute_ms| req::NoticeSettingsSet { mute_ms: Some(mute_ms), ..Default::default() };
    match command {
        NoticeCommand::List { limit } => {
            let request = req::NoticeListRequest { limit: Some(*limit) };
            screen.answer(&session.read(request).await?, show::notices)
        }
        NoticeCommand::Show => {
            screen.answer(&session.read(req::NoticeSettingsShow {}).await?, show::notice_settings)
        }
        NoticeCommand::Mute { time } => {
            screen.outcome(&session.change(mute(time.ms)).await?, show::notice_settings)
        }
        NoticeCommand::Unmute => screen.outcome(&session.change(mute(0)).await?, show::notice_settings),
    }
}

async fn incidents(session: &Session, command: IncidentCommand) -> Result<(), ApiError> {
    match command {
        IncidentCommand::List { pool, limit } => {
            let request = req::IncidentListRequest { pool, limit: Some(limit) };
            session.screen.answer(&session.read(request).await?, show::incidents)
        }
        IncidentCommand::Show { incident } => {
            let request = req::IncidentShow { incident: IncidentRef(incident) };
            session.screen.answer(&session.read(request).await?, show::incident)
        }
    }
}

/// Between two subscriptions, so that a host that closes streams is not asked without a pause.
const BREATH: tokio::time::Duration = tokio::time::Duration::from_millis(200);

async fn status(session: &Session, args: StatusArgs) -> Result<(), ApiError> {
    let request = req::PoolStatusRequest { pool: args.pool };
    let mut picture = session.read(request.clone()).await?;
    session.screen.answer(&picture, show::statuses)?;
    if !args.watch {
        return Ok(());
    }
    let topics = vec![Topic::Pools, Topic::Notices];
    loop {
        let since_revision = picture.revision;
        let mut events =
            session.client.subscribe(Subscribe { topics: topics.clone(), since_revision }).await?;
        // One answer to many events: they come in bursts, and each one only says that the picture is older.
        while let Some(event) = events.next().await {
            if let api::EventBody::Notice(notice) = &event.body {
                session.screen.note(&notice.text);
            }
            let fresh = session.read(request.clone()).await?;
            if fresh.pools != picture.pools {
                session.screen.answer(&fresh, show::statuses)?;
            }
            picture = fresh;
        }
        if let Some(error) = events.error() {
            return Err(error);
        }
        // The host closed the stream or went away; in the second case the next turn says so in words.
        tokio::time::sleep(BREATH).await;
    }
}

/// Prints a move, and fails unless its write is proven.
pub(crate) fn moved(session: &Session, outcome: &Outcome<api::view::pool::MoveView>) -> Result<(), ApiError> {
    use api::view::pool::MoveOutcome;
    session.screen.outcome(outcome, show::moved)?;
    match outcome {
        Outcome::Planned { .. } => Ok(()),
        Outcome::Done { result, .. } => match result.outcome {
            MoveOutcome::Verified | MoveOutcome::Accepted => Ok(()),
            MoveOutcome::Lost => Err(ApiError::refused("another console's write came first")),
            MoveOutcome::Unknown => Err(ApiError::new(
                model::Code::Unreachable,
                "what became of the write is not known yet; `serversctl status` says when it is",
            )),
        },
    }
}

/// Fails with "refused" when a check did not pass; its report is printed already.
pub(crate) fn held_unless<T: Serialize>(
    outcome: &Outcome<T>,
    passed: impl FnOnce(&T) -> bool,
    words: &str,
) -> Result<(), ApiError> {
    match outcome {
        Outcome::Done { result, .. } if !passed(result) => Err(ApiError::refused(words)),
        Outcome::Done { .. } | Outcome::Planned { .. } => Ok(()),
    }
}

/// Text of a file that is no secret: a card or a pool file. `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Result<String, ApiError> {
    /// A pool file of a thousand members stays below.
    const TEXT_BYTES_MAX: u64 = 1 << 20;
    let failed =
        |error: std::io::Error| ApiError::invalid(format!("reading {}", path.display())).because(&error);
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(TEXT_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(TEXT_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}

/// How an incident ended, in a word.
pub(crate) const fn outcome_word(outcome: IncidentOutcome) -> &'static str {
    match outcome {
        IncidentOutcome::Open => "open",
        IncidentOutcome::Moved => "moved",
        IncidentOutcome::MovedUnverified => "moved, not read back",
        IncidentOutcome::MovedByOther => "moved by another console",
        IncidentOutcome::Recovered => "recovered, nothing moved",
        IncidentOutcome::Held => "held, nothing moved",
        IncidentOutcome::Failed => "failed",
    }
}
