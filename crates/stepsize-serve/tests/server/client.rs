//! A client of one request a connection, that sends exactly what it is told.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use stepsize_serve::{ServeOptions, ServeToken, Served, Server};

/// The token of the servers of these tests.
pub const TOKEN: &str = "0123456789abcdef";

/// A server with a file of studies in a directory of its own.
pub struct Site {
    pub address: SocketAddr,
    pub dir: PathBuf,
    _served: Served,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A directory for a test.
pub fn directory(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("stepsize-serve-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

impl Site {
    /// On loopback.
    pub fn new(name: &str) -> Self {
        let dir = directory(name);
        Self::of(&dir, ServeOptions::new(dir.join("s.db")))
    }

    /// With these options, on a free port.
    pub fn of(dir: &Path, options: ServeOptions) -> Self {
        let token = Some(ServeToken::new(TOKEN).unwrap());
        let server = Server::bind(ServeOptions { port: 0, token, ..options }).unwrap();
        let url = server.url("/");
        let address: SocketAddr = url.strip_prefix("http://").unwrap().split('/').next().unwrap().parse().unwrap();
        let address = match address.ip().is_unspecified() {
            true => SocketAddr::new(IpAddr::from([127, 0, 0, 1]), address.port()),
            false => address,
        };
        Self { address, dir: dir.to_owned(), _served: server.spawn().unwrap() }
    }

    /// The file of studies.
    pub fn db(&self) -> PathBuf {
        self.dir.join("s.db")
    }

    /// Sends bytes as they are and no more, and reads all that comes back. To the server the client
    /// has gone away.
    pub fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        self.send(bytes, true)
    }

    /// Sends a whole request as it is.
    pub fn whole(&self, bytes: &[u8]) -> Vec<u8> {
        self.send(bytes, false)
    }

    fn send(&self, bytes: &[u8], gone: bool) -> Vec<u8> {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        // A server that has answered already may close while this still writes.
        let _ = socket.write_all(bytes);
        if gone {
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        answer
    }

    /// A request with these headers beside `Host`.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let host = self.address.to_string();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += &format!("Host: {host}\r\n");
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        Answer::of(&self.send(format!("{head}\r\n{body}").as_bytes(), false))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    /// A change, with the token of a program.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
