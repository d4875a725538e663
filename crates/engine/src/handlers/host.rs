//! The host itself: who hosts, profile, vault.

use api::request::{ProfileInit, VaultChoice, VaultUnlock};
use api::view::host::{ConsoleCard, HostKind, HostStatus, ProfileState, VaultState, VaultView, WatchView};
use api::{ApiError, Outcome, Plan};
use model::Code;
use secrecy::SecretString;
use vault::{Backend, State};

use super::failed;
use crate::clock;
use crate::host::{Host, Kind};
use crate::pen::off_the_runtime;

pub(crate) fn status(host: &Host) -> HostStatus {
    let facts = host.facts();
    let kind = match host.kind {
        Kind::Desktop => HostKind::Desktop,
        Kind::Headless => HostKind::Headless,
        Kind::Brief => HostKind::Brief,
    };
    let now = clock::now();
    let watch = match (host.kind, host.paused_since()) {
        (Kind::Brief, _) => WatchView::Off,
        (Kind::Desktop | Kind::Headless, Some(since)) => {
            WatchView::Paused { remaining_ms: None, since_ms: clock::wall_ms() - (now - since).as_ms() }
        }
        (Kind::Desktop | Kind::Headless, None) => WatchView::On,
    };
    HostStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: if facts.is_some() { ProfileState::Ready } else { ProfileState::Missing },
        console: facts.as_ref().map(|facts| facts.console),
        name: facts.as_ref().map(|facts| facts.name.clone()).unwrap_or_default(),
        fleet: facts.as_ref().and_then(|facts| facts.fleet),
        kind,
        pid: std::process::id(),
        up_ms: (now - host.opened).as_ms(),
        watch,
        vault: vault_view(host),
        revision: host.events.revision(),
    }
}

fn vault_view(host: &Host) -> VaultView {
    let choice = host.facts().map(|facts| match facts.backend {
        Backend::Keychain => VaultChoice::Keychain,
        Backend::File => VaultChoice::File,
        Backend::Credential => VaultChoice::Credential,
    });
    let (state, words) = match host.vault().map(|vault| off_the_runtime(|| vault.state())) {
        Some(State::Open) => (VaultState::Open, String::new()),
        Some(State::Locked(words)) => (VaultState::Locked, words),
        Some(State::Absent(words)) => (VaultState::Absent, words),
        None => (VaultState::Absent, "no vault is open".to_owned()),
    };
    VaultView { choice, state, words }
}

pub(crate) fn init(host: &Host, request: &ProfileInit) -> Result<Outcome<ConsoleCard>, ApiError> {
    if host.facts().is_some() {
        return Err(ApiError::new(Code::Conflict, "this profile is made already"));
    }
    if request.name.is_empty() || request.name.len() > 64 {
        return Err(ApiError::invalid("a console's name has 1 to 64 bytes"));
    }
    let plan = Plan::new(format!("make a profile called {} and a fleet of its own", request.name))
        .step("vault", format!("{:?}", request.vault).to_lowercase())
        .step("console key", "made here, kept in the vault")
        .step("roster 1", "signed by this console as its owner");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    host.make_profile(request).map_err(failed("making the profile"))?;
    Ok(Outcome::done(plan, super::console::card(host)?))
}

pub(crate) fn unlock(host: &Host, request: &VaultUnlock) -> Result<Outcome<VaultView>, ApiError> {
    let plan = Plan::new("unlock the vault of this host");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    if host.facts().is_none() {
        return Err(ApiError::new(Code::NotFound, "there is no vault to unlock"));
    }
    // A vault that could not even be opened at the start may be there by now.
    host.open_vault().map_err(failed("opening the vault"))?;
    let vault = host.vault().ok_or_else(|| {
        ApiError::new(Code::VaultLocked, "the vault cannot be opened yet: see the log of this host")
    })?;
    let passphrase = SecretString::from(request.secret.expose());
    off_the_runtime(|| vault.unlock(&passphrase))
        .map_err(|error| ApiError::new(Code::VaultLocked, error.to_string()))?;
    match host.inner() {
        // Providers whose secrets could not be read before are tried again.
        Ok(inner) => inner.documents_changed(),
        Err(_) => host.start_with_vault().map_err(failed("starting after the vault was unlocked"))?,
    }
    Ok(Outcome::done(plan, vault_view(host)))
}
