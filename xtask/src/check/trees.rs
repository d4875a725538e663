//! What may be in a crate's whole tree of dependencies, ours and others'.

use anyhow::Result;

use super::Breach;
use super::arrows::Package;
use crate::shell::{cargo, read};

/// Crates without IO, clocks or threads, by their trees as well as by their source.
pub(super) const PURE: &[&str] = &["model", "evaluator", "protocol", "api", "haproxy"];

const IO: &[&str] = &["tokio", "rusqlite", "hickory-*", "reqwest", "rustls"];
/// The agent stays small, and holds nothing that could decide or write DNS.
const NOT_IN_AGENT: &[&str] =
    &["object_store", "rusqlite", "hickory-*", "engine", "dns", "store", "vault", "api"];

/// Asks cargo for the trees and judges them.
pub(super) fn check(packages: &[Package]) -> Result<Vec<Breach>> {
    let exists = |name: &&&str| packages.iter().any(|package| package.name == **name);
    let mut breaches = Vec::new();
    for name in PURE.iter().filter(exists) {
        breaches.extend(banned(name, &tree(&["--package", name])?, IO));
    }
    if exists(&&"agent") {
        breaches.extend(banned("agent", &tree(&["--package", "agent"])?, NOT_IN_AGENT));
    }
    breaches.extend(crypto(&tree(&["--workspace"])?));
    Ok(breaches)
}

/// One line per crate: its name, version and features.
fn tree(of: &[&str]) -> Result<String> {
    read(cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}\t{f}"]).args(of))
}

fn names(tree: &str) -> impl Iterator<Item = (&str, &str)> {
    tree.lines().filter_map(|line| {
        let (package, features) = line.split_once('\t').unwrap_or((line, ""));
        Some((package.split(' ').next()?, features))
    })
}

fn banned(at: &str, tree: &str, list: &[&str]) -> Vec<Breach> {
    let is_banned = |name: &str| {
        list.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
    };
    let mut found: Vec<&str> = names(tree).map(|(name, _)| name).filter(|name| is_banned(name)).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|name| breach(at, format!("has {name} in its tree"))).collect()
}

/// One provider for the whole tree: two would mean that the process has to choose, and may choose wrongly.
fn crypto(tree: &str) -> Vec<Breach> {
    let mut breaches = banned("workspace", tree, &["ring"]);
    for (_, features) in names(tree).filter(|(name, _)| *name == "rustls") {
        let features: Vec<&str> = features.trim_end_matches(" (*)").split(',').collect();
        if features.contains(&"ring") {
            breaches.push(breach("workspace", "rustls is built with ring".to_owned()));
        }
        // Both names have been in use.
        if !features.contains(&"aws_lc_rs") && !features.contains(&"aws-lc-rs") {
            breaches.push(breach("workspace", "rustls is built without aws-lc-rs".to_owned()));
        }
    }
    breaches.dedup();
    breaches
}

fn breach(at: &str, words: String) -> Breach {
    Breach { rule: "trees", at: at.to_owned(), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_banned_crate_and_not_its_neighbour_in_name() {
        let tree = "agent v0.1.0 (/x)\t\ntokio v1.0.0\tfs,net\nhickory-proto v0.26.0\tstd\nrings v1.0.0\t\n";
        let words: Vec<String> =
            banned("agent", tree, NOT_IN_AGENT).iter().map(ToString::to_string).collect();
        assert_eq!(words, ["agent: has hickory-proto in its tree [trees]"]);
        assert!(banned("model", "model v0.1.0\t\ntokio-less v1.0.0\t\n", IO).is_empty());
    }

    #[test]
    fn holds_the_tree_to_one_provider() {
        assert!(crypto("rustls v0.23.0\taws_lc_rs,std\nrustls v0.23.0\taws_lc_rs,std (*)\n").is_empty());
        assert_eq!(crypto("rustls v0.23.0\taws_lc_rs,ring\nring v0.17.0\t\n").len(), 2);
        assert_eq!(crypto("rustls v0.23.0\tstd\n").len(), 1);
    }
}
