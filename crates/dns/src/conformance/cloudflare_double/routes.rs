//! Which request gets which answer.

use serde_json::{Value, json};

use super::{
    ACCOUNT, Grant, Owner, Quirk, World,
    zone::{self, Record, Refusal, is_id, row},
};
use crate::conformance::stage::{Reply, Request};

/// What a 429 asks for, in seconds.
const RETRY_AFTER_S: u32 = 7;

pub(super) fn answer(world: &mut World, request: &Request) -> Reply {
    if world.blocked > 0 {
        world.blocked -= 1;
        let words = "More than 1200 requests per 300 seconds reached. Please wait and consider throttling.";
        return refused(&(429, 10_100, words.to_owned())).with("retry-after", &RETRY_AFTER_S.to_string());
    }
    let grant = match grant(world, request) {
        Ok(grant) => grant,
        Err(refusal) => return refused(&refusal),
    };
    route(world, request, &grant).unwrap_or_else(|refusal| refused(&refusal))
}

fn grant(world: &World, request: &Request) -> Result<Grant, Refusal> {
    if request.header("x-auth-key").is_some() || request.header("x-auth-email").is_some() {
        return Err((400, 6_003, "Invalid request headers".to_owned()));
    }
    let words = request.header("authorization").unwrap_or_default();
    let Some(token) = words.strip_prefix("Bearer ") else {
        return Err((400, 6_003, "Invalid request headers".to_owned()));
    };
    if token.len() < 40 || !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        return Err((400, 6_003, "Invalid request headers: invalid format for Authorization".to_owned()));
    }
    let found = world.grants.iter().find(|grant| grant.token == token);
    let Some(grant) = found else { return Err((403, 9_109, "Invalid access token".to_owned())) };
    if grant.status != "active" && !request.path.ends_with("/tokens/verify") {
        return Err((403, 9_109, "Invalid access token".to_owned()));
    }
    Ok(grant.clone())
}

fn route(world: &mut World, request: &Request, grant: &Grant) -> Result<Reply, Refusal> {
    let path = request.path.strip_prefix("/client/v4/").ok_or_else(zone::no_route)?;
    let parts: Vec<_> = path.split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["user", "tokens", "verify"]) => verify(grant, Owner::User),
        ("GET", ["accounts", ACCOUNT, "tokens", "verify"]) => verify(grant, Owner::Account),
        ("GET", ["zones"]) => zones(world, request, grant),
        ("GET", ["zones", id, "dns_records"]) => {
            let at = zone_at(world, id)?;
            require(grant.dns_read || grant.dns_write)?;
            records(world, at, request)
        }
        ("POST", ["zones", id, "dns_records", "batch"]) => {
            let at = zone_at(world, id)?;
            require(grant.dns_write)?;
            if request.header("content-type") != Some("application/json") {
                return Err((400, 6_003, "Invalid request headers: Content-Type".to_owned()));
            }
            let body = serde_json::from_slice(&request.body)
                .map_err(|_| (400, 9_207, "Request body is invalid.".to_owned()))?;
            zone::batch(world, at, &body).map(|done| accepted(&done, None))
        }
        _ => Err(zone::no_route()),
    }
}

fn verify(grant: &Grant, at: Owner) -> Result<Reply, Refusal> {
    if grant.owner != at {
        return Err((401, 1_000, "Invalid API Token".to_owned()));
    }
    let mut result = json!({ "id": "62470000000000000000000000000000", "status": grant.status });
    if let Some(expires_on) = &grant.expires_on {
        result["expires_on"] = json!(expires_on);
    }
    let words = "This API Token is valid and active";
    let messages = json!([{ "code": 10_000, "message": words, "type": null }]);
    let body = json!({ "result": result, "success": true, "errors": [], "messages": messages });
    Ok(Reply::json(200, &body))
}

fn zones(world: &World, request: &Request, grant: &Grant) -> Result<Reply, Refusal> {
    known_filters(request, &["name", "account.id", "page", "per_page"])?;
    require(grant.zone_read)?;
    let name = request.param("name").filter(|_| !world.has(Quirk::IgnoresZoneName)).unwrap_or_default();
    let is_in_account = request.param("account.id").is_none_or(|id| id == ACCOUNT);
    let found =
        world.zones.iter().filter(|zone| is_in_account && (name.is_empty() || zone.name.as_str() == name));
    let rows: Vec<_> = found
        .map(|zone| {
            json!({
                "id": zone.id, "name": zone.name.as_str(), "status": zone.status, "paused": false, "type": "full",
                "name_servers": ["a.ns.cloudflare.com", "b.ns.cloudflare.com"], "original_registrar": null,
                "account": { "id": ACCOUNT, "name": "The double" }, "owner": { "id": null, "type": "user" },
                "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
            })
        })
        .collect();
    page(&rows, request, 20, 50)
}

fn records(world: &World, zone_at: usize, request: &Request) -> Result<Reply, Refusal> {
    const FILTERS: [&str; 6] = ["type", "name", "name.exact", "name.endswith", "page", "per_page"];
    known_filters(request, &FILTERS)?;
    let lower = |name: &str| request.param(name).map(str::to_ascii_lowercase);
    let (exact, end) = (lower("name").or_else(|| lower("name.exact")), lower("name.endswith"));
    let kind = request.param("type");
    let meets = |record: &&Record| {
        exact.as_ref().is_none_or(|name| record.name == *name)
            && end.as_ref().is_none_or(|end| record.name.ends_with(end.as_str()))
            && kind.is_none_or(|kind| record.kind == kind)
    };
    let rows: Vec<_> = world.zones[zone_at].records.iter().filter(meets).map(row).collect();
    page(&rows, request, 100, 5_000_000)
}

fn known_filters(request: &Request, known: &[&str]) -> Result<(), Refusal> {
    match request.query.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err((400, 1_101, format!("The request was invalid: unknown filter {name}."))),
    }
}

fn page(rows: &[Value], request: &Request, default: usize, max: usize) -> Result<Reply, Refusal> {
    let number = |name: &str, default: usize| {
        request.param(name).map_or(Some(default), |text| text.parse::<usize>().ok())
    };
    let invalid = || (400, 1_101, "The request was invalid: page or per_page.".to_owned());
    let at = number("page", 1).filter(|at| *at >= 1).ok_or_else(invalid)?;
    let size = number("per_page", default).filter(|size| (1..=max).contains(size)).ok_or_else(invalid)?;
    let shown: Vec<_> = rows.iter().skip((at - 1) * size).take(size).cloned().collect();
    let pages = rows.len().div_ceil(size).max(1);
    let stands = json!({
        "page": at, "per_page": size, "count": shown.len(), "total_count": rows.len(), "total_pages": pages,
    });
    Ok(accepted(&json!(shown), Some(&stands)))
}

fn zone_at(world: &World, id: &str) -> Result<usize, Refusal> {
    if !is_id(id) {
        return Err(zone::no_route());
    }
    world.zones.iter().position(|zone| zone.id == id).ok_or_else(zone::no_route)
}

fn require(right: bool) -> Result<(), Refusal> {
    if right { Ok(()) } else { Err((403, 10_000, "Authentication error".to_owned())) }
}

fn accepted(result: &Value, page: Option<&Value>) -> Reply {
    let mut body = json!({ "result": result, "success": true, "errors": [], "messages": [] });
    if let Some(page) = page {
        body["result_info"] = page.clone();
    }
    Reply::json(200, &body)
}

fn refused((status, code, words): &Refusal) -> Reply {
    let errors = json!([{ "code": code, "message": words }]);
    Reply::json(*status, &json!({ "result": null, "success": false, "errors": errors, "messages": [] }))
}
