//! Consoles of the fleet: cards, joining, the list.

use api::request::{ConsoleAdd, ConsoleRole, FleetJoin};
use api::view::host::{ConsoleCard, ConsoleList, ConsoleView, FleetJoined, PoolFile};
use api::{ApiError, Outcome, Plan};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Code, ConsoleId, FleetId};
use protocol::docs::{ConsoleEntry, Role, Shelf, SignedDoc};
use protocol::key::PublicKey;
use serde::{Deserialize, Serialize};

use super::failed;
use crate::fleet::Fleet;
use crate::host::Host;
use crate::inner::Inner;
use crate::profile;

/// What a card's text holds; public.
#[derive(Serialize, Deserialize)]
struct CardText {
    console: ConsoleId,
    key: PublicKey,
    name: String,
}

/// What a pool file holds; no secret.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileText {
    fleet: FleetId,
    console: ConsoleId,
    rosters: Vec<SignedDoc>,
    policies: Vec<SignedDoc>,
}

const CARD: &str = "sctl-console-1.";
const CARD_BYTES_MAX: usize = 2_000;
const FILE_BYTES_MAX: usize = 16 << 20;

pub(crate) fn card(host: &Host) -> Result<ConsoleCard, ApiError> {
    let facts = host.facts().ok_or_else(|| ApiError::new(Code::NotFound, "there is no profile here yet"))?;
    let vault = host.vault().ok_or_else(|| ApiError::new(Code::VaultLocked, "the vault is locked"))?;
    let key = profile::read_key(&vault).map_err(failed("reading the console's key"))?.public();
    let text = CardText { console: facts.console, key, name: facts.name.clone() };
    let json = serde_json::to_vec(&text).map_err(|error| ApiError::internal("the card").because(&error))?;
    Ok(ConsoleCard {
        console: facts.console,
        name: facts.name,
        card: format!("{CARD}{}", URL_SAFE_NO_PAD.encode(json)),
        fingerprint: key.fingerprint(),
    })
}

fn read_card(text: &str) -> Result<CardText, ApiError> {
    let unreadable =
        || ApiError::invalid("this is no console card: copy all of what `serversctl console id` prints");
    let body =
        text.trim().strip_prefix(CARD).filter(|body| body.len() <= CARD_BYTES_MAX).ok_or_else(unreadable)?;
    let json = URL_SAFE_NO_PAD.decode(body).map_err(|_| unreadable())?;
    serde_json::from_slice(&json).map_err(|_| unreadable())
}

pub(crate) fn list(inner: &Inner) -> ConsoleList {
    let roster = inner.fleet.roster();
    ConsoleList { consoles: roster.consoles.iter().map(|entry| view(inner, entry)).collect() }
}

fn view(inner: &Inner, entry: &ConsoleEntry) -> ConsoleView {
    ConsoleView {
        id: entry.id,
        name: entry.name.clone(),
        role: match entry.role {
            Role::Owner => ConsoleRole::Owner,
            Role::Operator => ConsoleRole::Operator,
        },
        fingerprint: entry.key.fingerprint(),
        this_one: entry.id == inner.fleet.console,
    }
}

pub(crate) fn add(
    inner: &std::sync::Arc<Inner>,
    request: &ConsoleAdd,
) -> Result<Outcome<PoolFile>, ApiError> {
    let card = read_card(&request.card)?;
    let name = request.name.clone().unwrap_or(card.name);
    let role = match request.role {
        ConsoleRole::Owner => Role::Owner,
        ConsoleRole::Operator => Role::Operator,
    };
    let entry = ConsoleEntry { id: card.console, key: card.key, name: name.clone(), role };
    let plan = Plan::new(format!("let {name} (key {}) into the fleet", card.key.fingerprint()))
        .step("roster", "sign the next version with this console in it");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let signed = inner.fleet.change_roster(&**inner, |roster| {
        roster.consoles.retain(|old| old.id != entry.id);
        roster.consoles.push(entry.clone());
        Ok(())
    });
    signed.map_err(failed("signing the roster"))?;
    inner.documents_changed();
    let shelf = inner.fleet.shelf();
    let newest = shelf.roster().map(|kept| (*kept.signed).clone());
    let policies = shelf.policies().map(|kept| (*kept.signed).clone()).collect();
    drop(shelf);
    let file = FileText {
        fleet: inner.fleet.id,
        console: entry.id,
        rosters: newest.into_iter().collect(),
        policies,
    };
    let file =
        serde_json::to_string(&file).map_err(|error| ApiError::internal("the pool file").because(&error))?;
    Ok(Outcome::done(plan, PoolFile { console: view(inner, &entry), file }))
}

pub(crate) fn join(host: &Host, request: &FleetJoin) -> Result<Outcome<FleetJoined>, ApiError> {
    let inner = host.inner()?;
    if request.file.len() > FILE_BYTES_MAX {
        return Err(ApiError::invalid("this is no pool file: it is too large"));
    }
    let file: FileText = serde_json::from_str(&request.file)
        .map_err(|error| ApiError::invalid("this is no pool file").because(&error))?;
    if !inner.fleet.roster().members.is_empty() || !inner.fleet.policies().is_empty() {
        return Err(ApiError::refused(
            "this console has a fleet of its own with pools; use a new profile to join another",
        ));
    }
    if file.console != inner.fleet.console {
        return Err(ApiError::new(Code::Forbidden, "this pool file was made for another console"));
    }
    let (shelf, plan) = anchored(&file, &inner)?;
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let fleet = Fleet::restored(
        inner.fleet.console,
        &inner.fleet.name,
        inner.fleet.key.clone(),
        file.fleet,
        shelf.kept(),
    );
    host.take_fleet(fleet.map_err(failed("reading the pool file"))?).map_err(failed("joining the fleet"))?;
    Ok(Outcome::done(plan, joined(&*host.inner()?)))
}

fn anchored(file: &FileText, inner: &Inner) -> Result<(Shelf, Plan), ApiError> {
    let unsound =
        |error: protocol::docs::ShelfError| ApiError::invalid("the pool file does not hold").because(&error);
    let roster = file.rosters.last().ok_or_else(|| ApiError::invalid("the pool file names no roster"))?;
    let mut shelf = Shelf::anchored(file.fleet, roster.clone()).map_err(unsound)?;
    for policy in &file.policies {
        shelf.put(policy.clone()).map_err(unsound)?;
    }
    let listed = shelf.roster().and_then(|kept| kept.content.console(inner.fleet.console).cloned());
    let fits = listed.is_some_and(|entry| entry.key == inner.fleet.key.public());
    if !fits {
        return Err(ApiError::new(
            Code::Forbidden,
            "the roster in this pool file does not list this console's key",
        ));
    }
    let plan = Plan::new(format!("join the fleet {}", file.fleet.short()));
    Ok((shelf, plan))
}

fn joined(inner: &Inner) -> FleetJoined {
    let policies = inner.fleet.policies();
    let missing = policies.iter().filter_map(|policy| {
        let managed = policy.managed.as_ref()?;
        let known = inner.store.provider(&managed.provider_id).ok().flatten().is_some();
        (!known).then(|| format!("the DNS provider {} for {}", managed.provider_id, managed.hostname))
    });
    let missing = missing.collect();
    FleetJoined {
        fleet: inner.fleet.id,
        pools: policies.iter().map(|policy| policy.name.clone()).collect(),
        missing,
    }
}
