//! [`Http`]: requests to a dashboard, in plain text or over TLS, and the connections for its
//! websockets.
//!
//! One connection per request, no redirect and no proxy: a dashboard is reached directly, through a
//! tunnel, or behind an ingress that speaks TLS. A request ends within its time limit, whatever the
//! other side does.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Largest answer that is read: a list of 100 000 cluster jobs.
const MOST: u64 = 64 << 20;

/// A way to one dashboard.
#[derive(Debug)]
pub(super) struct Http {
    agent: ureq::Agent,
    /// `host:port`.
    pub address: String,
    secure: bool,
    token: Option<String>,
    patience: Duration,
}

impl Http {
    pub fn new(address: &str, secure: bool, token: Option<String>, patience: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A connection that is kept may be dead at the next poll.
            .max_idle_connections(0)
            .timeout_global(Some(patience));
        #[cfg(feature = "tls")]
        let config = if secure { config.tls_config(super::tls::for_requests()) } else { config };
        let agent = config.build().new_agent();
        Self { agent, address: address.to_owned(), secure, token, patience }
    }

    /// Status and body of the answer to `GET path`, or `POST path` where there is a body (JSON).
    pub fn request(&self, path: &str, body: Option<String>) -> Result<(u16, String)> {
        let scheme = if self.secure { "https" } else { "http" };
        let url = format!("{scheme}://{}{path}", self.address);
        let token = self.token.as_ref().map(|token| ("Authorization", format!("Bearer {token}")));
        let answer = match body {
            None => token.iter().fold(self.agent.get(url), |r, (name, value)| r.header(*name, value)).call(),
            Some(body) => token
                .iter()
                .fold(self.agent.post(url), |r, (name, value)| r.header(*name, value))
                .header("Content-Type", "application/json")
                .send(body),
        };
        let mut answer = answer.map_err(fault)?;
        let bytes = answer.body_mut().with_config().limit(MOST).read_to_vec().map_err(fault)?;
        Ok((answer.status().as_u16(), String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Header lines that a request made by hand needs.
    pub fn headers(&self) -> String {
        self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
    }

    /// A connection to the dashboard.
    pub fn connect(&self) -> Result<Wire> {
        let stream = self.tcp()?;
        if !self.secure {
            return Ok(Wire::Plain(stream));
        }
        #[cfg(feature = "tls")]
        return super::tls::connect(stream, &self.address).map(|stream| Wire::Tls(Box::new(stream)));
        #[cfg(not(feature = "tls"))]
        Err(Error::new(ErrorKind::Unsupported, "this build of Stepsize has no TLS"))
    }

    fn tcp(&self) -> Result<TcpStream> {
        let mut last = Error::new(ErrorKind::AddrNotAvailable, "its name has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.patience) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(self.patience))?;
                    stream.set_write_timeout(Some(self.patience))?;
                    return Ok(stream);
                }
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

fn fault(error: ureq::Error) -> Error {
    match error {
        ureq::Error::Timeout(_) => ErrorKind::TimedOut.into(),
        other => other.into_io(),
    }
}

/// A connection.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<super::tls::TlsStream>),
}

impl Wire {
    /// Limits how long one read may take.
    pub fn set_read_timeout(&self, limit: Duration) -> Result<()> {
        match self {
            Self::Plain(stream) => stream.set_read_timeout(Some(limit)),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.sock.set_read_timeout(Some(limit)),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, block: &mut [u8]) -> Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(block),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(block),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    /// A server on loopback that answers every request with these bytes and, `held`, then says
    /// nothing more.
    fn server(answer: &'static str, held: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
                if held {
                    std::thread::sleep(Duration::from_secs(30));
                }
            }
        });
        address
    }

    fn ask(answer: &'static str, held: bool) -> Result<(u16, String)> {
        Http::new(&server(answer, held), false, None, Duration::from_secs(1)).request("/", None)
    }

    #[test]
    fn any_status_is_an_answer_and_what_is_not_http_is_none() {
        assert_eq!(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false).unwrap(), (200, "hello".into()));
        let chunked = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        assert_eq!(ask(chunked, false).unwrap(), (404, "hello".into()));
        assert_eq!(ask("HTTP/1.1 500 No\r\n\r\nuntil the end", false).unwrap(), (500, "until the end".into()));
        let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(ask(moved, false).unwrap().0, 302, "a redirect is not followed");
        assert!(ask("SSH-2.0\r\n\r\n", false).is_err());
    }

    #[test]
    fn an_answer_that_stops_in_its_middle_ends_within_the_time_limit() {
        let begin = Instant::now();
        let error = ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}
