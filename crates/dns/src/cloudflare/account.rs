//! What all pools of one account share, and the zone and the token as the API shows them: found when linking, and every
//! day.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Cloudflare, Purpose, RateBudget,
    wire::{self, Id, Verified, Zone},
};
use crate::{DnsError, Fqdn, error::ApiFault};

/// Zones on one page; the documented maximum.
const ZONES_PER_PAGE: usize = 50;

/// What every provider with the same token shares: the calls that are left, and the zones that were looked up.
#[derive(Debug, Default)]
pub struct Account {
    /// The calls that are left.
    pub budget: RateBudget,
    /// By account (where one is named) and zone.
    zone_ids: Mutex<BTreeMap<(String, Fqdn), Id>>,
}

impl Account {
    /// A full budget, and no zone looked up yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A zone, for the card of the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneFacts {
    /// The zone's name.
    pub name: Fqdn,
    /// `active`, or what keeps it from being served (`pending`, `moved`, `initializing`).
    pub status: String,
    /// The name servers that the parent must name before anybody asks this zone.
    pub name_servers: Vec<String>,
    /// The account that holds it, in its own words.
    pub account: String,
}

/// A token, for the card of the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenFacts {
    /// Whether it can be used.
    pub state: TokenState,
    /// When it ends, in milliseconds since 1970 (UTC); `None`: never, or not said.
    pub expires_at_ms: Option<i64>,
}

/// Whether a token can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TokenState {
    /// It is valid.
    Active,
    /// Somebody switched it off.
    Disabled,
    /// Its time is over.
    Expired,
    /// The API did not say; an account's own token can be verified only with the account's id, and works all the same.
    Unsaid,
}

impl Cloudflare {
    /// Looks the zone up.
    ///
    /// # Errors
    ///
    /// [`ApiFault::NoSuchZone`], [`ApiFault::AmbiguousZone`], and what every call can end with.
    pub async fn zone_facts(&self) -> Result<ZoneFacts, DnsError> {
        let zone = self.find_zone(Purpose::Read).await;
        let zone = zone.map_err(|fault| self.web.error("looking up the zone", fault))?;
        let text = |text: &str| self.web.scrub(text);
        Ok(ZoneFacts {
            name: self.zone.clone(),
            status: zone.status.as_deref().map(text).unwrap_or_default(),
            name_servers: zone.name_servers.iter().flatten().take(16).map(|name| text(name)).collect(),
            account: zone.account.and_then(|account| account.name).as_deref().map(text).unwrap_or_default(),
        })
    }

    /// Asks what the token is. A token that this refuses may still work: reading the zone is the better evidence.
    ///
    /// # Errors
    ///
    /// [`ApiFault::Credential`] when no place to verify it knows it, and what every call can end with.
    pub async fn token_facts(&self) -> Result<TokenFacts, DnsError> {
        let mut paths = vec!["user/tokens/verify".to_owned()];
        paths.extend(self.account_id.iter().map(|id| format!("accounts/{}/tokens/verify", id.as_str())));
        let mut refused = None;
        for path in paths {
            match self.get(&path, &[], Purpose::Read).await {
                Ok(reply) => {
                    let verified = wire::read::<Verified>(&reply.result, "token");
                    return Ok(facts(
                        &verified.map_err(|fault| self.web.error("verifying the token", fault))?,
                    ));
                }
                Err(fault @ ApiFault::Credential { .. }) => refused = Some(fault),
                Err(fault) => return Err(self.web.error("verifying the token", fault)),
            }
        }
        // A token of an account is unknown to the user's address and good everywhere else.
        match (self.find_zone(Purpose::Read).await, refused) {
            (Err(_), Some(fault)) => Err(self.web.error("verifying the token", fault)),
            _ => Ok(TokenFacts { state: TokenState::Unsaid, expires_at_ms: None }),
        }
    }

    /// The zone's id, looked up once for all.
    pub(super) async fn zone_id(&self, purpose: Purpose) -> Result<Id, ApiFault> {
        let known = self.with_zone_ids(|ids, key| ids.get(&key).cloned());
        if let Some(id) = known {
            return Ok(id);
        }
        let zone = self.find_zone(purpose).await?;
        self.with_zone_ids(|ids, key| ids.insert(key, zone.id.clone()));
        Ok(zone.id)
    }

    /// The API does not know it any more: it is looked up again.
    pub(super) fn forget_zone(&self) {
        self.with_zone_ids(|ids, key| ids.remove(&key));
    }

    fn with_zone_ids<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<(String, Fqdn), Id>, (String, Fqdn)) -> T,
    ) -> T {
        let account = self.account_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let mut ids = self.account.zone_ids.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut ids, (account, self.zone.clone()))
    }

    pub(super) async fn find_zone(&self, purpose: Purpose) -> Result<Zone, ApiFault> {
        let mut filter = vec![("name", self.zone.as_str())];
        filter.extend(self.account_id.iter().map(|id| ("account.id", id.as_str())));
        let listed = self.pages("zones", &filter, ZONES_PER_PAGE, "list of zones", purpose).await?;
        let listed: Vec<Zone> = listed.ok_or(ApiFault::Torn)?;
        let is_ours = |zone: &Zone| {
            let owner = zone.account.as_ref().and_then(|account| account.id.as_deref());
            let in_account =
                self.account_id.as_ref().is_none_or(|id| owner.is_none_or(|owner| owner == id.as_str()));
            in_account && zone.name.trim_end_matches('.').eq_ignore_ascii_case(self.zone.as_str())
        };
        // The filter is asked for and not relied on: with a wrong zone the API would append its name to ours.
        let mut found: Vec<Zone> = listed.into_iter().filter(is_ours).collect();
        match (found.len(), found.pop()) {
            (1, Some(zone)) => Ok(zone),
            (0, _) => Err(ApiFault::NoSuchZone {
                zone: self.zone.clone(),
                words: "it is not in the list of zones that this token may read".to_owned(),
            }),
            (count, _) => Err(ApiFault::AmbiguousZone { zone: self.zone.clone(), count }),
        }
    }
}

fn facts(verified: &Verified) -> TokenFacts {
    let state = match verified.status.as_str() {
        "active" => TokenState::Active,
        "disabled" => TokenState::Disabled,
        "expired" => TokenState::Expired,
        _ => TokenState::Unsaid,
    };
    let expires = verified.expires_on.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    TokenFacts { state, expires_at_ms: expires.map(Timestamp::as_millisecond) }
}
