//! Runs the binary in an empty directory, and records studies whose numbers do not depend on the
//! machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use stepsize::{
    Answer, Band, End, Estimate, Event, Job, Lr, Question, Rate, Reason, Refusal, Remedy, Schedule, TrialId, VERSION,
};
use stepsize_study::{Store, Studies};

/// A directory of its own for one test, taken away at the end.
pub struct Bench {
    directory: PathBuf,
}

/// What a command did.
pub struct Seen {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // A killed test of a former process of this number may have left its directory.
        loop {
            let name = format!("stepsize-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let directory = std::env::temp_dir().join(name);
            match std::fs::create_dir(&directory) {
                Ok(()) => return Self { directory },
                Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::AlreadyExists, "{}: {e}", directory.display()),
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stepsize"));
        let words = line.split(' ').filter(|w| !w.is_empty()).map(|w| w.replace('~', " "));
        command
            .args(words)
            .current_dir(&self.directory)
            .env_remove("NO_COLOR")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.directory.join("state")).env("LC_ALL", "C.UTF-8").env("TERM", "xterm");
        command
    }

    /// Runs `stepsize LINE`; in a word `~` stands for a blank.
    pub fn run(&self, line: &str) -> Seen {
        Seen::from(self.command(line).output().unwrap())
    }

    /// Records the study `name`.
    pub fn record(&self, name: &str, events: &[Event]) {
        let studies = Studies::open(&self.path("stepsize.db")).unwrap();
        let mut study = studies.study(name, &["find".to_owned()], &self.directory).unwrap();
        for event in events {
            study.append(event).unwrap();
        }
        study.flush().unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.directory));
    }
}

impl From<Output> for Seen {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

pub fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn job() -> Job {
    Job::new(800, Schedule::cosine(800).unwrap(), 0).unwrap()
}

/// A study of eleven trials of three lengths with a smooth landscape about 0.1, in which rates from
/// 2 on diverge.
fn trials() -> Vec<Event> {
    let plan = [(0.001, 50), (0.01, 50), (0.1, 50), (1.0, 50), (4.0, 50), (0.03, 100), (0.3, 100), (2.0, 100)];
    let full = [(0.06, 200), (0.12, 200), (0.24, 200)];
    let mut events = vec![Event::Study {
        version: VERSION,
        question: Question::in_words("find --probe race", "a made-up landscape", job()),
    }];
    for (id, (rate, steps)) in plan.into_iter().chain(full).enumerate() {
        let trial = TrialId(u32::try_from(id).unwrap());
        let spec = job().trial(lr(rate), steps, 0).unwrap();
        let far = (rate / 0.1f64).log10();
        let floor = 0.2 + 0.5 * far * far + 8.0 / steps as f64;
        // Rounded, because `exp` differs in the last digit from machine to machine.
        let rounded = |loss: f64| (loss * 1e4).round() / 1e4;
        let at = |step: u64| rounded(floor + (2.3 - floor) * (-(step as f64) / 12.0).exp());
        events.push(Event::Started { trial, spec });
        events.push(Event::Eval { trial, step: 0, lr: rate, val_loss: 2.3, score: Some(0.1) });
        let last = if rate >= 2.0 { 6 } else { steps };
        for step in 0..last {
            let loss = if rate >= 2.0 { 2.3 * 9f64.powi(step as i32) } else { at(step) };
            events.push(Event::Step { trial, step, lr: rate, loss });
        }
        let (end, val_loss) = match rate >= 2.0 {
            true => (
                End::Diverged { step: 5, why: "training loss 1.358e5 at step 5, 1000 times the start".into() },
                f64::NAN,
            ),
            false => (End::Finished, at(steps)),
        };
        events.push(Event::Eval { trial, step: last, lr: rate, val_loss, score: Some(0.9) });
        events.push(Event::Ended { trial, end, steps: last, seconds: Some(0.01 * last as f64) });
    }
    events
}

fn concluded(answer: Answer, landscape: Vec<Band>) -> Vec<Event> {
    let mut events = trials();
    let why = "a quadratic in the logarithm of the rate fits all finished trials".into();
    let estimate = Estimate { answer, divergence_lr: Some(lr(2.0)), cost_runs: 1.26, why, landscape };
    events.push(Event::Concluded { estimate });
    events
}

/// A study with an answer.
pub fn answered() -> Vec<Event> {
    let interval = Some((lr(0.06), lr(0.2)));
    let rate = Rate { lr: lr(0.12), interval, p_keeps_98_pct: Some(0.73) };
    let band = (-12..=4).map(|i| {
        let rate = 10f64.powf(f64::from(i) / 4.0);
        let mid = 0.2 + 0.5 * (rate / 0.1).log10().powi(2);
        Band { lr: lr(rate), low: mid * 0.9, mid, high: mid * 1.2, p_keeps_98_pct: None }
    });
    concluded(Answer::Rate(rate), band.collect())
}

/// The same, refused.
pub fn refused() -> Vec<Event> {
    let refusal = Refusal {
        reason: Reason::NoiseOnly,
        because: "the means of 9 rates span 1e-3, the noise of one mean is 2e-3".into(),
        remedies: vec![Remedy::MoreSeeds, Remedy::LongerRun],
    };
    concluded(Answer::Refused(refusal), Vec::new())
}

/// The same, cut off before the search came to its end.
pub fn cut_off() -> Vec<Event> {
    trials()
}
