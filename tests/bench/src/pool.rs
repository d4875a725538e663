//! The pool that figures are read from.

use anyhow::Result;
use hosts::demo_dns::DemoDns;
use hosts::host::Process;
use hosts::product::Console;
use hosts::{Host, Member};

/// A console and its watch over a pool of all these members, armed. The watch has to be kept.
pub(crate) fn armed<'a>(
    host: &'a Host,
    dns: &DemoDns,
    members: &[Member],
    delay_s: u32,
) -> Result<(Console<'a>, Process)> {
    let console = Console::init(host, "bench-console")?;
    let watch = console.watch()?;
    console.create_pool(dns.address(), dns.key(), delay_s)?;
    for member in members {
        console.enrol(member)?;
    }
    console.arm()?;
    Ok((console, watch))
}
