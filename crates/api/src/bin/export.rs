//! Writes the TypeScript of the wire into a directory: `export DIRECTORY`. Run by `cargo xtask codegen`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use api::typescript;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        let _ = writeln!(std::io::stderr(), "usage: export DIRECTORY");
        return ExitCode::from(2);
    };
    let path = Path::new(&directory).join(typescript::FILE);
    match std::fs::write(&path, typescript::file()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "writing {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
