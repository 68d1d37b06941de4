//! `stepsize doctor`: what it finds, how to fix what is wrong, and its exit code. On real clusters:
//! `tests/cluster/run`.

use crate::harness::{Bench, Seen};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;

/// The rows of `--json`: what, whether it is well, what was found, what to do.
fn rows(seen: &Seen) -> Vec<(String, bool, String, String)> {
    let all: Value = serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{e}: {}{}", seen.out, seen.err));
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let row = |r: &Value| (text(&r["what"]), r["ok"].as_bool().unwrap(), text(&r["found"]), text(&r["fix"]));
    all.as_array().unwrap().iter().map(row).collect()
}

/// The only row that is not well.
fn amiss(seen: &Seen) -> (String, String, String) {
    let mut bad: Vec<_> = rows(seen).into_iter().filter(|r| !r.1).collect();
    assert_eq!((seen.code, bad.len()), (Some(1), 1), "{}{}", seen.out, seen.err);
    let (what, _, found, fix) = bad.remove(0);
    assert!(!fix.is_empty(), "{found}");
    (what, found, fix)
}

fn files(bench: &Bench) -> Vec<String> {
    let names = std::fs::read_dir(bench.path("")).unwrap();
    names.map(|f| f.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_good_machine_is_said_to_be_good_and_left_as_it_was() {
    let bench = Bench::new();
    let seen = bench.run("doctor");
    assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""), "{}", seen.out);
    let lines: Vec<&str> = seen.out.lines().collect();
    assert!(lines.len() == 4 && lines.iter().all(|l| l.starts_with("ok ")), "{}", seen.out);
    assert!(seen.out.contains("processors") && seen.out.contains("can be written"), "{}", seen.out);
    std::fs::create_dir(bench.path("runs")).unwrap();
    let good = rows(&bench.run("doctor --json --trials runs --db kept.db"));
    let whats: Vec<&str> = good.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(whats, ["version", "slots", "directory", "studies"]);
    assert!(good.iter().all(|r| r.1 && r.3.is_empty()), "{good:?}");
    assert_eq!(files(&bench), ["runs"]);
    assert_eq!(std::fs::read_dir(bench.path("runs")).unwrap().count(), 0);
}

/// A search makes the directory of its runs, so one that is not there yet is no fault.
#[test]
fn a_directory_that_a_search_would_make_is_well() {
    let bench = Bench::new();
    let seen = bench.run("doctor --json --trials runs/of/mine");
    assert!(seen.code == Some(0) && rows(&seen).iter().all(|r| r.1), "{}", seen.out);
    assert!(files(&bench).is_empty(), "{:?}", files(&bench));
}

/// Not even root can make a file in these.
#[test]
fn a_directory_that_cannot_be_written_is_named_with_its_option() {
    let bench = Bench::new();
    std::fs::write(bench.path("file"), "").unwrap();
    for dir in ["file", "file/below", "/proc", "/proc/runs"] {
        let (what, found, fix) = amiss(&bench.run(&format!("doctor --json --trials {dir}")));
        assert_eq!(what, "directory");
        assert!(
            found.contains(dir) && found.contains("cannot be written") && fix.contains("--trials"),
            "{found}: {fix}"
        );
    }
    let (what, found, fix) = amiss(&bench.run("doctor --json --db /proc/stepsize.db"));
    assert!(what == "studies" && found.contains("/proc") && fix.contains("--db"), "{found}: {fix}");
    let seen = bench.run("doctor --trials file");
    assert!(
        seen.out.contains("FIX   directory") && seen.out.contains("-> choose another with --trials"),
        "{}",
        seen.out
    );
}

#[test]
fn a_ray_that_is_not_there_is_one_fault_with_the_remedy() {
    let bench = Bench::new();
    // A port of loopback that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let seen = bench.run(&format!("doctor --json --on ray://127.0.0.1:{port}"));
    let (what, found, fix) = amiss(&seen);
    assert_eq!(what, "cluster");
    assert!(found.contains(&format!("127.0.0.1:{port} cannot be reached")) && found.contains("refused"), "{found}");
    assert!(fix.contains("ray start --head") && fix.contains("dashboard") && fix.contains("ssh -L"), "{fix}");
    assert!(files(&bench).is_empty(), "{:?}", files(&bench));
    // A search says the same at once, and where to learn more.
    let line = format!("find --steps 9 --on ray://127.0.0.1:{port} -- train {{lr}} {{steps}}");
    let seen = bench.run(&line);
    assert!(matches!(seen.code, Some(1 | 2)) && seen.err.contains("stepsize doctor"), "{:?} {}", seen.code, seen.err);
}

/// One connection after the other gets this answer.
fn server(answer: &'static str, connections: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn what_is_no_ray_or_wants_a_token_is_told_apart() {
    let bench = Bench::new();
    let doctor = |answer| amiss(&bench.run(&format!("doctor --json --on ray://127.0.0.1:{}", server(answer, 1))));
    let (what, found, fix) = doctor("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    assert!(
        what == "cluster" && found.contains("asks for a token") && fix.contains("RAY_AUTH_TOKEN"),
        "{found}: {fix}"
    );
    for other in
        ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]
    {
        let (_, found, fix) = doctor(other);
        assert!(found.contains("/api/version"), "{found}");
        assert!(fix.contains("dashboard") && !fix.contains("TOKEN"), "{found}: {fix}");
    }
}

#[test]
fn a_slurm_that_is_not_installed_is_one_fault_with_the_remedy() {
    let bench = Bench::new();
    for (options, place) in [("", "slurm"), ("--cpus 2 --gpus-per-run 1", "slurm:main")] {
        let mut command = bench.command(&format!("doctor --json --on {place} {options}"));
        let seen = Seen::from(command.env("PATH", bench.path("")).output().unwrap());
        let (what, found, fix) = amiss(&seen);
        assert_eq!(what, "cluster");
        assert!(found.contains("cannot start `sinfo`") && found.contains("commands of Slurm"), "{found}");
        assert!(fix.contains("install") && fix.contains("login node"), "{fix}");
    }
    assert!(files(&bench).is_empty(), "{:?}", files(&bench));
}

#[test]
fn a_slurm_whose_controller_is_down_is_told_apart_from_one_that_refuses() {
    let bench = Bench::new();
    let fake = |script: &str| {
        let sinfo = bench.path("sinfo");
        std::fs::write(&sinfo, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::process::Command::new("chmod").arg("+x").arg(&sinfo).status().unwrap();
        let path = format!("{}:{}", bench.path("").display(), std::env::var("PATH").unwrap());
        let seen = Seen::from(bench.command("doctor --json --on slurm").env("PATH", path).output().unwrap());
        amiss(&seen)
    };
    let (_, found, fix) =
        fake("echo 'slurm_load_partitions: Unable to contact slurm controller (connect failure)' >&2; exit 1");
    assert!(found.contains("connect failure") && fix.contains("scontrol ping") && fix.contains("munged"), "{fix}");
    let (_, found, fix) = fake("echo 'slurm_load_partitions: Access/permission denied' >&2; exit 1");
    assert!(found.contains("permission denied") && fix.contains("same user"), "{fix}");
    let (what, found, fix) = fake("case \"$1\" in --version) echo slurm 24.11.5;; *) echo 0/0/0/0;; esac");
    assert!(
        what == "slots" && found.starts_with("0 cluster jobs of 1 processors") && fix.contains("--cpus"),
        "{found}: {fix}"
    );
}

#[test]
fn a_place_that_is_none_is_a_wrong_argument() {
    let bench = Bench::new();
    for place in ["pbs", "slurm:", "ray://", "ray://host:dashboard", "rays://", "ray:host:8265"] {
        let seen = bench.run(&format!("doctor --on {place}"));
        assert!(seen.code == Some(2) && seen.err.contains("ray://HOST:PORT"), "{place}: {}", seen.err);
    }
    let seen = bench.run("doctor --cpus 4");
    assert!(seen.code == Some(2) && seen.err.contains("--on"), "{}", seen.err);
}
