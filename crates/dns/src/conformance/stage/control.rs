//! The script by requests, for a double that runs as a process of its own: `GET /-/then?when=write&fault=cut-after`.

use super::{Fault, Gate, Reply, Request, Script, When};

/// Below this path the stage itself is spoken to, where that was allowed.
const PREFIX: &str = "/-/";

/// Carries out a command; `None`: the request is for the site.
pub(super) fn command(script: &Script, request: &Request) -> Option<Reply> {
    let command = request.path.strip_prefix(PREFIX)?;
    let done = match command {
        "then" => then(script, request),
        "open" => script.open_next(),
        _ => Err(format!("no command {command:?}")),
    };
    Some(match done {
        Ok(()) => Reply::text(200, "text/plain", "done\n"),
        Err(words) => Reply::text(400, "text/plain", &format!("{words}\n")),
    })
}

fn then(script: &Script, request: &Request) -> Result<(), String> {
    let number = |name: &str| {
        let text = request.param(name).ok_or_else(|| format!("{name} is missing"))?;
        text.parse::<u16>().map_err(|_| format!("{name} is no number"))
    };
    let page = |status: u16| Reply::text(status, "text/html", "<html><title>Bad gateway</title></html>");
    let when = match request.param("when") {
        Some("read") => When::Read,
        Some("write") => When::Write,
        Some("any") | None => When::Any,
        Some(other) => return Err(format!("when is read, write or any, not {other:?}")),
    };
    let fault = match request.param("fault").unwrap_or_default() {
        "instead" => Fault::Instead(page(number("status")?)),
        "after" => Fault::AfterCommit(page(number("status")?)),
        "limit" => {
            let seconds = number("seconds")?.to_string();
            Fault::Instead(Reply::text(429, "text/plain", "slow down").with("retry-after", &seconds))
        }
        "cut-before" => Fault::CutBefore,
        "cut-after" => Fault::CutAfter,
        "cut-inside" => Fault::CutInside,
        "doubled" => Fault::Doubled,
        "hold-before" => Fault::HeldBefore(script.new_gate()),
        "hold-after" => Fault::HeldAfter(script.new_gate()),
        other => return Err(format!("no fault {other:?}")),
    };
    script.push(when, fault);
    Ok(())
}

impl Script {
    fn new_gate(&self) -> Gate {
        let gate = Gate::new();
        self.lock_gates().push_back(gate.clone());
        gate
    }

    fn open_next(&self) -> Result<(), String> {
        let gate = self.lock_gates().pop_front().ok_or("nothing is held")?;
        gate.open();
        Ok(())
    }
}
