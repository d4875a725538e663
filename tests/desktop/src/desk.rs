//! The throw-away desktop: screen, session bus, keyring, home.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use hosts::wait::{self, Seen};
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::session::{Session, TrayHost};

/// How long a part of the desktop may take to come up, on a machine that is busy.
const UP: Duration = Duration::from_secs(30);
/// Put before a program's words: the kernel ends it when the thread that started it does.
const DIES_WITH_US: [&str; 3] = ["setpriv", "--pdeathsig", "KILL"];
const SCREEN: &str = "1440x900x24";
/// The throw-away keyring's password; it guards nothing.
const PASSWORD: &str = "keyring of a test";

/// What the session's keychain is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// It is there and open.
    Unlocked,
    /// It is there, and asks for a password that nobody types.
    Locked,
    /// The session has none.
    Absent,
}

/// Who takes notices and trays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Services {
    /// The test itself, which looks into them.
    OfTest(TrayHost),
    /// Real programs that are started on the desktop, for people to look at.
    Real,
}

/// A desktop of its own. Dropping it takes everything on it away.
pub struct Desk {
    pub session: Session,
    keyring: Mutex<Option<Child>>,
    bus: Child,
    screen: Child,
    display: String,
    home: TempDir,
}

impl Desk {
    /// Opens one.
    ///
    /// # Errors
    /// A part of it does not come up.
    pub fn open(keyring: Keyring, tray: TrayHost) -> Result<Self> {
        Self::open_with(keyring, Services::OfTest(tray))
    }

    /// Opens one whose services are somebody's.
    ///
    /// # Errors
    /// As [`Desk::open`].
    pub fn open_with(keyring: Keyring, services: Services) -> Result<Self> {
        let home = tempfile::Builder::new().prefix("sctl-desk-").tempdir().context("making a home")?;
        for dir in ["run", "home", "home/.config", "home/Downloads"] {
            let path = home.path().join(dir);
            fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).context("closing a directory")?;
        }
        // As every desktop says where downloads go.
        let places = "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n";
        fs::write(home.path().join("home/.config/user-dirs.dirs"), places).context("naming the downloads")?;
        let (screen, display) = screen(home.path())?;
        let bus = bus(home.path())?;
        let session = Session::start(&address(home.path()), services)?;
        let desk = Self { session, keyring: Mutex::default(), bus, screen, display, home };
        if keyring != Keyring::Absent {
            desk.start_keyring(&[])?;
        }
        if keyring == Keyring::Locked {
            desk.lock_keyring()?;
        }
        Ok(desk)
    }

    /// What a program on this desktop finds in its environment.
    pub fn env(&self) -> Vec<(String, String)> {
        let home = self.home.path();
        let path = |below: &str| home.join(below).display().to_string();
        let pairs = [
            ("DISPLAY", self.display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", address(home)),
            ("HOME", path("home")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("XDG_CONFIG_HOME", path("home/.config")),
            ("XDG_DATA_HOME", path("home/.local/share")),
            ("XDG_CACHE_HOME", path("home/.cache")),
            ("GDK_BACKEND", "x11".to_owned()),
            ("LIBGL_ALWAYS_SOFTWARE", "1".to_owned()),
            ("NO_AT_BRIDGE", "1".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("USER", "tester".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A program on this desktop; it dies with the test.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(DIES_WITH_US[0]);
        command.args(&DIES_WITH_US[1..]).arg(program);
        command.env_remove("WAYLAND_DISPLAY").envs(self.env()).process_group(0);
        command
    }

    /// A directory that goes with the desktop.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Where the program keeps its profile when nobody says otherwise.
    pub fn profile(&self) -> PathBuf {
        self.dir().join("home/.local/share/serversctl")
    }

    /// A grab of the whole screen as a PNG, for people.
    ///
    /// # Errors
    /// ImageMagick is missing, or fails.
    pub fn grab(&self, to: &Path) -> Result<()> {
        let status = Command::new("import")
            .args(["-window", "root"])
            .arg(to)
            .envs(self.env())
            .status()
            .context("starting import")?;
        ensure!(status.success(), "import ended with {status}");
        Ok(())
    }

    /// Locks the session's keyring, as a screen lock does.
    ///
    /// # Errors
    /// The keyring refuses.
    pub fn lock_keyring(&self) -> Result<()> {
        self.session.lock_keyring()
    }

    /// Opens the keyring again, as logging in does.
    ///
    /// # Errors
    /// The keyring does not come up.
    pub fn unlock_keyring(&self) -> Result<()> {
        let mut before = self.keyring().take().context("there is a keyring")?;
        // The newcomer takes the name over; a running one does not take a password.
        self.start_keyring(&["--replace"])?;
        end(&mut before);
        Ok(())
    }

    /// Takes the keyring away in the middle, as a crash does.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn lose_keyring(&self) -> Result<()> {
        let mut keyring = self.keyring().take().context("there is a keyring")?;
        end(&mut keyring);
        self.session.wait_for_no_keyring(UP)
    }

    fn keyring(&self) -> MutexGuard<'_, Option<Child>> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_keyring(&self, more: &[&str]) -> Result<()> {
        let mut command = self.command(Path::new("gnome-keyring-daemon"));
        command.args(["--foreground", "--unlock", "--components=secrets"]).args(more);
        let log = fs::File::create(self.dir().join("keyring.log")).context("making a log")?;
        let mut keyring = command
            .stdin(Stdio::piped())
            .stdout(log.try_clone().context("sharing a log")?)
            .stderr(log)
            .spawn()
            .context("starting gnome-keyring-daemon")?;
        keyring.stdin.take().context("a keyring reads a password")?.write_all(PASSWORD.as_bytes())?;
        *self.keyring() = Some(keyring);
        self.session.wait_for_keyring(UP)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mut keyring = self.keyring().take();
        for child in [keyring.as_mut(), Some(&mut self.bus), Some(&mut self.screen)].into_iter().flatten() {
            end(child);
        }
    }
}

fn address(home: &Path) -> String {
    format!("unix:path={}", home.join("run/bus").display())
}

/// A screen on a free number; it says which.
fn screen(home: &Path) -> Result<(Child, String)> {
    let log = fs::File::create(home.join("screen.log")).context("making a log")?;
    let mut screen = Command::new(DIES_WITH_US[0])
        .args(&DIES_WITH_US[1..])
        .args(["Xvfb", "-displayfd", "1", "-screen", "0", SCREEN, "-nolisten", "tcp"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .spawn()
        .context("starting Xvfb")?;
    let number = first_line(&mut screen).context("Xvfb names its number")?;
    ensure!(number.parse::<u32>().is_ok(), "Xvfb said `{number}`");
    Ok((screen, format!(":{number}")))
}

/// A session bus at a file, so that it is reached from other network namespaces too.
fn bus(home: &Path) -> Result<Child> {
    // Nothing is started by name: what a session has, the test started itself.
    let config = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>session</type>\
         <listen>{}</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" \
         eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n",
        address(home)
    );
    let path = home.join("bus.conf");
    fs::write(&path, config).context("writing the bus's configuration")?;
    let mut bus = Command::new(DIES_WITH_US[0])
        .args(&DIES_WITH_US[1..])
        .arg("dbus-daemon")
        .arg(format!("--config-file={}", path.display()))
        .args(["--nofork", "--nopidfile", "--print-address=1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("starting dbus-daemon")?;
    first_line(&mut bus).context("the bus names its address")?;
    Ok(bus)
}

fn first_line(child: &mut Child) -> Result<String> {
    let out = child.stdout.take().context("its output is ours")?;
    let mut line = String::new();
    BufReader::new(out.take(4096)).read_line(&mut line).context("reading its first line")?;
    if line.is_empty() {
        bail!("it ended with {}", child.wait().context("reaping it")?);
    }
    Ok(line.trim().to_owned())
}

/// Asks a process to end, then makes it.
pub fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let tell = |signal| group.map(|group| rustix::process::kill_process_group(group, signal));
    tell(Signal::TERM);
    let ended = wait::until("a child to end", Duration::from_secs(5), || {
        Ok(Seen::when(child.try_wait()?.is_some(), "it runs"))
    });
    if ended.is_err() {
        tell(Signal::KILL);
    }
    let _ = child.wait();
}
