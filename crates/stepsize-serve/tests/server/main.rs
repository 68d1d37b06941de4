//! The server as a browser and as an attacker see it: requests over a socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;
mod fuzz;
mod guard;
mod studies;
mod wishes;
