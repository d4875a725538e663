//! The list against router, TypeScript and the rules of the wire.

use std::collections::BTreeSet;
use std::path::Path;

use model::settings::{AgentLost, Arming, DoubleFault, Preset, Targets};
use model::{Code, Health, Settings};
use serde::Serialize;
use serde_json::{Value, json};

use crate::fake::FakeHost;
use crate::typescript as ts;
use crate::{ApiError, COMMANDS, Call, Effect, Outcome, Plan, SecretText, dispatch, view};

/// One request per command, as a caller would send it, with every field that has no default.
fn samples() -> Vec<(&'static str, Value)> {
    let pool = json!({ "pool": "web" });
    let member = json!({ "member": "edge-1" });
    let bare = json!({});
    let link =
        json!({ "kind": "rfc2136", "server": "ns", "zone": "z", "keyName": "k", "algorithm": "hmac-sha256" });
    vec![
        ("host_status", bare.clone()),
        ("console_id", bare.clone()),
        ("console_list", bare.clone()),
        ("pool_list", bare.clone()),
        ("pool_show", pool.clone()),
        ("pool_status", bare.clone()),
        ("pool_explain", pool.clone()),
        ("pool_what_if", pool.clone()),
        ("member_list", bare.clone()),
        ("member_show", member.clone()),
        ("member_stat", member.clone()),
        ("provider_list", bare.clone()),
        ("provider_test", json!({ "provider": "office" })),
        ("dns_show", pool.clone()),
        ("incident_list", bare.clone()),
        ("incident_show", json!({ "incident": "3f2a9c01" })),
        ("notice_list", bare.clone()),
        ("notice_settings_show", bare.clone()),
        ("audit_list", bare.clone()),
        ("profile_init", json!({ "name": "desk", "vault": "file", "secret": "canary" })),
        ("vault_unlock", json!({ "secret": "canary" })),
        ("console_add", json!({ "card": "card", "role": "operator" })),
        ("fleet_join", json!({ "file": "file" })),
        (
            "pool_create",
            json!({ "name": "web", "settings": { "delayS": 10, "probePort": { "kind": "to", "value": 443 } } }),
        ),
        ("pool_update", json!({ "pool": "web", "settings": { "preferred": { "kind": "clear" } } })),
        ("pool_remove", pool.clone()),
        ("member_enrol", json!({ "invitation": "i", "address": "203.0.113.7" })),
        ("member_update", json!({ "member": "edge-1", "sources": ["203.0.113.7"] })),
        ("member_remove", member),
        ("provider_add", json!({ "name": "office", "link": link, "secret": "canary" })),
        ("provider_remove", json!({ "provider": "office" })),
        ("dns_set", json!({ "pool": "web", "provider": "office", "label": "lb" })),
        ("dns_adopt", pool.clone()),
        ("dns_release", pool.clone()),
        ("dns_test", pool.clone()),
        ("member_activate", json!({ "pool": "web", "member": "edge-2" })),
        ("pool_cutover", pool.clone()),
        ("pool_rehearse", pool.clone()),
        ("pool_arm", pool.clone()),
        ("pool_disarm", pool.clone()),
        ("pool_pause", json!({ "pool": "web", "forMs": 60_000 })),
        ("pool_resume", pool.clone()),
        ("pool_acknowledge", pool.clone()),
        ("drift_resolve", json!({ "pool": "web", "way": "restore" })),
        ("notice_settings_set", json!({ "muteMs": 3_600_000 })),
        ("watch_pause", bare.clone()),
        ("watch_resume", bare),
        ("member_invite", json!({ "pool": "web", "hostname": "edge-1", "sources": ["203.0.113.7"] })),
    ]
}

/// A host that refuses everything and says what reached it.
fn echo() -> FakeHost {
    FakeHost::at_once(|command, request| Err(ApiError::refused(command).with_detail(request.to_string())))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn send(host: &FakeHost, command: &str, payload: Value) -> Result<Value, ApiError> {
    run(dispatch(host, &Call::quiet("a test"), command, payload))
}

#[test]
fn list_router_and_samples_are_one() {
    let listed: BTreeSet<_> = COMMANDS.iter().map(|command| command.name).collect();
    let sampled: BTreeSet<_> = samples().iter().map(|(command, _)| *command).collect();
    assert_eq!(listed.len(), COMMANDS.len(), "a command stands twice in the list");
    assert_eq!(listed, sampled);
    let host = echo();
    for (command, payload) in samples() {
        let error = send(&host, command, payload).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (Code::Refused, command), "{error}");
    }
    assert_eq!(send(&host, "pool_explode", json!({})).unwrap_err().code, Code::NotFound);
}

#[test]
fn commands_are_noun_verb_and_documented() {
    for command in COMMANDS {
        let words: Vec<_> = command.name.split('_').collect();
        assert!(words.len() >= 2 && words.iter().all(|word| !word.is_empty()), "{}", command.name);
        assert!(command.doc.trim().ends_with('.'), "{}", command.name);
    }
}

#[test]
fn a_field_that_is_not_known_is_refused_by_every_command() {
    let host = echo();
    for (command, mut payload) in samples() {
        payload["surprise"] = json!(1);
        let error = send(&host, command, payload).unwrap_err();
        assert_eq!(error.code, Code::Invalid, "{command}");
    }
}

#[test]
fn every_field_of_the_wire_is_camel_case() {
    let host = echo();
    for (command, payload) in samples() {
        let error = send(&host, command, payload).unwrap_err();
        let seen: Value = serde_json::from_str(&error.detail).unwrap();
        assert_camel(command, &seen);
    }
    for line in ts::file().lines() {
        if let Some((field, _)) = line.split_once(": ").filter(|_| !line.starts_with([' ', '*', '/', 'e'])) {
            assert!(!field.contains('_'), "{line}");
        }
    }
}

fn assert_camel(command: &str, value: &Value) {
    if let Value::Object(fields) = value {
        for (name, field) in fields {
            assert!(!name.contains('_') && !name.contains('-'), "{command}: {name}");
            assert_camel(command, field);
        }
    }
}

#[test]
fn the_committed_typescript_is_fresh_and_has_every_command() {
    let fresh = ts::file();
    for command in COMMANDS {
        assert!(fresh.contains(&format!("\n  {}: {{ request: ", command.name)), "{}", command.name);
    }
    assert!(!fresh.contains("bigint"), "numbers over 2^53 never cross");
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend/src/generated").join(ts::FILE);
    let committed = std::fs::read_to_string(committed).expect("the generated file is committed");
    assert_eq!(committed, fresh, "run `cargo xtask codegen`");
}

#[test]
fn mirrored_words_are_those_of_the_model() {
    fn same<A: Serialize, B: Serialize>(pairs: &[(A, B)]) {
        for (ours, theirs) in pairs {
            assert_eq!(serde_json::to_value(ours).unwrap(), serde_json::to_value(theirs).unwrap());
        }
    }
    same(&[(ts::PresetText::Haproxy, Preset::Haproxy), (ts::PresetText::Generic, Preset::Generic)]);
    same(&[(ts::TargetsText::Public, Targets::Public), (ts::TargetsText::Any, Targets::Any)]);
    same(&[
        (ts::AgentLostText::Heartbeat, AgentLost::Heartbeat),
        (ts::AgentLostText::ServiceConfirmed, AgentLost::ServiceConfirmed),
    ]);
    same(&[(ts::DoubleFaultText::Ask, DoubleFault::Ask), (ts::DoubleFaultText::Move, DoubleFault::Move)]);
    same(&[(ts::ArmingText::Shadow, Arming::Shadow), (ts::ArmingText::Armed, Arming::Armed)]);
    same(&[
        (ts::HealthText::Ready, Health::Ready),
        (ts::HealthText::Degraded("a".to_owned()), Health::Degraded("a".to_owned())),
        (ts::HealthText::Down("b".to_owned()), Health::Down("b".to_owned())),
        (ts::HealthText::Unknown("c".to_owned()), Health::Unknown("c".to_owned())),
    ]);
    let settings = ts::SettingsText {
        preset: ts::PresetText::Haproxy,
        delay_s: 30,
        ttl_s: 60,
        voices: 2,
        targets: ts::TargetsText::Public,
        agent_lost: ts::AgentLostText::Heartbeat,
        double_fault: ts::DoubleFaultText::Ask,
        arming: ts::ArmingText::Shadow,
        probe_port: None,
        dynamic_dns: ts::DynamicDnsText::Off,
    };
    same(&[(settings, Settings::default())]);
    for code in codes() {
        let word = serde_json::to_string(&code).unwrap();
        assert!(
            ts::file().lines().any(|line| line.starts_with("export type Code =") && line.contains(&word)),
            "{word}"
        );
    }
}

/// Every code; the match makes the compiler ask for new ones.
fn codes() -> Vec<Code> {
    let mut codes = vec![Code::Invalid];
    loop {
        codes.push(match codes[codes.len() - 1] {
            Code::Invalid => Code::NotFound,
            Code::NotFound => Code::Conflict,
            Code::Conflict => Code::Refused,
            Code::Refused => Code::Unauthorized,
            Code::Unauthorized => Code::Forbidden,
            Code::Forbidden => Code::VaultLocked,
            Code::VaultLocked => Code::Unreachable,
            Code::Unreachable => Code::Throttled,
            Code::Throttled => Code::NoHost,
            Code::NoHost => Code::Internal,
            Code::Internal => return codes,
        });
    }
}

#[test]
fn no_secret_reaches_audit_ledger_debug_or_errors() {
    let host = echo();
    for (command, mut payload) in samples() {
        payload["change"] = json!({ "idempotencyKey": format!("key of {command}") });
        let _ = send(&host, command, payload);
    }
    let deeds = host.deeds();
    let changes = COMMANDS.iter().filter(|command| command.effect != Effect::Read).count();
    assert_eq!(deeds.len(), changes, "every change leaves an audit entry");
    for (deed, _) in deeds {
        assert!(!deed.payload.to_string().contains("canary"), "{}", deed.command);
        assert!(deed.payload.get("change").is_none(), "{}", deed.command);
    }
    assert!(!format!("{:?}", SecretText::new("canary".to_owned())).contains("canary"));
    // A payload that cannot be read is not quoted either, whatever is wrong with it.
    let wrong = json!({ "secret": { "canary": 1 }, "name": ["canary"] });
    let error = send(&host, "provider_add", wrong).unwrap_err();
    assert!(!error.to_string().contains("canary"), "{error}");
}

/// A host whose changes succeed and count themselves.
fn counting() -> FakeHost {
    let count = std::sync::atomic::AtomicU32::new(0);
    FakeHost::at_once(move |command, request| {
        if request["change"]["dryRun"] == json!(true) {
            return serde_json::to_value(Outcome::<()>::planned(Plan::new("p"))).map_err(|_| unreachable!());
        }
        let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let result = match command {
            "pool_remove" => json!({ "leftBehind": [count.to_string()] }),
            _ => return Err(ApiError::refused("not now")),
        };
        Ok(json!({ "kind": "done", "plan": Plan::new("p"), "result": result }))
    })
}

#[test]
fn one_key_does_a_change_once_and_answers_alike() {
    let host = counting();
    let request = |pool: &str| json!({ "pool": pool, "change": { "idempotencyKey": "k1" } });
    let first = send(&host, "pool_remove", request("web")).unwrap();
    assert_eq!(send(&host, "pool_remove", request("web")).unwrap(), first);
    assert_eq!(host.deeds().len(), 1, "the second call did nothing and is no deed");
    for (command, payload) in [("pool_remove", request("lab")), ("pool_arm", request("web"))] {
        assert_eq!(send(&host, command, payload).unwrap_err().code, Code::Conflict);
    }
    let again = send(&host, "pool_remove", json!({ "pool": "web" })).unwrap();
    assert_ne!(again, first, "without a key it is another deed");
}

#[test]
fn a_failed_change_is_audited_and_frees_its_key() {
    let host = counting();
    let request = json!({ "pool": "web", "change": { "idempotencyKey": "k1" } });
    for _ in 0..2 {
        assert_eq!(send(&host, "pool_arm", request.clone()).unwrap_err().code, Code::Refused);
    }
    let deeds = host.deeds();
    assert_eq!(deeds.len(), 2);
    assert!(deeds.iter().all(|(deed, result)| deed.by == "a test" && result.is_err()));
}

#[test]
fn a_dry_run_is_no_deed() {
    let host = counting();
    let request = json!({ "pool": "web", "change": { "dryRun": true, "idempotencyKey": "k1" } });
    let answer = send(&host, "pool_remove", request).unwrap();
    let outcome: Outcome<view::Removed> = serde_json::from_value(answer).unwrap();
    assert!(matches!(outcome, Outcome::Planned { .. }));
    assert!(host.deeds().is_empty());
}

#[test]
fn an_invitation_is_never_answered_twice() {
    let invited = view::member::Invitation {
        invitation: view::member::InvitationView {
            id: "i".to_owned(),
            member: model::MemberId::from_number(1),
            pool: model::PoolId::from_number(1),
            hostname: "edge-1".to_owned(),
            name: "edge-1".to_owned(),
            sources: Vec::new(),
            expires_ms: 1,
        },
        secret: SecretText::new("canary".to_owned()),
        command: "balctl-agent enrol".to_owned(),
        fleet_fingerprint: "f".to_owned(),
    };
    let answer = serde_json::to_value(Outcome::done(Plan::new("p"), invited)).unwrap();
    let host = FakeHost::at_once(move |_, _| Ok(answer.clone()));
    let change = json!({ "idempotencyKey": "k1" });
    let request = json!({ "pool": "web", "hostname": "edge-1", "sources": [], "change": change });
    let first = send(&host, "member_invite", request.clone()).unwrap();
    assert_eq!(first["result"]["secret"], json!("canary"), "the secret is shown once");
    assert_eq!(send(&host, "member_invite", request).unwrap_err().code, Code::Conflict);
    assert!(!format!("{:?}", host.deeds()).contains("canary"), "and never kept");
}

#[test]
fn things_are_named_by_name_id_or_short_id() {
    let id = model::PoolId::from_number(0xdead_beef);
    for text in ["web", "deadbeef", &id.to_string()] {
        assert!(crate::PoolRef::from(text).means(&id, "web"), "{text}");
    }
    assert!(!crate::PoolRef::from("dead").means(&id, "web"));
}
