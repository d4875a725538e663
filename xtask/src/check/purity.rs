//! The pure crates read no clock, no file, no socket and start no thread: their source says so.

use super::source::{code_only, tokens, without_tests};
use super::trees::PURE;
use super::{Breach, Text};

/// Names that mean IO or a clock wherever they stand.
const NAMES: &[(&str, &str)] = &[
    ("Instant", "reads a clock; time comes in as `model::Time`"),
    ("SystemTime", "reads a clock; time comes in as `model::Time`"),
    ("TcpStream", "is a socket"),
    ("TcpListener", "is a socket"),
    ("UdpSocket", "is a socket"),
    ("UnixStream", "is a socket"),
    ("UnixListener", "is a socket"),
    ("UnixDatagram", "is a socket"),
    ("ToSocketAddrs", "asks a resolver"),
];

/// Modules of `std` that mean IO, by path or by import.
const MODULES: &[(&str, &str)] = &[
    ("fs", "touches files"),
    ("thread", "starts threads"),
    ("process", "starts processes"),
    ("env", "reads the environment"),
];

/// The evaluator is replayed: whatever has another order in the next run is out.
const UNORDERED: &[(&str, &str)] =
    &[("HashMap", "has another order in each run"), ("HashSet", "has another order in each run")];

/// Scans the sources of the pure crates; their tests and their programs (an exporter) may do IO.
pub(super) fn check(texts: &[Text]) -> Vec<Breach> {
    texts.iter().filter(|text| text.has_extension("rs") && is_pure(&text.path)).flat_map(check_file).collect()
}

fn is_pure(path: &str) -> bool {
    let of_pure = PURE.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")));
    let is_tests = path.ends_with("/tests.rs") || path.contains("/tests/");
    of_pure && !path.contains("/src/bin/") && !is_tests
}

fn check_file(text: &Text) -> Vec<Breach> {
    let code = code_only(without_tests(&text.content));
    let tokens = tokens(&code);
    let mut breaches = Vec::new();
    let mut found = |line: usize, name: &str, why: &str| {
        breaches.push(Breach {
            rule: "purity",
            at: format!("{}:{line}", text.path),
            words: format!("`{name}` {why}"),
        });
    };
    let unordered: &[(&str, &str)] = if text.path.starts_with("crates/evaluator/") { UNORDERED } else { &[] };
    // Inside `use std::…;` a module may stand anywhere in the braces.
    let mut in_std_import = false;
    for (at, (word, line)) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|index| tokens[index].0);
        if *word == "std" && before(1) == Some("use") {
            in_std_import = true;
        } else if *word == ";" {
            in_std_import = false;
        }
        if let Some((_, why)) = NAMES.iter().chain(unordered).find(|(name, _)| name == word) {
            found(*line, word, why);
        }
        let is_of_std =
            in_std_import || [before(1), before(2), before(3)] == [Some(":"), Some(":"), Some("std")];
        if let Some((_, why)) = MODULES.iter().find(|(name, _)| name == word).filter(|_| is_of_std) {
            found(*line, word, why);
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, content: &str) -> Vec<String> {
        check(&[Text { path: path.to_owned(), content: content.to_owned() }])
            .iter()
            .map(|breach| format!("{} {}", breach.at, breach.words))
            .collect()
    }

    #[test]
    fn finds_io_however_it_is_written() {
        let at = "crates/model/src/lib.rs";
        assert_eq!(words(at, "use std::time::Instant;").len(), 1);
        assert_eq!(words(at, "\nlet x = std::fs::read(p);"), [format!("{at}:2 `fs` touches files")]);
        assert_eq!(words(at, "use std::{fmt, thread};").len(), 1);
        assert_eq!(words(at, "use std::net::{IpAddr, UdpSocket};").len(), 1);
    }

    #[test]
    fn passes_what_only_looks_like_it() {
        let at = "crates/protocol/src/lib.rs";
        assert!(words(at, "// std::fs\nuse std::net::IpAddr; let fs = self.fs; thread(x)").is_empty());
        assert!(words(at, "fn a() {}\n#[cfg(test)]\nmod tests {\n use std::fs; }").is_empty());
        assert!(words("crates/engine/src/lib.rs", "use std::fs;").is_empty());
        assert!(words("crates/api/src/bin/export.rs", "use std::fs;").is_empty());
        assert!(words(at, "use std::collections::HashMap;").is_empty());
        assert_eq!(words("crates/evaluator/src/x.rs", "use std::collections::HashMap;").len(), 1);
    }
}
