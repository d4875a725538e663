//! What the desktop weighs: its package, and the scripts that its page needs before it shows anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::figure::{Figure, Limit};

const DEB_MAX_MB: f64 = 12.0;
const SCRIPTS_MAX_KB: f64 = 150.0;
/// Fetched at every start although no other script names it with an `import`: the road to the engine.
const ALWAYS: &str = "tauri-";

/// Weighs both.
pub(crate) fn figures() -> Result<Vec<Figure>> {
    let deb = newest_deb()?;
    let deb_mb = fs::metadata(&deb)?.len() as f64 / 1e6;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../frontend/dist");
    let scripts = at_start(&page)?;
    let mut gzipped = 0;
    for script in &scripts {
        let output = Command::new("gzip").args(["-9", "-c"]).arg(script).stdin(Stdio::null()).output()?;
        ensure!(output.status.success(), "gzip ended with {}", output.status);
        gzipped += output.stdout.len();
    }
    let name = deb.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(vec![
        Figure {
            name: "desktop, Debian package".to_owned(),
            value: deb_mb,
            unit: "MB",
            limit: Limit::AtMost(DEB_MAX_MB),
            how: name,
        },
        Figure {
            name: "page, scripts at start".to_owned(),
            value: gzipped as f64 / 1e3,
            unit: "kB gzip",
            limit: Limit::AtMost(SCRIPTS_MAX_KB),
            how: format!("{} files", scripts.len()),
        },
    ])
}

fn newest_deb() -> Result<PathBuf> {
    let own = std::env::current_exe().context("finding this program")?;
    let package =
        own.parent().and_then(Path::parent).context("a build has a target directory")?.join("package");
    let all = fs::read_dir(&package).with_context(|| format!("reading {}", package.display()))?;
    let debs = all
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some("deb".as_ref()));
    debs.max_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok())
        .context("no package was made")
}

/// The page's scripts that are fetched before its first picture: what the document names, and what that imports.
fn at_start(page: &Path) -> Result<BTreeSet<PathBuf>> {
    let document = fs::read_to_string(page.join("index.html")).context("reading the page's document")?;
    let assets = page.join("assets");
    let mut waiting: Vec<String> =
        between(&document, "assets/", ".js").map(|name| format!("{name}.js")).collect();
    for entry in fs::read_dir(&assets).context("reading the page's scripts")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(ALWAYS) && Path::new(&name).extension() == Some("js".as_ref()) {
            waiting.push(name);
        }
    }
    ensure!(!waiting.is_empty(), "the document names no script");
    let mut found = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let path = assets.join(&name);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        if found.insert(path) {
            waiting.extend(imported(&text));
        }
    }
    Ok(found)
}

/// What a script imports before it runs; what it fetches later, with `import(`, is not among it.
fn imported(script: &str) -> Vec<String> {
    let words = ["from\"./", "import\"./", "from \"./", "import \"./"];
    words.iter().flat_map(|word| between(script, word, ".js\"")).map(|name| format!("{name}.js")).collect()
}

/// Every text between these two without a blank or a quote in it.
fn between<'t>(text: &'t str, before: &'t str, after: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(before)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(after)?.0))
        .filter(|name| !name.contains(['"', ' ', '/']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_later_does_not_count() {
        let script =
            r#"import{a as b}from"./live-Ab1.js";import"./base.js";const l=()=>import("./map-X.js");"#;
        assert_eq!(imported(script), ["live-Ab1.js", "base.js"]);
    }

    #[test]
    fn a_document_names_its_scripts() {
        let document =
            r#"<script type="module" src="/assets/index-1.js"></script><link href="./assets/a-2.js">"#;
        assert_eq!(between(document, "assets/", ".js").collect::<Vec<_>>(), ["index-1", "a-2"]);
    }
}
