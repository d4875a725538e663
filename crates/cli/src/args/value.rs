//! Values that need a word of checking.

use std::str::FromStr;

use api::{MemberRef, PoolRef};

/// Longest name of anything.
const NAME_BYTES_MAX: usize = 253;

pub(crate) fn pool(text: &str) -> Result<PoolRef, String> {
    named(text).map(PoolRef::from)
}

pub(crate) fn member(text: &str) -> Result<MemberRef, String> {
    named(text).map(MemberRef::from)
}

pub(crate) fn named(text: &str) -> Result<&str, String> {
    match text.len() {
        0 => Err("a name cannot be empty".to_owned()),
        1..=NAME_BYTES_MAX => Ok(text),
        _ => Err(format!("a name has at most {NAME_BYTES_MAX} bytes")),
    }
}

/// A length of time as people type it: `90s`, `30m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration {
    /// In milliseconds.
    pub(crate) ms: u64,
}

impl FromStr for Duration {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time; write 90s, 30m or 2h");
        let unit_ms = match text.chars().last() {
            Some('s') => 1_000,
            Some('m') => 60_000,
            Some('h') => 3_600_000,
            _ => return Err(wrong()),
        };
        let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        count.checked_mul(unit_ms).filter(|ms| *ms > 0).map(|ms| Self { ms }).ok_or_else(wrong)
    }
}
