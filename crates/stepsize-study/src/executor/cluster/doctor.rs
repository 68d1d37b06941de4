//! [`doctor`]: whether trials would run at a place, by asking it and by running one job that prints the time.
//!
//! Every check says what was found, and what to mend where something is amiss. Of a clock only the day-to-day use suffers
//! (times in listings): no decision rests on the time of another machine.

use super::folder::Folder;
use super::queue::{JobStatus, Trouble, grown};
use super::script::{Parts, Submission, script};
use super::{On, Place};
use crate::executor::command::template::Values;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use stepsize::{Lr, Result, Schedule, TrialId, TrialSpec};

/// How long the test job may wait in the queue and run.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(300);
/// Seconds by which clocks may differ.
const SKEW: f64 = 5.0;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it; `None`: it is well.
    pub mend: Option<String>,
}

impl Check {
    /// One that is well.
    pub fn well(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, found: found.into(), mend: None }
    }

    /// One that is not.
    pub fn amiss(what: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { what, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Looks at a cluster, with `dir` as the directory of the trials.
pub fn doctor(on: &On, dir: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    let queue = on.queue();
    let begin = Instant::now();
    match grown(queue.as_ref(), on.notice.as_ref()) {
        Ok(caps) => {
            let answer = format!("{} answers in {:.0} ms", caps.version, begin.elapsed().as_secs_f64() * 1e3);
            checks.push(Check::well("engine", answer));
            let found = format!("{} jobs of {} processors and {} GPUs", caps.slots, on.need.cpus, on.need.gpus);
            checks.push(match caps.slots {
                0 => {
                    Check::amiss("slots", found, "ask for fewer processors or GPUs per run, or name another partition")
                }
                _ => Check::well("slots", found),
            });
            if caps.slots == 0 {
                return checks;
            }
        }
        Err(trouble) => {
            checks.push(Check::amiss("engine", trouble.text(), advice(on, &trouble)));
            return checks;
        }
    }
    match try_job(on, dir, &mut checks) {
        Ok(()) => {}
        Err(error) => {
            checks.push(Check::amiss("directory", error.to_string(), "name another directory for the trials"))
        }
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
        (Place::Ray { address }, Trouble::Unreachable(_)) => format!(
            "is `ray start --head` running there, is {address} the address of its dashboard, and is the port open to this machine \
             (a tunnel: ssh -L 8265:localhost:8265 HEAD)?"
        ),
        (Place::Ray { .. }, Trouble::Refused(text)) if text.contains("token") => {
            "export RAY_AUTH_TOKEN, or put the token into ~/.ray/auth_token, as on the head".into()
        }
        (Place::Ray { address }, Trouble::Absent(_) | Trouble::Refused(_)) => {
            format!("is {address} the address of Ray's dashboard (port 8265 as a rule), and not that of something else?")
        }
    }
}

/// Runs one job and looks at what it leaves.
fn try_job(on: &On, dir: &Path, checks: &mut Vec<Check>) -> Result<()> {
    let place = dir.join(format!("doctor-{}", std::process::id()));
    let folder = Folder::open(&place, None)?;
    let trial = TrialId(0);
    let attempt = folder.new_attempt(trial)?;
    let schedule = Schedule::constant();
    let spec = TrialSpec { lr: Lr::new(1.0)?, schedule, steps: 1, seed: 0, stop_on_divergence: true };
    let values = Values::new(trial, &spec, 1, &attempt.dir);
    let words = ["sh", "-c", "date +'the clock says %s'; echo \"the node is $(uname -n)\""].map(str::to_owned);
    let cwd = std::env::current_dir().unwrap_or_else(|_| dir.to_owned());
    let text = script(&attempt, &Parts { place: &on.place, words: &words, values: &values, cwd: &cwd, need: &on.need });
    let path = attempt.write("run.sh", &text)?;
    let queue = on.queue();
    let job = Submission {
        key: attempt.key.clone(),
        script: text,
        path,
        log: attempt.job.join("log"),
        need: on.need.clone(),
        limit: None,
    };
    let begin = Instant::now();
    let mut log = queue.log(&job);
    let mut printed = Vec::new();
    let end = match queue.submit(&job) {
        Err(trouble) => {
            checks.push(Check::amiss(
                "job",
                trouble.text(),
                "the account, a limit or a missing argument for sbatch may be the cause",
            ));
            let _ = std::fs::remove_dir_all(&place);
            return Ok(());
        }
        Ok(_) => loop {
            std::thread::sleep(LOOK);
            printed.extend(log.read());
            let state = queue.list(&folder.prefix).ok().and_then(|l| l.into_iter().next()).map(|s| s.state);
            match state {
                _ if attempt.exit().is_some() => break Some(JobStatus::Running),
                Some(state @ (JobStatus::Over(_) | JobStatus::Lost(_))) => break Some(state),
                _ if begin.elapsed() > PATIENCE => break None,
                _ => {}
            }
        },
    };
    // What a network file system or a connection is late with.
    let late = Instant::now();
    while late.elapsed() < Duration::from_secs(10) && !String::from_utf8_lossy(&printed).contains("the node is ") {
        std::thread::sleep(LOOK);
        printed.extend(log.read());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let _ = queue.cancel(&job.key);
    let shown = String::from_utf8_lossy(&printed).trim().to_owned();
    let exit = attempt.exit_looked_up();
    let shared = place.display().to_string();
    let _ = std::fs::remove_dir_all(&place);
    // By what they say, not by their order: Ray's own lines may come between.
    let said = |what: &str| shown.lines().find_map(|l| l.trim().strip_prefix(what));
    let clock = said("the clock says ").and_then(|l| l.parse::<f64>().ok());
    let node = said("the node is ").unwrap_or("an unknown node").to_owned();
    match (&end, clock) {
        (None, _) => {
            let found = format!("the test job did not end within {} s", PATIENCE.as_secs());
            checks.push(Check::amiss(
                "job",
                found,
                "it may wait for room: look at the queue (squeue, or Ray's dashboard)",
            ));
            return Ok(());
        }
        (Some(_), Some(_)) => {
            checks.push(Check::well("job", format!("ran on {node}, {seconds:.1} s from call to end")))
        }
        (Some(state), None) => {
            let found = format!("the test job printed {shown:?} and is {state:?}");
            checks.push(Check::amiss(
                "job",
                found,
                "its log could not be read: must the directory be shared with the nodes?",
            ));
        }
    }
    checks.push(match (exit, &on.place) {
        (Some(_), _) => Check::well("directory", format!("{} is shared with {node}", dir.display())),
        (None, Place::Slurm { .. }) => Check::amiss(
            "directory",
            format!("nothing of the job is seen in {shared}"),
            "name another directory for the trials: one that all nodes see under the same path",
        ),
        (None, Place::Ray { .. }) => Check::well(
            "directory",
            format!(
                "{} is not shared with {node}: metrics come through Ray's log, log files cannot be read",
                dir.display()
            ),
        ),
    });
    if let Some(clock) = clock {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
        let off = now - clock;
        // The job printed its time somewhere between the call and now.
        let found = format!("{node} is {off:.0} s behind, {seconds:.0} s of which the job may account for");
        checks.push(if off < -SKEW || off > seconds + SKEW {
            Check::amiss("clock", found, "set the clocks by NTP; searches do not depend on it, times in listings do")
        } else {
            Check::well("clock", found)
        });
    }
    Ok(())
}
