//! What the shell is built from: its permissions, its configuration, and a page that exists.

use std::fs;
use std::path::Path;

/// Every command of the page; each needs its permission in `capabilities/main.json`.
const COMMANDS: &[&str] = &[
    "rpc",
    "subscribe",
    "unsubscribe",
    "shell_state",
    "shell_prefer",
    "shell_ready",
    "shell_painted",
    "shell_quit",
    "shell_update",
    "shell_demo_begin",
    "shell_demo_act",
];

/// What stands where the page is not built yet, so that a clean checkout compiles.
const PLACEHOLDER: &str = "<!doctype html><title>ServersCTL</title><p>The page was not built: run `npm ci && npm run \
                           build` in `frontend`.</p>\n";

fn main() {
    let page = Path::new("../frontend/dist/index.html");
    if !page.exists() {
        let made =
            page.parent().map(fs::create_dir_all).transpose().and_then(|_| fs::write(page, PLACEHOLDER));
        made.expect("a page can be put where the frontend's build lies");
    }
    println!("cargo::rerun-if-env-changed=SERVERSCTL_UPDATE_KEY");
    println!("cargo::rerun-if-env-changed=SERVERSCTL_UPDATE_URL");
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("the shell's configuration and capabilities agree");
}
