//! Waits for what the product itself says of its pool, each with a bound and with its last words in the error.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Console, Incident, POOL, incident};
use crate::wait::{self, Seen};

impl Console<'_> {
    /// Waits until the pool's machine stands in one of these states; gives the whole status.
    ///
    /// # Errors
    /// It does not within the bound; where it stands and why is in the error.
    pub fn wait_state(&self, states: &[&str], bound: Duration) -> Result<Value> {
        wait::until(&format!("the pool to stand in {}", states.join(" or ")), bound, || {
            let status = self.status()?;
            let text = |name: &str| status.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let is_there = states.contains(&text("state").as_str());
            let seen = format!("{}: {}", text("state"), text("reason"));
            Ok(if is_there { Seen::Yes(status) } else { Seen::NotYet(seen) })
        })
    }

    /// Waits until the product says that the record would move if the active member failed now.
    ///
    /// # Errors
    /// It does not say so within the bound; its reason is in the error.
    pub fn wait_ready(&self, bound: Duration) -> Result<()> {
        wait::until("the pool to be ready for a failover", bound, || {
            let status = self.status()?;
            let verdict = status.pointer("/wouldMove/verdict").and_then(Value::as_str);
            let reason = status.pointer("/wouldMove/reason").and_then(Value::as_str).unwrap_or_default();
            Ok(Seen::when(verdict == Some("yes"), reason))
        })
    }

    /// Waits until the product promises that the record would move within `promise` if the active member died now. A
    /// member that has just been started may not testify yet, and until it may, the promise is longer.
    ///
    /// # Errors
    /// It does not promise it within the bound; its reason is in the error.
    pub fn wait_promise(&self, promise: Duration, bound: Duration) -> Result<()> {
        wait::until(&format!("a move promised within {} s", promise.as_secs_f64()), bound, || {
            let status = self.status()?;
            let verdict = status.pointer("/wouldMove/verdict").and_then(Value::as_str);
            let reason = status.pointer("/wouldMove/reason").and_then(Value::as_str).unwrap_or_default();
            let words = reason.rsplit_once(" within ").map(|(_, span)| span.trim_end_matches(" s"));
            let promised = words.and_then(|number| number.parse::<f64>().ok());
            let is_quick = promised.is_some_and(|seconds| seconds <= promise.as_secs_f64());
            Ok(Seen::when(verdict == Some("yes") && is_quick, reason))
        })
    }

    /// Waits until the product says that traffic is on the active member, and is sure of it.
    ///
    /// # Errors
    /// It does not say so within the bound; its reason is in the error.
    pub fn wait_traffic(&self, bound: Duration) -> Result<()> {
        wait::until("traffic to be on the active member", bound, || {
            let status = self.status()?;
            let verdict = status.pointer("/traffic/verdict").and_then(Value::as_str);
            let reason = status.pointer("/traffic/reason").and_then(Value::as_str).unwrap_or_default();
            Ok(Seen::when(verdict == Some("yes"), reason))
        })
    }

    /// Waits until the member is heard and is a standby that could take over.
    ///
    /// # Errors
    /// It is not within the bound.
    pub fn wait_standby(&self, member: &str, bound: Duration) -> Result<()> {
        wait::until(&format!("{member} to be a ready standby"), bound, || {
            let status = self.status()?;
            let members = status.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
            let own = members.iter().find(|m| m.get("name").and_then(Value::as_str) == Some(member));
            let own = own.with_context(|| format!("{member} is not in the status"))?;
            let text = |at: &str| own.pointer(at).and_then(Value::as_str).unwrap_or_default();
            let is_so =
                text("/role") == "standby" && text("/verdict") == "up" && text("/ready/verdict") == "yes";
            Ok(Seen::when(is_so, format!("{} {} {}", text("/role"), text("/verdict"), text("/ready/reason"))))
        })
    }

    /// Waits until the member is no standby that could take over.
    ///
    /// # Errors
    /// It still is when the bound passes.
    pub fn wait_not_ready(&self, member: &str, bound: Duration) -> Result<()> {
        wait::until(&format!("{member} not to be ready"), bound, || {
            let status = self.status()?;
            let members = status.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
            let own = members.iter().find(|m| m.get("name").and_then(Value::as_str) == Some(member));
            let ready = own.and_then(|own| own.pointer("/ready/verdict")).and_then(Value::as_str);
            Ok(Seen::when(ready == Some("no"), format!("{ready:?}")))
        })
    }

    /// Waits for the incident that began after `since_ms` and moved the record, with the times of its phases.
    ///
    /// # Errors
    /// There is none within the bound.
    pub fn wait_moved(&self, since_ms: u64, bound: Duration) -> Result<Incident> {
        wait::until("the incident of the move", bound, || {
            let incidents = self.ask(&["incidents", "list", "--pool", POOL])?;
            let list = incidents.get("incidents").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_ours = |i: &&Value| i.get("beganMs").and_then(Value::as_u64) >= Some(since_ms);
            Ok(match list.iter().filter(is_ours).map(incident).find(|i| i.accepted_at_ms.is_some()) {
                Some(found) => Seen::Yes(found),
                None => Seen::NotYet(format!("{} incidents", list.len())),
            })
        })
    }
}
