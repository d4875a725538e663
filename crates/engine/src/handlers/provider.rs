//! DNS providers.

use std::sync::Arc;
use std::time::Instant;

use api::request::{ProviderAdd, ProviderRemove, ProviderTest};
use api::view::provider::{ProviderList, ProviderView, TestReport};
use api::view::{Check, CheckOutcome, Removed};
use api::{ApiError, Outcome, Plan, ProviderName};
use dns::{Fqdn, Names};
use model::Code;
use secrecy::SecretString;

use super::{failed, stored};
use crate::inner::Inner;
use crate::{clock, providers};

pub(crate) fn list(inner: &Inner) -> Result<ProviderList, ApiError> {
    let rows = inner.store.providers().map_err(stored)?;
    let providers = rows.iter().map(|row| view(inner, row)).collect::<Result<_, _>>()?;
    Ok(ProviderList { providers })
}

fn view(inner: &Inner, row: &store::Provider) -> Result<ProviderView, ApiError> {
    let uses = |policy: &&Arc<protocol::docs::Policy>| {
        policy.managed.as_ref().is_some_and(|managed| managed.provider_id == row.name)
    };
    Ok(ProviderView {
        name: ProviderName(row.name.clone()),
        link: providers::link_of(row).map_err(failed("reading the provider"))?,
        secret_place: inner.vault.place().to_owned(),
        pools: inner.fleet.policies().iter().filter(uses).map(|policy| policy.name.clone()).collect(),
        tested: row.tested.as_ref().and_then(|json| serde_json::from_str(json).ok()),
    })
}

pub(crate) fn add(inner: &Arc<Inner>, request: &ProviderAdd) -> Result<Outcome<ProviderView>, ApiError> {
    let name = request.name.0.clone();
    if name.is_empty() || name.len() > 64 {
        return Err(ApiError::invalid("a provider's name has 1 to 64 bytes"));
    }
    let secret = SecretString::from(request.secret.expose());
    // Malformed links and secrets are found before anything is kept.
    providers::open(&request.link, &secret).map_err(|error| ApiError::invalid(format!("{error:#}")))?;
    let plan = Plan::new(format!("add the DNS provider {name}"))
        .step("vault", format!("keep its secret in {}", inner.vault.place()))
        .step("profile", "keep its address and key name");
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    let secret_name = providers::secret_name(&name);
    let row = store::Provider {
        name: name.clone(),
        kind: providers::kind_of(&request.link).to_owned(),
        link: serde_json::to_string(&request.link)
            .map_err(|error| ApiError::internal("the provider cannot be written").because(&error))?,
        secret: secret_name.as_str().to_owned(),
        created_ms: clock::wall_ms(),
        tested: None,
    };
    // Asked before the vault is touched: another provider's secret lies under the same name.
    let taken = || ApiError::new(Code::Conflict, format!("a provider called {name} exists already"));
    if inner.store.provider(&name).map_err(stored)?.is_some() {
        return Err(taken());
    }
    inner
        .vault
        .put(&secret_name, &secret)
        .map_err(|error| ApiError::new(Code::VaultLocked, error.to_string()))?;
    if !inner.store.add_provider(&row).map_err(stored)? {
        return Err(taken());
    }
    inner.documents_changed();
    Ok(Outcome::done(plan, view(inner, &row)?))
}

pub(crate) async fn test(inner: &Inner, request: &ProviderTest) -> Result<TestReport, ApiError> {
    let name = &request.provider.0;
    let began = Instant::now();
    let opened = providers::open_stored(&inner.store, &inner.vault, name);
    let (link, provider) = opened.map_err(|error| ApiError::new(Code::NotFound, format!("{error:#}")))?;
    let zone = Fqdn::new(providers::zone_of(&link)).map_err(|error| ApiError::invalid(error.to_string()))?;
    // Any name in the zone will do for a question; nothing needs to exist there.
    let label = zone.child("_sctl-test").map_err(|error| ApiError::invalid(error.to_string()))?;
    let names = Names::new(label, zone).map_err(|error| ApiError::invalid(error.to_string()))?;
    let (outcome, words) = match provider.read(&names).await {
        Ok(_) => (CheckOutcome::Passed, "answers with authority and knows the key".to_owned()),
        Err(error) => (CheckOutcome::Failed, error.chain()),
    };
    let check = Check {
        name: "the server answers, serves the zone and accepts the key".to_owned(),
        outcome,
        words: words.clone(),
        took_ms: began.elapsed().as_millis() as u64,
    };
    let passed = outcome == CheckOutcome::Passed;
    let report = TestReport { passed, at_ms: clock::wall_ms(), summary: words, checks: vec![check] };
    if let Ok(json) = serde_json::to_string(&report) {
        inner.store.set_provider_tested(name, &json).map_err(stored)?;
    }
    Ok(report)
}

pub(crate) fn remove(inner: &Arc<Inner>, request: &ProviderRemove) -> Result<Outcome<Removed>, ApiError> {
    let name = &request.provider.0;
    let row = inner.store.provider(name).map_err(stored)?;
    let row = row.ok_or_else(|| ApiError::not_found("provider", &request.provider))?;
    let used = view(inner, &row)?.pools;
    if !used.is_empty() {
        return Err(ApiError::refused(format!(
            "{name} is used by {}: give the names back first",
            used.join(", ")
        )));
    }
    let plan = Plan::new(format!("remove the DNS provider {name} and its secret"));
    if request.change.dry_run {
        return Ok(Outcome::planned(plan));
    }
    inner.store.remove_provider(name).map_err(stored)?;
    let secret = vault::SecretName::new(&row.secret);
    let left = inner.vault.remove(&secret).err().map(|error| format!("its secret in the vault: {error}"));
    Ok(Outcome::done(plan, Removed { left_behind: left.into_iter().collect() }))
}
