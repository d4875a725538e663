//! The systemd unit of the headless host.

use std::path::{Path, PathBuf};

use api::ApiError;

use crate::args::Common;
use crate::screen;
use crate::session;

/// The unit's name.
const NAME: &str = "serversctl-watch.service";

/// Writes the unit, or prints it for a dry run.
pub(crate) fn install(common: &Common, profile: &Path, passphrase: Option<&Path>) -> Result<(), ApiError> {
    let program = std::env::current_exe()
        .map_err(|error| ApiError::internal("finding this program's own path").because(&error))?;
    let passphrase = passphrase
        .map(std::path::absolute)
        .transpose()
        .map_err(|error| ApiError::invalid("the passphrase file is no path").because(&error))?;
    let place = Place::of_this_user()?;
    let text = unit(&program, profile, passphrase.as_deref(), &place)?;
    if common.dry_run {
        return screen::out(&text);
    }
    let path = place.directory.join(NAME);
    std::fs::create_dir_all(&place.directory)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| ApiError::internal(format!("writing {}", path.display())).because(&error))?;
    let screen = session::screen(common);
    screen.note(&format!("Now run: {0} daemon-reload && {0} enable --now {NAME}", place.systemctl));
    screen.answer(&serde_json::json!({ "unit": path }), |_| path.display().to_string())
}

struct Place {
    directory: PathBuf,
    systemctl: &'static str,
    wanted_by: &'static str,
    walls: bool,
}

impl Place {
    fn of_this_user() -> Result<Self, ApiError> {
        if rustix::process::geteuid().is_root() {
            let directory = PathBuf::from("/etc/systemd/system");
            return Ok(Self {
                directory,
                systemctl: "systemctl",
                wanted_by: "multi-user.target",
                walls: true,
            });
        }
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config =
            absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let directory = config
            .ok_or_else(|| ApiError::invalid("neither HOME nor XDG_CONFIG_HOME is set"))?
            .join("systemd/user");
        Ok(Self { directory, systemctl: "systemctl --user", wanted_by: "default.target", walls: false })
    }
}

fn unit(
    program: &Path,
    profile: &Path,
    passphrase: Option<&Path>,
    place: &Place,
) -> Result<String, ApiError> {
    // Only a command line expands `$`.
    let program = quoted(program)?.replace('$', "$$");
    let profile = quoted(profile)?;
    let profile_argument = profile.replace('$', "$$");
    let credential = match passphrase {
        Some(file) => format!("LoadCredential=serversctl-passphrase:{}\n", word(file)?),
        None => String::new(),
    };
    // A user's own systemd has no right to most of these and would refuse to start the unit.
    let walls = if place.walls { format!("{WALLS}ReadWritePaths={profile}\n") } else { String::new() };
    let wanted_by = place.wanted_by;
    Ok(format!(
        "\
[Unit]
Description=ServersCTL failover watch
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program} watch --profile {profile_argument}
WatchdogSec=10
Restart=always
RestartSec=1
UMask=0077
NoNewPrivileges=yes
{credential}{walls}
[Install]
WantedBy={wanted_by}
"
    ))
}

/// It needs its profile, the network and nothing else.
const WALLS: &str = "\
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
";

/// A path that stands in a setting which knows no quotes.
fn word(path: &Path) -> Result<String, ApiError> {
    let text = plain(path)?;
    if text.contains([' ', '"', '\'', '\\']) {
        return Err(ApiError::invalid("systemd takes no spaces or quotes in the path of a credential"));
    }
    Ok(text)
}

/// A path as one word of a unit file: quoted, with systemd's specifiers and escapes made plain.
fn quoted(path: &Path) -> Result<String, ApiError> {
    Ok(format!("\"{}\"", plain(path)?.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn plain(path: &Path) -> Result<String, ApiError> {
    match path.to_str() {
        Some(text) if !text.contains(|c: char| c.is_control()) => Ok(text.replace('%', "%%")),
        Some(_) | None => Err(ApiError::invalid(format!("{} cannot stand in a unit file", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            directory: PathBuf::new(),
            systemctl: "systemctl",
            wanted_by: "multi-user.target",
            walls: true,
        }
    }

    #[test]
    fn the_unit_names_program_profile_and_credential() {
        let text = unit(
            Path::new("/usr/bin/serversctl"),
            Path::new("/var/lib/my 50% \"watch\""),
            Some(Path::new("/root/passphrase")),
            &place(),
        )
        .unwrap();
        let line = "ExecStart=\"/usr/bin/serversctl\" watch --profile \"/var/lib/my 50%% \\\"watch\\\"\"\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("\nLoadCredential=serversctl-passphrase:/root/passphrase\n"), "{text}");
        // A disk that is full for a minute must not leave a watch that nobody starts again.
        assert!(text.contains("\nStartLimitIntervalSec=0\n"), "{text}");
        assert!(text.contains("\nType=notify\n") && text.contains("\nWatchdogSec=10\n"), "{text}");
    }

    #[test]
    fn a_path_that_could_add_lines_is_refused() {
        assert!(unit(Path::new("/a\nExecStartPre=/evil"), Path::new("/p"), None, &place()).is_err());
        assert!(unit(Path::new("/a"), Path::new("/p"), Some(Path::new("/a b")), &place()).is_err());
    }
}
