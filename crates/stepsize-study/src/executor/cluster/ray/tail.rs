//! [`LogTail`]: the log of a Ray job by its websocket.
//!
//! `GET .../logs` gives the whole text at each call: a trial of a hundred thousand lines would be
//! sent a hundred thousand times. The websocket sends what is new. After a lost connection it
//! begins at the first byte again, and we skip as much as was read. It may close some seconds after
//! the cluster job has ended, or while that still runs, so we take the end from the state of the
//! cluster job. Ray's own lines come before the first line of our script and are dropped.

use super::super::queue::Log;
use super::http::Wire;
use super::socket::{Came, Socket};
use super::{Known, Rest, look};
use std::io::{ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// The first line that the script prints.
pub(in super::super) const BEGIN: &str = "stepsize: the run begins\n";
/// Frames that may wait, so that a trial that prints a gigabyte costs no memory.
const QUEUE: usize = 64;
/// How long one read waits on a silent connection before we check whether the log is still wanted.
const LISTEN: Duration = Duration::from_millis(500);
/// Pause between two connections.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct LogTail {
    frames: Receiver<Vec<u8>>,
    complete: Arc<AtomicBool>,
    unwanted: Arc<AtomicBool>,
    /// What came before [`BEGIN`]; `None` after it.
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
        // Not empty as long as a frame waits: empty means that there is nothing.
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

/// Connects again and again until the cluster job is over and all of its log was sent.
fn follow(rest: &Rest, key: &str, sender: &SyncSender<Vec<u8>>, complete: &AtomicBool, unwanted: &AtomicBool) {
    let (mut read, mut there) = (0, false);
    while !unwanted.load(Ordering::Relaxed) {
        let now = look(rest, key);
        there |= matches!(now, Known::Here | Known::Over);
        // A cluster job that Ray does not know yet is not over; one that it knows no more is.
        if there && now != Known::Nothing {
            let _ = connect(rest, key).and_then(|socket| listen(rest, key, socket, &mut read, sender, unwanted));
            // The connection lags by seconds and does not show the end, so we ask for what is
            // missing by then.
            if matches!(look(rest, key), Known::Over | Known::Absent) && left(rest, key, read, sender) {
                complete.store(true, Ordering::Release);
                return;
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Sends what follows the first `read` bytes of a log, by `GET .../logs`; `false` when there is no
/// answer.
fn left(rest: &Rest, key: &str, read: usize, sender: &SyncSender<Vec<u8>>) -> bool {
    let Ok(value) = rest.get(&format!("/api/jobs/{key}/logs")) else { return false };
    let left = value["logs"].as_str().unwrap_or_default().as_bytes().get(read..).unwrap_or_default();
    left.is_empty() || sender.send(left.to_vec()).is_ok()
}

fn connect(rest: &Rest, key: &str) -> Result<Socket<Wire>> {
    let http = &rest.http;
    let path = format!("/api/jobs/{key}/logs/tail");
    let socket = Socket::open(http.connect()?, &http.address, &path, &http.headers())?;
    socket.stream().set_read_timeout(LISTEN)?;
    Ok(socket)
}

/// Sends what follows the first `read` bytes, until the other side closes, or the cluster job is
/// over and nothing comes.
fn listen(
    rest: &Rest,
    key: &str,
    mut socket: Socket<Wire>,
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
