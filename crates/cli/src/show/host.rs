//! The host, consoles, vault.

use api::request::{ConsoleRole, VaultChoice};
use api::view::host::{
    ConsoleCard, ConsoleList, FleetJoined, HostKind, HostStatus, ProfileState, VaultState, VaultView,
    WatchView,
};

use super::{Table, moment, span};

pub(crate) fn host(host: &HostStatus) -> String {
    let profile = match host.profile {
        ProfileState::Ready => {
            format!("{} ({})", host.name, host.console.map_or_else(String::new, |id| id.short()))
        }
        ProfileState::Missing => "not made yet; run `serversctl profile init`".to_owned(),
    };
    let kind = match host.kind {
        HostKind::Desktop => "the desktop",
        HostKind::Headless => "serversctl watch",
        HostKind::Brief => "this command only",
    };
    let watch = match &host.watch {
        WatchView::On => "on".to_owned(),
        WatchView::Paused { remaining_ms: Some(left), since_ms } => {
            format!("paused since {}, for {} more", moment(*since_ms), span(*left))
        }
        WatchView::Paused { remaining_ms: None, since_ms } => {
            format!("paused since {}, until resumed", moment(*since_ms))
        }
        WatchView::Off => "off: nothing watches in this process".to_owned(),
    };
    let fleet = host.fleet.map_or_else(|| "none yet".to_owned(), |fleet| fleet.short());
    format!(
        "Console  {profile}\nFleet    {fleet}\nHost     {kind}, process {}, version {}, up {}\nWatch    {watch}\n\
         Vault    {}\n",
        host.pid,
        host.version,
        span(host.up_ms),
        vault(&host.vault)
    )
}

pub(crate) fn vault(vault: &VaultView) -> String {
    let place = match vault.choice {
        Some(VaultChoice::Keychain) => "keychain",
        Some(VaultChoice::File) => "passphrase file",
        Some(VaultChoice::Credential) => "file under systemd's credential",
        None => "none",
    };
    match vault.state {
        VaultState::Open => format!("{place}, open"),
        VaultState::Locked => format!("{place}, locked: {}", vault.words),
        VaultState::Absent => format!("{place}, absent: {}", vault.words),
    }
}

pub(crate) fn card(card: &ConsoleCard) -> String {
    format!("Console {} is made, fingerprint {}", card.name, card.fingerprint)
}

pub(crate) fn consoles(list: &ConsoleList) -> String {
    let mut table = Table::new(&["CONSOLE", "ROLE", "ID", "FINGERPRINT", ""]);
    for console in &list.consoles {
        let role = match console.role {
            ConsoleRole::Owner => "owner",
            ConsoleRole::Operator => "operator",
        };
        let mine = if console.this_one { "this one" } else { "" };
        table.row([
            console.name.clone(),
            role.to_owned(),
            console.id.short(),
            console.fingerprint.clone(),
            mine.to_owned(),
        ]);
    }
    table.to_text("")
}

pub(crate) fn joined(joined: &FleetJoined) -> String {
    let mut text = format!("Joined fleet {} with {}\n", joined.fleet.short(), joined.pools.join(", "));
    for missing in &joined.missing {
        add!(text, "  still missing: {missing}\n");
    }
    text
}
