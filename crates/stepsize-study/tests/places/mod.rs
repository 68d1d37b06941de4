//! The places of the suite, and what it takes to treat them badly.

use crate::commands::directory;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stepsize::probe::{Grid, Job};
use stepsize::{End, Event, Lr, Schedule};
use stepsize_study::{Cluster, Commands, Executor, Local, On, Question, Studies, study};

/// A kind of executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Local,
    Slurm,
    Ray,
}

/// A directory, a study's mark, and a place.
pub struct World {
    pub kind: Kind,
    pub dir: PathBuf,
    mark: String,
    address: String,
    cut: Arc<AtomicBool>,
    notices: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub fn new(kind: Kind) -> Self {
        let dir = directory();
        let mark = dir.display().to_string();
        let address = std::env::var("STEPSIZE_TEST_RAY").unwrap_or_else(|_| "127.0.0.1:8265".into());
        Self { kind, dir, mark, address, cut: Arc::default(), notices: Arc::default() }
    }

    /// The same, over a connection that can be cut.
    pub fn behind_proxy(mut self) -> Self {
        if self.kind == Kind::Ray {
            self.address = proxy(self.address.clone(), Arc::clone(&self.cut));
        }
        self
    }

    pub fn executor(&self, commands: Commands) -> Box<dyn Executor> {
        executor(self.kind, &self.address, commands, &self.dir, &self.mark, &self.notices)
    }

    pub fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    /// Lets the executor work until something is so.
    pub fn wait<T>(&self, executor: &mut dyn Executor, so: impl Fn(&Self) -> Option<T>) -> T {
        let begin = Instant::now();
        loop {
            if let Some(found) = so(self) {
                return found;
            }
            let event = executor.next(Duration::from_millis(20)).unwrap();
            assert!(!matches!(event, Some(Event::Ended { .. })), "{event:?}");
            assert!(begin.elapsed() < Duration::from_secs(60), "{:?}: {:?}", self.kind, self.notices());
        }
    }

    /// For a while the cluster does not answer: Slurm's controller stands still, the way to Ray is
    /// cut.
    pub fn out_of_reach(&self, time: Duration) -> JoinHandle<()> {
        let signal = |name: &'static str| {
            let controller = std::env::var("STEPSIZE_TEST_SLURMCTLD").unwrap();
            assert!(Command::new("kill").args([name, &controller]).status().unwrap().success());
        };
        let (kind, cut) = (self.kind, Arc::clone(&self.cut));
        match kind {
            Kind::Slurm => signal("-STOP"),
            _ => cut.store(true, Ordering::SeqCst),
        }
        std::thread::spawn(move || {
            std::thread::sleep(time);
            match kind {
                Kind::Slurm => signal("-CONT"),
                _ => cut.store(false, Ordering::SeqCst),
            }
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

fn executor(
    kind: Kind,
    address: &str,
    mut commands: Commands,
    dir: &Path,
    mark: &str,
    notices: &Arc<Mutex<Vec<String>>>,
) -> Box<dyn Executor> {
    (commands.dir, commands.temporary, commands.mark) = (dir.to_owned(), false, Some(mark.to_owned()));
    (commands.jobs, commands.grace) = (2, Duration::from_millis(300));
    let place = match kind {
        Kind::Local => return Box::new(Local::new(commands).unwrap()),
        Kind::Slurm => "slurm:main".to_owned(),
        Kind::Ray => format!("ray://{address}"),
    };
    let mut on = On::new(place.parse().unwrap());
    (on.pace, on.patience) = (Some(Duration::from_millis(300)), Duration::from_secs(2));
    if kind == Kind::Ray {
        // A dashboard beside a busy trial takes its time.
        on.patience = Duration::from_secs(10);
    }
    let notices = Arc::clone(notices);
    on.notice = Arc::new(move |line| notices.lock().unwrap().push(line.to_owned()));
    Box::new(Cluster::new(commands, on).unwrap())
}

/// Forwards connections to `address`; while `cut` it drops them and takes no new ones.
fn proxy(address: String, cut: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            if cut.load(Ordering::SeqCst) {
                continue;
            }
            let Ok(far) = TcpStream::connect(&address) else { continue };
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far.try_clone().unwrap(), near.try_clone().unwrap()),
            ] {
                let cut = Arc::clone(&cut);
                from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
                std::thread::spawn(move || {
                    let mut block = [0; 4096];
                    while !cut.load(Ordering::SeqCst) {
                        match from.read(&mut block) {
                            Ok(0) => break,
                            Ok(count) if to.write_all(&block[..count]).is_ok() => {}
                            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                            _ => break,
                        }
                    }
                    let _ = from.shutdown(std::net::Shutdown::Both);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    ours
}

const KIND: &str = "STEPSIZE_SUITE_KIND";
const DIRECTORY: &str = "STEPSIZE_SUITE_DIRECTORY";

/// A trial of a second that tells when it began and when it was over.
const SCRIPT: &str = "echo {trial} >> {trial_dir}/../begun; echo step 1 loss 0.9; sleep 1; echo {trial} >> {trial_dir}/../over; \
                      echo step 5 loss 0.5";

fn coordinate(kind: Kind, dir: &Path) {
    let job = Job::new(5, Schedule::constant(), 0).unwrap();
    let grid = Grid::new(job.clone(), Lr::new(0.01).unwrap(), Lr::new(1.0).unwrap(), 3).unwrap().with_widening(0);
    let question = Question { text: "suite".into(), task: "sleep".into(), job };
    let db = dir.join("stepsize.db");
    let mut store = Studies::open(&db).unwrap().study("suite", &[], dir).unwrap();
    let address = std::env::var("STEPSIZE_TEST_RAY").unwrap_or_else(|_| "127.0.0.1:8265".into());
    let trials = dir.join("trials");
    let mut executor =
        executor(kind, &address, crate::commands::sh(SCRIPT), &trials, &db.display().to_string(), &Arc::default());
    study(&question, &grid, None, executor.as_mut(), &mut store, &AtomicBool::new(false), &mut |_| ()).unwrap();
}

#[test]
#[ignore = "the process that another test kills"]
fn a_coordinator() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let kind = match std::env::var(KIND).unwrap().as_str() {
        "Slurm" => Kind::Slurm,
        "Ray" => Kind::Ray,
        _ => Kind::Local,
    };
    coordinate(kind, Path::new(&dir));
}

/// Kills a study's process at seeded moments until the study has come to its end, and counts.
pub fn killed_coordinator(kind: Kind) {
    let dir = directory();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let (mut kills, most) = (0, if kind == Kind::Local { 12 } else { 4 });
    loop {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "places::a_coordinator", "--ignored", "--nocapture"])
            .env(KIND, format!("{kind:?}"))
            .env(DIRECTORY, &dir)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let life = if kills < most {
            Duration::from_secs(3).mul_f64(0.1 + 0.9 * random.random::<f64>())
        } else {
            Duration::from_secs(120)
        };
        let begin = Instant::now();
        while begin.elapsed() < life && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        match output.status.code() {
            Some(0) => break,
            None => kills += 1,
            Some(code) => panic!("{code}: {}", String::from_utf8_lossy(&output.stderr)),
        }
        assert!(kills <= most, "it does not come to its end");
    }
    let events = Studies::look(&dir.join("stepsize.db")).unwrap().events("suite").unwrap();
    let trials = stepsize::fold(&events);
    let finished = trials.values().filter(|t| t.end == Some(End::Finished)).count();
    let count = |name: &str| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in std::fs::read_to_string(dir.join("trials").join(name)).unwrap().lines() {
            *counts.entry(line.to_owned()).or_default() += 1;
        }
        counts
    };
    let (begun, over) = (count("begun"), count("over"));
    let again: usize = begun.values().map(|n| n - 1).sum();
    println!("{kind:?}: {kills} kills, {finished} trials finished, {again} begun again, over {over:?}");
    assert_eq!((finished, begun.len(), over.len()), (7, 7, 7));
    // Once an end is stored nothing more is heard of its trial.
    for (at, event) in events.iter().enumerate() {
        if let Event::Ended { trial, .. } = event {
            let late = events[at + 1..].iter().any(|e| matches!(e, Event::Started { trial: t, .. } if t == trial));
            assert!(!late, "{trial} ran again");
        }
    }
    if kind != Kind::Local {
        // What ran when the coordinator was killed was taken up, not run again.
        assert_eq!(again, 0, "{begun:?}");
    }
    std::fs::remove_dir_all(dir).unwrap();
}
