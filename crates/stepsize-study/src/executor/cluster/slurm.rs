//! Slurm by its commands: `sbatch`, `squeue`, `scancel`, `sinfo`.
//!
//! We read their plain text, in a format that we name, because `--json` differs from version to
//! version. We know a cluster job by its name and never by its number alone: a controller that is
//! killed forgets young ones and gives their numbers out again. `squeue` has no exit code and
//! forgets a cluster job after five minutes, so ends come from the exit file. Pending in Slurm's
//! queue does no harm: that is what it is for. Variables travel in the script, with `--export=NIL`;
//! `--no-requeue` keeps Slurm from running anything twice.

use super::queue::{Caps, JobEntry, JobStatus, Log, Queue, Trouble};
use super::script::Submission;
use super::{Need, call, log_file};
use crate::executor::command::account::Exit;
use std::time::Duration;

/// Slurm, seen from a machine with its commands.
#[derive(Debug, Clone)]
pub(super) struct Slurm {
    pub partition: Option<String>,
    pub need: Need,
    /// How long a command may take.
    pub patience: Duration,
}

impl Slurm {
    fn call(&self, program: &str, arguments: &[&str]) -> Result<String, Trouble> {
        call::run(program, arguments, self.patience)
    }

    fn user() -> String {
        rustix::process::getuid().as_raw().to_string()
    }
}

impl Queue for Slurm {
    fn name(&self) -> &'static str {
        "slurm"
    }

    fn probe(&self) -> Result<Caps, Trouble> {
        let version = self.call("sinfo", &["--version"])?.trim().to_owned();
        let mut arguments = vec!["-h", "-o", "%C"];
        if let Some(partition) = &self.partition {
            arguments.extend(["-p", partition]);
        }
        let text = self.call("sinfo", &arguments)?;
        // Allocated/idle/other/total, a line a partition.
        let total = |line: &str| line.trim().split('/').nth(3).and_then(|n| n.parse::<usize>().ok());
        let Some(cpus) = text.lines().filter_map(total).max() else {
            let all = self.call("sinfo", &["-h", "-o", "%P"])?;
            let known: Vec<&str> = all.split_whitespace().map(|p| p.trim_end_matches('*')).collect();
            return Err(Trouble::Refused(format!(
                "Slurm has no partition {:?}; it has {}",
                self.partition.as_deref().unwrap_or_default(),
                known.join(", ")
            )));
        };
        let mut slots = cpus / self.need.cpus.max(1) as usize;
        if self.need.gpus > 0 {
            arguments[2] = "%D %G";
            let gpus: usize = self.call("sinfo", &arguments)?.lines().map(gpus).sum();
            slots = slots.min(gpus / self.need.gpus as usize);
        }
        Ok(Caps { version, slots, young: false })
    }

    fn submit(&self, job: &Submission) -> Result<String, Trouble> {
        let cpus = format!("--cpus-per-task={}", job.need.cpus);
        let output = format!("--output={}", job.path.with_file_name("slurm-%j.out").display());
        let name = format!("--job-name={}", job.key);
        let mut arguments = vec![
            "--parsable".to_owned(),
            "--export=NIL".into(),
            "--no-requeue".into(),
            "--ntasks=1".into(),
            cpus,
            output,
            name,
        ];
        if let Some(partition) = &self.partition {
            arguments.push(format!("--partition={partition}"));
        }
        if job.need.gpus > 0 {
            arguments.push(format!("--gres=gpu:{}", job.need.gpus));
        }
        if let Some(limit) = job.limit {
            arguments.push(format!("--time={}", limit.as_secs().div_ceil(60).max(1)));
        }
        arguments.extend(job.need.arguments.iter().cloned());
        arguments.push(job.path.to_string_lossy().into_owned());
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let text = self.call("sbatch", &words)?;
        // "429" or "429;cluster".
        let id = text.trim().split(';').next().unwrap_or_default();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Trouble::Refused(format!("sbatch answered {:?} instead of a number", text.trim())));
        }
        Ok(id.to_owned())
    }

    fn list(&self, prefix: &str) -> Result<Vec<JobEntry>, Trouble> {
        let text = self.call("squeue", &["-h", "--states=all", "-u", &Self::user(), "-o", "%i|%T|%r|%j"])?;
        Ok(text.lines().filter_map(|line| seen(line, prefix)).collect())
    }

    fn cancel(&self, key: &str) -> Result<(), Trouble> {
        self.call("scancel", &["-u", &Self::user(), "--name", key]).map(|_| ())
    }

    fn log(&self, job: &Submission) -> Box<dyn Log> {
        Box::new(log_file::LogFile::new(&job.log))
    }

    fn knows_ends(&self) -> bool {
        false
    }

    fn log_outlives_job(&self) -> bool {
        true
    }

    fn pace(&self) -> Duration {
        // A controller serves a whole site; the exit file shows ends sooner.
        Duration::from_secs(5)
    }
}

/// GPUs on a line of `sinfo`, nodes and what each has: `4 gpu:a100:2(S:0-1),nvme:1`, `1 (null)`.
fn gpus(line: &str) -> usize {
    let (nodes, each) = line.trim().split_once(' ').unwrap_or_default();
    let of = |part: &str| {
        let words = part.trim().strip_prefix("gpu:")?;
        let words = words.split('(').next().unwrap_or_default();
        words.rsplit(':').next()?.parse::<usize>().ok()
    };
    nodes.parse::<usize>().unwrap_or(0) * each.split(',').filter_map(of).sum::<usize>()
}

fn seen(line: &str, prefix: &str) -> Option<JobEntry> {
    let mut fields = line.trim().splitn(4, '|');
    let (id, state, reason, key) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    key.starts_with(prefix).then(|| JobEntry { key: key.to_owned(), id: id.to_owned(), state: read(state, reason) })
}

/// Where a cluster job stands, from Slurm's words.
fn read(state: &str, reason: &str) -> JobStatus {
    let reason = if reason == "None" { String::new() } else { format!(" ({reason})") };
    match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => JobStatus::Queued,
        "COMPLETED" => JobStatus::Over(Exit::Code(0)),
        "BOOT_FAIL" | "NODE_FAIL" | "PREEMPTED" | "REVOKED" => JobStatus::Lost(format!("Slurm says {state}{reason}")),
        "TIMEOUT" | "DEADLINE" => JobStatus::Over(Exit::Unknown(format!(
            "Slurm ended it at its time limit ({state}); allow more with --timeout or a longer partition"
        ))),
        "OUT_OF_MEMORY" => JobStatus::Over(Exit::Unknown(
            "Slurm ended it: out of memory; ask for more with --submit-arg=--mem=16G".into(),
        )),
        "CANCELLED" => JobStatus::Over(Exit::Unknown(format!("somebody cancelled its cluster job{reason}"))),
        // The exit file has the code.
        "FAILED" => JobStatus::Over(Exit::Code(1)),
        // CONFIGURING, COMPLETING, STAGE_OUT, STOPPED, SUSPENDED, SIGNALING, RESIZING, and what
        // later versions add.
        _ => JobStatus::Running,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn gpus_are_counted() {
        let cases = [
            ("1 gpu:1", 1),
            ("4 gpu:a100:2(S:0-1),nvme:1", 8),
            ("2 gpu:v100:1,gpu:a100:3(S:0)", 8),
            ("1 (null)", 0),
            ("", 0),
        ];
        for (line, count) in cases {
            assert_eq!(gpus(line), count, "{line}");
        }
    }

    #[test]
    fn lines_of_squeue_are_read_and_other_jobs_are_not() {
        let job = seen("429|RUNNING|None|stepsize-ab-t0001-a1", "stepsize-ab-").unwrap();
        assert_eq!((job.id.as_str(), job.state), ("429", JobStatus::Running));
        assert_eq!(seen("429|RUNNING|None|stepsize-cd-t0001-a1", "stepsize-ab-"), None);
        assert_eq!(seen("", "stepsize-ab-"), None);
        let state = |line| seen(line, "s-").unwrap().state;
        assert_eq!(state("1|PENDING|Resources|s-1"), JobStatus::Queued);
        assert!(matches!(state("1|NODE_FAIL|None|s-1"), JobStatus::Lost(_)));
        assert!(matches!(state("1|CANCELLED|None|s-1"), JobStatus::Over(Exit::Unknown(_))));
        assert_eq!(state("1|SOMETHING_NEW|None|s-1"), JobStatus::Running);
    }
}
