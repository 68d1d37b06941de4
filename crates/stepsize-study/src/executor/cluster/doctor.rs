//! [`doctor`]: whether trials would run on a cluster, by asking it and by running one cluster job
//! that prints the time.
//!
//! Every check says what was found and, where something is wrong, how to fix it. A wrong clock only
//! spoils times in listings: no decision rests on the time of another machine.

use super::folder::{Attempt, Folder};
use super::queue::{JobStatus, Log, Queue, Trouble, grown};
use super::script::{Parts, Submission, script};
use super::{On, Place};
use crate::executor::command::template::Values;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use stepsize::{Lr, Result, Schedule, TrialId, TrialSpec};

/// How long the test job may wait in the queue and run in all.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often we look for its end.
const LOOK: Duration = Duration::from_millis(300);
/// How long a network file system or a connection may delay the log after the end.
const LATE: Duration = Duration::from_secs(10);
/// Seconds by which clocks may differ.
const SKEW: f64 = 5.0;
/// What the test job prints before the time and before the name of its node.
const CLOCK: &str = "the clock says ";
const NODE: &str = "the node is ";

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, such as "cluster" or "clock".
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// How to fix it; `None`: nothing is wrong.
    pub fix: Option<String>,
}

impl Check {
    /// A check that found nothing wrong.
    pub fn well(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: found.into(), fix: None }
    }

    /// A check that found something wrong.
    pub fn amiss(what: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what, found: found.into(), fix: Some(fix.into()) }
    }
}

/// Checks a cluster, with `dir` as the directory of the trials.
pub fn doctor(on: &On, dir: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    let queue = on.queue();
    let begin = Instant::now();
    match grown(queue.as_ref(), on.notice.as_ref()) {
        Ok(caps) => {
            let answer = format!("{} answers in {:.0} ms", caps.version, begin.elapsed().as_secs_f64() * 1e3);
            checks.push(Check::well("cluster", answer));
            let found = format!("{} cluster jobs of {} processors and {} GPUs", caps.slots, on.need.cpus, on.need.gpus);
            checks.push(match caps.slots {
                0 => Check::amiss(
                    "slots",
                    found,
                    "ask for less with --cpus and --gpus-per-run, or name another partition",
                ),
                _ => Check::well("slots", found),
            });
            if caps.slots == 0 {
                return checks;
            }
        }
        Err(trouble) => {
            checks.push(Check::amiss("cluster", trouble.text(), advice(on, &trouble)));
            return checks;
        }
    }
    match try_job(on, dir, &mut checks) {
        Ok(()) => {}
        Err(error) => checks.push(Check::amiss("directory", error.to_string(), "name another with --trials")),
    }
    checks
}

fn advice(on: &On, trouble: &Trouble) -> String {
    match (&on.place, trouble) {
        (Place::Slurm { .. }, Trouble::Unreachable(_)) => {
            "is the controller up (`scontrol ping`), is munged running here, and is this a machine of that cluster?"
                .into()
        }
        (Place::Slurm { .. }, Trouble::Absent(_)) => {
            "run Stepsize on a login node of the cluster, or install the commands of Slurm here (Debian: slurm-client) with the \
             cluster's slurm.conf"
                .into()
        }
        (Place::Slurm { .. }, Trouble::Refused(_)) => "`sinfo` must work here, as the same user".into(),
        (Place::Ray { address, .. }, Trouble::Unreachable(_)) => format!(
            "is `ray start --head` running there, is {address} the address of its dashboard, and is the port open to this machine \
             (a tunnel: ssh -L 8265:localhost:8265 HEAD)?"
        ),
        (Place::Ray { .. }, Trouble::Refused(text)) if text.contains("token") => {
            "export RAY_AUTH_TOKEN, or put the token into ~/.ray/auth_token, as on the head".into()
        }
        (Place::Ray { address, .. }, Trouble::Absent(_) | Trouble::Refused(_)) => {
            format!("is {address} the address of Ray's dashboard (port 8265 as a rule), and not of something else?")
        }
    }
}

/// What the test job left behind.
struct Trace {
    /// Its last known state; `None`: it did not end within [`PATIENCE`].
    end: Option<JobStatus>,
    exit: Option<i32>,
    /// What came of its log.
    printed: String,
    /// From the call to its end.
    seconds: f64,
}

impl Trace {
    /// The rest of the line that begins with `what`. By what lines say and not by their order:
    /// Ray's own lines may come between.
    fn said(&self, what: &str) -> Option<&str> {
        self.printed.lines().find_map(|line| line.trim().strip_prefix(what))
    }

    fn clock(&self) -> Option<f64> {
        self.said(CLOCK)?.parse().ok()
    }

    fn node(&self) -> &str {
        self.said(NODE).unwrap_or("an unknown node")
    }
}

/// Runs one cluster job and checks what it leaves.
fn try_job(on: &On, dir: &Path, checks: &mut Vec<Check>) -> Result<()> {
    let place = dir.join(format!("doctor-{}", std::process::id()));
    let folder = Folder::open(&place, None)?;
    let attempt = folder.new_attempt(TrialId(0))?;
    let job = test_job(on, dir, &attempt)?;
    let queue = on.queue();
    // Before the cluster job, so that nothing of its log is missed.
    let mut log = queue.log(&job);
    let trace = match queue.submit(&job) {
        Ok(_) => Ok(follow(queue.as_ref(), &folder.prefix, &attempt, log.as_mut())),
        Err(trouble) => Err(trouble),
    };
    let _ = trace.as_ref().map(|_| queue.cancel(&job.key));
    let _ = std::fs::remove_dir_all(&place);
    let trace = match trace {
        Ok(trace) => trace,
        Err(trouble) => {
            let fix = "the account, a limit or a missing --submit-arg may be the cause";
            checks.push(Check::amiss("job", trouble.text(), fix));
            return Ok(());
        }
    };
    checks.push(ran(&trace));
    if trace.end.is_some() {
        checks.push(is_shared(&trace, on, dir, &place));
        checks.extend(trace.clock().map(|clock| in_step(&trace, clock)));
    }
    Ok(())
}

/// A cluster job that prints the time and the name of its node.
fn test_job(on: &On, dir: &Path, attempt: &Attempt) -> Result<Submission> {
    let schedule = Schedule::constant();
    let spec = TrialSpec { lr: Lr::new(1.0)?, schedule, steps: 1, seed: 0, stop_on_divergence: true };
    let values = Values::new(attempt.trial, &spec, 1, &attempt.dir);
    let print = format!("date +'{CLOCK}%s'; echo \"{NODE}$(uname -n)\"");
    let words = ["sh".to_owned(), "-c".into(), print];
    let cwd = std::env::current_dir().unwrap_or_else(|_| dir.to_owned());
    let text = script(attempt, &Parts { place: &on.place, words: &words, values: &values, cwd: &cwd, need: &on.need });
    Ok(Submission {
        key: attempt.key.clone(),
        path: attempt.write("run.sh", &text)?,
        script: text,
        log: attempt.job.join("log"),
        need: on.need.clone(),
        limit: None,
    })
}

/// Waits for the end of the test job and reads its log.
fn follow(queue: &dyn Queue, prefix: &str, attempt: &Attempt, log: &mut dyn Log) -> Trace {
    let begin = Instant::now();
    let mut printed = Vec::new();
    let end = loop {
        std::thread::sleep(LOOK);
        printed.extend(log.read());
        let state = queue.list(prefix).ok().and_then(|l| l.into_iter().next()).map(|s| s.state);
        match state {
            _ if attempt.exit().is_some() => break Some(JobStatus::Running),
            Some(state @ (JobStatus::Over(_) | JobStatus::Lost(_))) => break Some(state),
            _ if begin.elapsed() > PATIENCE => break None,
            _ => {}
        }
    };
    let late = Instant::now();
    while late.elapsed() < LATE && !String::from_utf8_lossy(&printed).contains(NODE) {
        std::thread::sleep(LOOK);
        printed.extend(log.read());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let printed = String::from_utf8_lossy(&printed).trim().to_owned();
    Trace { end, exit: attempt.exit_looked_up(), printed, seconds }
}

/// Whether the test job ran and its log came.
fn ran(trace: &Trace) -> Check {
    match (&trace.end, trace.clock()) {
        (None, _) => Check::amiss(
            "job",
            format!("the test job did not end within {} s", PATIENCE.as_secs()),
            "it may wait for room; look at the queue (squeue, or Ray's dashboard)",
        ),
        (Some(_), Some(_)) => {
            Check::well("job", format!("ran on {}, {:.1} s from call to end", trace.node(), trace.seconds))
        }
        (Some(state), None) => Check::amiss(
            "job",
            format!("the test job printed {:?} and is {state:?}", trace.printed),
            "its log could not be read; must the directory be shared with the nodes?",
        ),
    }
}

/// Whether this machine sees what the test job wrote.
fn is_shared(trace: &Trace, on: &On, dir: &Path, place: &Path) -> Check {
    let (dir, node) = (dir.display(), trace.node());
    match (trace.exit, &on.place) {
        (Some(_), _) => Check::well("directory", format!("{dir} is shared with {node}")),
        (None, Place::Slurm { .. }) => Check::amiss(
            "directory",
            format!("nothing of the test job appears in {}", place.display()),
            "name a directory that all nodes see under the same path: --trials /shared/...",
        ),
        (None, Place::Ray { .. }) => Check::well(
            "directory",
            format!("{dir} is not shared with {node}: metrics come by Ray's log, --log files cannot be read"),
        ),
    }
}

/// Whether the clocks of this machine and of the node agree. The job printed its time between the
/// call and now.
fn in_step(trace: &Trace, clock: f64) -> Check {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    let (off, seconds) = (now - clock, trace.seconds);
    let found = format!("{} is {off:.0} s behind, {seconds:.0} s of which the job may account for", trace.node());
    if off < -SKEW || off > seconds + SKEW {
        Check::amiss("clock", found, "set the clocks by NTP; searches do not depend on it, times in listings do")
    } else {
        Check::well("clock", found)
    }
}
