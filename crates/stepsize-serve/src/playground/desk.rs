//! [`Desk`]: how many computations there are at once. One a client: a new one ends the one before
//! it. All clients together leave at least half of the processors to what else runs here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a request waits for room. A computation takes seconds.
const WAIT: Duration = Duration::from_secs(8);

/// The computations that run.
#[derive(Debug)]
pub struct Desk {
    clients: Mutex<HashMap<String, Arc<AtomicBool>>>,
    room: Arc<Semaphore>,
}

/// Leave to compute. Dropped, it makes room for another.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    client: String,
    left: Arc<AtomicBool>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Desk {
    /// Room for half as many computations as there are processors, and for at least one.
    pub fn new() -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self::with_room((processors / 2).max(1)))
    }

    fn with_room(most: usize) -> Self {
        Self { clients: Mutex::default(), room: Arc::new(Semaphore::new(most)) }
    }

    /// Ends what this client computes, and waits for room. `None` when there is none for a while.
    pub async fn seat(self: Arc<Self>, client: String) -> Option<Seat> {
        let left = Arc::new(AtomicBool::new(false));
        if let Some(before) = self.clients().insert(client.clone(), Arc::clone(&left)) {
            before.store(true, Ordering::Relaxed);
        }
        let room = Arc::clone(&self.room);
        // Dropped with its entry, also when the request goes away while it waits.
        let mut seat = Seat { desk: self, client, left, _room: None };
        seat._room = Some(tokio::time::timeout(WAIT, room.acquire_owned()).await.ok()?.ok()?);
        Some(seat)
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Arc<AtomicBool>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Whether the same client has begun another computation.
    pub fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut clients = self.desk.clients();
        if clients.get(&self.client).is_some_and(|now| Arc::ptr_eq(now, &self.left)) {
            clients.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_computation_ends_that_of_the_same_client_and_waits_for_that_of_another() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let desk = Arc::new(Desk::with_room(1));
            let seat = |client: &str| tokio::spawn(Arc::clone(&desk).seat(client.to_owned()));
            let first = seat("a").await.unwrap().unwrap();
            assert!(!first.is_left());
            let second = seat("a");
            while !first.is_left() {
                tokio::task::yield_now().await;
            }
            drop(first);
            let second = second.await.unwrap().unwrap();
            let other = seat("b");
            tokio::task::yield_now().await;
            assert!(!second.is_left() && !other.is_finished());
            drop(second);
            drop(other.await.unwrap().unwrap());
            assert!(desk.clients().is_empty());
        });
    }
}
