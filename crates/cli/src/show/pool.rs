//! Pools: settings, status, moves, rehearsals.

use api::view::Answer;
use api::view::incident::Phase;
use api::view::pool::{
    LeaseView, MoveOutcome, MoveView, PoolList, PoolStatus, PoolStatuses, PoolView, Rehearsal,
};
use model::settings::{AgentLost, Arming, DoubleFault, DynamicDns, Preset, Targets};

use super::member::{age, health, light, role, verdict};
use super::{Table, checks, clock, evidence, moment, span, yes_no};

pub(crate) fn pools(list: &PoolList) -> String {
    let mut table = Table::new(&["POOL", "HOSTNAME", "MEMBERS", "DELAY", "AUTOMATIC", "ID"]);
    for pool in &list.pools {
        table.row([
            pool.name.clone(),
            pool.hostname.clone().unwrap_or_else(|| "not set".to_owned()),
            pool.members.to_string(),
            format!("{} s", pool.settings.delay_s),
            arming(pool).to_owned(),
            pool.id.short(),
        ]);
    }
    table.to_text("")
}

const fn arming(pool: &PoolView) -> &'static str {
    match (pool.settings.arming, &pool.pause, &pool.held) {
        (Arming::Shadow, _, _) => "off",
        (Arming::Armed, Some(_), _) => "paused",
        (Arming::Armed, None, Some(_)) => "held",
        (Arming::Armed, None, None) => "on",
    }
}

pub(crate) fn pool(pool: &PoolView) -> String {
    let settings = &pool.settings;
    let preset = match settings.preset {
        Preset::Haproxy => "HAProxy",
        Preset::Generic => "Generic Linux",
    };
    let targets = match settings.targets {
        Targets::Public => "public IPv4 only",
        Targets::Any => "any IPv4",
    };
    let agent_lost = match settings.agent_lost {
        AgentLost::Heartbeat => "revive, then move",
        AgentLost::ServiceConfirmed => "revive, then ask",
    };
    let double_fault = match settings.double_fault {
        DoubleFault::Ask => "ask",
        DoubleFault::Move => "move",
    };
    let dynamic_dns = match settings.dynamic_dns {
        DynamicDns::Off => "off",
        DynamicDns::On => "on: record and roster follow a member's own address",
    };
    let port = settings.probe_port.map_or_else(|| "none".to_owned(), |port| port.to_string());
    let mut text = format!(
        "{} ({})\n  Hostname      {}{}\n  Preset        {preset}\n  Automatic     {}\n  Delay         {} s\n  \
         TTL           {} s\n  Voices        {}\n  Agent silent  {agent_lost}\n  Double fault  {double_fault}\n  \
         Probed port   {port}\n  Dynamic DNS   {dynamic_dns}\n  Preferred     {}\n  Members       {}\n",
        pool.name,
        pool.id.short(),
        pool.hostname.as_deref().unwrap_or("not set"),
        if settings.targets == Targets::Any { format!(" ({targets})") } else { String::new() },
        arming(pool),
        settings.delay_s,
        settings.ttl_s,
        settings.voices,
        pool.preferred.map_or_else(|| "none".to_owned(), |member| member.short()),
        pool.members
    );
    if let Some(pause) = &pool.pause {
        add!(text, "  Paused by {} for {} more: {}\n", pause.by, span(pause.remaining_ms), pause.why);
    }
    if let Some(held) = &pool.held {
        add!(text, "  Held: {held}\n");
    }
    if let Some(rehearsal) = &pool.rehearsal {
        let colour = if rehearsal.green { "green" } else { "not green" };
        add!(text, "  Rehearsed     {colour}, {}\n", moment(rehearsal.at_ms));
    }
    text
}

pub(crate) fn statuses(statuses: &PoolStatuses) -> String {
    if statuses.pools.is_empty() {
        return "No pool yet; make one with `serversctl pool create NAME`".to_owned();
    }
    statuses.pools.iter().map(status).collect::<Vec<_>>().join("\n")
}

pub(crate) fn status(pool: &PoolStatus) -> String {
    let armed = if pool.armed { "automatic failover on" } else { "automatic failover off" };
    let mut text = format!(
        "{}  {}  {} for {}  {armed}\n  {}\n",
        pool.name,
        pool.hostname.as_deref().unwrap_or("no hostname"),
        pool.state,
        span(pool.state_age_ms),
        pool.reason
    );
    for (question, answer) in [
        ("Traffic on the active member?", &pool.traffic),
        ("Are standbys ready?", &pool.standbys),
        ("Would DNS move?", &pool.would_move),
    ] {
        text.push_str(&question_line(question, answer));
    }
    if let Some(pause) = &pool.pause {
        add!(text, "  Paused by {} for {} more: {}\n", pause.by, span(pause.remaining_ms), pause.why);
    }
    if let Some(dynamic) = &pool.dynamic_dns {
        add!(text, "  {}\n", super::provider::dynamic_dns(dynamic));
    }
    let lease = match &pool.lease {
        LeaseView::Mine => "this console".to_owned(),
        LeaseView::Other { name, console } => format!("{name} ({})", console.short()),
        LeaseView::Nobody { why } => format!("nobody: {why}"),
    };
    let voters = &pool.voters;
    add!(
        text,
        "  Watched by {lease}; {} of {} voters heard, {} needed; epoch {}\n",
        voters.heard,
        voters.total,
        voters.needed,
        pool.epoch
    );
    let mut table = Table::new(&[
        "MEMBER", "ADDRESS", "ROLE", "HEALTH", "VERDICT", "HEARD", "AGENT", "RELAY", "SSH", "SERVICE",
    ]);
    for member in &pool.members {
        let lights = &member.lights;
        table.row([
            member.name.clone(),
            member.address.clone(),
            role(member.role).to_owned(),
            health(member),
            verdict(member.verdict).to_owned(),
            age(member.age_ms),
            light(&lights.agent),
            light(&lights.relay),
            light(&lights.ssh),
            light(&lights.service),
        ]);
    }
    text + &table.to_text("  ")
}

fn question_line(question: &str, answer: &Answer) -> String {
    format!("  {question:30} {:8} {}\n", yes_no(answer.verdict), answer.reason)
}

pub(crate) fn moved(moved: &MoveView) -> String {
    let outcome = match moved.outcome {
        MoveOutcome::Verified => "accepted and read back",
        MoveOutcome::Accepted => "accepted, not read back yet",
        MoveOutcome::Lost => "lost: another console's write came first",
        MoveOutcome::Unknown => "not known yet",
    };
    let from = moved.from.as_deref().unwrap_or("nobody");
    let head = format!("{from} → {} (epoch {}): {outcome}\n", moved.to, moved.epoch);
    head + &phases(&moved.phases) + &evidence(&moved.evidence, "  ")
}

pub(super) fn phases(list: &[Phase]) -> String {
    let mut text = String::new();
    for phase in list {
        let took = phase.took_ms.map_or_else(|| "goes on".to_owned(), span);
        add!(text, "  {}  {:12} {took}\n", clock(phase.at_ms), phase.name);
    }
    text
}

pub(crate) fn rehearsal(rehearsal: &Rehearsal) -> String {
    let head = if rehearsal.green { "Green: automatic failover may be turned on\n" } else { "Not green\n" };
    let list = |title: &str, lines: &[String]| {
        if lines.is_empty() { String::new() } else { format!("{title}\n  {}\n", lines.join("\n  ")) }
    };
    format!(
        "{head}{}{}{}",
        checks(&rehearsal.checks),
        list("Survives", &rehearsal.survives),
        list("Vantage points", &rehearsal.vantages)
    )
}
