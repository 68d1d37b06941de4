//! Requests that are broken in every way, over a real socket: the server stays up, never fails at
//! one, and none of them changes anything.

use crate::client::Site;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stepsize::{Event, Job, Question, Schedule, VERSION};
use stepsize_study::{Store, Studies};

/// Requests that a page sends.
const SOUND: [&str; 6] = [
    "GET /api/study/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /api/study/a/log/0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "GET /?token=abc&x=%20 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n",
    "POST /api/study/a/wish HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"wish\":\"stop\"}",
    "POST /api/study/a/wish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nf\r\n{\"wish\":\"stop\"}\r\n0\r\n\r\n",
    "POST /api/diagnose HTTP/1.1\r\nHost: [::1]\r\nX-File-Name: a%2fb.csv\r\nContent-Length: 10\r\nConnection: close\r\n\r\nstep,loss\n",
];

const PIECES: [&[u8]; 14] = [
    b"\r\n",
    b"\n",
    b"\0",
    b"%",
    b"%00",
    b"..",
    b"//",
    b"Host: evil\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\xff\xfe",
    b"HTTP/9.9",
    b"Authorization: Bearer \r\n",
    b"{\"wish\":\"budget\",\"runs\":1e999}",
];

fn broken(random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = SOUND[random.random_range(0..SOUND.len())].as_bytes().to_vec();
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => drop(bytes.splice(at..at, PIECES[random.random_range(0..PIECES.len())].iter().copied())),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => bytes[at] = random.next_u32() as u8,
            3 => {
                let end = random.random_range(at..=bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let copy: Vec<u8> = bytes[at..].to_vec();
                bytes.extend(copy);
            }
        }
    }
    bytes
}

#[test]
fn a_thousand_broken_requests_change_nothing_and_break_nothing() {
    let site = Site::new("fuzz");
    let job = Job::new(100, Schedule::constant(), 0).unwrap();
    let question = Question::in_words("find", "a task", job);
    let mut store = Studies::open(&site.db()).unwrap().study("a", &[], &site.dir).unwrap();
    store.append(&Event::Study { version: VERSION, question }).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for number in 0..1000 {
        let sent = broken(&mut random);
        let answer = site.raw(&sent);
        let text = String::from_utf8_lossy(&answer);
        let shown = || String::from_utf8_lossy(&sent).into_owned();
        assert!(!text.starts_with("HTTP/1.1 5"), "request {number}: {text}\n{}", shown());
        // Without the token nothing that changes is done, however it is asked.
        assert!(!text.contains("\"asked\""), "request {number}: {text}\n{}", shown());
    }
    assert_eq!(store.wishes().unwrap(), []);
    assert_eq!(site.get("/api/studies").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_and_not_kept() {
    let site = Site::new("large");
    let answer = site.post("/api/study/a/wish", &"x".repeat(100_000));
    assert_eq!(answer.status, 413);
}
