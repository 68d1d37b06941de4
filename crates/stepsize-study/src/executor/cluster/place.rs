//! [`Place`]: where jobs are run; [`Need`]: what one takes; [`On`]: both, and how that place is used.

use super::queue::Queue;
use super::{ray, slurm};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use stepsize::{Error, Result};

/// Where jobs are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Slurm, by its commands on this machine.
    Slurm {
        /// The partition, where it is not the default one.
        partition: Option<String>,
    },
    /// The head of a Ray cluster, by its dashboard.
    Ray {
        /// `host:port`.
        address: String,
    },
}

impl FromStr for Place {
    type Err = Error;

    /// `slurm`, `slurm:PARTITION` or `ray://HOST:PORT`.
    fn from_str(text: &str) -> Result<Self> {
        let fault = || {
            Error::invalid(format!(
                "`{text}` is no place to run trials; there are slurm, slurm:PARTITION and ray://HOST:PORT (the port of the \
                 dashboard, 8265)"
            ))
        };
        match text.split_once(':') {
            None if text == "slurm" => Ok(Self::Slurm { partition: None }),
            Some(("slurm", partition)) if !partition.is_empty() => {
                Ok(Self::Slurm { partition: Some(partition.to_owned()) })
            }
            Some(("ray", rest)) => {
                let address = rest.strip_prefix("//").ok_or_else(fault)?.trim_end_matches('/');
                let (host, port) = address.rsplit_once(':').unwrap_or((address, "8265"));
                if host.is_empty() || port.parse::<u16>().is_err() {
                    return Err(fault());
                }
                Ok(Self::Ray { address: format!("{host}:{port}") })
            }
            _ => Err(fault()),
        }
    }
}

/// What one job takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// Processors.
    pub cpus: u32,
    /// GPUs.
    pub gpus: u32,
    /// More words for `sbatch`, such as `--account=NAME`.
    pub arguments: Vec<String>,
}

/// A cluster and how it is used.
#[derive(Clone)]
pub struct On {
    /// Which one.
    pub place: Place,
    /// What one job takes.
    pub need: Need,
    /// How often it is asked; `None`: as suits the engine.
    pub pace: Option<Duration>,
    /// How long one call may take.
    pub patience: Duration,
    /// Ray's token.
    pub token: Option<String>,
    /// Told of what goes on, for people.
    pub notice: Arc<dyn Fn(&str) + Send + Sync>,
}

impl On {
    /// One processor a job; the token from `RAY_AUTH_TOKEN` or the file where Ray keeps it.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            need: Need { cpus: 1, ..Need::default() },
            pace: None,
            patience: Duration::from_secs(20),
            token: None,
            notice: Arc::new(|_| ()),
        }
    }

    pub(super) fn queue(&self) -> Box<dyn Queue> {
        let (need, patience) = (self.need.clone(), self.patience);
        match &self.place {
            Place::Slurm { partition } => Box::new(slurm::Slurm { partition: partition.clone(), need, patience }),
            Place::Ray { address } => {
                Box::new(ray::Ray::new(address, need, self.token.clone().or_else(token), patience))
            }
        }
    }
}

/// Ray's token, from where its own tools look for it.
fn token() -> Option<String> {
    let file = |path: PathBuf| std::fs::read_to_string(path).ok();
    let said = std::env::var("RAY_AUTH_TOKEN").ok().filter(|t| !t.is_empty());
    said.or_else(|| file(std::env::var_os("RAY_AUTH_TOKEN_PATH")?.into()))
        .or_else(|| file(PathBuf::from(std::env::var_os("HOME")?).join(".ray/auth_token")))
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
}
