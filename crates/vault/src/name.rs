//! Names of secrets.

use std::fmt;

/// Longest name; a keychain attribute and a file name hold it.
const NAME_BYTES_MAX: usize = 100;

/// A secret's name: lower-case words, digits, `-`, `.` and `/`, for example `provider/office`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// A name out of parts that came from outside: everything that a name cannot hold becomes `-`.
    pub fn new(text: &str) -> Self {
        let clean = |c: char| {
            let c = c.to_ascii_lowercase();
            if c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '/') { c } else { '-' }
        };
        Self(text.chars().map(clean).take(NAME_BYTES_MAX).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
