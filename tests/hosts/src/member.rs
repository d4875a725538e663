//! A member: a Debian with systemd as its first process, on the fabric's bridge.
//!
//! It is `systemd-nspawn --boot` in a namespace and on a disk that we made. What the odd pieces are for stands where they
//! are set ([`Member::start`]). Disk, address and keys outlive a power cut and a reboot; booting again is the same
//! machine with a new boot id.

mod disk;

use std::fs::{self, File};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::command::{self, Output};
use crate::haproxy;
use crate::host::Process;
use crate::link::{Cut, Link};
use crate::requirements::cgroup_mounts;
use crate::wait::{self, Seen};

/// 0.75 s on an idle machine; ten members on a busy one took 3.2 s.
const BOOT_BOUND: Duration = Duration::from_mins(1);
/// A clean stop waits for every unit; systemd itself gives each 90 s.
const OFF_BOUND: Duration = Duration::from_secs(100);
const KILL_BOUND: Duration = Duration::from_secs(10);
/// For a command in a member that has nothing to wait for.
pub const EXEC_BOUND: Duration = Duration::from_secs(30);

/// How a boot ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Boot {
    /// Every unit is as it should be.
    Running,
    /// Up, with these failed units.
    Degraded(String),
}

/// One member host. Dropping it cuts its power; the fabric takes the rest apart.
#[derive(Debug)]
pub struct Member {
    link: Link,
    dir: PathBuf,
    cgroups: Vec<PathBuf>,
    /// The nspawn process, while it runs.
    nspawn: Option<Child>,
    /// The member's first process, seen from outside.
    leader: Option<Pid>,
}

impl Member {
    pub(crate) fn new(link: Link) -> Result<Self> {
        let dir = link.core().dir().join(link.name());
        disk::make(link.core().image(), &dir, link.name())?;
        let (unified, named) = cgroup_mounts();
        let cgroups = [unified, named].into_iter().flatten().map(|mount| mount.join(link.netns())).collect();
        let member = Self { link, dir, cgroups, nspawn: None, leader: None };
        member.write_file("/etc/haproxy/haproxy.cfg", haproxy::answering(member.name()).as_bytes(), 0o644)?;
        Ok(member)
    }

    pub fn name(&self) -> &str {
        self.link.name()
    }

    pub fn address(&self) -> Ipv4Addr {
        self.link.address()
    }

    /// The member's root directory, seen from this machine; what is written here the member sees at once.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// Boots and waits until systemd has started everything.
    ///
    /// # Errors
    /// Not up within the bound.
    pub fn boot(&mut self) -> Result<Boot> {
        self.start()?;
        self.wait_booted()
    }

    /// Switches the power on and returns at once, so that several members boot side by side. The member dies with the
    /// thread that calls this.
    ///
    /// # Errors
    /// It is on already, or nspawn cannot be started.
    pub fn start(&mut self) -> Result<()> {
        self.reap()?;
        ensure!(self.nspawn.is_none(), "{} is on already", self.name());
        for cgroup in &self.cgroups {
            fs::create_dir_all(cgroup).with_context(|| format!("making {}", cgroup.display()))?;
        }
        let console = File::options()
            .create(true)
            .append(true)
            .open(self.console_log())
            .context("opening console.log")?;
        let child = command::command(&self.nspawn_argv())
            // The member sees a pure cgroup2, as on a real Debian 12; the default taints systemd.
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            // Makes /proc/sys/net writable, as on a real host.
            .env("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .stdin(Stdio::null())
            .stdout(console.try_clone().context("sharing console.log")?)
            .stderr(console)
            // A ^C at our terminal must not reach the members.
            .process_group(0)
            .spawn()
            .context("starting systemd-nspawn")?;
        self.nspawn = Some(child);
        Ok(())
    }

    /// Waits until a started member is up.
    ///
    /// # Errors
    /// Not up within the bound; the error holds the end of its console.
    pub fn wait_booted(&mut self) -> Result<Boot> {
        let what = format!("{} to boot", self.name());
        let start = Instant::now();
        self.leader = Some(self.find_leader(&what)?);
        let state = wait::until(&what, BOOT_BOUND.saturating_sub(start.elapsed()), || {
            ensure!(!self.has_ended()?, "{} went down while booting\n{}", self.name(), self.console_tail());
            let output = self.exec(&["systemctl", "is-system-running", "--wait"])?;
            Ok(match output.stdout.trim() {
                state @ ("running" | "degraded") => Seen::Yes(state.to_owned()),
                other => Seen::NotYet(format!("{other} {}", output.stderr.trim())),
            })
        })?;
        if state == "running" {
            return Ok(Boot::Running);
        }
        let failed = self.must(&["systemctl", "list-units", "--failed", "--plain", "--no-legend"])?;
        Ok(Boot::Degraded(failed.trim().to_owned()))
    }

    /// Cuts the power: the first process dies, and everything with it. Nothing is told or saved.
    ///
    /// # Errors
    /// It is off already, or it does not die.
    pub fn power_cut(&mut self) -> Result<()> {
        let leader = self.leader.with_context(|| format!("{} is not up", self.name()))?;
        kill_process(leader, Signal::KILL).context("killing the member's first process")?;
        self.wait_off(KILL_BOUND)
    }

    /// Shuts down cleanly: every service is stopped first.
    ///
    /// # Errors
    /// It is off already, or it is not down within the bound.
    pub fn power_off(&mut self) -> Result<()> {
        let child = self.nspawn.as_ref().with_context(|| format!("{} is off", self.name()))?;
        let pid = command::pid_of(child).context("nspawn has no pid")?;
        kill_process(pid, Signal::TERM).context("asking the member to shut down")?;
        self.wait_off(OFF_BOUND)
    }

    /// Waits until the member is off, after a `poweroff` or `reboot` from inside. A reboot ends here too: the harness is
    /// the machine's firmware, and [`Member::boot`] is its power button.
    ///
    /// # Errors
    /// It is still up when the bound passes.
    pub fn wait_off(&mut self, bound: Duration) -> Result<()> {
        wait::until(&format!("{} to be off", self.name()), bound, || {
            Ok(Seen::when(self.has_ended()?, "nspawn still runs"))
        })?;
        self.reap()
    }

    /// Stops everything in the member but its kernel: pings are answered, TCP times out.
    ///
    /// # Errors
    /// The cgroup does not freeze.
    pub fn freeze(&self) -> Result<()> {
        self.set_frozen("1", "frozen 1")
    }

    /// Ends a freeze.
    ///
    /// # Errors
    /// The cgroup does not thaw.
    pub fn thaw(&self) -> Result<()> {
        self.set_frozen("0", "frozen 0")
    }

    /// Does something to the member's network; see [`Cut`].
    ///
    /// # Errors
    /// The rule cannot be set.
    pub fn cut(&self, cut: Cut) -> Result<()> {
        self.link.cut(cut)
    }

    /// Ends one fault of the network.
    ///
    /// # Errors
    /// The rule cannot be removed.
    pub fn heal(&self, cut: Cut) -> Result<()> {
        self.link.heal(cut)
    }

    /// Ends every fault of the network.
    ///
    /// # Errors
    /// A rule cannot be removed.
    pub fn heal_all(&self) -> Result<()> {
        self.link.heal_all()
    }

    /// Runs a command inside, with the rights of this machine's root (a test of privileges has to go through ssh).
    ///
    /// # Errors
    /// The member is not up, or the command does not end within [`EXEC_BOUND`].
    pub fn exec(&self, argv: &[&str]) -> Result<Output> {
        self.exec_with_input(argv, b"", EXEC_BOUND)
    }

    /// As [`Member::exec`], with standard input and a bound of its own.
    ///
    /// # Errors
    /// As [`Member::exec`].
    pub fn exec_with_input(&self, argv: &[&str], input: &[u8], bound: Duration) -> Result<Output> {
        let argv = self.inside_argv(argv)?;
        command::run_with_input(&argv, input, bound).with_context(|| format!("on {}", self.name()))
    }

    /// Starts a command inside that goes on beside us; what it prints goes to a log. It dies with the calling thread.
    ///
    /// # Errors
    /// The member is not up, or the command cannot be started.
    pub fn spawn(&self, name: &str, argv: &[&str]) -> Result<Process> {
        let log = self.dir.join(format!("{name}.log"));
        let argv = self.inside_argv(argv)?;
        Process::start(format!("{name} on {}", self.name()), &mut command::command(&argv), log)
    }

    /// Runs a command inside that has to succeed, and returns what it printed.
    ///
    /// # Errors
    /// As [`Member::exec`], and when it ends with another code than 0.
    pub fn must(&self, argv: &[&str]) -> Result<String> {
        let output = self.exec(argv)?;
        if !output.is_success() {
            let words = argv.join(" ");
            bail!(
                "`{words}` on {} ended with {}\n{}{}",
                self.name(),
                output.status,
                output.stdout,
                output.stderr
            );
        }
        Ok(output.stdout)
    }

    /// Writes a file into the member, up or not.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_file(&self, path: &str, content: &[u8], mode: u32) -> Result<()> {
        let at = self.inside(path)?;
        let context = || format!("writing {path} on {}", self.name());
        if let Some(parent) = at.parent() {
            fs::create_dir_all(parent).with_context(context)?;
        }
        let mut options = File::options();
        let mut file =
            options.create(true).truncate(true).write(true).mode(mode).open(&at).with_context(context)?;
        file.write_all(content).with_context(context)?;
        file.set_permissions(fs::Permissions::from_mode(mode)).with_context(context)
    }

    /// Reads a file of the member, up or not.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read_file(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.inside(path)?).with_context(|| format!("reading {path} on {}", self.name()))
    }

    /// Copies a program of this machine to `/usr/local/bin` of the member.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn install(&self, program: &Path) -> Result<()> {
        let name = program.file_name().context("a program has a file name")?;
        let to = self.root().join("usr/local/bin").join(name);
        let context = || format!("copying {} to {}", program.display(), self.name());
        // Beside it first: a running program cannot be written over.
        let staged = to.with_extension("new");
        fs::copy(program, &staged).with_context(context)?;
        fs::set_permissions(&staged, fs::Permissions::from_mode(0o755)).with_context(context)?;
        fs::rename(&staged, &to).with_context(context)
    }

    /// The end of a unit's journal, read from outside (so also of a member that is off).
    ///
    /// # Errors
    /// journalctl fails.
    pub fn journal(&self, unit: &str, lines: u32) -> Result<String> {
        let journal = self.root().join("var/log/journal").display().to_string();
        command::must(
            &["journalctl", "--no-pager", "-D", &journal, "-u", unit, "-n", &lines.to_string()],
            EXEC_BOUND,
        )
    }

    /// The end of what its agent and its service said, for a test that failed: the member goes with its world.
    pub fn last_words(&self) -> String {
        let journal = self.root().join("var/log/journal").display().to_string();
        let read = ["journalctl", "--no-pager", "-q", "-D", &journal, "-n", "60", "-o", "short-precise"];
        let units =
            ["-u", "balctl-heartbeat.service", "-u", "haproxy.service", "-u", "serversctl-watch.service"];
        let said = command::run(&[&read[..], &units[..]].concat(), EXEC_BOUND);
        let said = said.map_or_else(|error| error.to_string(), |output| output.stdout);
        format!("--- services on {} (end)\n{said}", self.name())
    }

    fn inside_argv(&self, argv: &[&str]) -> Result<Vec<String>> {
        let leader = self.leader.with_context(|| format!("{} is not up", self.name()))?;
        let leader = leader.as_raw_pid().to_string();
        let enter = ["nsenter", "--all", "--target", &leader, "--"];
        // The caller's environment is of another machine.
        let environment = [
            "env",
            "-i",
            "HOME=/root",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ];
        // nsenter stays outside as the parent of what runs inside: each has to die with its own parent.
        let dies = command::DIES_WITH_US.iter();
        let words = dies.clone().chain(&enter).chain(dies).chain(&environment).chain(argv);
        Ok(words.map(|&word| word.to_owned()).collect())
    }

    fn inside(&self, path: &str) -> Result<PathBuf> {
        let relative = path.strip_prefix('/').with_context(|| format!("{path} is not absolute"))?;
        Ok(self.root().join(relative))
    }

    fn console_log(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    fn nspawn_argv(&self) -> Vec<String> {
        // nspawn keeps the cgroup it is started in and makes `payload` below it: two members started from one cgroup
        // would fight over that, so each enters its own first. It also gives kill and freeze per member.
        let enter: Vec<String> = self
            .cgroups
            .iter()
            .map(|cgroup| format!("echo $$ > '{}/cgroup.procs' || exit 70;", cgroup.display()))
            .collect();
        let enter = ["sh", "-c", &format!("{} exec \"$@\"", enter.join(" ")), "member"];
        let nspawn = [
            "systemd-nspawn",
            "--quiet",
            // No machined and no D-Bus of this machine are needed.
            "--register=no",
            "--keep-unit",
            "--boot",
            &format!("--machine={}", self.link.netns()),
            &format!("--hostname={}", self.name()),
            &format!("--directory={}", self.root().display()),
            &format!("--network-namespace-path=/run/netns/{}", self.link.netns()),
            // With a namespace path alone it is dropped, and ufw, keepalived and `ip addr` need it.
            "--capability=CAP_NET_ADMIN",
            "--resolv-conf=off",
            "--link-journal=no",
            "--console=read-only",
        ];
        enter.iter().chain(command::DIES_WITH_US).chain(&nspawn).map(|&word| word.to_owned()).collect()
    }

    /// The member's first process is the child of nspawn that is called `systemd`.
    fn find_leader(&self, what: &str) -> Result<Pid> {
        let nspawn = self.nspawn.as_ref().with_context(|| format!("{} is off", self.name()))?.id();
        wait::until(what, BOOT_BOUND, || {
            ensure!(!self.has_ended()?, "{} did not start\n{}", self.name(), self.console_tail());
            let children =
                fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).unwrap_or_default();
            let leader = children.split_whitespace().find(|pid| {
                fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == "systemd")
            });
            Ok(match leader.and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw) {
                Some(pid) => Seen::Yes(pid),
                None => Seen::NotYet("no first process".into()),
            })
        })
    }

    /// Whether nspawn has ended; the zombie is left for [`Member::reap`].
    fn has_ended(&self) -> Result<bool> {
        let Some(child) = &self.nspawn else { return Ok(true) };
        let stat = match fs::read_to_string(format!("/proc/{}/stat", child.id())) {
            Ok(stat) => stat,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error).context("looking at nspawn"),
        };
        Ok(stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X'])))
    }

    fn reap(&mut self) -> Result<()> {
        if self.has_ended()? {
            if let Some(mut child) = self.nspawn.take() {
                child.wait().context("reaping nspawn")?;
            }
            self.leader = None;
        }
        Ok(())
    }

    fn set_frozen(&self, value: &str, state: &str) -> Result<()> {
        let cgroup = self.cgroups.first().context("no cgroup2")?;
        fs::write(cgroup.join("cgroup.freeze"), value)
            .with_context(|| format!("freezing {}", self.name()))?;
        wait::until(&format!("{} to be `{state}`", self.name()), KILL_BOUND, || {
            let events = fs::read_to_string(cgroup.join("cgroup.events")).context("reading cgroup.events")?;
            Ok(Seen::when(events.contains(state), events.replace('\n', " ")))
        })
    }

    fn console_tail(&self) -> String {
        let text = fs::read_to_string(self.console_log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "{}", self.last_words());
        }
        if let Some(leader) = self.leader {
            let _ = kill_process(leader, Signal::KILL);
        }
        if let Some(child) = &mut self.nspawn {
            let _ = command::wait_bounded(child, KILL_BOUND);
        }
    }
}
