//! The embedded name server as a process, for the demo and for tests that end it the hard way.

use std::{
    error::Error,
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use dns::{
    Fqdn,
    demo::{DemoConfig, DemoServer},
    tsig::TsigKey,
};
use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};

/// A small authoritative name server that takes updates signed with TSIG.
///
/// Prints the one line "ready" when it serves UDP and TCP, and ends cleanly on SIGTERM or SIGINT. A zone that is stored
/// in the data directory wins over --a.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  demo-dns --listen 127.0.0.1:5353 --zone example.com --key-file key --data-dir zone --a lb=203.0.113.1"
)]
struct Arguments {
    /// Address and port for UDP and TCP.
    #[arg(long)]
    listen: SocketAddr,
    /// The zone to serve.
    #[arg(long)]
    zone: Fqdn,
    /// A file only its owner can read, holding `name:algorithm:base64`.
    #[arg(long)]
    key_file: PathBuf,
    /// Where the zone is kept.
    #[arg(long)]
    data_dir: PathBuf,
    /// A first A record, `name=address`; a name without a dot is taken inside the zone. May be repeated.
    #[arg(long = "a", value_name = "NAME=IPV4")]
    addresses: Vec<String>,
    /// The TTL of the first A records, in seconds.
    #[arg(long, default_value_t = 60)]
    ttl: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut words = format!("demo-dns: {error}");
            let mut cause = error.source();
            while let Some(inner) = cause {
                words = format!("{words}: {inner}");
                cause = inner.source();
            }
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "{words}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let key = read_key(&arguments.key_file)?;
    let addresses = arguments
        .addresses
        .iter()
        .map(|text| read_address(text, &arguments.zone))
        .collect::<Result<Vec<_>, _>>()?;
    fs::create_dir_all(&arguments.data_dir)?;
    let config = DemoConfig {
        listen: arguments.listen,
        zone: arguments.zone,
        key,
        directory: arguments.data_dir,
        addresses,
        ttl_s: arguments.ttl,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = DemoServer::start(config).await?;
        let mut stdout = io::stdout();
        stdout.write_all(b"ready\n")?;
        stdout.flush()?;
        server
            .run_until(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            })
            .await?;
        Ok(())
    })
}

fn read_key(path: &Path) -> Result<TsigKey, Box<dyn Error>> {
    use std::os::unix::fs::PermissionsExt as _;

    let named = |error: io::Error| format!("the key file {}: {error}", path.display());
    let file = fs::File::open(path).map_err(named)?;
    let mode = file.metadata().map_err(named)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("the key file {} can be read by others: chmod 600 it", path.display()).into());
    }
    let mut text = String::new();
    file.take(4_096).read_to_string(&mut text).map_err(named)?;
    Ok(TsigKey::parse(&SecretString::from(text))?)
}

fn read_address(text: &str, zone: &Fqdn) -> Result<(Fqdn, Ipv4Addr), Box<dyn Error>> {
    let (name, address) = text.split_once('=').ok_or_else(|| format!("{text:?} is not name=address"))?;
    let name = if name.contains('.') { Fqdn::new(name)? } else { zone.child(name)? };
    let address = address.parse().map_err(|_| format!("{address:?} is not an IPv4 address"))?;
    Ok((name, address))
}
