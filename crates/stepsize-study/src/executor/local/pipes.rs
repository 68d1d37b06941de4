//! [`Pipes`]: waits for the output of a child and for its end together, in one system call.

use super::group::Group;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use std::fs::File;
use std::io::Read;
use std::process::{ChildStderr, ChildStdout};
use std::time::Duration;

/// Bytes read at once: what a pipe of Linux holds.
const BLOCK: usize = 64 << 10;

/// The output and the end of a child.
pub(super) struct Pipes {
    /// Standard output and standard error; `None` once closed.
    files: [Option<File>; 2],
    /// Readable when the child has ended, where the system has such a thing.
    end: Option<OwnedFd>,
    block: Vec<u8>,
}

impl Pipes {
    pub fn new(out: ChildStdout, err: ChildStderr, group: &Group) -> Self {
        let files = [OwnedFd::from(out), OwnedFd::from(err)].map(|fd| Some(File::from(fd)));
        Self { files, end: group.end(), block: vec![0; BLOCK] }
    }

    /// Whether more may be printed.
    pub fn are_open(&self) -> bool {
        self.files.iter().any(Option::is_some)
    }

    /// Whether there is anything to wait for: a pipe that is open, or an end where the system
    /// reports it.
    pub fn can_wait(&self) -> bool {
        self.are_open() || self.end.is_some()
    }

    /// The child has ended: stop waiting for its end.
    pub fn ended(&mut self) {
        self.end = None;
    }

    /// Waits until something is printed, a pipe is closed or the child ends, `limit` at most; hands
    /// over what was printed, with the number of its pipe.
    pub fn read(&mut self, limit: Duration, mut give: impl FnMut(usize, &[u8])) {
        let limit = Timespec::try_from(limit).ok();
        let flags = PollFlags::IN;
        let open: Vec<usize> = (0..2).filter(|i| self.files[*i].is_some()).collect();
        let mut watched: Vec<PollFd<'_>> =
            self.files.iter().flatten().map(|f| PollFd::from_borrowed_fd(f.as_fd(), flags)).collect();
        watched.extend(self.end.iter().map(|end| PollFd::from_borrowed_fd(end.as_fd(), flags)));
        if poll(&mut watched, limit.as_ref()).is_err() {
            // Interrupted: the next call waits again.
            return;
        }
        let ready: Vec<usize> =
            open.iter().zip(&watched).filter(|(_, fd)| !fd.revents().is_empty()).map(|(i, _)| *i).collect();
        for pipe in ready {
            let Some(file) = &mut self.files[pipe] else { continue };
            match file.read(&mut self.block) {
                Ok(0) => self.files[pipe] = None,
                Ok(count) => give(pipe, self.block.get(..count).unwrap_or(&[])),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => self.files[pipe] = None,
            }
        }
    }
}
