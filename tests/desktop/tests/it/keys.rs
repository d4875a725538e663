//! Real keys in the real window: from nothing to a pool and through its places, without a pointer.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use desktop::driver::key;
use desktop::session::TrayHost;
use desktop::{Desk, Keyring, Page, Program};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);
/// A passphrase costs a slow hash.
const MADE: Duration = Duration::from_mins(1);
const PASSPHRASE: &str = "keys of a test";
/// More stops than any page has on the way to a field.
const STOPS_MAX: usize = 40;

/// Tabs until the focus is on a field or button whose label begins so.
fn tab_to(page: &Page<'_>, label: &str) -> Result<()> {
    let focused = "const at = document.activeElement;
         return (at?.labels?.[0]?.textContent ?? at?.getAttribute('aria-label') ?? at?.textContent ?? '').trim()";
    let mut seen = Vec::new();
    for _ in 0..STOPS_MAX {
        let at = page.script(focused)?.as_str().unwrap_or_default().to_owned();
        if at.starts_with(label) {
            return Ok(());
        }
        seen.push(at);
        page.chord(&[key::TAB])?;
    }
    bail!("no stop is called {label}: {seen:?}")
}

fn run(page: &Page<'_>, words: &str) -> Result<()> {
    page.chord(&[key::CONTROL, "k"])?;
    page.wait("the palette", SOON, "document.activeElement?.getAttribute('role') === 'combobox'")?;
    page.type_text(words)?;
    let first = format!(
        "document.querySelector('[role=option][aria-selected=true]')?.innerText.startsWith({})",
        Value::from(words)
    );
    page.wait(&format!("`{words}` to be found"), SOON, &first)?;
    page.chord(&[key::ENTER])?;
    page.wait("the palette to close", SOON, "document.querySelector('[role=combobox]') === null")
}

fn wait_place(page: &Page<'_>, place: &str) -> Result<()> {
    page.wait(&format!("the place {place}"), SOON, &format!("location.hash === {}", Value::from(place)))
}

#[test]
fn keys_alone_lead_from_nothing_to_a_pool_and_through_it() -> Result<()> {
    let desk = Desk::open(Keyring::Absent, TrayHost::Present)?;
    let program = Program::start(&desk, &[])?;
    let page = program.page();
    program.wait_up("hosting", SOON)?;
    page.wait_text("Welcome to ServersCTL", SOON)?;
    run(page, "Set up this console")?;
    page.wait("the first field to have the focus", SOON, "document.activeElement?.matches('form input')")?;
    page.type_text("keyboard")?;
    tab_to(page, "Keychain of this computer")?;
    page.chord(&[key::DOWN])?;
    tab_to(page, "Passphrase")?;
    page.type_text(PASSPHRASE)?;
    page.chord(&[key::TAB])?;
    page.type_text(PASSPHRASE)?;
    page.chord(&[key::ENTER])?;
    page.wait_text("A pool is a group of servers behind one DNS name", MADE)?;
    tab_to(page, "Name")?;
    page.chord(&[key::ENTER])?;
    wait_place(page, "#/pool/production-edge/overview")?;
    page.wait_text("production-edge has no members", SOON)?;

    // A sequence, a chord, brackets: from anywhere but a field.
    page.type_text("go")?;
    wait_place(page, "#/overview")?;
    page.chord(&[key::CONTROL, "1"])?;
    wait_place(page, "#/pool/production-edge/overview")?;
    page.type_text("]")?;
    page.wait("the next tab", SOON, "location.hash !== '#/pool/production-edge/overview'")?;
    let next = page.place()?;
    page.type_text("[")?;
    wait_place(page, "#/pool/production-edge/overview")?;
    ensure!(next.starts_with("#/pool/production-edge/"), "{next}");

    // Letters are letters in a field, and Esc leaves what was opened.
    page.chord(&[key::CONTROL, "k"])?;
    page.type_text("go")?;
    page.wait(
        "the letters in the palette",
        SOON,
        "document.querySelector('[role=combobox]')?.value === 'go'",
    )?;
    page.chord(&[key::ESCAPE])?;
    page.wait("the palette to close", SOON, "document.querySelector('[role=combobox]') === null")?;
    wait_place(page, "#/pool/production-edge/overview")?;
    page.type_text("n")?;
    page.wait_text("Add member to production-edge", SOON)?;
    page.chord(&[key::ESCAPE])?;
    page.wait("the dialog to close", SOON, "document.querySelector('[role=dialog]') === null")?;
    run(page, "Managed DNS")?;
    wait_place(page, "#/pool/production-edge/dns")
}
