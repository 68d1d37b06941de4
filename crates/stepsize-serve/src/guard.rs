//! Who may ask, and the headers of every answer.
//!
//! - The name in `Host` is a literal address, `localhost`, or this machine's own name: a name that
//!   a stranger controls can be made to point here (DNS rebinding), a literal address cannot.
//! - A request that changes something needs the token, and an `Origin` (where a browser sends one)
//!   that is this server.
//! - Beyond loopback every request needs the token.
//!
//! The address that is printed has the token as `?token=`. The answer to it keeps the token in a
//! cookie that scripts cannot read and other sites do not send, and goes on without it. Programs
//! send `Authorization: Bearer TOKEN`.

use crate::{Shared, Site, shell};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use stepsize::{Error, Result};

/// What a browser may do with a page: load from this server only, run no script that is written
/// into a page, be in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' \
                      data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The secret that a change needs.
#[derive(Clone, PartialEq, Eq)]
pub struct ServeToken(String);

impl ServeToken {
    /// 128 random bits of the operating system.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        read.map_err(|e| Error::io("read", "/dev/urandom", e))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// A token that somebody chose.
    ///
    /// # Errors
    /// When it is shorter than 16 characters, or has others than letters, digits, `-` and `_`.
    pub fn new(text: &str) -> Result<Self> {
        let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match text.len() >= 16 && plain {
            true => Ok(Self(text.to_owned())),
            false => Err(Error::invalid("a token has at least 16 letters, digits, `-` or `_`")),
        }
    }

    /// The token as text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where they differ.
    fn is(&self, text: &str) -> bool {
        let pairs = self.0.bytes().zip(text.bytes());
        self.0.len() == text.len() && pairs.fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
    }
}

impl fmt::Debug for ServeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServeToken(..)")
    }
}

/// Lets a request through, or answers it.
pub async fn guard(State(site): State<Shared>, request: Request, next: Next) -> Response {
    let answer = match checked(&site, &request) {
        Ok(None) => next.run(request).await,
        Ok(Some(answer)) => answer,
        Err((status, message)) => shell::refusal(status, &message),
    };
    with_headers(answer)
}

fn with_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

type Refused = (StatusCode, String);

/// Whether a request may go on; `Some` is an answer that is complete already.
fn checked(site: &Site, request: &Request) -> Result<Option<Response>, Refused> {
    let headers = request.headers();
    let host = host(request).ok_or((StatusCode::BAD_REQUEST, "the request names no Host".to_owned()))?;
    if !named_here(site, name_of(host)) {
        let message = format!(
            "the Host {host:?} is not this server; open it as localhost, by its address, or by the name of its machine"
        );
        return Err((StatusCode::MISDIRECTED_REQUEST, message));
    }
    if let Some(token) = token_in(request.uri()) {
        return match site.token.is(token) {
            true => Ok(Some(keep_token(site, request.uri()))),
            false => Err(no_token("the token in the address is not that of this server")),
        };
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads {
        same_origin(headers, host)?;
    }
    if (!reads || site.options.private || !site.bound.ip().is_loopback()) && !has_token(site, headers) {
        return Err(no_token("this needs the token that the server printed when it started"));
    }
    Ok(None)
}

fn no_token(message: &str) -> Refused {
    (StatusCode::UNAUTHORIZED, format!("{message}; open the address that it printed, with ?token=..."))
}

/// The authority that a request was sent to.
fn host(request: &Request) -> Option<&str> {
    let mut all = request.headers().get_all(header::HOST).iter();
    let host = all.next()?.to_str().ok()?;
    // Two of them, or another one in the first line, are read differently by different programs.
    let one = all.next().is_none() && request.uri().authority().is_none_or(|authority| authority.as_str() == host);
    one.then_some(host)
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

fn named_here(site: &Site, name: &str) -> bool {
    let literal = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = literal.parse::<IpAddr>() {
        return address.is_loopback() || !site.bound.ip().is_loopback();
    }
    name.eq_ignore_ascii_case("localhost") || (!site.bound.ip().is_loopback() && is_this_machine(name))
}

/// Whether `name` is the name of this machine, with or without its domain.
fn is_this_machine(name: &str) -> bool {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let own = own.trim();
    !own.is_empty() && (name.eq_ignore_ascii_case(own) || short(name).eq_ignore_ascii_case(short(own)))
}

fn short(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Refuses a change that another site asks for. A program sends neither header.
fn same_origin(headers: &HeaderMap, host: &str) -> Result<(), Refused> {
    let refused = |what: &str| {
        Err((StatusCode::FORBIDDEN, format!("a change must come from this server's own page, not {what}")))
    };
    if let Some(origin) = headers.get(header::ORIGIN) {
        let own = format!("http://{host}");
        if !origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&own)) {
            return refused(&format!("from {origin:?}"));
        }
    }
    match headers.get("sec-fetch-site").map(|site| site.to_str()) {
        None | Some(Ok("same-origin" | "none")) => Ok(()),
        Some(_) => refused("from another site"),
    }
}

/// `?token=` of an address.
fn token_in(uri: &Uri) -> Option<&str> {
    uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// The name of the cookie: one for each port, because cookies are shared by all ports of a host.
fn cookie(site: &Site) -> String {
    format!("stepsize-{}", site.bound.port())
}

fn has_token(site: &Site, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if bearer.is_some_and(|token| site.token.is(token)) {
        return true;
    }
    let name = cookie(site);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(key, value)| key == name && site.token.is(value))
}

/// Keeps the token in the browser and goes to the same address without it.
fn keep_token(site: &Site, uri: &Uri) -> Response {
    let rest: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(|p| !p.starts_with("token=")).collect();
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    // `//host` would be the address of another server.
    let path = format!("/{}{query}", uri.path().trim_start_matches(['/', '\\']));
    let kept = format!("{}={}; Path=/; HttpOnly; SameSite=Strict", cookie(site), site.token.text());
    (StatusCode::SEE_OTHER, [(header::LOCATION, path), (header::SET_COOKIE, kept)]).into_response()
}
