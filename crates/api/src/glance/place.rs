//! Places of the window, as tray, notices and deep links name them: `pool/<name>/<tab>`. A place only navigates; the
//! most it does is open a dialog that asks.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// The scheme of a deep link.
const SCHEME: &str = "serversctl://";
/// Longest place: a name of 64 bytes, each written as `%XX`, and its tab.
const BYTES_MAX: usize = 320;
/// Longest part after decoding.
const PART_CHARS_MAX: usize = 64;

/// A place of the window: parts between slashes, each percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(String);

/// Why a link leads nowhere. Says nothing of what it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is no link of ours.
    #[error("a link begins with serversctl://")]
    Scheme,
    /// It is too long.
    #[error("the link is too long")]
    Length,
    /// It is not `pool/<name>/<tab>`.
    #[error("a link reads serversctl://pool/<name>/<tab>")]
    Shape,
}

impl Place {
    /// A place of our own making.
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| encode(part)).collect::<Vec<_>>().join("/"))
    }

    /// The overview.
    pub fn overview() -> Self {
        Self::of(&["overview"])
    }

    /// One tab of a pool.
    pub fn pool(pool: &str, tab: &str) -> Self {
        Self::of(&["pool", pool, tab])
    }

    /// The dialog that would move a pool's name to a member; it asks before anything is done. A page that does not know
    /// the dialog shows the pool.
    pub fn cut(pool: &str, member: &str) -> Self {
        Self(format!("{}?cut={}", Self::pool(pool, "overview"), encode(member)))
    }

    /// Whether it means the window as it stands.
    pub const fn is_here(&self) -> bool {
        self.0.is_empty()
    }

    /// One incident.
    pub fn incident(id: &str) -> Self {
        Self::of(&["incidents", id])
    }

    /// Reads a link that came from outside. It may lead to a pool's tab and nowhere else, and opens no dialog.
    ///
    /// # Errors
    /// Anything but `serversctl://pool/<name>/<tab>`.
    pub fn from_link(link: &str) -> Result<Self, PlaceError> {
        if link.len() > BYTES_MAX + SCHEME.len() {
            return Err(PlaceError::Length);
        }
        let rest = link.strip_prefix(SCHEME).ok_or(PlaceError::Scheme)?;
        let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
        let (pool, tab) = match parts.as_slice() {
            ["pool", pool] => (*pool, "overview"),
            ["pool", pool, tab] => (*pool, *tab),
            _ => return Err(PlaceError::Shape),
        };
        let pool = decode(pool).filter(|pool| is_part(pool)).ok_or(PlaceError::Shape)?;
        let is_tab =
            !tab.is_empty() && tab.len() <= 24 && tab.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if !is_tab {
            return Err(PlaceError::Shape);
        }
        Ok(Self::pool(&pool, tab))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.chars().count() <= PART_CHARS_MAX && part.chars().all(super::is_plain)
}

/// As `encodeURIComponent` does it.
fn encode(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(*high)? * 16 + digit(*low)?) as u8);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}
