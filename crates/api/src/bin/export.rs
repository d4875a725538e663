//! Writes the TypeScript of the wire, or checks that it is up to date: `export [--check] DIRECTORY`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use api::typescript;

fn main() -> ExitCode {
    let mut check = false;
    let mut directory = None;
    for argument in std::env::args_os().skip(1) {
        if argument == "--check" { check = true } else { directory = Some(PathBuf::from(argument)) }
    }
    let Some(directory) = directory else {
        let _ = writeln!(std::io::stderr(), "usage: export [--check] DIRECTORY");
        return ExitCode::from(2);
    };
    let path = directory.join(typescript::FILE);
    let fresh = typescript::file();
    if std::fs::read_to_string(&path).is_ok_and(|old| old == fresh) {
        return ExitCode::SUCCESS;
    }
    if check {
        let _ = writeln!(std::io::stderr(), "{} is stale; run `cargo xtask codegen`", path.display());
        return ExitCode::FAILURE;
    }
    match std::fs::create_dir_all(&directory).and_then(|()| std::fs::write(&path, fresh)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "writing {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
