//! People at work: many connections that ask through the managed name, as browsers do that keep theirs open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hosts::host::Working;
use hosts::{Host, lookup};

/// Connections that stay open.
const CLIENTS: u32 = 48;
const PORT: u16 = 443;
/// Between two requests of one client, on average.
const PACE_MS: f64 = 300.0;
/// The day of this traffic: it swells and ebbs once in so long.
const TIDE: Duration = Duration::from_secs(75);
const BOUND: Duration = Duration::from_secs(3);
const LOOKUP_EVERY: Duration = Duration::from_secs(1);
/// Out of a thousand requests: below which number it is which.
const PATHS: &[(u32, &str)] = &[
    (1, "/broken"),
    (14, "/admin/users"),
    (26, "/gone"),
    (60, "/moved"),
    (320, "/api/orders"),
    (1_000, "/"),
];

/// Traffic that goes on until it is dropped.
pub struct Traffic {
    work: Arc<Work>,
    threads: Vec<Working<()>>,
}

#[derive(Default)]
struct Work {
    is_over: AtomicBool,
    /// Where the name points, as bits; 0 before it is known.
    target: AtomicU32,
}

impl Traffic {
    /// Begins to ask for `name`, found at `server`, from `host`.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn begin(host: &Host, server: Ipv4Addr, name: &str) -> Result<Self> {
        let work = Arc::new(Work::default());
        let (asks, name) = (Arc::clone(&work), name.to_owned());
        let mut threads = vec![host.thread(move || asks.follow(server, &name))?];
        for number in 0..CLIENTS {
            let work = Arc::clone(&work);
            threads.push(host.thread(move || work.visit(number))?);
        }
        Ok(Self { work, threads })
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.work.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Work {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn follow(&self, server: Ipv4Addr, name: &str) {
        while !self.is_over() {
            if let Ok(all) = lookup::addresses(server, name, LOOKUP_EVERY)
                && let Some(first) = all.first()
            {
                self.target.store(first.to_bits(), Ordering::Relaxed);
            }
            thread::sleep(LOOKUP_EVERY);
        }
    }

    /// One client: asks, waits a little, asks again; a lost connection is made anew, where the name points then.
    fn visit(&self, number: u32) {
        let (began, mut dice) = (Instant::now(), number.wrapping_mul(2_654_435_761) | 1);
        let mut open: Option<(u32, BufReader<TcpStream>)> = None;
        while !self.is_over() {
            dice ^= dice << 13;
            dice ^= dice >> 17;
            dice ^= dice << 5;
            let tide = (began.elapsed().as_secs_f64() / TIDE.as_secs_f64() * std::f64::consts::TAU).sin();
            // At ebb some are away, each for itself a little sooner or later.
            let is_away = f64::from(number) / f64::from(CLIENTS) > 0.25f64.mul_add(tide, 0.75);
            if is_away {
                open = None;
                thread::sleep(LOOKUP_EVERY);
                continue;
            }
            let target = self.target.load(Ordering::Relaxed);
            open = open.filter(|(at, _)| *at == target).or_else(|| Some((target, connect(target).ok()?)));
            let path = PATHS.iter().find(|(below, _)| dice % 1_000 < *below).map_or("/", |(_, path)| path);
            if open.as_mut().is_some_and(|(_, stream)| ask(stream, path).is_err()) {
                open = None;
            }
            let jitter = f64::from(dice % 1_000) / 1_000.0;
            thread::sleep(Duration::from_secs_f64(
                PACE_MS * (0.5 + jitter) * (-0.2f64).mul_add(tide, 1.0) / 1_000.0,
            ));
        }
    }
}

fn connect(target: u32) -> Result<BufReader<TcpStream>> {
    ensure!(target != 0, "the name is not known yet");
    let to = SocketAddr::from((Ipv4Addr::from_bits(target), PORT));
    let stream = TcpStream::connect_timeout(&to, BOUND).context("connecting")?;
    stream.set_read_timeout(Some(BOUND)).context("setting a bound")?;
    stream.set_nodelay(true).context("setting a connection up")?;
    Ok(BufReader::new(stream))
}

/// One request, and its answer to the end.
fn ask(stream: &mut BufReader<TcpStream>, path: &str) -> Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: lb.example.com\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes()).context("asking")?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).context("reading a head")?;
        ensure!(read > 0, "the connection ended");
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().context("reading a length")?;
        }
    }
    std::io::copy(&mut stream.take(length), &mut std::io::sink()).context("reading a body")?;
    Ok(())
}
