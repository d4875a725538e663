//! What `dispatch` needs for every change: done once per key, and in the audit.

use api::commands::{Deed, Ledger};
use api::{ApiError, Retry};
use model::Code;
use serde_json::Value;
use store::{Begun, NewAudit};

use super::stored;
use crate::clock;
use crate::host::Host;

pub(crate) fn begin(host: &Host, deed: &Deed) -> Result<Ledger, ApiError> {
    let Some(key) = &deed.idempotency_key else { return Ok(Ledger::Begun) };
    let digest = deed.payload.to_string();
    let begun = host.store.begin_deed(key, deed.command, &digest, clock::wall_ms()).map_err(stored)?;
    Ok(match begun {
        Begun::Now => Ledger::Begun,
        Begun::Done(json) => Ledger::Done(serde_json::from_str(&json).unwrap_or(Value::Null)),
        Begun::Running => Ledger::Running,
        Begun::Unknown => Ledger::Unknown,
        Begun::Other => Ledger::Other,
    })
}

pub(crate) fn end(
    host: &Host,
    deed: &Deed,
    result: Result<Option<&Value>, &ApiError>,
) -> Result<(), ApiError> {
    let error = result.err().map(ToString::to_string);
    let audit = NewAudit {
        at_ms: clock::wall_ms(),
        by: &deed.by,
        command: deed.command,
        request: &deed.payload.to_string(),
        error: error.as_deref(),
    };
    host.store.add_audit(&audit).map_err(stored)?;
    let Some(key) = &deed.idempotency_key else { return Ok(()) };
    match result {
        Ok(answer) => {
            let kept = answer.map_or_else(|| "null".to_owned(), Value::to_string);
            host.store.end_deed(key, &kept).map_err(stored)
        }
        // Only an error that proves that nothing was done frees the key.
        Err(error) if proves_nothing_done(error) => host.store.drop_deed(key).map_err(stored),
        Err(_) => Ok(()),
    }
}

fn proves_nothing_done(error: &ApiError) -> bool {
    match error.code {
        Code::Invalid
        | Code::NotFound
        | Code::Conflict
        | Code::Refused
        | Code::Unauthorized
        | Code::Forbidden
        | Code::VaultLocked
        | Code::Throttled
        | Code::NoHost => true,
        Code::Unreachable | Code::Internal => error.retry == Retry::Now,
    }
}
