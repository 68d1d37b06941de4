//! The server as a browser and as an attacker see it: requests over a socket.

mod client;
mod fuzz;
mod guard;
mod studies;
mod wishes;
