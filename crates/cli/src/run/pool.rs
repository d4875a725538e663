//! `pool`, `provider` and `dns`.

use api::request::{
    DnsAdopt, DnsRelease, DnsSet, DnsShow, DnsTest, ForeignMarker, PoolCreate, PoolListRequest, PoolRemove,
    PoolShow, PoolUpdate, ProviderAdd, ProviderLink, ProviderListRequest, ProviderRemove, ProviderTest,
};
use api::{ApiError, Change, ProviderName};

use super::held_unless;
use crate::args::{DnsCommand, PoolCommand, ProviderCommand};
use crate::session::Session;
use crate::{secret, show};

pub(crate) async fn on_pool(session: &Session, command: PoolCommand) -> Result<(), ApiError> {
    let (screen, change) = (session.screen, Change::default());
    match command {
        PoolCommand::Create { name, settings } => {
            let request = PoolCreate { change, name, settings: settings.into_patch() };
            screen.outcome(&session.change(request).await?, show::pool)
        }
        PoolCommand::List => screen.answer(&session.read(PoolListRequest {}).await?, show::pools),
        PoolCommand::Show(of) => screen.answer(&session.read(PoolShow { pool: of.pool }).await?, show::pool),
        PoolCommand::Set { pool, name, settings } => {
            let request = PoolUpdate { change, pool, name, settings: settings.into_patch() };
            screen.outcome(&session.change(request).await?, show::pool)
        }
        PoolCommand::Remove(of) => {
            screen.outcome(&session.change(PoolRemove { change, pool: of.pool }).await?, show::removed)
        }
    }
}

pub(crate) async fn on_provider(session: &Session, command: ProviderCommand) -> Result<(), ApiError> {
    let (screen, change) = (session.screen, Change::default());
    match command {
        ProviderCommand::Add(args) => {
            let secret = match &args.secret_file {
                Some(path) => secret::from_file(path)?,
                None => secret::ask(&format!("TSIG key `{}` in base64", args.key_name))?,
            };
            let link = ProviderLink::Rfc2136 {
                server: args.server,
                zone: args.zone,
                key_name: args.key_name,
                algorithm: args.algorithm,
            };
            let request = ProviderAdd { change, name: ProviderName(args.name), link, secret };
            screen.outcome(&session.change(request).await?, show::provider)
        }
        ProviderCommand::List => screen.answer(&session.read(ProviderListRequest {}).await?, show::providers),
        ProviderCommand::Test { provider } => {
            let report = session.read(ProviderTest { provider: ProviderName(provider) }).await?;
            screen.answer(&report, show::report)?;
            if report.passed { Ok(()) } else { Err(ApiError::refused(report.summary)) }
        }
        ProviderCommand::Remove { provider } => {
            let request = ProviderRemove { change, provider: ProviderName(provider) };
            screen.outcome(&session.change(request).await?, show::removed)
        }
    }
}

pub(crate) async fn on_dns(session: &Session, command: DnsCommand) -> Result<(), ApiError> {
    let (screen, change) = (session.screen, Change::default());
    match command {
        DnsCommand::Show(of) => screen.answer(&session.read(DnsShow { pool: of.pool }).await?, show::dns),
        DnsCommand::Set { pool, provider, label, ttl } => {
            let request = DnsSet { change, pool, provider: ProviderName(provider), label, ttl_s: ttl };
            screen.outcome(&session.change(request).await?, show::dns)
        }
        DnsCommand::Adopt { pool, member, shown, take_over } => {
            let foreign_marker = if take_over { ForeignMarker::TakeOver } else { ForeignMarker::Respect };
            let request = DnsAdopt { change, pool, member, shown, foreign_marker };
            screen.outcome(&session.change(request).await?, show::dns)
        }
        DnsCommand::Release(of) => {
            screen.outcome(&session.change(DnsRelease { change, pool: of.pool }).await?, show::dns)
        }
        DnsCommand::Test(of) => {
            let outcome = session.change(DnsTest { change, pool: of.pool }).await?;
            screen.outcome(&outcome, show::report)?;
            held_unless(&outcome, |report| report.passed, "the provider failed its proof; see above")
        }
    }
}
