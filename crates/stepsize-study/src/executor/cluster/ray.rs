//! Ray by the Jobs interface of its dashboard (Ray 2.60: `POST`, `GET` and `DELETE` under `/api/jobs/`).
//!
//! * The submission id is the key and Ray keeps it unique; the same id again is answered by status 500 and "already exists".
//! * A pending job cannot be stopped before it gets a slot, and fails after 15 minutes of waiting: so no more jobs are handed over
//!   than can start at once ([`Queue::room`]).
//! * A job that asks for no resource runs on the head and never queues: processors are always asked for. With one, Ray sets
//!   `OMP_NUM_THREADS=1`; the script sets it in every case.
//! * The list holds all jobs of the cluster; when the head is replaced it is empty: a job that is not in it is lost.
//! * A local path as working directory is refused: runs begin in the coordinator's directory where the node has it, else where
//!   Ray was started.
//! * The dashboard can hang while trials go on: each call has a time limit.

mod http;
mod socket;
mod tail;

pub(super) use tail::BEGIN;

use super::Need;
use super::flight::shell;
use super::queue::{Caps, JobEntry, JobStatus, Log, Queue, Room, Trouble};
use super::script::Submission;
use crate::executor::command::account::Exit;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A Ray cluster, seen through its dashboard.
#[derive(Debug, Clone)]
pub(super) struct Ray {
    need: Need,
    rest: Arc<Rest>,
}

/// Its calls.
#[derive(Debug)]
struct Rest {
    /// `host:port`.
    address: String,
    token: Option<String>,
    patience: Duration,
}

impl Ray {
    pub fn new(address: &str, need: Need, token: Option<String>, patience: Duration) -> Self {
        let rest = Rest { address: address.to_owned(), token, patience };
        Self { need, rest: Arc::new(rest) }
    }

    /// Processors and GPUs, each used and in all.
    fn usage(&self) -> Result<Value, Trouble> {
        let mut status = self.rest.get("/api/cluster_status")?;
        Ok(status["data"]["clusterStatus"]["loadMetricsReport"]["usage"].take())
    }

    /// Slots in all and in use, by processors or, where a job takes some, GPUs.
    fn slots(&self, usage: &Value) -> Room {
        let of = |name: &str, each: u32| {
            let pair = [0, 1].map(|i| usage[name][i].as_f64().unwrap_or(0.0));
            (each > 0).then(|| pair.map(|n| (n / f64::from(each)).floor() as usize))
        };
        let rows: Vec<[usize; 2]> =
            [of("CPU", self.need.cpus), of("GPU", self.need.gpus)].into_iter().flatten().collect();
        let total = rows.iter().map(|r| r[1]).min().unwrap_or(0);
        let free = rows.iter().map(|r| r[1].saturating_sub(r[0])).min().unwrap_or(0);
        Room { total, used: total.saturating_sub(free) }
    }
}

impl Rest {
    fn call(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), Trouble> {
        let reply = http::request(&self.address, method, path, &self.headers(), body, self.patience);
        let (status, text) =
            reply.map_err(|e| Trouble::Unreachable(format!("Ray at {} cannot be reached: {e}", self.address)))?;
        match status {
            401 | 403 => Err(Trouble::Refused(format!(
                "Ray at {} asks for a token ({status}): set RAY_AUTH_TOKEN to the one that its head was started with",
                self.address
            ))),
            _ => Ok((status, text)),
        }
    }

    fn headers(&self) -> String {
        self.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default()
    }

    fn ask(&self, path: &str) -> Result<(u16, String), Trouble> {
        self.call("GET", path, "")
    }

    fn get(&self, path: &str) -> Result<Value, Trouble> {
        let (status, text) = self.ask(path)?;
        self.value(path, status, &text)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(u16, String), Trouble> {
        self.call("POST", path, &body.to_string())
    }

    fn value(&self, path: &str, status: u16, text: &str) -> Result<Value, Trouble> {
        match (status, serde_json::from_str(text)) {
            (200, Ok(value)) => Ok(value),
            (200, Err(e)) => {
                Err(Trouble::Refused(format!("Ray at {} answered {path} with no JSON: {e}", self.address)))
            }
            (500.., _) => {
                Err(Trouble::Unreachable(format!("Ray at {} failed at {path}: {}", self.address, last(text))))
            }
            _ => Err(Trouble::Refused(format!("Ray at {} refused {path} ({status}): {}", self.address, last(text)))),
        }
    }
}

/// Ray answers faults with a Python traceback: its last line says what it is about.
fn last(text: &str) -> String {
    text.trim().lines().last().unwrap_or_default().chars().take(300).collect()
}

impl Queue for Ray {
    fn name(&self) -> &'static str {
        "ray"
    }

    fn probe(&self) -> Result<Caps, Trouble> {
        let version = self.rest.get("/api/version")?;
        let usage = self.usage()?;
        Ok(Caps {
            version: format!("Ray {}", version["ray_version"].as_str().unwrap_or("of an unknown version")),
            slots: self.slots(&usage).total,
            young: usage["CPU"][1].as_f64().unwrap_or(0.0) <= 0.0,
        })
    }

    fn submit(&self, job: &Submission) -> Result<String, Trouble> {
        let mut body = json!({
            // The script goes by the environment: Ray prints the entry point into the log.
            "entrypoint": "sh -c \"$STEPSIZE_SCRIPT\"",
            "submission_id": job.key,
            "runtime_env": {"env_vars": {"STEPSIZE_SCRIPT": job.script}},
            "metadata": {"stepsize": job.key},
            "entrypoint_num_cpus": job.need.cpus,
        });
        if job.need.gpus > 0 {
            body["entrypoint_num_gpus"] = job.need.gpus.into();
        }
        let (status, text) = self.rest.post("/api/jobs/", &body)?;
        if status == 500 && text.contains("already exists") {
            let known = self.rest.get(&format!("/api/jobs/{}", job.key))?;
            if known["metadata"]["stepsize"] == job.key.as_str() {
                return Ok(job.key.clone());
            }
            return Err(Trouble::Refused(format!("there is a job {} of somebody else", job.key)));
        }
        self.rest.value("/api/jobs/", status, &text)?;
        Ok(job.key.clone())
    }

    fn list(&self, prefix: &str) -> Result<Vec<JobEntry>, Trouble> {
        let all = self.rest.get("/api/jobs/")?;
        Ok(all.as_array().into_iter().flatten().filter_map(|job| seen(job, prefix)).collect())
    }

    fn cancel(&self, key: &str) -> Result<(), Trouble> {
        let (status, text) = self.rest.post(&format!("/api/jobs/{key}/stop"), &json!({}))?;
        match status {
            // One that is not there has ended.
            200 | 400 | 404 => Ok(()),
            _ => self.rest.value("stop", status, &text).map(|_| ()),
        }
    }

    fn log(&self, job: &Submission) -> Box<dyn Log> {
        Box::new(tail::LogTail::new(Arc::clone(&self.rest), &job.key))
    }

    fn room(&self) -> Result<Option<Room>, Trouble> {
        Ok(Some(self.slots(&self.usage()?)))
    }

    fn knows_ends(&self) -> bool {
        true
    }

    fn log_outlives_job(&self) -> bool {
        false
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(2)
    }
}

fn seen(job: &Value, prefix: &str) -> Option<JobEntry> {
    let key = job["submission_id"].as_str().filter(|id| id.starts_with(prefix))?;
    Some(JobEntry { key: key.to_owned(), id: key.to_owned(), state: state(job) })
}

fn state(job: &Value) -> JobStatus {
    let message = job["message"].as_str().unwrap_or_default();
    let code = job["driver_exit_code"].as_i64().and_then(|c| i32::try_from(c).ok());
    match (job["status"].as_str().unwrap_or_default(), code) {
        ("PENDING", _) => JobStatus::Queued,
        ("SUCCEEDED", _) => JobStatus::Over(Exit::Code(0)),
        ("FAILED", Some(code)) if code != 0 => JobStatus::Over(shell(code)),
        ("FAILED", _) => {
            let kind = job["error_type"].as_str().unwrap_or_default();
            let lost =
                ["SUPERVISOR_ACTOR_DIED", "START_TIMEOUT", "SUPERVISOR_ACTOR_UNKNOWN"].iter().any(|k| kind.contains(k));
            let text = format!("Ray says {kind}: {}", last(message));
            if lost { JobStatus::Lost(text) } else { JobStatus::Over(Exit::Unknown(text)) }
        }
        ("STOPPED", _) => JobStatus::Over(Exit::Unknown("somebody stopped its job".into())),
        _ => JobStatus::Running,
    }
}

/// What is known of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It cannot be told now.
    Nothing,
    /// There is none of this name.
    Absent,
    /// It has not ended.
    Here,
    Over,
}

fn look(rest: &Rest, key: &str) -> Known {
    let Ok((status, text)) = rest.ask(&format!("/api/jobs/{key}")) else { return Known::Nothing };
    match (status, serde_json::from_str::<Value>(&text)) {
        (404, _) => Known::Absent,
        (200, Ok(job)) if matches!(state(&job), JobStatus::Over(_) | JobStatus::Lost(_)) => Known::Over,
        (200, Ok(_)) => Known::Here,
        _ => Known::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_what_its_fields_say() {
        let of = |status: &str, kind: Value, code: Value| {
            state(&json!({"status": status, "error_type": kind, "driver_exit_code": code, "message": "it went wrong"}))
        };
        assert_eq!(of("PENDING", Value::Null, Value::Null), JobStatus::Queued);
        assert_eq!(of("RUNNING", Value::Null, Value::Null), JobStatus::Running);
        assert_eq!(of("SUCCEEDED", Value::Null, 0.into()), JobStatus::Over(Exit::Code(0)));
        assert_eq!(of("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR".into(), 3.into()), JobStatus::Over(Exit::Code(3)));
        assert_eq!(of("FAILED", "JOB_ENTRYPOINT_COMMAND_ERROR".into(), 137.into()), JobStatus::Over(Exit::Signal(9)));
        assert!(matches!(of("FAILED", "JOB_SUPERVISOR_ACTOR_DIED".into(), Value::Null), JobStatus::Lost(_)));
        assert!(matches!(of("STOPPED", Value::Null, Value::Null), JobStatus::Over(Exit::Unknown(_))));
        let job = json!({"submission_id": "stepsize-ab-t0001-a1", "status": "RUNNING"});
        assert!(seen(&job, "stepsize-ab-").is_some() && seen(&job, "stepsize-cd-").is_none());
        assert!(seen(&json!({"submission_id": null, "status": "RUNNING"}), "stepsize-ab-").is_none());
    }
}
