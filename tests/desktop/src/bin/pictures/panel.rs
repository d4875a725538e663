//! What draws trays and notices on a real desktop: a window manager, a panel, a notification service.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};
use desktop::Desk;
use desktop::desk::end;

use super::SOON;
use super::shots::Theme;

/// Height of the panel.
pub(crate) const HEIGHT: u32 = 30;
const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu/xfce4";
const ICON: &str = "home/.local/share/icons/hicolor/128x128/apps";
const SETTINGS: &str = "home/.config/xfce4/xfconf/xfce-perchannel-xml";

/// Something that runs until it is dropped.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// A window manager, so that windows have a place.
pub(crate) fn windows(desk: &Desk) -> Result<Running> {
    run(desk, Path::new("openbox"), &[], Theme::Light)
}

/// The panel and the notification service, in one theme.
pub(crate) struct Panel {
    _bar: Running,
    _notices: Running,
    // Who keeps the settings ends last.
    _keeper: Running,
}

impl Panel {
    pub(crate) fn open(desk: &Desk, theme: Theme) -> Result<Self> {
        let settings = desk.dir().join(SETTINGS);
        fs::create_dir_all(&settings).context("making a place for settings")?;
        for (name, text) in [("xfce4-panel", PANEL), ("xfce4-notifyd", NOTICES)] {
            fs::write(settings.join(format!("{name}.xml")), text).context("writing settings")?;
        }
        // As the package installs it.
        let icons = desk.dir().join(ICON);
        fs::create_dir_all(&icons).context("making a place for the icon")?;
        fs::copy(icon(), icons.join("serversctl-desktop.png")).context("putting the icon there")?;
        let library = |below: &str| Path::new(LIBRARIES).join(below);
        let keeper = run(desk, &library("xfconf/xfconfd"), &[], theme)?;
        desk.session.wait_name("org.xfce.Xfconf", SOON)?;
        let notices = run(desk, &library("notifyd/xfce4-notifyd"), &[], theme)?;
        desk.session.wait_name("org.freedesktop.Notifications", SOON)?;
        let bar = run(desk, Path::new("xfce4-panel"), &["--disable-wm-check"], theme)?;
        desk.session.wait_name("org.kde.StatusNotifierWatcher", SOON)?;
        Ok(Self { _bar: bar, _notices: notices, _keeper: keeper })
    }
}

fn icon() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../icons/128x128.png")
}

fn run(desk: &Desk, program: &Path, arguments: &[&str], theme: Theme) -> Result<Running> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let log = File::create(desk.dir().join(format!("{name}.log"))).context("making a log")?;
    let mut command = desk.command(program);
    command.args(arguments).env("GTK_THEME", if theme == Theme::Dark { "Adwaita:dark" } else { "Adwaita" });
    let log_too = log.try_clone().context("sharing a log")?;
    let child = command.stdin(Stdio::null()).stdout(log_too).stderr(log).spawn();
    Ok(Running(child.with_context(|| format!("starting {name}"))?))
}

const PANEL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
        <value type="int" value="3"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="clock">
      <property name="digital-layout" type="uint" value="3"/>
      <property name="digital-time-format" type="string" value="%H:%M"/>
    </property>
    <property name="plugin-3" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="22"/>
    </property>
  </property>
</channel>
"#;

const NOTICES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="theme" type="string" value="Default"/>
  <property name="notify-location" type="uint" value="3"/>
  <property name="initial-opacity" type="double" value="1"/>
  <property name="do-fadeout" type="bool" value="false"/>
  <property name="expire-timeout-enabled" type="bool" value="false"/>
</channel>
"#;
