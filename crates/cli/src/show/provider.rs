//! Providers and managed names.

use api::request::ProviderLink;
use api::view::dns::{DnsState, DnsView};
use api::view::pool::DynamicDnsView;
use api::view::provider::{ProviderList, ProviderView, TestReport};

use super::{Table, checks, moment, span};

pub(crate) fn providers(list: &ProviderList) -> String {
    let mut table = Table::new(&["PROVIDER", "KIND", "SERVER", "ZONE", "KEY", "POOLS", "TESTED"]);
    for provider in &list.providers {
        let ProviderLink::Rfc2136 { server, zone, key_name, .. } = &provider.link;
        table.row([
            provider.name.to_string(),
            "RFC 2136".to_owned(),
            server.clone(),
            zone.clone(),
            key_name.clone(),
            provider.pools.join(", "),
            provider.tested.as_ref().map_or_else(|| "never".to_owned(), |report| report.summary.clone()),
        ]);
    }
    table.to_text("")
}

pub(crate) fn provider(provider: &ProviderView) -> String {
    let ProviderLink::Rfc2136 { server, zone, key_name, algorithm } = &provider.link;
    let mut text = format!(
        "{}\n  Server  {server}\n  Zone    {zone}\n  Key     {key_name} ({algorithm}), in {}\n",
        provider.name, provider.secret_place
    );
    if let Some(tested) = &provider.tested {
        text.push_str(&report(tested));
    }
    text
}

pub(crate) fn report(report: &TestReport) -> String {
    format!("{} ({})\n{}", report.summary, moment(report.at_ms), checks(&report.checks))
}

pub(super) fn dynamic_dns(dynamic: &DynamicDnsView) -> String {
    format!("Dynamic DNS is {}: {}", if dynamic.on { "on" } else { "off" }, dynamic.words)
}

pub(crate) fn dns(dns: &DnsView) -> String {
    let Some(hostname) = &dns.hostname else {
        return "No name is set; choose one with `serversctl dns set`".to_owned();
    };
    let state = match dns.state {
        DnsState::Unset => "not set",
        DnsState::NotAdopted => "not adopted",
        DnsState::Managed => "managed",
        DnsState::Drift => "changed by others",
        DnsState::Unreadable => "cannot be read",
    };
    let mut text = format!(
        "{hostname}  {state}\n  {}\n  Provider  {} (zone {})\n  TTL       {} s\n  Proxy     none: clients see the member's \
         own address, as raw TCP needs; RFC 2136 has no other way\n  Epoch     {}\n  Target    {}\n",
        dns.words,
        dns.provider.as_ref().map_or("none", |provider| provider.0.as_str()),
        dns.zone.as_deref().unwrap_or("?"),
        dns.ttl_s,
        dns.epoch,
        dns.target.as_deref().unwrap_or("no member")
    );
    if let Some(register) = &dns.register {
        let list = |values: &[String]| if values.is_empty() { "none".to_owned() } else { values.join(", ") };
        add!(text, "  A         {} ({} ago)\n", list(&register.a), span(register.age_ms));
        add!(text, "  Marker    {}\n", list(&register.markers));
        if let Some(fault) = &register.fault {
            add!(text, "  Since then it could not be read: {fault}\n");
        }
    }
    if let Some(until) = dns.old_answers_until_ms {
        add!(text, "  Old answers may live until {}\n", moment(until));
    }
    if let Some(probe) = &dns.probe {
        add!(text, "  Proof     {} ({})\n", probe.summary, moment(probe.at_ms));
    }
    text
}
