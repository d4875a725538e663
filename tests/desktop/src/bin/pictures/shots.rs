//! Taking one picture after the other, in both themes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use desktop::fleet::{EDGE, NEWCOMER};
use desktop::{Desk, Page};
use hosts::{Member, product};

use super::panel;
use super::{READY, SOON, pause};

/// A picture is part of the repository; larger ones are drawn with fewer colours.
const BYTES_MAX: u64 = 300_000;
const SCREEN: (u32, u32) = (1440, 900);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    const BOTH: [Self; 2] = [Self::Light, Self::Dark];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

pub(crate) struct Album<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) page: &'a Page<'a>,
    pub(crate) to: &'a Path,
}

impl Album<'_> {
    /// The page alone: it changes at once and keeps what it shows.
    fn page_is(&self, theme: Theme) -> Result<()> {
        self.page
            .script(&format!("document.documentElement.dataset.theme = '{}'; return 1", theme.word()))?;
        // Charts take their colours when they are drawn next.
        pause("the charts to be drawn anew", 2)
    }

    /// Tray and notices, with the tray's menu open over the window.
    pub(crate) fn tray(&self, theme: Theme) -> Result<()> {
        self.page.follow("#/overview", SOON)?;
        self.page_is(theme)?;
        self.window(SCREEN.0, SCREEN.1 - panel::HEIGHT, panel::HEIGHT)?;
        pause("the notice to be drawn", 4)?;
        // The icon is the last in the panel; its menu is opened as a person opens it.
        let (x, y) = (SCREEN.0 - panel::HEIGHT / 2, panel::HEIGHT / 2);
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "3"])?;
        pause("the menu to be drawn", 2)?;
        // Head, then the pools by name.
        self.xdotool(&["key", "Down", "Down", "Down", "Down", "Right"])?;
        pause("the menu below to be drawn", 2)?;
        let path = self.path("tray-and-notices", theme);
        self.desk.grab(&path)?;
        small(&path)?;
        self.xdotool(&["key", "Escape", "Escape", "Escape"])
    }

    /// The window over the whole screen again, and the pointer where nothing lies below it.
    pub(crate) fn fill_window(&self) -> Result<()> {
        self.window(SCREEN.0, SCREEN.1, 0)?;
        let (x, y) = ((SCREEN.0 / 2).to_string(), (SCREEN.1 - 5).to_string());
        // In steps: the last one alone is not always told.
        let leap = ["mousemove", &x, "400", "sleep", "0.5"];
        let step = ["mousemove", &x, &y, "sleep", "0.5", "mousemove_relative", "3", "0"];
        self.xdotool(&[&leap[..], &step].concat())
    }

    pub(crate) fn pages(&self, active: &str) -> Result<()> {
        let page = self.page;
        page.follow(&format!("#/pool/{EDGE}/overview"), SOON)?;
        page.follow(&format!("#/pool/{EDGE}/member/{active}"), SOON)?;
        page.follow(&format!("#/pool/{EDGE}/member/{active}/status"), SOON)?;
        // Two minutes fill the lines above the table, and the strips of heartbeats.
        pause("the lines to fill", 115)?;
        self.both("member-status")?;
        page.follow(&format!("#/pool/{EDGE}/overview"), SOON)?;
        page.wait_text(&format!("Yes, on {active}"), READY)?;
        pause("the flow to be read", 6)?;
        self.both("pool-overview")?;
        page.follow("#/overview", SOON)?;
        page.wait_text("Infrastructure", SOON)?;
        self.both("overview")?;
        page.follow("#/incidents", SOON)?;
        let newest = "document.querySelector('main a[data-row]')";
        page.wait("the newest incident", SOON, newest)?;
        page.script(&format!("{newest}.click(); return 1"))?;
        page.wait_text("Why it moved", SOON)?;
        self.both("incident")
    }

    /// The enrolment of one more, while its service starts: the secret has been used by then and is not shown.
    pub(crate) fn newcomer(&self, member: &Member) -> Result<()> {
        let page = self.page;
        member.write_file(SLOW_AT, SLOW, 0o644)?;
        page.follow(&format!("#/pool/{EDGE}/overview"), SOON)?;
        page.press("Add member", SOON)?;
        page.fill("Hostname", NEWCOMER, SOON)?;
        page.fill("Address this console calls", &member.address().to_string(), SOON)?;
        page.press("Make the secret", SOON)?;
        let secret = page.text_of("[role=dialog] .sec .mono", SOON)?;
        let _agent = product::wait_for_enrolment(member, NEWCOMER, &secret)?;
        page.wait_text("Waiting for the first heartbeat", READY)?;
        // A new roster is looked at anew by everybody.
        pause("the others to be seen again", 17)?;
        ensure!(!page.text()?.contains(&secret), "the secret would stand in a picture");
        self.both("add-member")
    }

    fn both(&self, name: &str) -> Result<()> {
        for theme in Theme::BOTH {
            self.page_is(theme)?;
            let path = self.path(name, theme);
            fs::write(&path, self.page.screenshot()?)
                .with_context(|| format!("writing {}", path.display()))?;
            small(&path)?;
        }
        Ok(())
    }

    fn path(&self, name: &str, theme: Theme) -> std::path::PathBuf {
        self.to.join(format!("{name}-{}.png", theme.word()))
    }

    fn window(&self, width: u32, height: u32, top: u32) -> Result<()> {
        let (width, height, top) = (width.to_string(), height.to_string(), top.to_string());
        let find = ["search", "--onlyvisible", "--name", "^ServersCTL$"];
        let place = ["windowsize", "--sync", &width, &height, "windowmove", "0", &top, "windowactivate"];
        self.xdotool(&[&find[..], &place].concat())
    }

    fn xdotool(&self, arguments: &[&str]) -> Result<()> {
        let status =
            self.desk.command("xdotool".as_ref()).args(arguments).status().context("starting xdotool")?;
        ensure!(status.success(), "xdotool {} ended with {status}", arguments.join(" "));
        Ok(())
    }
}

/// Keeps the member's service waiting, long enough for two pictures.
const SLOW_AT: &str = "/etc/systemd/system/balctl-heartbeat.service.d/slow.conf";
const SLOW: &[u8] = b"[Service]\nExecStartPre=/bin/sleep 45\n";

/// Drops what a viewer does not see; a picture that is still too large loses colours that nobody would miss.
fn small(path: &Path) -> Result<()> {
    let convert = |more: &[&str]| {
        let mut command = Command::new("convert");
        command.arg(path).args(["-strip", "-define", "png:compression-level=9"]).args(more).arg(path);
        command.status().context("starting convert").map(|status| status.success())
    };
    ensure!(convert(&[])?, "convert does not take {}", path.display());
    if fs::metadata(path)?.len() > BYTES_MAX {
        ensure!(convert(&["-dither", "None", "-colors", "256"])?, "convert does not take {}", path.display());
    }
    let bytes = fs::metadata(path)?.len();
    ensure!(bytes <= BYTES_MAX, "{} has {bytes} bytes", path.display());
    Ok(())
}
