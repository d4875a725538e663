//! Secrets on the wire: they cross it, and never a log, an error or an audit entry.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;
use zeroize::{Zeroize, Zeroizing};

/// What stands in place of a secret wherever people or logs could see it.
pub const REDACTED: &str = "[secret]";

/// A text that is never shown: `Debug` redacts it and dropping it wipes it. Fields of this type are always named
/// `secret`, which is what [`redact`] looks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(as = "String")]
pub struct SecretText(String);

impl SecretText {
    /// Takes a secret over.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A copy that wipes itself, for a vault.
    pub fn to_zeroizing(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.clone())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Replaces the value of every field named `secret`, at any depth, so that the rest may be kept or shown.
pub fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name == "secret" {
                    *field = Value::String(REDACTED.to_owned());
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
