//! Which call gets which answer.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Url;
use serde_json::{Value, json};

use super::{GOOD_TOKEN, Quirk, World};
use crate::conformance::stage::{Reply, Request};

pub(super) fn answer(world: &mut World, request: &Request) -> Reply {
    let Some(function) = request.path.strip_prefix("/json-api/") else {
        return Reply::text(200, "text/html", "<html><title>WHM Login</title></html>");
    };
    if !is_let_in(request) {
        let data = json!({ "reason": "Access denied", "result": "0" });
        let body = json!({ "apiversion": "2", "error": "Access denied", "data": data, "type": "text" });
        return Reply::text(403, "text/plain", &json!({ "cpanelresult": body }).to_string());
    }
    let fields = fields(request);
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    if field("api.version") != Some("1") {
        return Reply::json(200, &json!({ "status": 1, "statusmsg": "Ok" }));
    }
    world.answers += 1;
    let odd = world.answers.is_multiple_of(2);
    match function {
        "version" => done(function, odd, &json!({ "version": "11.136.0.4" })),
        "parse_dns_zone" | "mass_edit_dns_zone" if field("zone") != Some(world.file.zone.as_str()) => {
            refused(function, "You do not have access to that zone, or it does not exist.")
        }
        "parse_dns_zone" => {
            let payload = world.file.payload(odd, |bytes| BASE64_STANDARD.encode(bytes));
            done(function, odd, &json!({ "payload": payload }))
        }
        "mass_edit_dns_zone" => match mass_edit(world, &fields) {
            Ok(serial) if odd => done(function, odd, &json!({ "new_serial": serial.to_string() })),
            Ok(serial) => done(function, odd, &json!({ "new_serial": serial })),
            Err(words) => refused(function, &words),
        },
        _ => refused(function, &format!("Unknown app (\u{201c}{function}\u{201d}) requested.")),
    }
}

fn is_let_in(request: &Request) -> bool {
    let words = request.header("authorization").unwrap_or_default();
    let Some((scheme, login)) = words.split_once(' ') else { return false };
    scheme.eq_ignore_ascii_case("whm") && login.split_once(':') == Some(("root", GOOD_TOKEN))
}

/// The query's fields and the form's, `+` being a space.
fn fields(request: &Request) -> Vec<(String, String)> {
    let mut all = request.query.clone();
    if request.header("content-type") == Some("application/x-www-form-urlencoded") {
        let body = String::from_utf8_lossy(&request.body);
        if let Ok(url) = Url::parse(&format!("http://form.invalid/?{body}")) {
            all.extend(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())));
        }
    }
    all
}

fn mass_edit(world: &mut World, fields: &[(String, String)]) -> Result<u32, String> {
    const KNOWN: [&str; 6] = ["api.version", "zone", "serial", "add", "edit", "remove"];
    let list = |wanted: &str| -> Vec<&str> {
        // A list repeats its name, or numbers it: `add`, `add-1`.
        let is_of = |name: &str| name == wanted || name.strip_prefix(wanted).is_some_and(is_number_suffix);
        fields.iter().filter(|(name, _)| is_of(name)).map(|(_, value)| value.as_str()).collect()
    };
    let is_known = |name: &str| {
        KNOWN.iter().any(|known| name == *known || name.strip_prefix(known).is_some_and(is_number_suffix))
    };
    if let Some((name, _)) = fields.iter().find(|(name, _)| !is_known(name)) {
        return Err(format!("Unknown parameter {name}."));
    }
    let serial = list("serial").first().and_then(|text| text.parse::<u32>().ok());
    let serial = serial.ok_or("Provide the serial.")?;
    if world.has(Quirk::RefusesEdits) {
        return Err("DNS edits are not allowed for this zone.".to_owned());
    }
    if serial != world.file.serial && !world.has(Quirk::IgnoresSerial) {
        let now = world.file.serial;
        return Err(format!("The given serial number ({serial}) does not match the zone's ({now})."));
    }
    let rows = |name: &str| {
        let rows = list(name).into_iter().map(serde_json::from_str);
        rows.collect::<Result<Vec<_>, _>>().map_err(|_| format!("Invalid JSON in {name}."))
    };
    let removes = list("remove").into_iter().map(str::parse::<u64>).collect::<Result<Vec<_>, _>>();
    let removes = removes.map_err(|_| "A remove is a line number.".to_owned())?;
    world.file.mass_edit(rows("add")?, rows("edit")?, &removes)
}

fn is_number_suffix(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|digits| digits.parse::<u16>().is_ok())
}

fn done(function: &str, odd: bool, data: &Value) -> Reply {
    let result = if odd { json!("1") } else { json!(1) };
    let metadata = json!({ "version": 1, "command": function, "reason": "OK", "result": result });
    Reply::json(200, &json!({ "metadata": metadata, "data": data }))
}

fn refused(function: &str, words: &str) -> Reply {
    let metadata = json!({ "version": 1, "command": function, "reason": words, "result": 0 });
    Reply::json(200, &json!({ "data": null, "metadata": metadata }))
}
