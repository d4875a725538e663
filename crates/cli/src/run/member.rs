//! `member` and `activate`.

use api::request::{
    MemberActivate, MemberEnrol, MemberInvite, MemberListRequest, MemberRemove, MemberShow, MemberStat,
    MemberUpdate, Readiness,
};
use api::{ApiError, Change};

use super::moved;
use crate::args::{ActivateArgs, MemberCommand};
use crate::session::Session;
use crate::show;

pub(crate) async fn on_member(session: &Session, command: MemberCommand) -> Result<(), ApiError> {
    let (screen, change) = (session.screen, Change::default());
    match command {
        MemberCommand::Invite(args) => {
            let request = MemberInvite {
                change,
                pool: args.pool,
                hostname: args.hostname,
                name: args.name,
                sources: args.from,
                address: args.address,
                template: args.template.into(),
                priority: args.priority,
            };
            screen.outcome(&session.change(request).await?, show::invitation)
        }
        MemberCommand::Enrol { invitation, address, via, timeout } => {
            let request = MemberEnrol { change, invitation, address, via, timeout_ms: Some(timeout.ms) };
            screen.outcome(&session.change(request).await?, show::member)
        }
        MemberCommand::List { pool } => {
            screen.answer(&session.read(MemberListRequest { pool }).await?, show::members)
        }
        MemberCommand::Show { member } => {
            screen.answer(&session.read(MemberShow { member }).await?, show::member)
        }
        MemberCommand::Stat { member, problems } => {
            let mut stat = session.read(MemberStat { member }).await?;
            if problems {
                stat.rows.retain(show::is_trouble);
            }
            screen.answer(&stat, show::stat)
        }
        MemberCommand::Set { member, name, from, address, priority, place } => {
            let request = MemberUpdate { change, member, name, sources: from, address, priority, place };
            screen.outcome(&session.change(request).await?, show::member)
        }
        MemberCommand::Remove { member } => {
            screen.outcome(&session.change(MemberRemove { change, member }).await?, show::removed)
        }
    }
}

pub(crate) async fn activate(session: &Session, args: ActivateArgs) -> Result<(), ApiError> {
    let readiness = if args.even_if_not_ready { Readiness::Overridden } else { Readiness::Required };
    let request =
        MemberActivate { change: Change::default(), pool: args.pool, member: args.member, readiness };
    moved(session, &session.change(request).await?)
}
