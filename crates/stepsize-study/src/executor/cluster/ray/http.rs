//! One request of HTTP/1.1 to a dashboard: plain text, one connection each, the answer whole.
//!
//! Ray's dashboard speaks no TLS and is reached directly or by a tunnel; redirects, proxies and cookies have no part in it.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Largest answer that is read: a list of 100 000 jobs.
const MOST: usize = 64 << 20;

/// Sends `METHOD path` with header lines and a body; gives status and body of the answer.
pub(super) fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
    patience: Duration,
) -> Result<(u16, String)> {
    let mut stream = connect(address, patience)?;
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(text.as_bytes())?;
    let deadline = Instant::now() + patience;
    let (mut bytes, mut block) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        if let Some(answer) = parse(&bytes, false)? {
            return Ok(answer);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut block) {
            Ok(0) => return parse(&bytes, true)?.ok_or_else(|| ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes.extend(&block[..count]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Err(ErrorKind::TimedOut.into()),
            Err(e) => return Err(e),
        }
        if bytes.len() > MOST {
            return Err(Error::new(ErrorKind::InvalidData, "its answer is too long"));
        }
    }
}

/// A connection to `host:port`.
pub(super) fn connect(address: &str, patience: Duration) -> Result<TcpStream> {
    let mut last = Error::new(ErrorKind::AddrNotAvailable, "its name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Status and body, once they are whole; `closed`: nothing more will come.
fn parse(bytes: &[u8], closed: bool) -> Result<Option<(u16, String)>> {
    let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let nonsense = || Error::new(ErrorKind::InvalidData, "its answer is no HTTP");
    let head = String::from_utf8_lossy(&bytes[..at]).to_lowercase();
    let mut lines = head.lines();
    let status = lines.next().and_then(|l| l.strip_prefix("http/1.")?.split(' ').nth(1)?.parse().ok());
    let status: u16 = status.ok_or_else(nonsense)?;
    let header = |name: &str| head.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    let body = &bytes[at + 4..];
    if status == 100 {
        return parse(body, closed);
    }
    let whole = match (header("transfer-encoding"), header("content-length")) {
        (Some("chunked"), _) => chunks(body)?,
        (None, Some(length)) => body.get(..length.parse().map_err(|_| nonsense())?).map(<[u8]>::to_vec),
        (None, None) => closed.then(|| body.to_vec()),
        (Some(_), _) => return Err(nonsense()),
    };
    Ok(whole.map(|body| (status, String::from_utf8_lossy(&body).into_owned())))
}

/// The body in chunks, once the last one has come.
fn chunks(mut bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut whole = Vec::new();
    loop {
        let Some(at) = bytes.windows(2).position(|w| w == b"\r\n") else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes[..at]);
        let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16)
            .map_err(|_| Error::new(ErrorKind::InvalidData, "its answer has a chunk without a size"))?;
        let Some(data) = bytes.get(at + 2..).and_then(|rest| rest.get(..size)) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(whole));
        }
        whole.extend(data);
        let Some(rest) = bytes.get(at + 2 + size + 2..) else { return Ok(None) };
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end], false).unwrap(), None, "{end}");
        }
        assert_eq!(parse(whole, false).unwrap(), Some((200, "hello".into())));
        let chunked =
            b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
        assert_eq!(parse(chunked, false).unwrap(), Some((404, "hello".into())));
        assert_eq!(parse(&chunked[..chunked.len() - 7], false).unwrap(), None);
        let open = b"HTTP/1.0 500 No\r\n\r\nuntil the end";
        assert_eq!(parse(open, false).unwrap(), None);
        assert_eq!(parse(open, true).unwrap(), Some((500, "until the end".into())));
        assert!(parse(b"SSH-2.0\r\n\r\n", false).is_err());
    }
}
