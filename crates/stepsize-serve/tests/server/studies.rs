//! A study as its page sees it: the snapshot, the events, what is sent after a reconnect and after
//! a restart of the server.

use crate::client::{Site, directory};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;
use stepsize::{End, Event, FindProbe, Job, Lr, Question, QuestionKind, Schedule, TrialId, VERSION};
use stepsize_serve::ServeOptions;
use stepsize_study::{Sqlite, Store, Studies};

fn question() -> Question {
    let kind = QuestionKind::Find { probe: FindProbe::Sweep, start: None, budget: None, low: None, high: None };
    Question { kind, pruner: None, task: "a <b>task</b>".into(), job: Job::new(100, Schedule::constant(), 0).unwrap() }
}

fn begun(site: &Site) -> Sqlite {
    let mut store = Studies::open(&site.db()).unwrap().study("a", &["find".into()], &site.dir).unwrap();
    store.append(&Event::Study { version: VERSION, question: question() }).unwrap();
    store
}

/// Adds a whole trial: 3 events.
fn trial(store: &mut Sqlite, number: u32, rate: f64) {
    let (trial, lr) = (TrialId(number), Lr::new(rate).unwrap());
    store.append(&Event::Started { trial, spec: question().job.trial(lr, 100, 0).unwrap() }).unwrap();
    store.append(&Event::Eval { trial, step: 100, lr: rate, val_loss: 0.5, score: None }).unwrap();
    store.append(&Event::Ended { trial, end: End::Finished, steps: 100, seconds: Some(1.0) }).unwrap();
}

/// Adds a trial that ends with `loss`.
fn tried(store: &mut Sqlite, number: u32, rate: f64, loss: f64) {
    let (trial, lr) = (TrialId(number), Lr::new(rate).unwrap());
    store.append(&Event::Started { trial, spec: question().job.trial(lr, 100, 0).unwrap() }).unwrap();
    for (step, val_loss) in [(0, 2.0), (100, loss)] {
        store.append(&Event::Eval { trial, step, lr: rate, val_loss, score: None }).unwrap();
    }
    store.append(&Event::Ended { trial, end: End::Finished, steps: 100, seconds: Some(1.0) }).unwrap();
}

/// How many events a page has seen that is at the place `id`.
fn events(id: &str) -> u64 {
    id.rsplit('.').next().unwrap().parse::<u64>().unwrap() / 128
}

/// One event of a stream: its name, its id, its data.
type Sent = (String, String, String);

struct Stream(BufReader<TcpStream>);

impl Stream {
    fn open(site: &Site, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(site.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        write!(socket, "GET /api/study/a/events HTTP/1.1\r\nHost: localhost\r\n{last}\r\n").unwrap();
        Self(BufReader::new(socket))
    }

    /// The next event of this name.
    fn next(&mut self, wanted: &str) -> Sent {
        let (mut name, mut id, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            let line = line.trim_end();
            if let Some(rest) = line.strip_prefix("event: ") {
                name = rest.to_owned();
            } else if let Some(rest) = line.strip_prefix("id: ") {
                id = rest.to_owned();
            } else if let Some(rest) = line.strip_prefix("data: ") {
                data = rest.to_owned();
            } else if line.is_empty() && name == wanted {
                return (name, id, data);
            }
        }
    }
}

#[test]
fn the_snapshot_has_every_trial_and_the_texts_of_the_study_as_they_are() {
    let site = Site::new("snapshot");
    let mut store = begun(&site);
    trial(&mut store, 0, 0.1);
    let answer = site.get("/api/study/a");
    assert_eq!(answer.status, 200, "{answer:?}");
    for part in ["\"t0\":", "\"answer\":", "\"sensitivity\":", "\"state\":\"running\"", "a <b>task</b>"] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert_eq!(site.get("/api/study/b").status, 404);
    let list = site.get("/api/studies");
    assert!(list.body.contains("\"name\":\"a\""), "{}", list.body);
}

#[test]
fn what_happens_reaches_an_open_page_with_the_place_of_its_event() {
    let site = Site::new("stream");
    let mut store = begun(&site);
    let mut stream = Stream::open(&site, None);
    let (_, id, data) = stream.next("parts");
    assert!(data.starts_with("{\"whole\":true"), "{data}");
    assert_eq!(events(&id), 1, "{id}");
    trial(&mut store, 0, 0.1);
    let mut seen = String::new();
    while !seen.contains("\"state\":\"finished\"") {
        seen = stream.next("parts").2;
        assert!(seen.starts_with("{\"whole\":false"), "{seen}");
    }
    drop(store);
    let mut status = String::new();
    while !status.contains("unfinished") {
        status = stream.next("status").2;
    }
}

#[test]
fn a_page_that_comes_back_is_sent_what_it_missed_also_by_another_server() {
    let dir = directory("restart");
    let (mut store, id);
    {
        let site = Site::of(&dir, ServeOptions::new(dir.join("s.db")));
        store = begun(&site);
        trial(&mut store, 0, 0.1);
        id = Stream::open(&site, None).next("parts").1;
        assert_eq!(events(&id), 4, "{id}");
        std::mem::forget(site); // its directory stays; the process ends its thread
    }
    trial(&mut store, 1, 0.2);
    let site = Site::of(&dir, ServeOptions::new(dir.join("s.db")));
    let (_, now, data) = Stream::open(&site, Some(&id)).next("parts");
    assert!(data.starts_with("{\"whole\":false"), "{data}");
    assert!(data.contains("\"t1\":") && events(&now) == 7, "{now}: {data}");
}

#[test]
fn how_the_answer_tightened_follows_the_first_page_without_an_event() {
    let site = Site::new("past");
    let mut store = begun(&site);
    for (number, rate) in [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0].into_iter().enumerate() {
        tried(&mut store, number as u32, rate, 0.5 + (rate / 0.03_f64).ln().powi(2) / 20.0);
    }
    let mut stream = Stream::open(&site, None);
    let (_, first, data) = stream.next("parts");
    assert!(data.contains("\"tightening\":null"), "{data}");
    let (_, id, data) = stream.next("parts");
    assert!(data.contains("\"tightening\":{") && !data.contains("\"t0\":"), "{data}");
    assert!(events(&first) == events(&id) && first != id, "{first} {id}");
    // A page that comes back with the first place is sent the past, too.
    let (_, _, data) = Stream::open(&site, Some(&first)).next("parts");
    assert!(data.starts_with("{\"whole\":false") && data.contains("\"tightening\":{"), "{data}");
}

#[test]
fn a_study_whose_trials_failed_says_why_and_how_to_go_on() {
    let site = Site::new("failed");
    let mut store = begun(&site);
    let (trial, lr) = (TrialId(0), Lr::new(0.1).unwrap());
    store.append(&Event::Started { trial, spec: question().job.trial(lr, 100, 0).unwrap() }).unwrap();
    let end = End::Failed { why: "no such <file>".into() };
    store.append(&Event::Ended { trial, end, steps: 0, seconds: None }).unwrap();
    drop(store);
    let body = site.get("/api/study/a").body;
    for part in ["1 failed; t0: no such <file>", "\"resume\":\"stepsize resume a\"", "\"state\":\"unfinished\""] {
        assert!(body.contains(part), "{part}: {body}");
    }
}

#[test]
fn the_end_of_what_a_trial_printed_is_text_and_no_link_leads_out() {
    let site = Site::new("printed");
    let mut store = begun(&site);
    trial(&mut store, 0, 0.1);
    trial(&mut store, 1, 0.1);
    let output = Studies::look(&site.db()).unwrap().output("a");
    std::fs::create_dir_all(&output).unwrap();
    std::fs::write(output.join("t0"), "\u{1b}[1mstep 1\u{1b}[0m <script>alert(1)</script>\n").unwrap();
    std::fs::write(site.dir.join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(site.dir.join("secret"), output.join("t1")).unwrap();
    let answer = site.get("/api/study/a/log/0");
    assert!(answer.body.contains("\"text\":\"step 1 <script>alert(1)</script>\\n\""), "{answer:?}");
    assert!(!site.get("/api/study/a/log/1").body.contains("secret"));
    drop(store);
    Studies::open(&site.db()).unwrap().remove("a").unwrap();
    assert!(!output.exists() && site.dir.join("secret").exists(), "it goes with its study");
}

#[test]
fn a_log_that_is_sent_is_judged_as_the_command_line_judges_it() {
    let site = Site::new("diagnose");
    let rows: String = (0..200).map(|step| format!("{step},{}\n", if step < 150 { 2.0 } else { f64::NAN })).collect();
    let token = format!("Bearer {}", crate::client::TOKEN);
    let headers = [("Authorization", token.as_str()), ("X-File-Name", "run%2F<b>.csv")];
    let answer = site.ask("POST", "/api/diagnose", &headers, &format!("step,loss\n{rows}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("\"verdict\":\"diverged\"") && answer.body.contains("LR001"), "{}", answer.body);
    let nonsense = site.ask("POST", "/api/diagnose", &headers, "\0\u{1}\u{2}");
    assert!(nonsense.status == 200 && nonsense.body.contains("\"failed\":[["), "{nonsense:?}");
}
