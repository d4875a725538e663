//! Running the tools: what is run is said first, and a failure carries the tool's own exit code out.

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// The machine lacks something, or a person has to decide: not a failure of what was tested.
pub(crate) const EXIT_LACKING: u8 = 2;

/// An error that ends the whole with this code.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: u8,
    pub(crate) words: String,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Exit {}

/// The code that an error asks for; 1 if it asks for none.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Exit>().map_or(1, |exit| exit.code)
}

/// Says something to the person; standard output is left to what the tools print.
pub(crate) fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "xtask: {words}");
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository's root")
}

/// The cargo that runs us.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a tool with our own input and outputs.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let words = words(command);
    say(&words);
    let status = command.status().with_context(|| format!("starting `{words}`"))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Exit { code, words: format!("`{words}` ended with {status}") }.into())
}

/// Runs a tool quietly and returns what it printed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let words = words(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("starting `{words}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("`{words}` ended with {}\n{}", output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what `{words}` printed"))
}

/// Where a program lies; `/usr/sbin` is searched even if PATH lacks it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"])
        .map(|dir| Path::new(dir).join(name))
        .find(|candidate| candidate.is_file())
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy());
    std::iter::once(program.to_string_lossy()).chain(arguments).collect::<Vec<_>>().join(" ")
}
