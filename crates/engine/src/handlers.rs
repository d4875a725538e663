//! The api's commands, each in a few lines: find what is named, ask the engine once, convert. The files follow the
//! groups of the list.

pub(crate) mod console;
pub(crate) mod dns;
pub(crate) mod history;
pub(crate) mod host;
pub(crate) mod ledger;
pub(crate) mod member;
pub(crate) mod notice;
pub(crate) mod pool;
pub(crate) mod provider;
pub(crate) mod stat;
mod stream;
pub(crate) mod switch;
mod table;

use std::sync::Arc;

use api::{ApiError, MemberRef, PoolRef};
use model::PoolId;
use protocol::docs::{MemberEntry, Policy};

use crate::inner::Inner;

/// The pool that a person named.
pub(crate) fn find_pool(inner: &Inner, pool: &PoolRef) -> Result<Arc<Policy>, ApiError> {
    let policies = inner.fleet.policies();
    let mut found = policies.into_iter().filter(|policy| pool.means(&policy.pool, &policy.name));
    let policy = found.next().ok_or_else(|| ApiError::not_found("pool", pool))?;
    if found.next().is_some() {
        return Err(ApiError::invalid(format!("several pools are called {pool}: name one by its id")));
    }
    Ok(policy)
}

/// The member that a person named.
pub(crate) fn find_member(inner: &Inner, member: &MemberRef) -> Result<MemberEntry, ApiError> {
    let roster = inner.fleet.roster();
    let mut found = roster.members.iter().filter(|entry| member.means(&entry.id, &entry.name));
    let entry = found.next().ok_or_else(|| ApiError::not_found("member", member))?;
    if found.next().is_some() {
        return Err(ApiError::invalid(format!("several members are called {member}: name one by its id")));
    }
    Ok(entry.clone())
}

/// A member of this very pool.
pub(crate) fn find_in_pool(inner: &Inner, pool: PoolId, member: &MemberRef) -> Result<MemberEntry, ApiError> {
    let entry = find_member(inner, member)?;
    if entry.pool != pool {
        return Err(ApiError::invalid(format!("{} is not a member of this pool", entry.name)));
    }
    Ok(entry)
}

/// An error of the engine as it crosses the api.
pub(crate) fn failed(doing: &str) -> impl FnOnce(anyhow::Error) -> ApiError + '_ {
    move |error| {
        let vault = error.chain().find_map(|one| one.downcast_ref::<vault::VaultError>());
        if let Some(vault @ (vault::VaultError::Locked(_) | vault::VaultError::Absent(_))) = vault {
            return ApiError::new(model::Code::VaultLocked, vault.to_string())
                .with_detail(format!("{doing} failed"));
        }
        let refused = error.chain().any(<dyn std::error::Error>::is::<model::settings::SettingsError>);
        let message = if refused { error.root_cause().to_string() } else { format!("{doing} failed") };
        let code = if refused { model::Code::Invalid } else { model::Code::Internal };
        ApiError::new(code, message).with_detail(format!("{error:#}"))
    }
}

/// An error of the store as it crosses the api.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn stored(error: store::StoreError) -> ApiError {
    ApiError::internal("the profile's database refused").because(&error)
}
