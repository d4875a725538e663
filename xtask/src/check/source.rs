//! Rust text with everything that is not code blanked out: comments, strings and characters become spaces, lines stay.
//!
//! This is a lexer of a hundred lines and no parser, because it has to judge text that does not compile yet, in
//! milliseconds, without another dependency.

/// Blanks out comments, string and character literals. Line breaks stay, so line numbers hold.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if let Some(end) = literal_or_comment_end(&chars, at) {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// The text before the unit tests, which stand last in a file.
pub(super) fn without_tests(text: &str) -> &str {
    let tests = text.find("#[cfg(test)]\nmod tests {");
    &text[..tests.unwrap_or(text.len())]
}

/// Identifiers and single punctuation characters, with the line each stands on (from 1).
pub(super) fn tokens(code: &str) -> Vec<(&str, usize)> {
    let mut tokens = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else {
                first.len_utf8()
            };
            tokens.push((&rest[..length], line + 1));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Where the comment or literal that begins at `at` ends (exclusive); `None` if none begins there.
fn literal_or_comment_end(chars: &[char], at: usize) -> Option<usize> {
    let next = chars.get(at + 1).copied();
    match (chars[at], next) {
        ('/', Some('/')) => Some(find(chars, at, '\n')),
        ('/', Some('*')) => Some(block_comment_end(chars, at)),
        ('"', _) => Some(string_end(chars, at + 1)),
        ('r' | 'b' | 'c', _) if !follows_word(chars, at) => prefixed_string_end(chars, at),
        ('\'', _) => char_end(chars, at),
        _ => None,
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')
}

fn find(chars: &[char], from: usize, wanted: char) -> usize {
    (from..chars.len()).find(|at| chars[*at] == wanted).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (1, at + 2);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at.min(chars.len())
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// `b"…"`, `r"…"`, `br#"…"#`, `c"…"` and `b'…'`; `None` for a word that only begins with these letters.
fn prefixed_string_end(chars: &[char], at: usize) -> Option<usize> {
    let prefix = chars[at..].iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let is_raw = chars[at..at + prefix].contains(&'r');
    let after = at + prefix;
    let hashes = chars[after..].iter().take_while(|c| **c == '#').count();
    match chars.get(after + hashes) {
        Some('"') if is_raw => {
            let mut end = after + hashes + 1;
            loop {
                end = find(chars, end, '"') + 1;
                if end > chars.len() {
                    return Some(chars.len());
                }
                if chars[end..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
                    return Some(end + hashes);
                }
            }
        }
        Some('"') if hashes == 0 => Some(string_end(chars, after + 1)),
        Some('\'') if hashes == 0 && chars[at] == 'b' && prefix == 1 => char_end(chars, after),
        _ => None,
    }
}

/// A character literal; `None` for a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)) {
        ('\\', _) => Some((find(chars, at + 3, '\'') + 1).min(chars.len())),
        (_, Some('\'')) => Some(at + 3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let code = code_only(text);
        let squeezed: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(squeezed.join(" "), expect, "{text}");
        assert_eq!(code.matches('\n').count(), text.matches('\n').count(), "{text}");
    }

    #[test]
    fn blanks_what_is_not_code() {
        check("a // b { \n c", "a c");
        check("a /* b /* c */ d\n */ e", "a e");
        check("f(\"{ \\\" // \") g", "f( ) g");
        check("x = r#\"a \" b\"#; y", "x = ; y");
        check("x = br\"a\\\"; y", "x = ; y");
        check("x = b\"a\\\"b\"; y", "x = ; y");
    }

    #[test]
    fn tells_characters_from_lifetimes_and_words_from_prefixes() {
        check("m('{', '\\'', '\\u{7d}', b'}') n", "m( , , , ) n");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
        check("bar(r, b, crab)", "bar(r, b, crab)");
    }

    #[test]
    fn an_open_literal_ends_with_the_text() {
        check("a \"b", "a");
        check("a r#\"b\"", "a");
        check("a /* b", "a");
        check("a '\\", "a");
    }

    #[test]
    fn tokens_carry_their_line() {
        assert_eq!(
            tokens("use std::fs;\n  x"),
            [("use", 1), ("std", 1), (":", 1), (":", 1), ("fs", 1), (";", 1), ("x", 2)]
        );
    }
}
