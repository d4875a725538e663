//! What the person sees.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hosts::wait::{self, Seen};
use hosts::{Cut, Host};
use serde_json::Value;

use super::acts::Walk;
use super::{READY, SOON};

/// Six seconds are wanted on a quiet machine, and printed; a busy one is given this.
const OFFLINE: Duration = Duration::from_secs(40);
/// Five are wanted.
const ONLINE: Duration = Duration::from_mins(1);
/// Longer than the failover delay: whoever took this computer's blindness for the members' death would say so within it.
const CUT_OFF: Duration = Duration::from_secs(15);
const BAR: &str = "document.querySelector('.off')?.innerText.includes('This computer is offline since')";

impl Walk<'_> {
    /// The page says that this member carries the traffic, and is sure of it.
    pub(crate) fn sees_active(&self, name: &str) -> Result<()> {
        if !self.page.place()?.ends_with("/overview") {
            self.goes_to("overview")?;
        }
        self.page.wait_text(&format!("Yes, on {name}"), READY)
    }

    /// Its card says that it could take over.
    pub(crate) fn sees_ready(&self, name: &str) -> Result<()> {
        let pill = format!(
            "[...document.querySelectorAll('article[aria-label={name}] .pill')].some((one) => one.innerText.includes('Ready'))"
        );
        self.page.wait(&format!("{name} to be ready"), READY, &pill)
    }

    pub(crate) fn sees_it_return(&self, name: &str) -> Result<()> {
        self.sees_ready(name)?;
        self.page.wait("nobody to be down", READY, "document.querySelector('main .down') === null")
    }

    /// Titles and places of the incidents that the page lists.
    pub(crate) fn incidents(&self) -> Result<Vec<String>> {
        self.page.follow("#/incidents", SOON)?;
        let links = "[...document.querySelectorAll('main a[href^=\"#/incidents/\"]')]";
        self.page.wait("the list of incidents", SOON, &format!("{links}.length >= 2"))?;
        let listed = self.page.script(&format!("return {links}.map((one) => one.getAttribute('href'))"))?;
        let listed = listed.as_array().cloned().unwrap_or_default();
        Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// This computer loses its network: it says so about itself, claims nothing about others, and finds back.
    pub(crate) fn goes_offline_and_back(&self, console: &Host) -> Result<()> {
        let page = self.page;
        // Every tenth of a second, whether anything red is shown.
        page.script(
            "window.reds = [];
             window.looking = setInterval(() => {
               const red = document.querySelector('main .down, nav .down');
               if (red !== null) window.reds.push(red.closest('article, li, a, tr')?.innerText ?? red.outerHTML);
             }, 100);
             return 1",
        )?;
        let cut = Instant::now();
        console.cut(Cut::Both)?;
        let said = page.wait("the bar that says that this computer is offline", OFFLINE, BAR);
        let after = cut.elapsed();
        if said.is_err() {
            console.heal_all()?;
        }
        said?;
        let dashed = "[...document.querySelectorAll('article .xs')].some((one) => one.innerText.startsWith('was Active'))";
        page.wait("the last picture, dashed", SOON, dashed)?;
        wait::until("the failover delay to pass", CUT_OFF * 2, || {
            let there = page.script(&format!("return Boolean({BAR})"))?;
            ensure!(there == Value::Bool(true), "the bar went while the network was cut");
            Ok(Seen::when(cut.elapsed() > CUT_OFF, "still within it"))
        })?;
        let reds = page.script("return window.reds.slice(0, 3)")?;
        console.heal_all()?;
        let healed = Instant::now();
        ensure!(reds.as_array().is_some_and(Vec::is_empty), "shown as down while nothing was known: {reds}");
        page.wait("the bar to go", ONLINE, &format!("!({BAR})"))?;
        page.script("clearInterval(window.looking); return 1")?;
        let mut out = std::io::stderr();
        let _ = writeln!(
            out,
            "offline said after {:.1} s, taken back {:.1} s after the network",
            after.as_secs_f64(),
            healed.elapsed().as_secs_f64()
        );
        self.page.wait_text("Yes, on lb", READY)
    }
}
