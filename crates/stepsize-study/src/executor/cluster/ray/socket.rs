//! [`Socket`]: the reading side of a websocket (RFC 6455), as far as a log needs it. It offers no
//! extension and sends nothing but the answer to a ping. Libraries bring a second HTTP parser,
//! hashes and random numbers for this one page.

use std::io::{Error, ErrorKind, Read, Result, Write};

/// Longest message taken in: Ray sends at most ten lines at once.
const MOST: usize = 256 << 20;
/// Longest answer to the opening request.
const HEAD: usize = 16 << 10;
/// Any sixteen bytes do: the key proves that the other side speaks the protocol, and is not a
/// secret.
const KEY: &str = "c3RlcHNpemUtbG9nLXJlYWQ=";

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    Text(Vec<u8>),
    /// The other side has closed as it should.
    Closed,
    /// Nothing within the time limit of the stream.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Socket<S> {
    stream: S,
    /// Bytes that are not a whole frame yet.
    bytes: Vec<u8>,
    /// Frames that are not a whole message yet.
    message: Vec<u8>,
}

impl<S> Socket<S> {
    pub fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: Read + Write> Socket<S> {
    /// Asks for a websocket at `path`; `headers` are whole lines.
    pub fn open(mut stream: S, host: &str, path: &str, headers: &str) -> Result<Self> {
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
             Sec-WebSocket-Version: 13\r\n{headers}\r\n"
        )?;
        let (mut bytes, mut block) = (Vec::new(), [0; 1024]);
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            let count = stream.read(&mut block)?;
            if count == 0 || bytes.len() > HEAD {
                return Err(Error::new(ErrorKind::InvalidData, "it gave no answer to the request for a websocket"));
            }
            bytes.extend(&block[..count]);
        };
        let rest = bytes.split_off(end);
        let first = String::from_utf8_lossy(&bytes).lines().next().unwrap_or_default().to_owned();
        if first.split(' ').nth(1) != Some("101") {
            return Err(Error::new(ErrorKind::InvalidData, format!("it refused a websocket: {first}")));
        }
        Ok(Self { stream, bytes: rest, message: Vec::new() })
    }

    /// The next message.
    pub fn read(&mut self) -> Result<Came> {
        loop {
            while let Some((kind, last, data)) = frame(&mut self.bytes)? {
                match kind {
                    0..=2 => {
                        self.message.extend(data);
                        if last {
                            return Ok(Came::Text(std::mem::take(&mut self.message)));
                        }
                    }
                    8 => return Ok(Came::Closed),
                    9 => self.pong(&data)?,
                    _ => {}
                }
            }
            if self.bytes.len() + self.message.len() > MOST {
                return Err(Error::new(ErrorKind::InvalidData, "a message of the log is too long"));
            }
            let mut block = [0; 16 << 10];
            match self.stream.read(&mut block) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.bytes.extend(&block[..count]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(Came::Nothing),
                Err(e) => return Err(e),
            }
        }
    }

    /// A client masks what it sends; a mask of zeros leaves it as it is.
    fn pong(&mut self, data: &[u8]) -> Result<()> {
        let length = u8::try_from(data.len().min(125)).unwrap_or(125);
        let mut reply = vec![0x8a, 0x80 | length, 0, 0, 0, 0];
        reply.extend(&data[..usize::from(length)]);
        self.stream.write_all(&reply)
    }
}

/// Takes one whole frame off the front: its kind, whether it is the last of a message, its data.
fn frame(bytes: &mut Vec<u8>) -> Result<Option<(u8, bool, Vec<u8>)>> {
    let [first, second, ..] = bytes[..] else { return Ok(None) };
    if second & 0x80 != 0 {
        return Err(Error::new(ErrorKind::InvalidData, "a server does not mask its frames"));
    }
    let wide = match second {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(extra) = bytes.get(2..2 + wide) else { return Ok(None) };
    let length = if wide == 0 { u64::from(second) } else { extra.iter().fold(0, |n, b| n << 8 | u64::from(*b)) };
    let length = usize::try_from(length).ok().filter(|n| *n <= MOST);
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidData, "a frame of the log is too long"))?;
    if bytes.len() < 2 + wide + length {
        return Ok(None);
    }
    let rest = bytes.split_off(2 + wide + length);
    let data = std::mem::replace(bytes, rest).split_off(2 + wide);
    Ok(Some((first & 0x0f, first & 0x80 != 0, data)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Gives its input byte by byte, and keeps what is written.
    #[derive(Debug)]
    struct Drip(Vec<u8>, Vec<u8>);

    impl Read for Drip {
        fn read(&mut self, block: &mut [u8]) -> Result<usize> {
            if self.0.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            block[0] = self.0.remove(0);
            Ok(1)
        }
    }

    impl Write for Drip {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.1.extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn open(frames: &[u8]) -> Result<Socket<Drip>> {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        Socket::open(Drip([head, frames].concat(), Vec::new()), "host:1", "/logs", "A: b\r\n")
    }

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let long = vec![b'x'; 70_000];
        let mut frames = vec![0x81, 2, b'h', b'i', 0x01, 1, b'a', 0x89, 1, b'p', 0x80, 1, b'b', 0x81, 126, 0x01, 0x00];
        frames.extend(&long[..256]);
        frames.extend([0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
        frames.extend(&long);
        frames.extend([0x88, 2, 0x03, 0xe8]);
        let mut socket = open(&frames).unwrap();
        assert!(String::from_utf8_lossy(&socket.stream.1).contains("\r\nA: b\r\n\r\n"));
        assert_eq!(socket.read().unwrap(), Came::Text(b"hi".to_vec()));
        assert_eq!(socket.read().unwrap(), Came::Text(b"ab".to_vec()));
        assert!(socket.stream.1.ends_with(&[0x8a, 0x81, 0, 0, 0, 0, b'p']));
        assert_eq!(socket.read().unwrap(), Came::Text(long[..256].to_vec()));
        assert_eq!(socket.read().unwrap(), Came::Text(long.clone()));
        assert_eq!(socket.read().unwrap(), Came::Closed);
        assert_eq!(socket.read().unwrap(), Came::Nothing);
    }

    #[test]
    fn a_refusal_and_nonsense_are_errors() {
        let refused = Drip(b"HTTP/1.1 401 Unauthorized\r\n\r\n".to_vec(), Vec::new());
        assert!(Socket::open(refused, "h", "/", "").unwrap_err().to_string().contains("401"));
        assert!(open(&[0x81, 0x81, 0, 0, 0, 0, b'a']).unwrap().read().is_err());
        assert!(open(&[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]).unwrap().read().is_err());
    }
}
