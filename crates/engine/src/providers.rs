//! DNS providers as this console knows them: an entry in the store, a secret in the vault, a road to the zone.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use api::request::ProviderLink;
use dns::rfc2136::{Config, Reads, Rfc2136, Timeouts};
use dns::tsig::{Algorithm, TsigKey};
use dns::{Fqdn, Names, Provider};
use protocol::docs::ManagedName;
use secrecy::SecretString;
use store::Store;
use vault::{SecretName, Vault};

use crate::pen::off_the_runtime;
use crate::register::Register;

/// The vault's name of a provider's secret.
pub(crate) fn secret_name(provider: &str) -> SecretName {
    SecretName::new(&format!("provider/{provider}"))
}

/// Reads a stored link.
pub(crate) fn link_of(row: &store::Provider) -> anyhow::Result<ProviderLink> {
    serde_json::from_str(&row.link).with_context(|| format!("reading the provider {}", row.name))
}

/// The zone a provider writes.
pub(crate) fn zone_of(link: &ProviderLink) -> &str {
    match link {
        ProviderLink::Rfc2136 { zone, .. } => zone,
    }
}

/// The provider's kind, as policies name it.
pub(crate) const fn kind_of(link: &ProviderLink) -> &'static str {
    match link {
        ProviderLink::Rfc2136 { .. } => "rfc2136",
    }
}

/// Where updates go.
pub(crate) fn endpoint_of(link: &ProviderLink) -> Option<SocketAddr> {
    match link {
        ProviderLink::Rfc2136 { server, .. } => read_server(server).ok(),
    }
}

/// Opens the road to a provider with its secret.
pub(crate) fn open(link: &ProviderLink, secret: &SecretString) -> anyhow::Result<Arc<dyn Provider>> {
    match link {
        ProviderLink::Rfc2136 { server, zone, key_name, algorithm } => {
            let config = Config {
                server: read_server(server)?,
                zone: Fqdn::new(zone)?,
                key: TsigKey::new(key_name, Algorithm::parse(algorithm)?, secret)?,
                reads: Reads::Signed,
                timeouts: Timeouts::default(),
            };
            Ok(Arc::new(Rfc2136::new(config)))
        }
    }
}

/// Opens a stored provider.
pub(crate) fn open_stored(
    store: &Store,
    vault: &Vault,
    name: &str,
) -> anyhow::Result<(ProviderLink, Arc<dyn Provider>)> {
    let row = store.provider(name)?.ok_or_else(|| {
        anyhow!("this console has no DNS provider called {name}: add it here with its own credential")
    })?;
    let link = link_of(&row)?;
    let secret = off_the_runtime(|| vault.get(&SecretName::new(&row.secret)))
        .with_context(|| format!("the credential of {name}"))?;
    let provider = open(&link, &secret)?;
    Ok((link, provider))
}

/// Opens the register of a managed name.
pub(crate) fn open_register(
    store: &Store,
    vault: &Vault,
    managed: &ManagedName,
    ttl_s: u32,
) -> anyhow::Result<Register> {
    let (_, provider) = open_stored(store, vault, &managed.provider_id)?;
    let names = Names::new(Fqdn::new(&managed.hostname)?, Fqdn::new(&managed.zone)?)?;
    Ok(Register::new(provider, names, ttl_s))
}

/// Reads `address` or `address:port`; a name is refused, since it might hang on the very record that is moved.
pub(crate) fn read_server(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    let address = text.parse::<std::net::IpAddr>().map_err(|_| {
        anyhow!("`{text}` is no address: write the server as 192.0.2.53 or 192.0.2.53:53, not as a name")
    })?;
    Ok(SocketAddr::new(address, 53))
}

/// The resolvers that show what customers get: `SERVERSCTL_RESOLVERS` (addresses with commas between), else those of
/// this computer.
pub(crate) fn resolvers() -> Vec<SocketAddr> {
    let given = std::env::var("SERVERSCTL_RESOLVERS").unwrap_or_default();
    let listed: Vec<_> = given.split(',').filter_map(|text| read_server(text.trim()).ok()).collect();
    if !listed.is_empty() {
        return listed;
    }
    let conf = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let named = conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    named.filter_map(|text| read_server(text.trim()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_and_never_a_name() {
        assert_eq!(read_server("192.0.2.53").unwrap().to_string(), "192.0.2.53:53");
        assert_eq!(read_server("[2001:db8::1]:5353").unwrap().port(), 5353);
        assert!(read_server("ns1.example.com").unwrap_err().to_string().contains("not as a name"));
    }
}
