//! The page, through WebKit's own driver: the WebDriver protocol as far as a test needs it, by hand over loopback.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hosts::Host;
use hosts::wait::{self, Seen};
use serde_json::{Value, json};

/// Longest answer: a screenshot of the whole screen.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// One command; a session's start brings the program up.
const BOUND: Duration = Duration::from_mins(1);

/// Whose network the driver is on.
#[derive(Clone, Copy)]
pub enum Network<'a> {
    /// This machine's.
    Here,
    /// A host's.
    On(&'a Host),
}

/// A session with the page.
pub struct Page<'a> {
    network: Network<'a>,
    port: u16,
    session: String,
}

/// A port that is free on this machine right now.
///
/// # Errors
/// None is.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

impl<'a> Page<'a> {
    /// Lets the driver at `port` start the program.
    ///
    /// # Errors
    /// The driver does not come up, or the program does not.
    pub(crate) fn open(network: Network<'a>, port: u16, program: &Path, arguments: &[&str]) -> Result<Self> {
        let mut page = Self { network, port, session: String::new() };
        wait::until("the driver", BOUND, || {
            let ready = page.ask("GET", "/status", &Value::Null);
            Ok(Seen::when(ready.is_ok(), format!("{ready:?}")))
        })?;
        let options = json!({ "binary": program, "args": arguments });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "webkitgtk:browserOptions": options } } });
        let answer = page.ask("POST", "/session", &wanted).context("starting the program")?;
        answer["sessionId"].as_str().context("a session has an id")?.clone_into(&mut page.session);
        Ok(page)
    }

    /// Runs a script in the page; `return` gives its value.
    ///
    /// # Errors
    /// The page is gone, or the script throws.
    pub fn script(&self, script: &str) -> Result<Value> {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression of the page is true.
    ///
    /// # Errors
    /// It is not within the bound; what the page shows is in the error.
    pub fn wait(&self, what: &str, bound: Duration, expression: &str) -> Result<()> {
        wait::until(what, bound, || {
            let held = self.script(&format!("return Boolean({expression})"))?;
            Ok(Seen::when(held == Value::Bool(true), self.text().unwrap_or_default()))
        })
    }

    /// Waits until the page shows a text.
    ///
    /// # Errors
    /// It does not within the bound.
    pub fn wait_text(&self, text: &str, bound: Duration) -> Result<()> {
        let expression = format!("document.body.innerText.includes({})", Value::from(text));
        self.wait(&format!("the page to say `{text}`"), bound, &expression)
    }

    /// Everything that the page shows as text.
    ///
    /// # Errors
    /// The page is gone.
    pub fn text(&self) -> Result<String> {
        Ok(self.script("return document.body.innerText")?.as_str().unwrap_or_default().to_owned())
    }

    /// Presses the button of this name, once it can be pressed: enabled, and nothing above its middle. (The driver's own
    /// click takes the buttons of a dialog for hidden ones.)
    ///
    /// # Errors
    /// There is none within the bound.
    pub fn press(&self, name: &str, bound: Duration) -> Result<()> {
        let press = format!(
            "const wanted = {};
             const is_it = (one) => (one.getAttribute('aria-label') ?? one.innerText).trim() === wanted;
             const all = [...document.querySelectorAll('button, a, [role=button]')].filter(is_it);
             const on_top = (one) => {{
               const box = one.getBoundingClientRect();
               const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
               return top !== null && one.contains(top);
             }};
             const found = all.find((one) => !one.disabled && on_top(one));
             found?.click();
             return found !== undefined;",
            Value::from(name)
        );
        wait::until(&format!("the button `{name}`"), bound, || {
            let pressed = self.script(&press)?;
            Ok(Seen::when(pressed == Value::Bool(true), self.text().unwrap_or_default()))
        })
    }

    /// Types into the field that the selector finds.
    ///
    /// # Errors
    /// There is no such field.
    pub fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let element = self.command("POST", "/element", &wanted)?;
        let id = element.as_object().and_then(|one| one.values().next()).and_then(Value::as_str);
        let id = id.context("a field is an element")?.to_owned();
        self.command("POST", &format!("/element/{id}/value"), &json!({ "text": text }))?;
        Ok(())
    }

    /// A picture of the page, PNG.
    ///
    /// # Errors
    /// The page is gone.
    pub fn screenshot(&self) -> Result<Vec<u8>> {
        let text = self.command("GET", "/screenshot", &Value::Null)?;
        STANDARD.decode(text.as_str().unwrap_or_default()).context("a picture comes in base64")
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let answer = match self.network {
            Network::Here => talk(to, &request),
            Network::On(host) => host.thread(move || talk(to, &request))?.join()?,
        }?;
        let (head, body) = answer.split_once("\r\n\r\n").context("the driver broke off")?;
        let body: Value = serde_json::from_str(body).with_context(|| format!("the driver said {head}"))?;
        let value = body.get("value").cloned().unwrap_or_default();
        if head.split(' ').nth(1) != Some("200") {
            bail!("{method} {path}: {value}");
        }
        Ok(value)
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.command("DELETE", "", &Value::Null);
        }
    }
}

fn talk(to: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, BOUND).context("reaching the driver")?;
    stream.set_read_timeout(Some(BOUND))?;
    stream.write_all(request.as_bytes()).context("asking the driver")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).context("reading from the driver")?;
    String::from_utf8(answer).context("the driver speaks UTF-8")
}
