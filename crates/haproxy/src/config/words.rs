//! Words of one line, by HAProxy's rules of quoting and escaping.

use std::ops::Range;

/// Most words of a line that are looked at; HAProxy itself stops at 64.
pub(super) const WORDS_MAX: usize = 256;

/// One word as HAProxy sees it, and where it stands in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word without quotes and escapes. Variables are left as they are written.
    pub text: String,
    /// Bytes of the line it was read from.
    pub span: Range<usize>,
    /// Whether a variable stands in weak quotes, so that HAProxy will put something else here.
    pub expands: bool,
}

/// Why the words of a line cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A quote is not closed; the last word runs to the end of the line.
    OpenQuote,
    /// More words than are looked at.
    TooManyWords,
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    No,
    Weak,
    Strong,
}

/// Splits one line (without its end) into words; a comment ends it.
pub(super) fn split(line: &[u8]) -> (Vec<Word>, Option<Fault>) {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)) {
            at += 1;
        }
        if at >= line.len() || line[at] == b'#' {
            return (words, None);
        }
        if words.len() == WORDS_MAX {
            return (words, Some(Fault::TooManyWords));
        }
        let (word, quote) = word(line, at);
        at = word.span.end;
        words.push(word);
        if quote != Quote::No {
            return (words, Some(Fault::OpenQuote));
        }
    }
}

fn word(line: &[u8], start: usize) -> (Word, Quote) {
    let mut text = Vec::new();
    let mut quote = Quote::No;
    let mut expands = false;
    let mut at = start;
    while let Some(&byte) = line.get(at) {
        match (byte, quote) {
            (b'\'', Quote::No) => quote = Quote::Strong,
            (b'"', Quote::No) => quote = Quote::Weak,
            (b'\'', Quote::Strong) | (b'"', Quote::Weak) => quote = Quote::No,
            (b'\\', Quote::No | Quote::Weak) => {
                let (byte, length) = escape(&line[at..]);
                text.push(byte);
                at += length;
                continue;
            }
            (b' ' | b'\t' | b'#', Quote::No) => break,
            (b'$', Quote::Weak) => {
                expands = true;
                text.push(byte);
            }
            (byte, _) => text.push(byte),
        }
        at += 1;
    }
    let text = String::from_utf8_lossy(&text).trim_end_matches('\r').to_owned();
    (Word { text, span: start..at, expands }, quote)
}

/// Reads an escape at the start of `rest`: the byte it stands for, and its length.
fn escape(rest: &[u8]) -> (u8, usize) {
    match rest.get(1) {
        Some(&byte @ (b' ' | b'#' | b'\\' | b'\'' | b'"' | b'$')) => (byte, 2),
        Some(b't') => (b'\t', 2),
        Some(b'r') => (b'\r', 2),
        Some(b'n') => (b'\n', 2),
        Some(b'x') => match (hex(rest.get(2)), hex(rest.get(3))) {
            (Some(high), Some(low)) => (high * 16 + low, 4),
            _ => (b'\\', 1),
        },
        _ => (b'\\', 1),
    }
}

fn hex(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}
