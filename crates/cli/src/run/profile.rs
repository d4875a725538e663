//! `profile`, `console`, `watch pause` and `watch resume`.

use std::io::Write as _;

use api::request::{
    ConsoleAdd, ConsoleIdRequest, ConsoleListRequest, FleetJoin, HostStatusRequest, ProfileInit, VaultUnlock,
    WatchPause, WatchResume,
};
use api::{ApiError, Change, Outcome};

use super::read_text;
use crate::args::{ConsoleCommand, ProfileCommand, WatchArgs, WatchCommand};
use crate::session::Session;
use crate::{secret, show};

pub(crate) async fn on_profile(session: &Session, command: ProfileCommand) -> Result<(), ApiError> {
    let screen = session.screen;
    match command {
        ProfileCommand::Init { vault, name } => {
            let vault = vault.into();
            // A passphrase that a file gives is read by the vault itself.
            let given = std::env::var_os("SERVERSCTL_PASSPHRASE_FILE").is_some();
            let secret = match vault {
                api::request::VaultChoice::File if !given => {
                    Some(secret::ask_twice("New passphrase of the vault")?)
                }
                api::request::VaultChoice::File
                | api::request::VaultChoice::Keychain
                | api::request::VaultChoice::Credential => None,
            };
            let name = name.unwrap_or_else(hostname);
            let request = ProfileInit { change: Change::default(), name, vault, secret };
            screen.outcome(&session.change(request).await?, show::card)
        }
        ProfileCommand::Show => screen.answer(&session.read(HostStatusRequest {}).await?, show::host),
        ProfileCommand::Unlock => {
            let secret = secret::ask("Passphrase of this profile's vault")?;
            let outcome = session.change(VaultUnlock { change: Change::default(), secret }).await?;
            screen.outcome(&outcome, show::vault)
        }
        ProfileCommand::Join { file } => {
            let request = FleetJoin { change: Change::default(), file: read_text(&file)? };
            screen.outcome(&session.change(request).await?, show::joined)
        }
    }
}

pub(crate) async fn on_console(session: &Session, command: ConsoleCommand) -> Result<(), ApiError> {
    let screen = session.screen;
    match command {
        ConsoleCommand::Id => {
            // The card alone goes to stdout, so that it can be sent to a file.
            let card = session.read(ConsoleIdRequest {}).await?;
            screen.note(&format!("{}, fingerprint {}", card.name, card.fingerprint));
            screen.answer(&card, |card| card.card.clone())
        }
        ConsoleCommand::List => screen.answer(&session.read(ConsoleListRequest {}).await?, show::consoles),
        ConsoleCommand::Add { card, role, name, out } => {
            let request =
                ConsoleAdd { change: Change::default(), card: read_text(&card)?, role: role.into(), name };
            let outcome = session.change(request).await?;
            if let (Some(path), Outcome::Done { result, .. }) = (&out, &outcome) {
                std::fs::File::create(path)
                    .and_then(|mut file| file.write_all(result.file.as_bytes()))
                    .map_err(|error| {
                        ApiError::internal(format!("writing {}", path.display())).because(&error)
                    })?;
                screen.note(&format!("The pool file for {} is {}", result.console.name, path.display()));
            }
            screen.outcome(&outcome, |file| {
                if out.is_some() { file.console.name.clone() } else { file.file.clone() }
            })
        }
    }
}

pub(crate) async fn on_watch(session: &Session, args: WatchArgs) -> Result<(), ApiError> {
    let change = Change::default();
    let outcome = match args.command {
        Some(WatchCommand::Pause { duration }) => {
            session.change(WatchPause { change, for_ms: duration.map(|duration| duration.ms) }).await?
        }
        Some(WatchCommand::Resume) | None => session.change(WatchResume { change }).await?,
    };
    session.screen.outcome(&outcome, show::host)
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
