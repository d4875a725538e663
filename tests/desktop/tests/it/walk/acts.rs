//! What the person does, step by step.

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, ensure};
use desktop::driver::key;
use desktop::tray::{Tray, find};
use desktop::{Desk, Page};
use hosts::demo_dns::DemoDns;
use hosts::wait::{self, Seen};
use hosts::{Fabric, Host, Member, lookup, programs, world};

use super::{MOVED, POOL, READY, SOON};

const PASSPHRASE: &str = "correct horse battery staple";
const PROVIDER: &str = "office-dns";
const ASK: Duration = Duration::from_secs(2);
/// The agent's own start, its keys, and the console's call.
const ENROL: Duration = Duration::from_secs(90);
const URGENT: u8 = 2;

/// The person at the page.
pub(crate) struct Walk<'a> {
    pub(crate) desk: &'a Desk,
    pub(crate) page: &'a Page<'a>,
    /// Where the record is, and from where it is asked.
    pub(crate) dns: &'a DemoDns,
    pub(crate) client: &'a Host,
}

impl Walk<'_> {
    pub(crate) fn goes_to(&self, tab: &str) -> Result<()> {
        self.page.follow(&format!("#/pool/{POOL}/{tab}"), SOON)
    }

    /// From the welcome to an empty pool.
    pub(crate) fn makes_a_profile_and_a_pool(&self) -> Result<()> {
        let page = self.page;
        page.wait_text("Welcome to ServersCTL", SOON)?;
        page.press("Set up this console", SOON)?;
        page.fill("Name of this console", "ops-laptop", SOON)?;
        page.choose("File with a passphrase", SOON)?;
        page.fill("Passphrase again", PASSPHRASE, SOON)?;
        page.fill("Passphrase", PASSPHRASE, SOON)?;
        page.press("Continue to the first pool", SOON)?;
        page.wait_text("A pool is a group of servers behind one DNS name", READY)?;
        page.press("Create pool", SOON)?;
        page.wait_text("production-edge has no members", SOON)
    }

    /// The shortest delay, and addresses of this world.
    pub(crate) fn settles_the_pool(&self) -> Result<()> {
        let page = self.page;
        self.goes_to("settings")?;
        page.press("10 s", SOON)?;
        page.press("Publish any address", SOON)?;
        page.wait_text("2 changes are not saved", SOON)?;
        page.press("Save", SOON)?;
        page.wait_text("Settings of production-edge saved", SOON)
    }

    /// The RFC 2136 provider, and its test.
    pub(crate) fn connects_dns(&self) -> Result<()> {
        let (page, key) = (self.page, self.dns.key());
        self.goes_to("overview")?;
        page.press("Connect DNS", SOON)?;
        page.press("Add provider", SOON)?;
        page.fill("Name", PROVIDER, SOON)?;
        page.fill("Server", &self.dns.address().to_string(), SOON)?;
        page.fill("Zone", world::ZONE, SOON)?;
        page.fill("Key name", &key.name, SOON)?;
        page.fill("Secret", &key.secret_base64, SOON)?;
        page.press("Add and test", SOON)?;
        page.wait_text("This console can read the zone and move its record.", SOON)
    }

    /// The enrolment's dialog here, its command and its secret there.
    pub(crate) fn enrols(&self, member: &Member) -> Result<()> {
        let (page, name) = (self.page, member.name());
        self.goes_to("overview")?;
        page.press("Add member", SOON)?;
        page.fill("Hostname", name, SOON)?;
        page.fill("Address this console calls", &member.address().to_string(), SOON)?;
        page.press("Make the secret", SOON)?;
        page.wait_text("Shown only now.", SOON)?;
        let command = page.text_of("[role=dialog] .code .b", SOON)?;
        let secret = page.text_of("[role=dialog] .sec .mono", SOON)?;
        ensure!(command.starts_with("balctl-agent enrol ") && secret.len() == 48, "`{command}`");
        ensure!(!command.contains(&secret), "the secret stands in a command line");

        member.install(&programs::built("balctl-agent")?)?;
        let ran = member.exec_with_input(&["sh", "-c", &command], format!("{secret}\n").as_bytes(), ENROL)?;
        ensure!(ran.is_success(), "`{command}` ended with {}\n{}{}", ran.status, ran.stdout, ran.stderr);
        page.wait_text(&format!("{name} is heard"), SOON)?;
        ensure!(!page.script("return document.body.innerHTML")?.to_string().contains(&secret), "it is kept");
        page.press("Done", SOON)
    }

    /// The name, and its record as it stands.
    pub(crate) fn takes_the_name_over(&self, active: &str) -> Result<()> {
        let page = self.page;
        self.goes_to("dns")?;
        page.select("Provider and zone", PROVIDER, SOON)?;
        page.fill("Label", world::LABEL, SOON)?;
        page.wait_text(world::NAME, SOON)?;
        page.press("Set the name", SOON)?;
        page.wait_text("lb.demo.test is set, and its record is not ours yet", SOON)?;
        page.press("Make active…", SOON)?;
        page.wait_text("Take lb.demo.test over as it stands?", SOON)?;
        page.press("Take it over", SOON)?;
        page.wait_text("lb.demo.test is managed", READY)?;
        self.record_is(active)?;
        self.sees_active(active)
    }

    /// Green, then armed.
    pub(crate) fn rehearses_and_arms(&self) -> Result<()> {
        let page = self.page;
        page.press("Rehearse", SOON)?;
        page.press("Rehearse now", SOON)?;
        let green = "['Green: ', 'Would move to '].some((text) => document.body.innerText.includes(text))";
        page.wait("a green rehearsal", READY, green)?;
        page.press("Turn on automatic failover…", SOON)?;
        page.wait_text("Turn on automatic failover of production-edge?", SOON)?;
        page.press("Turn it on", SOON)?;
        page.wait_text("Automatic failover of production-edge is on", SOON)?;
        page.press("Close", SOON)?;
        page.wait_text("Yes, after 10 s", READY)
    }

    /// A move by hand: what changes is shown first, and it changes.
    pub(crate) fn makes_active(&self, from: &str, to: &str) -> Result<()> {
        let page = self.page;
        page.press_in(&format!("article[aria-label={to}]"), "Make active", READY)?;
        page.wait_text(&format!("Make {to} active?"), SOON)?;
        let plan = page.text_of("[role=dialog] .diff", SOON)?;
        let line = |mark: char, of: &str| {
            let wanted = format!("{mark} {} {} ({of})", world::NAME, address(of)?);
            anyhow::Ok(plan.lines().any(|line| line == wanted))
        };
        ensure!(line('-', from)? && line('+', to)?, "the plan says\n{plan}");
        // Opening the dialog alone moves nothing.
        self.record_is(from)?;
        page.press(&format!("Make {to} active"), SOON)?;
        page.wait_text(&format!("{POOL} moved to {to}"), MOVED)?;
        self.record_is(to)?;
        self.sees_active(to)
    }

    /// The active member loses its power. Gives the one that took over.
    pub(crate) fn fails_over(&self, lost: &mut Member) -> Result<String> {
        let (page, session, from) = (self.page, &self.desk.session, lost.name().to_owned());
        page.wait_text("Yes, after 10 s", READY)?;
        self.sees_ready("lb3")?;
        lost.power_cut()?;
        let told = session.wait_notice("of the move", MOVED, |told| {
            told.title.starts_with(&format!("{POOL} moved to lb")) && !told.title.ends_with(&from)
        })?;
        ensure!(told.urgency == URGENT && told.body.contains("DNS moved in"), "{told:?}");
        let to = told.title.rsplit(' ').next().unwrap_or_default().to_owned();
        self.record_is(&to)?;

        let incident = "location.hash.startsWith('#/incidents/')";
        session.press_until(&told, "See why", |bound| page.wait("the incident's page", bound, incident))?;
        page.wait_text(&format!("Moved from {from} to {to}"), SOON)?;
        page.wait_text("Why it moved", SOON)?;
        page.wait_text("DNS change", SOON)?;
        self.saves_report(&to)?;
        let tray = Tray::wait(&self.desk.session, SOON)?;
        let row = tray.wait_row("the pool with its new active member", READY, |row| {
            let active = format!("{to}  active");
            row.label.contains(POOL) && find(&row.rows, &|below| below.label.starts_with(&active)).is_some()
        })?;
        let down = format!("{from}  standby, down");
        ensure!(find(&row.rows, &|below| below.label.starts_with(&down)).is_some(), "{row:?}");
        self.goes_to("overview")?;
        self.sees_active(&to)?;
        Ok(to)
    }

    /// The story as a file, where other programs put what a person saves.
    fn saves_report(&self, to: &str) -> Result<()> {
        self.page.chord(&[key::CONTROL, key::SHIFT, "e"])?;
        self.sees_reports(1, to)?;
        // A second one does not take the place of the first.
        self.page.chord(&[key::CONTROL, key::SHIFT, "e"])?;
        self.sees_reports(2, to)
    }

    fn sees_reports(&self, count: usize, to: &str) -> Result<()> {
        let downloads = self.desk.dir().join("home/Downloads");
        wait::until("the report among the downloads", SOON, || {
            let files = fs::read_dir(&downloads)?.collect::<Result<Vec<_>, _>>()?;
            let is_whole = |file: &&fs::DirEntry| {
                file.path().extension() == Some("md".as_ref())
                    && fs::read_to_string(file.path()).is_ok_and(|text| text.contains(to))
            };
            let whole = files.iter().filter(is_whole).count();
            let names: Vec<_> = files.iter().map(fs::DirEntry::file_name).collect();
            Ok(Seen::when(whole == count, format!("{names:?}")))
        })
    }

    /// The vault is a file: after a start somebody has to open it.
    pub(crate) fn unlocks(&self) -> Result<()> {
        let page = self.page;
        page.wait_text("The vault file is locked", SOON)?;
        page.fill("Passphrase", PASSPHRASE, SOON)?;
        page.press("Unlock", SOON)?;
        page.follow(&format!("#/pool/{POOL}/overview"), READY)
    }

    /// The record at the name server itself.
    fn record_is(&self, member: &str) -> Result<()> {
        let (server, wanted) = (self.dns.address(), address(member)?);
        wait::until(&format!("the record to point at {member}"), SOON, || {
            let asked = self.client.thread(move || lookup::addresses(server, world::NAME, ASK))?.join()?;
            Ok(Seen::when(asked.as_deref().is_ok_and(|all| all == [wanted]), format!("{asked:?}")))
        })
    }
}

/// Where the world has put a member.
fn address(name: &str) -> Result<Ipv4Addr> {
    Ok(Fabric::address(10 + name.trim_start_matches("lb").parse::<u8>()?))
}
