//! Ray by the Jobs interface of its dashboard (Ray 2.60: `POST` and `GET` under `/api/jobs/`).
//!
//! * The submission id is our key and Ray keeps it unique: it answers a second one with status 500
//!   and "already exists".
//! * A pending cluster job cannot be stopped before it gets a slot, and fails after 15 minutes of
//!   waiting. So we submit no more than can start at once ([`Queue::room`]).
//! * A cluster job that asks for no resource runs on the head and never queues, so we always ask
//!   for processors. With one, Ray sets `OMP_NUM_THREADS=1`; the script sets that variable in every
//!   case.
//! * The list holds all cluster jobs. When the head is replaced it is empty: a cluster job that is
//!   not in it is lost.
//! * Ray refuses a local path as working directory. Runs begin in the directory of `stepsize` where
//!   the node has it, else where Ray was started.
//! * The dashboard can hang while trials run: each call has a time limit.

mod http;
mod socket;
mod tail;
#[cfg(feature = "tls")]
mod tls;

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

/// The calls of the dashboard.
#[derive(Debug)]
struct Rest {
    http: http::Http,
}

impl Ray {
    /// The cluster whose dashboard is at `address` (`host:port`); `secure`: over TLS.
    pub fn new(address: &str, secure: bool, need: Need, token: Option<String>, patience: Duration) -> Self {
        Self { need, rest: Arc::new(Rest { http: http::Http::new(address, secure, token, patience) }) }
    }

    /// Processors and GPUs, each the number in use and the total.
    fn usage(&self) -> Result<Value, Trouble> {
        let mut status = self.rest.get("/api/cluster_status")?;
        Ok(status["data"]["clusterStatus"]["loadMetricsReport"]["usage"].take())
    }

    /// Slots in all and in use, by processors and, where a cluster job takes some, GPUs.
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
    fn call(&self, path: &str, body: Option<String>) -> Result<(u16, String), Trouble> {
        let (status, text) = self
            .http
            .request(path, body)
            .map_err(|e| Trouble::Unreachable(format!("Ray at {} cannot be reached: {e}", self.http.address)))?;
        match status {
            401 | 403 => Err(Trouble::Refused(format!(
                "Ray at {} asks for a token ({status}); set RAY_AUTH_TOKEN to the one that its head was started with",
                self.http.address
            ))),
            _ => Ok((status, text)),
        }
    }

    fn ask(&self, path: &str) -> Result<(u16, String), Trouble> {
        self.call(path, None)
    }

    fn get(&self, path: &str) -> Result<Value, Trouble> {
        let (status, text) = self.ask(path)?;
        self.value(path, status, &text)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(u16, String), Trouble> {
        self.call(path, Some(body.to_string()))
    }

    fn value(&self, path: &str, status: u16, text: &str) -> Result<Value, Trouble> {
        match (status, serde_json::from_str(text)) {
            (200, Ok(value)) => Ok(value),
            (200, Err(e)) => Err(Trouble::Refused(format!(
                "Ray at {} answered {path} with something that is not JSON: {e}",
                self.http.address
            ))),
            (500.., _) => {
                Err(Trouble::Unreachable(format!("Ray at {} failed at {path}: {}", self.http.address, last(text))))
            }
            _ => {
                Err(Trouble::Refused(format!("Ray at {} refused {path} ({status}): {}", self.http.address, last(text))))
            }
        }
    }
}

/// The last line of a Python traceback, with which Ray answers faults: it says what went wrong.
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
            // The script travels in the environment, because Ray prints the entry point into the
            // log.
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
            return Err(Trouble::Refused(format!("somebody else has a cluster job {}", job.key)));
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
            // One that Ray does not know has ended.
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
        ("STOPPED", _) => JobStatus::Over(Exit::Unknown("somebody stopped its cluster job".into())),
        _ => JobStatus::Running,
    }
}

/// What is known of one cluster job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing: the dashboard gave no answer.
    Nothing,
    /// Ray has none of this name.
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
