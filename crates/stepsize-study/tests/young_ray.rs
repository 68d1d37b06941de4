//! A Ray head that has just been started: its dashboard answers before it knows its processors. It
//! is waited for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail loudly

mod commands;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use stepsize_study::Executor;
use stepsize_study::executor::{Cluster, Need, On, Place};

/// A dashboard that knows of this many processors from the third question on; counts the questions.
fn head(processors: u32) -> (Place, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = vec![0; 4096];
            let length = stream.read(&mut bytes).unwrap_or(0);
            let status =
                |usage: &str| format!(r#"{{"data":{{"clusterStatus":{{"loadMetricsReport":{{"usage":{usage}}}}}}}}}"#);
            let body = match String::from_utf8_lossy(&bytes[..length]) {
                text if text.contains("/api/version") => r#"{"ray_version":"2.60.0"}"#.to_owned(),
                _ if count.fetch_add(1, Ordering::SeqCst) < 2 => status("{}"),
                _ => status(&format!(r#"{{"CPU":[0.0,{processors}.0]}}"#)),
            };
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (Place::Ray { address, secure: false }, asked)
}

fn cluster(place: Place, cpus: u32) -> (stepsize::Result<Cluster>, Vec<String>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notices = Arc::clone(&heard);
    let mut on = On::new(place);
    on.need = Need { cpus, ..Need::default() };
    on.notice = Arc::new(move |line| notices.lock().unwrap().push(line.to_owned()));
    let made = Cluster::new(commands::sh("echo loss 0.5"), on);
    let heard = heard.lock().unwrap().clone();
    (made, heard)
}

#[test]
fn a_head_that_does_not_know_its_processors_yet_is_waited_for() {
    let (place, asked) = head(2);
    let (made, heard) = cluster(place, 1);
    assert_eq!(made.unwrap().slots(), 1, "one until a trial has shown a metric");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert!(heard.len() == 1 && heard[0].contains("no processors yet"), "{heard:?}");
}

#[test]
fn a_head_that_knows_them_and_has_too_few_is_not() {
    let (place, asked) = head(2);
    let (made, _) = cluster(place, 4);
    let fault = made.err().unwrap().to_string();
    assert!(fault.contains("no room for a cluster job of 4 processors"), "{fault}");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}
