//! The strict doubles of Cloudflare's and WHM's APIs as a process with TLS, for tests of the whole product.

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
use dns::{
    Fqdn,
    conformance::{Bench, Foreign, cloudflare_double::CloudflareDouble, stage::Stage, whm_double::WhmDouble},
};
use tokio::signal::unix::{SignalKind, signal};

/// A double of a DNS provider's API, with one zone that is kept in memory only.
///
/// Prints the one line "ready" and the SHA-256 of its certificate when it serves, and ends on SIGTERM or SIGINT. Its
/// token is the constant `GOOD_TOKEN` of its module. Faults are ordered by requests without a credential:
/// `/-/then?when=read|write|any&fault=instead|after|limit|cut-before|cut-after|cut-inside|doubled|hold-before|hold-after`
/// (with `status` or `seconds`), and `/-/open` lets the oldest held exchange go on.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  api-double --kind whm --listen 127.0.0.1:2087 --name whm.example.com --zone example.com --a lb=203.0.113.1"
)]
struct Arguments {
    /// Which API.
    #[arg(long)]
    kind: Kind,
    /// Address and port.
    #[arg(long)]
    listen: SocketAddr,
    /// The name or address in its certificate.
    #[arg(long)]
    name: String,
    /// Where to write the certificate in PEM.
    #[arg(long)]
    certificate: Option<PathBuf>,
    /// The zone to serve.
    #[arg(long)]
    zone: Fqdn,
    /// An A record, `name=address`; a name without a dot is taken inside the zone. May be repeated.
    #[arg(long = "a", value_name = "NAME=IPV4")]
    addresses: Vec<String>,
    /// The TTL of the A records, in seconds.
    #[arg(long, default_value_t = 60)]
    ttl: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Cloudflare,
    Whm,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "api-double: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let Arguments { kind, listen, name, certificate, zone, addresses, ttl } = arguments;
        let double = match kind {
            Kind::Cloudflare => {
                Double::Cloudflare(CloudflareDouble::start_tls(zone.clone(), listen, &name).await?)
            }
            Kind::Whm => Double::Whm(WhmDouble::start_tls(zone.clone(), listen, &name).await?),
        };
        for text in &addresses {
            let (name, address) = read_address(text, &zone)?;
            double.bench().edit(&name, Foreign::A(vec![address], ttl)).await;
        }
        double.stage().take_commands();
        let own = double.stage().certificate().ok_or("it serves without TLS")?;
        if let Some(path) = certificate {
            fs::write(path, &own.pem)?;
        }
        let mut stdout = io::stdout();
        writeln!(stdout, "ready {}", own.sha256)?;
        stdout.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}

enum Double {
    Cloudflare(CloudflareDouble),
    Whm(WhmDouble),
}

impl Double {
    fn bench(&self) -> &dyn Bench {
        match self {
            Self::Cloudflare(double) => double,
            Self::Whm(double) => double,
        }
    }

    fn stage(&self) -> &Stage {
        match self {
            Self::Cloudflare(double) => double.stage(),
            Self::Whm(double) => double.stage(),
        }
    }
}

fn read_address(text: &str, zone: &Fqdn) -> Result<(Fqdn, Ipv4Addr), Box<dyn Error>> {
    let (name, address) = text.split_once('=').ok_or_else(|| format!("{text:?} is not name=address"))?;
    let name = if name.contains('.') { Fqdn::new(name)? } else { zone.child(name)? };
    let address = address.parse().map_err(|_| format!("{address:?} is not an IPv4 address"))?;
    Ok((name, address))
}
