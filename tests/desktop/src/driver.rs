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

/// Keys without a character, as the protocol numbers them.
pub mod key {
    pub const CONTROL: &str = "\u{E009}";
    pub const SHIFT: &str = "\u{E008}";
    pub const ENTER: &str = "\u{E007}";
    pub const ESCAPE: &str = "\u{E00C}";
    pub const TAB: &str = "\u{E004}";
    pub const DOWN: &str = "\u{E015}";
}

/// Longest answer: a screenshot of the whole screen.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// One command; a session's start brings the program up.
const BOUND: Duration = Duration::from_mins(1);

/// What every look into the page can use: the name of a control as it is read aloud, its keys left out; whether nothing lies
/// above its middle; the field of a label.
const LOOK: &str = "
const squeezed = (text) => text.replace(/\\s+/g, ' ').trim();
const words = (one) => {
  const copy = one.cloneNode(true);
  for (const key of copy.querySelectorAll('kbd')) key.remove();
  return squeezed(copy.textContent);
};
const nameOf = (one) => {
  const ids = (one.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean);
  const labels = ids.map((id) => document.getElementById(id)).filter(Boolean);
  return labels.length > 0 ? labels.map(words).join(' ') : one.getAttribute('aria-label') ?? words(one);
};
const isSeen = (one) => {
  const box = one.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return top !== null && one.contains(top);
};
const isOnTop = (one) => isSeen(one) || (one.scrollIntoView({ block: 'center' }), isSeen(one));
const fieldOf = (label) => [...document.querySelectorAll('label')]
  .find((one) => words(one) === label && one.control !== null && isOnTop(one.control))?.control;
";

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
        self.press_in("body", name, bound)
    }

    /// As [`Page::press`], for one of several buttons with a name: the one inside what the selector finds.
    ///
    /// # Errors
    /// As [`Page::press`].
    pub fn press_in(&self, scope: &str, name: &str, bound: Duration) -> Result<()> {
        let pick = "'button, a, [role=button], [role=switch], [role=option]'";
        let is_it = format!("nameOf(one) === {}", Value::from(name));
        self.press_first(&format!("the button `{name}` in `{scope}`"), scope, pick, &is_it, bound)
    }

    /// Follows the link to this place of the page, for example `#/pool/edge/dns`.
    ///
    /// # Errors
    /// As [`Page::press`].
    pub fn follow(&self, place: &str, bound: Duration) -> Result<()> {
        let is_it = format!("one.getAttribute('href') === {}", Value::from(place));
        self.press_first(&format!("the link to `{place}`"), "body", "'a[href]'", &is_it, bound)
    }

    /// Chooses the card, or sets the mark, whose label begins with these words.
    ///
    /// # Errors
    /// As [`Page::press`].
    pub fn choose(&self, label: &str, bound: Duration) -> Result<()> {
        let is_it = format!("words(one).startsWith({})", Value::from(label));
        self.press_first(&format!("the choice `{label}`"), "body", "'label'", &is_it, bound)
    }

    fn press_first(&self, what: &str, scope: &str, pick: &str, is_it: &str, bound: Duration) -> Result<()> {
        let press = format!(
            "{LOOK}
             const all = [...document.querySelectorAll({})].flatMap((scope) => [...scope.querySelectorAll({pick})]);
             const can = (one) => !one.disabled && one.getAttribute('aria-disabled') !== 'true' && isOnTop(one);
             const found = all.find((one) => {is_it} && can(one));
             found?.click();
             return found !== undefined;",
            Value::from(scope)
        );
        wait::until(what, bound, || {
            let pressed = self.script(&press)?;
            Ok(Seen::when(pressed == Value::Bool(true), self.text().unwrap_or_default()))
        })
    }

    /// Types into the field with this label, in place of what stands there, key by key.
    ///
    /// # Errors
    /// There is no such field within the bound, or it holds something else afterwards.
    pub fn fill(&self, label: &str, text: &str, bound: Duration) -> Result<()> {
        let field = format!("const field = fieldOf({});", Value::from(label));
        let focus = format!(
            "{LOOK}{field} field?.focus(); field?.select(); return document.activeElement === field;"
        );
        let what = format!("the field `{label}`");
        wait::until(&what, bound, || {
            let focused = self.script(&focus)?;
            Ok(Seen::when(focused == Value::Bool(true), self.text().unwrap_or_default()))
        })?;
        self.type_text(text)?;
        wait::until(&format!("{what} to hold what was typed"), bound, || {
            let held =
                self.script(&format!("{LOOK}{field} return field?.value === {};", Value::from(text)))?;
            // What a password field holds is nobody's to print.
            Ok(Seen::when(held == Value::Bool(true), "something else"))
        })
    }

    /// Takes the option that begins with these words, in the list with this label.
    ///
    /// # Errors
    /// There is no such list or option within the bound.
    pub fn select(&self, label: &str, option: &str, bound: Duration) -> Result<()> {
        let script = format!(
            "{LOOK}
             const list = fieldOf({});
             const wanted = [...(list?.options ?? [])].find((one) => words(one).startsWith({}));
             if (wanted === undefined) return false;
             list.focus();
             list.value = wanted.value;
             for (const event of ['input', 'change']) list.dispatchEvent(new Event(event, {{ bubbles: true }}));
             return true;",
            Value::from(label),
            Value::from(option)
        );
        wait::until(&format!("the option `{option}` of `{label}`"), bound, || {
            let taken = self.script(&script)?;
            Ok(Seen::when(taken == Value::Bool(true), self.text().unwrap_or_default()))
        })
    }

    /// Types a text, key by key, into what has the focus.
    ///
    /// # Errors
    /// The page is gone.
    pub fn type_text(&self, text: &str) -> Result<()> {
        let strokes = text.chars().flat_map(|one| {
            let one = one.to_string();
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": one }))
        });
        self.act(&strokes.collect::<Vec<_>>())
    }

    /// Presses keys together, as `Ctrl K` is pressed, and lets go of them.
    ///
    /// # Errors
    /// The page is gone.
    pub fn chord(&self, keys: &[&str]) -> Result<()> {
        let down = keys.iter().map(|one| json!({ "type": "keyDown", "value": one }));
        let up = keys.iter().rev().map(|one| json!({ "type": "keyUp", "value": one }));
        self.act(&down.chain(up).collect::<Vec<_>>())
    }

    fn act(&self, strokes: &[Value]) -> Result<()> {
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.command("POST", "/actions", &json!({ "actions": [keyboard] })).context("using the keyboard")?;
        Ok(())
    }

    /// Where the page is: its address from the `#` on.
    ///
    /// # Errors
    /// The page is gone.
    pub fn place(&self) -> Result<String> {
        Ok(self.script("return location.hash")?.as_str().unwrap_or_default().to_owned())
    }

    /// What the first element of the selector says.
    ///
    /// # Errors
    /// There is none within the bound.
    pub fn text_of(&self, selector: &str, bound: Duration) -> Result<String> {
        let script = format!("return document.querySelector({})?.innerText ?? null", Value::from(selector));
        wait::until(&format!("`{selector}`"), bound, || {
            Ok(match self.script(&script)?.as_str() {
                Some(text) => Seen::Yes(text.trim().to_owned()),
                None => Seen::NotYet(self.text().unwrap_or_default()),
            })
        })
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
