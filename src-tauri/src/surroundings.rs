//! What the desktop finds around it: environment, directories, clock.

use std::ffi::OsStr;
use std::path::PathBuf;

use api::ApiError;
use api::glance::Moment;

/// WebKitGTK paints blank windows on many machines with it. A value that is set already is respected, `0` means off.
pub(crate) const NO_DMABUF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
/// Set by whoever drives the page from outside; then screenshots need the renderer that is switched off otherwise.
const DRIVEN: &str = "TAURI_WEBVIEW_AUTOMATION";

/// Gives the web view the environment that it needs, unless it has it. To be called before there is another thread: they
/// read the environment too.
pub(crate) fn prepare() {
    if !is_driven() {
        // Only fails for a name or value that is none.
        let _ = gtk::glib::setenv(NO_DMABUF, "1", false);
    }
}

/// Whether somebody drives the page from outside.
pub(crate) fn is_driven() -> bool {
    std::env::var_os(DRIVEN).as_deref() == Some(OsStr::new("true"))
}

/// The profile's directory: the one given, else `serversctl` in the user's data directory.
pub(crate) fn profile(given: Option<PathBuf>) -> Result<PathBuf, ApiError> {
    if let Some(given) = given {
        return std::path::absolute(given)
            .map_err(|error| ApiError::invalid("the profile's directory is no path").because(&error));
    }
    directory("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        ApiError::invalid("neither HOME nor XDG_DATA_HOME is set; name a profile with --profile")
    })
}

/// Where this user's configuration lies.
pub(crate) fn config() -> Option<PathBuf> {
    directory("XDG_CONFIG_HOME", ".config")
}

/// `serversctl` in a directory of the user.
fn directory(variable: &str, below_home: &str) -> Option<PathBuf> {
    base(variable, below_home).map(|base| base.join("serversctl"))
}

/// One of the user's base directories.
pub(crate) fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

/// Who acts, for the audit.
pub(crate) fn by() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let name = name.unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()));
    format!("{name} at the desktop")
}

/// Now, as this computer's clock shows it.
pub(crate) fn now() -> Moment {
    let now = jiff::Zoned::now();
    let unix_ms = u64::try_from(now.timestamp().as_millisecond()).unwrap_or_default();
    Moment { unix_ms, offset_s: now.offset().seconds() }
}
