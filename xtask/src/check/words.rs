//! Words that must not be committed: paths of somebody's machine, and marks of unfinished work.

use super::{Breach, Text};

/// In pieces, so that this list does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "is a path of one machine"),
    (concat!("/ho", "me/"), "is a path of one machine"),
    (concat!("/Us", "ers/"), "is a path of one machine"),
    (concat!("TO", "DO"), "marks unfinished work"),
    (concat!("FIX", "ME"), "marks unfinished work"),
    (concat!("XX", "X"), "marks unfinished work"),
];

/// Looks through every text.
pub(super) fn check(texts: &[Text]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    // Lock files hold hashes, in which anything may stand.
    for text in texts.iter().filter(|text| !text.has_extension("lock") && !text.path.ends_with("-lock.yaml"))
    {
        for (line, content) in text.content.lines().enumerate() {
            for (word, why) in FORBIDDEN.iter().filter(|(word, _)| has_word(content, word)) {
                breaches.push(Breach {
                    rule: "words",
                    at: format!("{}:{}", text.path, line + 1),
                    words: format!("`{word}` {why}"),
                });
            }
        }
    }
    breaches
}

/// A mark counts only as a word of its own (base64 holds anything), a path wherever it stands.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        word.starts_with('/')
            || !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_path_and_a_mark_and_passes_what_only_holds_the_letters() {
        let content =
            format!("in {}x\nfine\n// {}: later\n{}LIST\n", FORBIDDEN[0].0, FORBIDDEN[3].0, FORBIDDEN[3].0);
        let places: Vec<String> =
            check(&[Text { path: "a.md".to_owned(), content }]).into_iter().map(|breach| breach.at).collect();
        assert_eq!(places, ["a.md:1", "a.md:3"]);
    }
}
