//! One command's connection to a host: the one that runs, or a short-lived one of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::request::{HostStatusRequest, VaultChoice, VaultUnlock};
use api::{ApiError, Change, Mutation, Request};
use client::{Client, ClientError};
use model::Code;
use tokio::task::JoinHandle;

use crate::args::Common;
use crate::host::{self, Mode, Opened};
use crate::screen::Screen;
use crate::secret;

pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) screen: Screen,
    change: Change,
    brief: Option<Brief>,
}

struct Brief {
    host: Opened,
    served: JoinHandle<()>,
}

impl Session {
    pub(crate) async fn open(common: &Common) -> Result<Self, ApiError> {
        let profile = profile(common)?;
        let (client, brief) = connect(&profile).await?;
        Ok(Self {
            client,
            screen: screen(common),
            change: Change { dry_run: common.dry_run, idempotency_key: common.key.clone() },
            brief,
        })
    }

    /// Asks for something.
    pub(crate) async fn read<R: Request + Clone>(&self, request: R) -> Result<R::Answer, ApiError> {
        self.call(request).await
    }

    /// Changes something, with this command's dry run and key.
    pub(crate) async fn change<R: Mutation + Clone>(&self, mut request: R) -> Result<R::Answer, ApiError> {
        *request.change_mut() = self.change.clone();
        self.call(request).await
    }

    /// Ends a short-lived host in order.
    pub(crate) async fn close(self) {
        drop(self.client);
        if let Some(brief) = self.brief {
            // The served half ends by itself when its client is gone and its changes are done.
            let _ = brief.served.await;
            brief.host.close().await;
        }
    }

    async fn call<R: Request + Clone>(&self, request: R) -> Result<R::Answer, ApiError> {
        let screen = self.screen;
        let result = self.client.call_watched(request.clone(), |line| screen.progress(&line)).await;
        match result {
            Err(error) if error.code == Code::VaultLocked && self.can_unlock().await => {
                let secret = secret::ask("Passphrase of this profile's vault")?;
                self.client.call(VaultUnlock { change: Change::default(), secret }).await?;
                self.client.call_watched(request, |line| screen.progress(&line)).await
            }
            other => other,
        }
    }

    async fn can_unlock(&self) -> bool {
        secret::can_ask()
            && self
                .client
                .call(HostStatusRequest {})
                .await
                .is_ok_and(|status| status.vault.choice == Some(VaultChoice::File))
    }
}

pub(crate) const fn screen(common: &Common) -> Screen {
    if common.json { Screen::Json } else { Screen::Words }
}

/// The profile's directory: the one given, else `serversctl` in the user's data directory.
pub(crate) fn profile(common: &Common) -> Result<PathBuf, ApiError> {
    if let Some(profile) = &common.profile {
        return std::path::absolute(profile)
            .map_err(|error| ApiError::invalid("the profile's directory is no path").because(&error));
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("serversctl"))
        .ok_or_else(|| {
            ApiError::invalid("neither HOME nor XDG_DATA_HOME is set; name a profile with --profile")
        })
}

/// Who acts, for the audit.
pub(crate) fn by() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let name = name.unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()));
    format!("{name} through the command line")
}

/// How often and how long to try while another process starts or ends hosting: a watch that leaves lets calls go on for
/// ten seconds.
const TRIES: u32 = 30;
const BETWEEN_TRIES: tokio::time::Duration = tokio::time::Duration::from_millis(500);

async fn connect(profile: &Path) -> Result<(Client, Option<Brief>), ApiError> {
    let mut tried = 0;
    loop {
        match Client::connect(profile, &by()).await {
            Ok(client) => return Ok((client, None)),
            Err(ClientError::NoHost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match host::open(profile, Mode::Brief) {
            Ok(host) => {
                let (client, served) = client::in_memory(Arc::clone(&host.api), &by()).await?;
                return Ok((client, Some(Brief { host, served })));
            }
            // Another process holds the profile and has no socket: it comes up, goes down, or is a brief one too.
            Err(error) if error.code == Code::Conflict && tried < TRIES => {
                tried += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            Err(error) => return Err(error),
        }
    }
}
