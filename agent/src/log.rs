//! Where log lines go: the journal with its fields when systemd started us, standard error otherwise.
//!
//! `journalctl -u` shows the message alone, so each message is a whole sentence; fields are for filters.
//!
//! The filter is one level, not an expression: the expression engine would cost a megabyte that the agent never uses.

pub use model::chain;
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging for this process.
pub fn start(level: Level) {
    let registry = tracing_subscriber::registry().with(LevelFilter::from_level(level));
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    if let Some(journal) = journal {
        registry.with(journal.with_field_prefix(None)).init();
        return;
    }
    registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false)).init();
}

/// Longest text of another machine that is shown.
const FOREIGN_CHARS_MAX: usize = 300;

/// What another machine said, fit for a terminal and a journal: bounded, and without characters that steer them.
pub fn foreign(text: &str) -> String {
    text.chars().take(FOREIGN_CHARS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_cannot_steer_a_terminal() {
        assert_eq!(foreign("no \u{1b}[2J\nentry"), "no ?[2J?entry");
        assert_eq!(foreign(&"x".repeat(5000)).len(), FOREIGN_CHARS_MAX);
    }
}
