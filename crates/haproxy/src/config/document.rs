//! One file as lines and sections.

use std::ops::Range;

use super::words::{self, Fault, Word};

/// Longest file that is read; what follows is kept but not split into words.
pub(super) const READ_BYTES_MAX: usize = 4 << 20;

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed.
    Feed,
    /// The file ends here.
    File,
}

/// Whether HAProxy surely reads a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It does.
    Certain,
    /// The line stands in a conditional block, which only HAProxy can evaluate.
    Conditional,
}

/// One line of the file, verbatim, with the words in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The bytes of the line without its end.
    pub raw: Vec<u8>,
    /// What ended it.
    pub end: LineEnd,
    /// Its words.
    pub words: Vec<Word>,
    /// Why the words may be wrong.
    pub fault: Option<Fault>,
    /// Whether HAProxy surely reads it.
    pub certainty: Certainty,
}

/// The keyword that opens a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// `global`
    Global,
    /// `defaults`
    Defaults,
    /// `frontend`
    Frontend,
    /// `backend`
    Backend,
    /// `listen`
    Listen,
    /// A section whose content no fact is read from.
    Other,
}

/// Sections whose content is not looked into. They must be known all the same, or their lines would fall into the
/// section before them.
const OTHER_SECTIONS: [&str; 16] = [
    "peers",
    "resolvers",
    "mailers",
    "userlist",
    "cache",
    "http-errors",
    "ring",
    "log-forward",
    "log-profile",
    "program",
    "fcgi-app",
    "crt-store",
    "traces",
    "acme",
    "healthcheck",
    "namespace_list",
];

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        match word {
            "global" => Some(Self::Global),
            "defaults" => Some(Self::Defaults),
            "frontend" => Some(Self::Frontend),
            "backend" => Some(Self::Backend),
            "listen" => Some(Self::Listen),
            other => OTHER_SECTIONS.contains(&other).then_some(Self::Other),
        }
    }
}

/// One section: its head line and the lines up to the next head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub keyword: Keyword,
    /// Its name, when it has one.
    pub name: Option<String>,
    /// The `defaults` section it names with `from`.
    pub from: Option<String>,
    /// Index of the head line.
    pub head: usize,
    /// Indices of the lines of its body.
    pub body: Range<usize>,
}

/// One configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// All lines in order.
    pub lines: Vec<Line>,
    /// All sections in order. Lines before the first one belong to none.
    pub sections: Vec<Section>,
}

impl Document {
    /// Reads a file. It never fails; the lines hold the file byte for byte.
    #[must_use]
    pub fn read(text: &[u8]) -> Self {
        let mut lines = Vec::new();
        let mut depth = 0_u32;
        let mut read_bytes = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (raw, end, next) = match rest.iter().position(|byte| *byte == b'\n') {
                Some(at) => (&rest[..at], LineEnd::Feed, &rest[at + 1..]),
                None => (rest, LineEnd::File, &rest[rest.len()..]),
            };
            rest = next;
            read_bytes += raw.len() + 1;
            let (words, fault) =
                if read_bytes > READ_BYTES_MAX { (Vec::new(), None) } else { words::split(raw) };
            let certainty = certainty(&words, &mut depth);
            lines.push(Line { raw: raw.to_vec(), end, words, fault, certainty });
        }
        let sections = sections(&lines);
        Self { lines, sections }
    }

    /// Writes the file again: exactly the bytes that were read.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for line in &self.lines {
            text.extend_from_slice(&line.raw);
            if line.end == LineEnd::Feed {
                text.push(b'\n');
            }
        }
        text
    }

    /// The lines of a section's body.
    #[must_use]
    pub fn body(&self, section: &Section) -> &[Line] {
        self.lines.get(section.body.clone()).unwrap_or_default()
    }
}

impl Line {
    /// The text of a word, empty when there are fewer words.
    #[must_use]
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| word.text.as_str())
    }
}

fn certainty(words: &[Word], depth: &mut u32) -> Certainty {
    match words.first().map(|word| word.text.as_str()) {
        Some(".if") => {
            *depth = depth.saturating_add(1);
            Certainty::Conditional
        }
        Some(".endif") => {
            *depth = depth.saturating_sub(1);
            Certainty::Conditional
        }
        _ if *depth > 0 => Certainty::Conditional,
        _ => Certainty::Certain,
    }
}

fn sections(lines: &[Line]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(keyword) = line.words.first().and_then(|word| Keyword::of(&word.text)) else {
            continue;
        };
        if let Some(last) = sections.last_mut() {
            last.body.end = index;
        }
        let named = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        let from_at = if line.word(1) == "from" { 1 } else { 2 };
        let from = if line.word(from_at) == "from" { named(line.word(from_at + 1)) } else { None };
        let name = if from_at == 1 { None } else { named(line.word(1)) };
        sections.push(Section { keyword, name, from, head: index, body: index + 1..lines.len() });
    }
    sections
}
