//! Members and invitations.

use api::request::Template;
use api::view::member::{Invitation, Light, LightState, MemberList, MemberStatus, MemberView, Role, Verdict};

use super::{Table, evidence, moment, span, yes_no};

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Active => "active",
        Role::Standby => "standby",
        Role::Witness => "witness",
    }
}

pub(super) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unknown => "UNKNOWN",
        Verdict::Up => "UP",
        Verdict::Suspect => "SUSPECT",
        Verdict::Down => "DOWN",
        Verdict::ServiceDown => "SVC_DOWN",
        Verdict::AgentLost => "AGENT_LOST",
    }
}

const fn template(template: Template) -> &'static str {
    match template {
        Template::HaproxyEdge => "HAProxy balancer",
        Template::GenericLinux => "Generic Linux server",
        Template::Witness => "witness",
    }
}

pub(super) fn health(member: &MemberStatus) -> String {
    match member.health.reason() {
        "" => member.health.word().to_owned(),
        why => format!("{}: {why}", member.health.word()),
    }
}

pub(super) fn age(age_ms: Option<u64>) -> String {
    age_ms.map_or_else(|| "never".to_owned(), |ms| format!("{} ago", span(ms)))
}

pub(super) fn light(light: &Light) -> String {
    let state = match light.state {
        LightState::On => "on",
        LightState::Off => "off",
        LightState::Unknown => "?",
    };
    light.age_ms.map_or_else(|| state.to_owned(), |ms| format!("{state} {}", span(ms)))
}

pub(crate) fn member(member: &MemberView) -> String {
    let version = if member.agent_version.is_empty() { "not heard yet" } else { &member.agent_version };
    let mut text = format!(
        "{} ({})\n  Pool      {}\n  Hostname  {}\n  Address   {}\n  Relay     {}\n  Sources   {}\n  For       {}\n  \
         Priority  {}\n  Agent     {version}\n  Key       {}\n  Enrolled  {}\n",
        member.name,
        member.id.short(),
        member.pool_name,
        member.hostname,
        member.address,
        member.relay,
        member.sources.join(", "),
        template(member.template),
        member.priority,
        member.fingerprint,
        moment(member.enrolled_ms)
    );
    if let Some(status) = &member.status {
        add!(
            text,
            "  Role      {}\n  Health    {}\n  Verdict   {}, heard {}\n  Ready     {}: {}\n",
            role(status.role),
            health(status),
            verdict(status.verdict),
            age(status.age_ms),
            yes_no(status.ready.verdict),
            status.ready.reason
        );
        let lights = &status.lights;
        for (name, one) in [
            ("agent", &lights.agent),
            ("relay", &lights.relay),
            ("ssh", &lights.ssh),
            ("service", &lights.service),
        ] {
            add!(text, "  {name:9} {} ({}) {}\n", light(one), one.vantage, one.words);
        }
        text.push_str(&evidence(&status.evidence, "    "));
    }
    text
}

pub(crate) fn members(list: &MemberList) -> String {
    let mut table = Table::new(&["MEMBER", "POOL", "ADDRESS", "ROLE", "HEALTH", "HEARD", "AGENT"]);
    for member in &list.members {
        let (role, health, heard) = member.status.as_ref().map_or_else(
            || (String::new(), "not watched here".to_owned(), String::new()),
            |status| (role(status.role).to_owned(), health(status), age(status.age_ms)),
        );
        table.row([
            member.name.clone(),
            member.pool_name.clone(),
            member.address.clone(),
            role,
            health,
            heard,
            member.agent_version.clone(),
        ]);
    }
    let mut text = table.to_text("");
    for open in &list.invitations {
        add!(
            text,
            "invited: {} from {} until {} ({})\n",
            open.hostname,
            open.sources.join(", "),
            moment(open.expires_ms),
            open.id
        );
    }
    text
}

pub(crate) fn invitation(made: &Invitation) -> String {
    let open = &made.invitation;
    format!(
        "{} is invited until {}.\n\n\
         1. Run this on it; it asks for the secret:\n\n  {}\n\n\
         2. The secret, shown only now, valid once:\n\n  {}\n\n\
         3. Then call it from here:\n\n  serversctl member enrol {} <its address>\n\n\
         It must report the hostname {} and call from {}.\n\
         Fleet fingerprint, to compare: {}\n",
        open.name,
        moment(open.expires_ms),
        made.command,
        made.secret.expose(),
        open.id,
        open.hostname,
        open.sources.join(", "),
        made.fleet_fingerprint
    )
}
