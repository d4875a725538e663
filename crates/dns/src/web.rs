//! One bounded exchange with an HTTPS API: a request out, an answer of limited length and time in.
//!
//! Each request has a connection of its own. An answer that comes late, or twice, can then never be taken for the answer
//! to another request, and "no connection" proves that nothing was sent. Redirects are not followed: the credential goes
//! to the host that was configured and nowhere else. Answers are not decompressed, so what is counted is what is kept.
//!
//! Nothing here knows what an API's answers mean; [`crate::cloudflare`] and [`crate::whm`] do.

use std::{fmt, time::Duration};

use reqwest::{
    Client, Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect, retry,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

pub use self::trust::Trust;
use self::trust::client_builder;
pub use crate::session::Timeouts;
use crate::{DnsError, error::ApiFault};

mod outcome;
mod trust;

/// What servers said, cut to this many characters.
const WORDS_CHARS_MAX: usize = 200;
/// Nobody's token is longer; cPanel's have 32 characters, Cloudflare's up to 53.
const SECRET_CHARS_MAX: usize = 512;
/// Cloudflare blocks for five minutes; a server that asks for more than twice that is asked again then.
const RETRY_AFTER_S_MAX: u64 = 600;

/// The way to an API, as a person has set it up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Road {
    /// Which certificates are believed.
    pub trust: Trust,
    /// An HTTP proxy (`http://host:port`). Proxies from the environment are never used.
    pub proxy: Option<String>,
    /// How long one exchange may take.
    pub timeouts: Timeouts,
}

impl Default for Road {
    /// Three seconds to connect cover one lost SYN and the handshake; eight for the answer cover a slow API, whose
    /// usual answer takes less than one.
    fn default() -> Self {
        let timeouts = Timeouts { connect_ms: 3_000, answer_ms: 8_000 };
        Self { trust: Trust::Platform, proxy: None, timeouts }
    }
}

/// Which base addresses are allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    /// HTTPS alone.
    Https,
    /// Plain HTTP to a loopback address: the tests' doubles.
    #[cfg(feature = "conformance")]
    PlainLoopback,
}

/// A client for one API with one credential.
pub(crate) struct Web {
    client: Client,
    base: Url,
    endpoint: String,
    /// What the header says before the secret.
    scheme_word: String,
    secret: SecretString,
    timeouts: Timeouts,
}

/// One request.
pub(crate) struct Ask<'a> {
    /// Below the base address, without a slash in front.
    pub(crate) path: &'a str,
    /// Encoded here.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Present: POST.
    pub(crate) body: Option<Body>,
    /// The longest answer that makes sense.
    pub(crate) limit_bytes: usize,
}

/// What a POST carries.
pub(crate) enum Body {
    Json(Vec<u8>),
    Form(String),
}

/// What came back, whatever it means.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after_ms: Option<u64>,
    /// Calls left in the present window, and its rest in seconds, where the API says so.
    pub(crate) calls_left: Option<(u32, u32)>,
    pub(crate) body: Vec<u8>,
}

impl Web {
    /// Makes a client. Nothing is contacted yet.
    pub(crate) fn new(
        base: &str,
        scheme: Scheme,
        scheme_word: String,
        secret: SecretString,
        road: &Road,
    ) -> Result<Self, DnsError> {
        let base_url = Url::parse(base).map_err(|_| setting(base, "the address", "it is not a URL"))?;
        let endpoint = endpoint_of(&base_url);
        let unusable = |what, reason| setting(&endpoint, what, reason);
        let allowed = match scheme {
            Scheme::Https => base_url.scheme() == "https",
            #[cfg(feature = "conformance")]
            Scheme::PlainLoopback => base_url.scheme() == "http" && is_loopback(&base_url),
        };
        if !allowed || !base_url.username().is_empty() || base_url.password().is_some() {
            return Err(unusable("the address", "it must be https, without a user in it"));
        }
        check_secret(secret.expose_secret()).map_err(|reason| unusable("the token", reason))?;
        let mut builder = client_builder(&road.trust)
            .map_err(|reason| unusable("the certificate", reason))?
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(0)
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_millis(road.timeouts.connect_ms))
            .user_agent(concat!("serversctl/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &road.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| unusable("the proxy", "it is not a URL"))?;
            builder = builder.proxy(proxy);
        }
        let client =
            builder.build().map_err(|_| unusable("the certificate", "this computer's roots do not load"))?;
        Ok(Self { client, base: base_url, endpoint, scheme_word, secret, timeouts: road.timeouts })
    }

    /// The host, with the port where it is not the usual one.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Names the API and the operation beside what went wrong.
    pub(crate) fn error(&self, operation: &'static str, fault: ApiFault) -> DnsError {
        DnsError::Api { endpoint: self.endpoint.clone(), operation, fault }
    }

    /// Makes words of the server fit to be shown and stored: short, without control characters, without our secret.
    pub(crate) fn scrub(&self, words: &str) -> String {
        scrub(words, &self.secret)
    }

    /// Sends one request and reads its answer. [`ApiFault::Unreachable`] alone proves that nothing was sent.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<Answer, ApiFault> {
        let timeout_ms = self.timeouts.answer_ms.saturating_add(self.timeouts.connect_ms);
        let limit_bytes = ask.limit_bytes;
        let judge = |error: reqwest::Error| {
            let source = error.without_url();
            if source.is_connect() || source.is_builder() {
                ApiFault::Unreachable { source }
            } else if source.is_timeout() {
                ApiFault::Timeout { timeout_ms }
            } else {
                ApiFault::Cut { source }
            }
        };
        let request = self.request(ask)?.timeout(Duration::from_millis(timeout_ms));
        let mut response = request.send().await.map_err(judge)?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after_ms: retry_after_ms(response.headers()),
            calls_left: calls_left(response.headers()),
            body: Vec::new(),
        };
        while let Some(piece) = response.chunk().await.map_err(judge)? {
            if answer.body.len() + piece.len() > limit_bytes {
                return Err(ApiFault::TooLarge { limit_bytes });
            }
            answer.body.extend_from_slice(&piece);
        }
        Ok(answer)
    }

    fn request(&self, ask: Ask<'_>) -> Result<reqwest::RequestBuilder, ApiFault> {
        let mut url = self.base.clone();
        let path = format!("{}/{}", self.base.path().trim_end_matches('/'), ask.path);
        url.set_path(&path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let words = format!("{}{}", self.scheme_word, self.secret.expose_secret());
        let unusable = ApiFault::Setting { what: "the token", reason: "it does not fit a header" };
        let mut authorization = HeaderValue::from_str(&words).map_err(|_| unusable)?;
        authorization.set_sensitive(true);
        let request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json");
        Ok(match ask.body {
            None => request,
            Some(Body::Json(bytes)) => request.header(CONTENT_TYPE, "application/json").body(bytes),
            Some(Body::Form(text)) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text)
            }
        })
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Web({})", self.endpoint)
    }
}

/// As [`Web::scrub`], where there is no client.
pub(crate) fn scrub(words: &str, secret: &SecretString) -> String {
    let hidden = words.replace(secret.expose_secret(), "[token]");
    let shown = hidden.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(WORDS_CHARS_MAX).collect()
}

/// Encodes a form's fields; every byte that could be read as something else is escaped.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    // The address is only the encoder's coat.
    let mut url = Url::parse("https://form.invalid/").expect("a constant URL");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

fn setting(endpoint: &str, what: &'static str, reason: &'static str) -> DnsError {
    let endpoint = endpoint.chars().take(260).collect();
    DnsError::Api { endpoint, operation: "setting up", fault: ApiFault::Setting { what, reason } }
}

fn check_secret(secret: &str) -> Result<(), &'static str> {
    if secret.is_empty() {
        return Err("it is empty");
    }
    if secret.len() > SECRET_CHARS_MAX {
        return Err("it is longer than any token");
    }
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it holds blanks, line ends or other characters that no token has");
    }
    Ok(())
}

fn endpoint_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(feature = "conformance")]
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whole seconds; the other form, a date, is not sent by these APIs and would need a clock.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(seconds.min(RETRY_AFTER_S_MAX) * 1_000)
}

/// Reads `Ratelimit: "default";r=50;t=30`.
fn calls_left(headers: &HeaderMap) -> Option<(u32, u32)> {
    let text = headers.get("ratelimit")?.to_str().ok()?;
    let field =
        |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.parse::<u32>().ok());
    Some((field("r=")?, field("t=")?))
}

#[cfg(test)]
mod tests;
