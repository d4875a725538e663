//! Who may use whom among our crates. A tool checks this, not goodwill.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Breach;

/// Each crate, and the crates of ours that it may use. Tests of a crate may use more; that is listed, not refused.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("evaluator", &["model"]),
    ("protocol", &["model"]),
    ("api", &["model"]),
    ("haproxy", &["model"]),
    ("dns", ADAPTER),
    ("ssh", ADAPTER),
    ("backup", ADAPTER),
    ("store", ADAPTER),
    ("vault", ADAPTER),
    // The wire's shell, on both ends of it.
    ("link", &["model", "protocol"]),
    (
        "engine",
        &[
            "model",
            "evaluator",
            "protocol",
            "api",
            "haproxy",
            "link",
            "dns",
            "ssh",
            "backup",
            "store",
            "vault",
        ],
    ),
    // The nouns come with the api, whose types are made of them.
    ("client", &["api", "model"]),
    ("cli", &["api", "client", "engine", "model"]),
    // `src-tauri`.
    ("serversctl-desktop", &["api", "client", "engine", "model", "demo-fleet"]),
    ("agent", &["model", "protocol", "haproxy", "link", "backup"]),
    // Both sides of the wire in one process, for looking around; the engine is used by its own program alone.
    ("demo-fleet", &["model", "protocol", "haproxy", "api", "client", "engine", "agent", "dns"]),
    // It judges them all, and has to build when they do not.
    ("xtask", &[]),
];

/// Adapters use the pure crates and never each other.
const ADAPTER: &[&str] = &["model", "evaluator", "protocol", "api", "haproxy"];

/// Packages below `tests/` may use any of ours and each other; nobody else may use them.
const TESTS: &[&str] = &["sim", "scenarios", "hosts", "desktop", "fuzz", "bench", "fixtures"];

/// A package of the workspace with what it uses of ours.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) uses: Vec<Use>,
}

#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) is_for_tests: bool,
}

/// Reads `cargo metadata --no-deps`.
pub(super) fn packages(metadata: &str) -> Result<Vec<Package>> {
    let metadata: Metadata = serde_json::from_str(metadata).context("reading cargo's metadata")?;
    let names: Vec<String> = metadata.packages.iter().map(|package| package.name.clone()).collect();
    let ours = |from: &str, dependency: RawDependency| {
        let is_for_tests = dependency.kind.as_deref() == Some("dev");
        // A crate's tests may ask for its own features.
        let is_other = dependency.name != from;
        (is_other && dependency.path.is_some() && names.contains(&dependency.name))
            .then_some(Use { name: dependency.name, is_for_tests })
    };
    let packages = metadata.packages.into_iter();
    Ok(packages
        .map(|RawPackage { name, dependencies }| {
            let uses = dependencies.into_iter().filter_map(|dependency| ours(&name, dependency)).collect();
            Package { name, uses }
        })
        .collect())
}

/// Finds every arrow that the table does not have.
pub(super) fn check(packages: &[Package]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in packages {
        let Some(allowed) = allowed(&package.name) else {
            breaches.push(breach(
                &package.name,
                "is in no row of the table of arrows (xtask/src/check/arrows.rs)",
            ));
            continue;
        };
        for used in package.uses.iter().filter(|used| !used.is_for_tests) {
            if !allowed.meets(&used.name) {
                breaches.push(breach(&package.name, &format!("must not use {}", used.name)));
            }
        }
    }
    breaches
}

/// What tests use beyond the table, to be read by people.
pub(super) fn beyond_in_tests(packages: &[Package]) -> Vec<String> {
    let mut lines = Vec::new();
    for package in packages {
        let Some(allowed) = allowed(&package.name) else { continue };
        for used in package.uses.iter().filter(|used| used.is_for_tests && !allowed.meets(&used.name)) {
            lines.push(format!("arrow in tests only: {} -> {}", package.name, used.name));
        }
    }
    lines
}

enum Allowed {
    Any,
    These(&'static [&'static str]),
}

impl Allowed {
    fn meets(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(names) => names.contains(&name),
        }
    }
}

fn allowed(name: &str) -> Option<Allowed> {
    if TESTS.contains(&name) {
        return Some(Allowed::Any);
    }
    ARROWS.iter().find(|(from, _)| *from == name).map(|(_, to)| Allowed::These(to))
}

fn breach(at: &str, words: &str) -> Breach {
    Breach { rule: "arrows", at: at.to_owned(), words: words.to_owned() }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    dependencies: Vec<RawDependency>,
}

#[derive(Deserialize)]
struct RawDependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages, each with what it uses and for what kind.
    type Planted<'a> = &'a [(&'a str, &'a [(&'a str, Option<&'a str>)])];

    /// Metadata as cargo writes it, with only what is read.
    fn metadata(packages: Planted<'_>) -> String {
        let packages: Vec<_> = packages
            .iter()
            .map(|(name, uses)| {
                let dependencies: Vec<_> = uses
                    .iter()
                    .map(
                        |(used, kind)| serde_json::json!({ "name": used, "kind": kind, "path": "somewhere" }),
                    )
                    .collect();
                serde_json::json!({ "name": name, "dependencies": dependencies })
            })
            .collect();
        serde_json::json!({ "packages": packages }).to_string()
    }

    fn check_words(list: Planted<'_>) -> Vec<String> {
        check(&packages(&metadata(list)).unwrap()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_planted_wrong_arrow_is_found() {
        let planted: Planted<'_> =
            &[("model", &[]), ("dns", &[("model", None)]), ("store", &[("model", None), ("dns", None)])];
        assert_eq!(check_words(planted), ["store: must not use dns [arrows]"]);
        let upwards: Planted<'_> = &[("engine", &[]), ("evaluator", &[("engine", None)])];
        assert_eq!(check_words(upwards), ["evaluator: must not use engine [arrows]"]);
    }

    #[test]
    fn a_build_dependency_counts_and_one_of_tests_is_only_listed() {
        let list: Planted<'_> =
            &[("model", &[("sim", Some("dev")), ("api", Some("build"))]), ("sim", &[]), ("api", &[])];
        assert_eq!(check_words(list), ["model: must not use api [arrows]"]);
        let packages = packages(&metadata(list)).unwrap();
        assert_eq!(beyond_in_tests(&packages), ["arrow in tests only: model -> sim"]);
    }

    #[test]
    fn nobody_uses_tests_and_an_unknown_crate_has_to_be_placed() {
        let list: Planted<'_> =
            &[("cli", &[("hosts", None)]), ("hosts", &[("cli", None)]), ("stranger", &[])];
        assert_eq!(
            check_words(list),
            [
                "cli: must not use hosts [arrows]",
                "stranger: is in no row of the table of arrows (xtask/src/check/arrows.rs) [arrows]"
            ]
        );
    }

    #[test]
    fn a_crate_of_others_with_one_of_our_names_is_no_arrow() {
        let text = r#"{"packages":[{"name":"client","dependencies":[{"name":"model","kind":null,"path":null}]},
                       {"name":"model","dependencies":[]}]}"#;
        assert!(check(&packages(text).unwrap()).is_empty());
    }

    #[test]
    fn the_table_has_no_circle() {
        fn reaches(from: &str, to: &str) -> bool {
            let row = ARROWS.iter().find(|(name, _)| *name == from);
            row.is_some_and(|(_, uses)| uses.iter().any(|used| *used == to || reaches(used, to)))
        }
        for (name, _) in ARROWS {
            assert!(!reaches(name, name), "{name} reaches itself");
        }
    }
}
