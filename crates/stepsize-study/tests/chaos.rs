//! Kill -9 at seeded random moments: no finished trial is lost, none runs again, and what a
//! much-killed study concludes is what an undisturbed one does, to the last bit.
//!
//! The process that is killed is this test binary, started again for the test `a_study_process`. It
//! tells a witness, a file outside the store: `start N` when an engine is made for trial N, `ended
//! N` when the study has *seen* its end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stepsize::probe::Grid;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{End, Engine, Evaluation, Event, Job, Lr, Question, Schedule, Snapshot, TrialId};
use stepsize_study::{InProcess, Memory, Store, Studies, Study, StudyResult};

/// Kills, counting only those that met a living process.
const KILLS: usize = 220;
/// A process lives this long at most: about as long as the fifth part of a study.
const LIFE: Duration = Duration::from_millis(160);
/// Set for the process that is killed: directory and name of the study.
const DIRECTORY: &str = "STEPSIZE_CHAOS_DIRECTORY";
const NAME: &str = "STEPSIZE_CHAOS_NAME";

const STEPS: u64 = 60;
const SEEDS: u32 = 4;

/// An engine that takes its time and tells the witness that its trial began.
struct Slow(NoisyQuadratic);

impl Engine for Slow {
    fn step(&mut self, lr: f64) -> stepsize::Result<f64> {
        std::thread::sleep(Duration::from_micros(200));
        self.0.step(lr)
    }
    fn evaluate(&mut self) -> stepsize::Result<Evaluation> {
        self.0.evaluate()
    }
    fn save(&mut self) -> stepsize::Result<Snapshot> {
        self.0.save()
    }
    fn restore(&mut self, snapshot: &Snapshot) -> stepsize::Result<()> {
        self.0.restore(snapshot)
    }
}

/// A sweep of cheap trials: 9 rates, four seeds, two at a time.
fn run(store: &mut dyn Store, tell: Arc<dyn Fn(String) + Send + Sync>, pace: bool) -> stepsize::Result<StudyResult> {
    let job = Job::new(STEPS, Schedule::cosine(STEPS)?, 7)?;
    let grid = Grid::new(job.clone(), Lr::new(1e-2)?, Lr::new(1.0)?, 4)?.with_seeds(SEEDS)?.with_widening(0);
    let mut executor = InProcess::new(
        2,
        Arc::new(move |seed| {
            let model = NoisyQuadratic::new().with_reading_noise(0.01, seed);
            Ok(if pace { Box::new(Slow(model)) as Box<dyn Engine> } else { Box::new(model) })
        }),
    )?;
    let question = Question::in_words("chaos", "a noisy quadratic", job);
    let study = Study::open(&question, Box::new(grid), Box::new(store))?;
    study.run(&mut executor, &AtomicBool::new(false), &mut |event| match event {
        Event::Started { trial, .. } => tell(format!("start {}", trial.0)),
        Event::Ended { trial, .. } => tell(format!("ended {}", trial.0)),
        Event::Concluded { .. } => tell("concluded".into()),
        _ => {}
    })
}

#[test]
#[ignore = "the process that the other test kills"]
fn a_study_process() {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).expect("started by the other test"));
    let name = std::env::var(NAME).unwrap();
    let witness = std::fs::OpenOptions::new().append(true).create(true).open(directory.join(&name)).unwrap();
    let witness = Mutex::new(witness);
    // One write a line: a kill leaves whole lines.
    let tell = move |line: String| witness.lock().unwrap().write_all((line + "\n").as_bytes()).unwrap();
    let mut store = Studies::open(&directory.join("stepsize.db")).unwrap().study(&name, &[], &directory).unwrap();
    run(&mut store, Arc::new(tell), true).unwrap();
}

/// Runs one process on the study and kills it after `life`; whether it was still alive.
fn killed(directory: &Path, name: &str, life: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_study_process", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(NAME, name)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(life);
    let alive = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let code = output.status.code();
    // A process that came to its own end came to a good one.
    assert!(code.is_none() || code == Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    alive && code.is_none()
}

/// What one much-killed study came to.
#[derive(Debug, Default)]
struct Tally {
    lost: usize,
    repeated: usize,
    restarted: usize,
}

/// Holds the store against the witness and against the undisturbed study.
fn judge(directory: &Path, name: &str, whole: &[Event]) -> Tally {
    let mut tally = Tally::default();
    let events = Studies::look(&directory.join("stepsize.db")).unwrap().events(name).unwrap();
    let stored: BTreeSet<u32> = ended(&events);
    // The store on its own: after the end of a trial there is no event of it any more.
    for (at, event) in events.iter().enumerate() {
        if let Event::Ended { trial, .. } = event {
            let again =
                |e: &Event| matches!(e, Event::Started { trial: t, .. } | Event::Ended { trial: t, .. } if t == trial);
            tally.repeated += events[at + 1..].iter().filter(|e| again(e)).count();
        }
    }
    let witness = std::fs::read_to_string(directory.join(name)).unwrap();
    let (mut over, mut begun) = (BTreeSet::new(), BTreeSet::new());
    for line in witness.lines() {
        match line.split_once(' ') {
            Some(("start", id)) => {
                tally.repeated += usize::from(over.contains(id));
                tally.restarted += usize::from(!begun.insert(id));
            }
            Some(("ended", id)) => {
                tally.lost += usize::from(!stored.contains(&id.parse().unwrap()));
                tally.repeated += usize::from(!over.insert(id));
            }
            _ => assert_eq!(line, "concluded"),
        }
    }
    // Every reading of every trial's last attempt is there once, bit for bit; so is the conclusion.
    let readings = |events: &[Event]| {
        let mut trials: Vec<_> = stepsize::fold(events).into_values().collect();
        trials.iter_mut().for_each(|t| t.seconds = None);
        trials
    };
    assert_eq!(readings(&events), readings(whole), "{name}");
    assert_eq!(events.last(), whole.last(), "{name}");
    tally
}

fn ended(events: &[Event]) -> BTreeSet<u32> {
    let finished = |e: &Event| match e {
        Event::Ended { trial: TrialId(id), end, .. } => {
            assert!(matches!(end, End::Finished | End::Diverged { .. }), "{end:?}");
            Some(*id)
        }
        _ => None,
    };
    events.iter().filter_map(finished).collect()
}

#[test]
fn no_finished_trial_is_lost_or_repeated_by_kills_at_random_moments() {
    let directory = std::env::temp_dir().join(format!("stepsize-chaos-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut whole = Memory::new();
    run(&mut whole, Arc::new(|_| ()), false).unwrap();
    let whole = whole.read().unwrap();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(20);
    let (mut kills, mut studies) = (0, 0);
    let mut sum = Tally::default();
    while kills < KILLS {
        let name = format!("study-{studies}");
        while !std::fs::read_to_string(directory.join(&name)).is_ok_and(|w| w.ends_with("concluded\n")) {
            // The last kills of a study may fall on the very end of it; the last study is let
            // finish.
            let life = if kills < KILLS { LIFE.mul_f64(random.random()) } else { Duration::from_secs(60) };
            kills += usize::from(killed(&directory, &name, life));
        }
        let tally = judge(&directory, &name, &whole);
        sum = Tally {
            lost: sum.lost + tally.lost,
            repeated: sum.repeated + tally.repeated,
            restarted: sum.restarted + tally.restarted,
        };
        studies += 1;
    }
    let database = rusqlite::Connection::open(directory.join("stepsize.db")).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    println!("{kills} kills in {studies} studies of {} trials: {sum:?}; {sound}", ended(&whole).len());
    assert_eq!((sum.lost, sum.repeated, sound.as_str()), (0, 0, "ok"));
    // The kills did hit running trials.
    assert!(sum.restarted > KILLS / 4, "{sum:?}");
    drop(database);
    std::fs::remove_dir_all(&directory).unwrap();
}
