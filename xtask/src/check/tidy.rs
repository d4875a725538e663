//! Sizes and forms: what makes code readable in one sitting.

use super::source::{code_only, tokens};
use super::{Breach, Text};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
/// Crate roots say what for, what it must not know, and where to start.
const ROOT_DOC_LINES: std::ops::RangeInclusive<usize> = 5..=20;
/// These words name nothing; a type is named after what it is.
const EMPTY_WORDS: &[&str] =
    &["Manager", "Service", "Helper", "Helpers", "Util", "Utils", "Processor", "Data", "Info"];

/// Judges every Rust file, and the length of every file of the frontend.
pub(super) fn check(texts: &[Text]) -> Vec<Breach> {
    texts.iter().flat_map(check_file).collect()
}

fn check_file(text: &Text) -> Vec<Breach> {
    let path = text.path.as_str();
    let lines = text.content.lines().count();
    let limit = match path.rsplit_once('.') {
        Some((_, "rs")) => FILE_LINES_MAX,
        Some((_, "svelte" | "ts")) if !path.contains("/generated/") => FILE_LINES_MAX / 2,
        _ => return Vec::new(),
    };
    let mut breaches = Vec::new();
    if lines > limit {
        breaches.push(breach("file-lines", path.to_owned(), format!("{lines} lines, {limit} is the limit")));
    }
    if text.has_extension("rs") {
        let code = code_only(&text.content);
        breaches.extend(long_functions(path, &code));
        breaches.extend(attributes(path, &code));
        breaches.extend(names(path, &code));
        breaches.extend(root_docs(path, &text.content));
    }
    breaches
}

/// Counts a body's lines with code on them, between its braces.
fn long_functions(path: &str, code: &str) -> Vec<Breach> {
    let tokens = tokens(code);
    let mut breaches = Vec::new();
    for at in 0..tokens.len() {
        // `fn(` is a type.
        let Some((name, _)) = tokens.get(at + 1).filter(|(name, _)| tokens[at].0 == "fn" && *name != "(")
        else {
            continue;
        };
        let Some((first, last)) = body(&tokens, at) else { continue };
        let with_code = |line: &usize| code.lines().nth(line - 1).is_some_and(|text| !text.trim().is_empty());
        let count = (first + 1..last).filter(with_code).count();
        if count > FUNCTION_LINES_MAX {
            let words = format!("{count} lines of code, {FUNCTION_LINES_MAX} is the limit");
            breaches.push(breach("function-lines", format!("{path}::{name}"), words));
        }
    }
    breaches
}

/// First and last line of the body of the function whose `fn` is at `at`; `None` for one without a body.
fn body(tokens: &[(&str, usize)], at: usize) -> Option<(usize, usize)> {
    let (mut depth, mut brackets, mut first) = (0_usize, 0_usize, None);
    for (word, line) in &tokens[at..] {
        match *word {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            // An array's length in the signature has one, too, inside its brackets.
            ";" if first.is_none() && brackets == 0 => return None,
            "{" => {
                first = first.or(Some(*line));
                depth += 1;
            }
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return first.map(|first| (first, *line));
                }
            }
            _ => {}
        }
    }
    None
}

fn attributes(path: &str, code: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let squeezed: String = text.split_whitespace().collect();
        let at = || format!("{path}:{}", line + 1);
        if squeezed.contains("#[allow(") || squeezed.contains("#![allow(") {
            breaches.push(breach(
                "expect",
                at(),
                "suppress with `expect` and a reason, not with `allow`".to_owned(),
            ));
        }
        if squeezed.contains("#[ignore]") {
            breaches.push(breach("ignored", at(), "an ignored test says why".to_owned()));
        }
    }
    breaches
}

fn names(path: &str, code: &str) -> Vec<Breach> {
    let tokens = tokens(code);
    let types = tokens.windows(2).filter(|pair| matches!(pair[0].0, "struct" | "enum" | "trait" | "type"));
    types
        .filter(|pair| EMPTY_WORDS.iter().any(|empty| pair[1].0.ends_with(empty)))
        .map(|pair| {
            let words = format!("`{}` says nothing; name it after what it is", pair[1].0);
            breach("names", format!("{path}::{}", pair[1].0), words)
        })
        .collect()
}

fn root_docs(path: &str, content: &str) -> Vec<Breach> {
    let is_library = path.ends_with("/src/lib.rs");
    // Of a package with both, the library's root is the place.
    let is_program = matches!(path, "crates/cli/src/main.rs" | "xtask/src/main.rs");
    if !is_library && !is_program {
        return Vec::new();
    }
    let lines = content.lines().filter(|line| line.starts_with("//!")).count();
    if ROOT_DOC_LINES.contains(&lines) {
        return Vec::new();
    }
    let words = format!("{lines} lines say what the crate is for; 5 to 20 are wanted");
    vec![breach("root-docs", path.to_owned(), words)]
}

fn breach(rule: &'static str, at: String, words: String) -> Breach {
    Breach { rule, at, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, content: &str) -> Vec<String> {
        let text = Text { path: path.to_owned(), content: content.to_owned() };
        check_file(&text).iter().map(|breach| format!("{} {}", breach.rule, breach.at)).collect()
    }

    #[test]
    fn a_function_is_measured_by_its_lines_of_code() {
        let long = |line: &str| format!("fn f(x: [u8; 2]) -> u8 {{\n{}}}\n", line.repeat(71));
        assert_eq!(rules("a.rs", &long("  g();\n")), ["function-lines a.rs::f"]);
        assert!(rules("a.rs", &long("  // why\n")).is_empty());
        assert!(rules("a.rs", &long("\n")).is_empty());
        assert!(rules("a.rs", "trait T { fn f(x: [u8; 2]); }").is_empty());
    }

    #[test]
    fn a_long_function_in_another_is_found_in_both() {
        let nested = format!("mod m {{\nfn outer() {{\nfn inner() {{\n{}}}\n}}\n}}", "x();\n".repeat(71));
        assert_eq!(rules("a.rs", &nested), ["function-lines a.rs::outer", "function-lines a.rs::inner"]);
    }

    #[test]
    fn files_have_a_limit() {
        assert_eq!(rules("a.rs", &"//\n".repeat(801)), ["file-lines a.rs"]);
        assert!(rules("a.rs", &"//\n".repeat(800)).is_empty());
        assert_eq!(rules("frontend/a.svelte", &"\n".repeat(401)), ["file-lines frontend/a.svelte"]);
        assert!(rules("frontend/src/generated/a.ts", &"\n".repeat(900)).is_empty());
    }

    #[test]
    fn forms_are_held() {
        // Written so that this file does not break the rule itself.
        assert_eq!(rules("a.rs", "#[allow(dead_code)] struct A;"), ["expect a.rs:1"]);
        assert_eq!(rules("a.rs", "\n#[ignore]\nfn f() {}"), ["ignored a.rs:2"]);
        assert!(rules("a.rs", "#[ignore = \"needs a cloud\"]\nfn f() {}").is_empty());
        assert_eq!(rules("a.rs", "pub struct PoolManager {}"), ["names a.rs::PoolManager"]);
        assert!(rules("a.rs", "pub struct Database {}").is_empty());
        assert_eq!(rules("crates/x/src/lib.rs", "//! One line.\n"), ["root-docs crates/x/src/lib.rs"]);
    }
}
