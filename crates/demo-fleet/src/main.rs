//! `serversctl-demo-fleet`: a demo without a window, for trying it by hand and for tests.
//!
//! Prints the picture as a line of JSON whenever it changes; takes acts as lines on its input, and `end`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use demo_fleet::{Fleet, Ground, Home};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// How long calls under way may go on at the end.
const LEAVING: Duration = Duration::from_secs(5);

/// A demo fleet on this computer's loopback; nothing of it is real but the product.
#[derive(Debug, Parser)]
#[command(
    name = "serversctl-demo-fleet",
    version,
    after_help = "Example:\n  serversctl-demo-fleet --dir /tmp/demo\n  serversctl --profile /tmp/demo/profile status"
)]
struct Arguments {
    /// The demo's own directory. It must be empty or missing, and is deleted at the end.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SERVERSCTL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    // A second call only says that it is done already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(io::stderr(), "serversctl-demo-fleet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let ground = demo_fleet::prepare(std::env::args_os().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("engine")
        .enable_all()
        .build()?;
    let done = runtime.block_on(play(arguments, ground));
    runtime.shutdown_background();
    done
}

async fn play(arguments: &Arguments, ground: Ground) -> anyhow::Result<()> {
    let mut ends = Ends::new()?;
    let directory = std::path::absolute(&arguments.dir).context("reading --dir")?;
    let home = Arc::new(Home::take(&directory)?);
    let engine = engine::Host::open(&home.profile(), engine::Kind::Desktop).context("opening the profile")?;
    let api = Arc::clone(&engine) as Arc<dyn api::Host>;
    let (listener, peers) = client::bind(engine.directory())?;
    let (leave, left) = oneshot::channel::<()>();
    let serving = tokio::spawn(client::serve_until(
        listener,
        peers,
        Arc::clone(&api),
        async { drop(left.await) },
        LEAVING,
    ));
    let (client, _) = client::in_memory(api, "the demo").await?;
    let fleet = Fleet::start(Arc::clone(&home), ground, client);
    let told = ends.told(&fleet).await;
    // Whatever ended it, everything goes: the engine first, while there are relays to say goodbye to.
    drop(leave);
    let _ = serving.await;
    engine.close().await;
    fleet.end().await;
    drop(engine);
    let home = Arc::into_inner(home).context("the demo's directory is in use still")?;
    tokio::task::spawn_blocking(move || home.delete()).await.context("deleting the demo")??;
    told
}

/// What ends the demo, and what is done until then.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    lines: mpsc::Receiver<String>,
}

impl Ends {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("listening for signals")?,
            interrupt: signal(SignalKind::interrupt()).context("listening for signals")?,
            lines: lines().context("starting to read the standard input")?,
        })
    }

    /// Passes acts on and tells the picture, until it is told to end.
    async fn told(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let mut picture = fleet.picture();
        let mut reading = true;
        tell(&*picture.borrow_and_update())?;
        loop {
            tokio::select! {
                changed = picture.changed() => match changed {
                    Ok(()) => tell(&*picture.borrow_and_update())?,
                    Err(_) => return Ok(()),
                },
                line = self.lines.recv(), if reading => match line.as_deref().map(str::trim) {
                    Some("end") => return Ok(()),
                    Some(act) => if let Err(error) = fleet.act(act).await {
                        tell(&serde_json::json!({ "refused": error.chain() }))?;
                    },
                    // Whoever started it in the background said nothing by closing its input.
                    None => reading = false,
                },
                _ = self.terminate.recv() => return Ok(()),
                _ = self.interrupt.recv() => return Ok(()),
            }
        }
    }
}

/// The lines of the standard input. Their thread ends with the process.
fn lines() -> io::Result<mpsc::Receiver<String>> {
    let (read, lines) = mpsc::channel(1);
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if read.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

fn tell(what: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, what).context("writing the picture")?;
    writeln!(out).context("writing the picture")?;
    out.flush().context("writing the picture")
}
