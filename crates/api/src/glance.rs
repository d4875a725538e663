//! What is seen of the fleet from outside a window: the tray and the notices of the desktop.
//!
//! A shell keeps a [`Picture`] by handing it every event; [`Picture::tray`] is the tray as it should look now, and what
//! is to be told goes through a [`Desk`], which merges, mutes and replaces. All of it is pure: time and the local clock
//! come in as a [`Moment`], and nothing here draws, plays a sound or calls anything. What a row or a button does is a
//! value ([`Act`]): it opens a place, copies a text, or calls a command that moves nothing.
//!
//! Names come from the wire and are shown by other programs, so every text is cleaned of control characters and bounded.

mod desk;
mod picture;
mod place;
mod tray;
mod wording;

pub use desk::{Desk, Show};
pub use picture::{Heard, Picture};
pub use place::{Place, PlaceError};
pub use tray::{Row, TrayShape, TrayView};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest name on the tray or in a notice.
const NAME_CHARS_MAX: usize = 48;
/// Longest sentence there.
const TEXT_CHARS_MAX: usize = 240;

/// A moment as people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Unix time.
    pub unix_ms: u64,
    /// What local time is ahead of UTC.
    pub offset_s: i32,
}

impl Moment {
    /// The minute of the local day, 0 to 1439.
    pub const fn minute_of_day(self) -> u32 {
        let local_s = (self.unix_ms / 1000).cast_signed() + self.offset_s as i64;
        (local_s.rem_euclid(86_400) / 60) as u32
    }

    /// The same clock at another Unix time.
    #[must_use]
    pub const fn at(self, unix_ms: u64) -> Self {
        Self { unix_ms, offset_s: self.offset_s }
    }

    /// `14:31`, local.
    pub fn clock(self) -> String {
        let minute = self.minute_of_day();
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }

    /// The next time the local clock shows this minute of the day.
    pub const fn next(self, minute_of_day: u32) -> u64 {
        let own = self.minute_of_day();
        let ahead = (minute_of_day + 1440 - own) % 1440;
        let ahead = if ahead == 0 { 1440 } else { ahead };
        // From the start of this minute.
        (self.unix_ms - self.unix_ms % 60_000) + ahead as u64 * 60_000
    }
}

/// What a row of the tray or a button of a notice does. Nothing here changes a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
pub enum Act {
    /// Opens the window there.
    Open {
        /// Where.
        place: Place,
    },
    /// Puts a text on the clipboard.
    Copy {
        /// The text.
        text: String,
    },
    /// Calls a command that moves nothing: the watch of this computer.
    Call {
        /// Its name.
        command: String,
        /// Its request.
        payload: Value,
    },
    /// Mutes notices until then.
    Mute {
        /// About what; everything when absent.
        about: Option<String>,
        /// For how long.
        span: Mute,
    },
    /// Ends every muting.
    Unmute,
    /// Only takes the notice away.
    Dismiss,
    /// Ends the program, after asking if it watches.
    Quit,
}

/// For how long notices are muted, counted from the click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", rename_all_fields = "camelCase")]
pub enum Mute {
    /// A length.
    For {
        /// Of it.
        ms: u64,
    },
    /// Until the local clock shows this the next time.
    Until {
        /// Minute of the day.
        minute: u32,
    },
}

impl Mute {
    /// The command that mutes everything so, with its request; every desktop of this console obeys it.
    pub fn everything(self, now: Moment) -> (&'static str, Value) {
        let ms = self.until_ms(now).saturating_sub(now.unix_ms);
        ("notice_settings_set", json!({ "muteMs": ms }))
    }

    /// When it ends, begun now.
    pub const fn until_ms(self, now: Moment) -> u64 {
        match self {
            Self::For { ms } => now.unix_ms + ms,
            Self::Until { minute } => now.next(minute),
        }
    }
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Only in passing.
    Quiet,
    /// As any other.
    Normal,
    /// Somebody should look soon.
    High,
    /// Somebody must look now; breaks quiet hours and makes a sound.
    Urgent,
}

/// A button of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Button {
    /// Its label.
    pub label: String,
    /// What it does.
    pub act: Act,
}

/// Something people are told: the title is the fact, the body the consequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is about; alerts about one thing merge.
    pub about: String,
    /// The fact.
    pub title: String,
    /// What it means.
    pub body: String,
    /// How loud.
    pub level: Level,
    /// Stays until somebody takes it away.
    pub stays: bool,
    /// It says that something is over, and takes the place of the notice that said it began.
    pub is_recovery: bool,
    /// Where a click on it leads.
    pub place: Place,
    /// At most three.
    pub buttons: Vec<Button>,
    /// When, Unix time.
    pub at_ms: u64,
}

/// What the shell itself knows about its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosting {
    /// It is about to host or to attach.
    Opening,
    /// There is a host; the picture is true.
    Present,
    /// There is none, and why.
    Absent {
        /// Why, in words.
        why: String,
    },
}

/// A text for other programs to show: no control characters, no marks that turn its direction, bounded.
pub fn clean(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().filter(|c| is_plain(*c)).enumerate() {
        if count == chars_max {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out.trim().to_owned()
}

fn is_plain(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !turns
}

fn name(text: &str) -> String {
    clean(text, NAME_CHARS_MAX)
}

/// A sentence: begins with a capital letter, has no full stop at its end.
fn sentence(text: &str) -> String {
    let text = clean(text, TEXT_CHARS_MAX);
    let text = text.trim_end_matches('.');
    // A server's name is written as it is.
    if text
        .split(' ')
        .next()
        .is_some_and(|word| word.contains(|letter: char| letter.is_ascii_digit() || letter == '.'))
    {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests;
