//! [`LogTail`]: the log of a Ray job by its websocket.
//!
//! The other way, `GET .../logs`, gives the whole text at each call: a trial of a hundred thousand lines would be sent a hundred
//! thousand times. The websocket sends what is new; after a loss of the connection it begins at the first byte again, and as much
//! as was read is passed over. It may close some seconds after the job has ended, or while it runs: the end is taken from the
//! job's state. Ray's own lines come before the line by which the script says that it begins, and are dropped.

use super::super::queue::Log;
use super::http::connect as connect_to;
use super::socket::{Came, Socket};
use super::{Known, Rest, look};
use std::io::{ErrorKind, Result};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// What the script prints before all else.
pub(in super::super) const BEGIN: &str = "stepsize: the run begins\n";
/// Frames that wait: a trial that prints a gigabyte costs no memory.
const QUEUE: usize = 64;
/// How long a silent connection is listened to before it is asked whether anybody still wants to know.
const LISTEN: Duration = Duration::from_millis(500);
/// Pause between two connections.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct LogTail {
    frames: Receiver<Vec<u8>>,
    complete: Arc<AtomicBool>,
    unwanted: Arc<AtomicBool>,
    /// What came before [`BEGIN`]; `None` once that has come.
    head: Option<Vec<u8>>,
}

impl LogTail {
    pub fn new(rest: Arc<Rest>, key: &str) -> Self {
        let (sender, frames) = sync_channel(QUEUE);
        let (complete, unwanted) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (done, stop, key) = (Arc::clone(&complete), Arc::clone(&unwanted), key.to_owned());
        std::thread::spawn(move || follow(&rest, &key, &sender, &done, &stop));
        Self { frames, complete, unwanted, head: Some(Vec::new()) }
    }
}

impl Log for LogTail {
    fn read(&mut self) -> Vec<u8> {
        // Never empty as long as a frame waits: empty means that there is nothing.
        while let Ok(frame) = self.frames.try_recv() {
            let Some(head) = &mut self.head else { return frame };
            head.extend(frame);
            if let Some(at) = head.windows(BEGIN.len()).position(|w| w == BEGIN.as_bytes()) {
                let rest = head.split_off(at + BEGIN.len());
                self.head = None;
                if !rest.is_empty() {
                    return rest;
                }
            }
        }
        Vec::new()
    }

    fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }
}

impl Drop for LogTail {
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }
}

/// Connects again and again until the job is over and all of its log was sent.
fn follow(rest: &Rest, key: &str, sender: &SyncSender<Vec<u8>>, complete: &AtomicBool, unwanted: &AtomicBool) {
    let (mut read, mut there) = (0, false);
    while !unwanted.load(Ordering::Relaxed) {
        let now = look(rest, key);
        there |= matches!(now, Known::Here | Known::Over);
        // A job that is not there yet is not over; one that is not there any more is.
        if there && now != Known::Nothing {
            let _ = connect(rest, key).and_then(|socket| listen(rest, key, socket, &mut read, sender, unwanted));
            // The connection lags by seconds and says nothing of the end: what is missing by then is asked for.
            if matches!(look(rest, key), Known::Over | Known::Absent) && left(rest, key, read, sender) {
                complete.store(true, Ordering::Release);
                return;
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Sends what is left of a log past the first `read` bytes, by the other way; `false` when it cannot be had.
fn left(rest: &Rest, key: &str, read: usize, sender: &SyncSender<Vec<u8>>) -> bool {
    let Ok(value) = rest.get(&format!("/api/jobs/{key}/logs")) else { return false };
    let left = value["logs"].as_str().unwrap_or_default().as_bytes().get(read..).unwrap_or_default();
    left.is_empty() || sender.send(left.to_vec()).is_ok()
}

fn connect(rest: &Rest, key: &str) -> Result<Socket<TcpStream>> {
    let stream = connect_to(&rest.address, rest.patience)?;
    let headers = rest.headers();
    let socket = Socket::open(stream, &rest.address, &format!("/api/jobs/{key}/logs/tail"), &headers)?;
    socket.stream().set_read_timeout(Some(LISTEN))?;
    Ok(socket)
}

/// Sends what comes past the first `read` bytes, until the other side closes or the job is over and nothing comes.
fn listen(
    rest: &Rest,
    key: &str,
    mut socket: Socket<TcpStream>,
    read: &mut usize,
    sender: &SyncSender<Vec<u8>>,
    unwanted: &AtomicBool,
) -> Result<()> {
    let mut at = 0;
    while !unwanted.load(Ordering::Relaxed) {
        match socket.read()? {
            Came::Text(bytes) => {
                let known = read.saturating_sub(at).min(bytes.len());
                at += bytes.len();
                if known < bytes.len() {
                    sender.send(bytes[known..].to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
                }
                *read = at.max(*read);
            }
            Came::Closed => return Ok(()),
            Came::Nothing if matches!(look(rest, key), Known::Over | Known::Absent) => return Ok(()),
            Came::Nothing => {}
        }
    }
    Ok(())
}
